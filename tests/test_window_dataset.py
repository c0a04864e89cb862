"""Windows for training: labels in their place, draws that repeat, workers of both kinds."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, Event, Pick, UTCDateTime, WindowDataset, _core

START = UTCDateTime("2014-04-04T04:00:00")
RATE = 100.0
NPTS = 60_000


def pick(station: str, phase: str, seconds: float | None, channel: str = "HHZ") -> Pick:
    time_ns = None if seconds is None else (START + seconds).ns
    return Pick("XX", station, "", channel, phase, time_ns)


def event(name: str, *picks: Pick) -> Event:
    return Event(name, "eq", START.ns, 100.0, 25.0, picks=list(picks))


EVENTS = [
    event("one", pick("AAA", "Pg", 100.0), pick("AAA", "Sg", 105.1234), pick("BBB", "Sn", 200.0)),
    event("two", pick("AAA", "Sg", 305.0), pick("AAA", "Pn", 300.0), pick("AAA", "P", 301.0)),
    event("none", pick("AAA", "Pg", None), pick("AAA", "LR", 50.0)),
    event("edge", pick("AAA", "P", 1.0, ""), pick("AAA", "S", 40.0, "")),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Samples tell their place; XX.BBB has Z alone."""
    folder = tmp_path_factory.mktemp("archive")
    samples = np.arange(NPTS, dtype=np.int32)
    for station, letters in (("AAA", "ZNE"), ("BBB", "Z")):
        for letter in letters:
            records = _core.encode_mseed2(
                "XX", station, "", f"HH{letter}", START.ns, RATE, samples, "STEIM2"
            )
            (folder / f"{station}{letter}").write_bytes(records)
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, index, progress=False)
    return Client(index)


def test_each_station_of_an_event_is_a_window_with_its_arrivals(client: Client) -> None:
    dataset = WindowDataset(client, EVENTS, 3000, position=0.25, dtype="float64")
    assert (len(dataset), dataset.phases) == (4, ("P", "S"))
    data, labels, metadata = dataset.batch(range(4))
    assert (data.shape, data.dtype, labels.shape) == ((4, 3, 3000), np.float64, (4, 2))
    assert [(m["event_id"], m["station"]) for m in metadata] == [
        ("one", "AAA"), ("one", "BBB"), ("two", "AAA"), ("edge", "AAA"),
    ]  # fmt: skip
    # The first arrival lies at a quarter of the window, to the nearest sample.
    first = [labels[0, 0], labels[1, 1], labels[2, 0], labels[3, 0]]
    assert first == pytest.approx([2999 / 4] * 4, abs=0.5)
    # Whole numbers of samples are their own sample's place; others lie between two.
    places = {(0, 0): 10_000, (1, 1): 20_000, (2, 0): 30_000, (2, 1): 30_500, (3, 0): 100}
    for (row, column), place in places.items():
        assert data[row, 0, round(labels[row, column])] == place
        assert labels[row, column] == round(labels[row, column])
    assert labels[0, 1] - labels[0, 0] == pytest.approx(512.34)
    # No arrival, or outside of the window.
    assert np.isnan(labels[1, 0])
    assert np.isnan(labels[3, 1])
    assert metadata[1]["coverage"] == [1.0, 0.0, 0.0]
    assert not data[1, 1:].any()
    # It begins before the data.
    assert 0.7 < metadata[3]["coverage"][0] < 0.8
    assert metadata[0]["starttime"] == str(START + (10_000 - labels[0, 0]) / RATE)


def test_items_are_the_rows_of_a_batch(client: Client) -> None:
    dataset = WindowDataset(client, EVENTS, 500)
    data, labels, metadata = dataset.batch([2, 0])
    for row, (samples, arrivals, known) in enumerate(dataset.__getitems__([2, 0])):
        assert np.array_equal(samples, data[row])
        assert np.array_equal(arrivals, labels[row], equal_nan=True)
        assert known == metadata[row]
    assert dataset[-1][2]["event_id"] == "edge"
    assert [item[2]["index"] for item in (dataset[n] for n in range(len(dataset)))] == [0, 1, 2, 3]
    with pytest.raises(IndexError, match="window 4: expected less than 4"):
        dataset[4]
    assert len(list(dataset)) == 4


def test_draws_depend_on_seed_and_epoch_alone(client: Client) -> None:
    def drawn(seed: int, epoch: int) -> tuple[list[int], list[float]]:
        dataset = WindowDataset(client, EVENTS * 20, 2000, shuffle=True, seed=seed)
        dataset.set_epoch(epoch)
        _, labels, metadata = dataset.batch(range(len(dataset)))
        return [m["index"] for m in metadata], np.nanmin(labels, axis=1).tolist()

    order, places = drawn(1, 0)
    assert drawn(1, 0) == (order, places)
    assert sorted(order) == list(range(80)) != order
    assert min(places) == pytest.approx(0.1 * 1999, abs=60)
    assert max(places) == pytest.approx(0.5 * 1999, abs=60)
    for other in (drawn(2, 0), drawn(1, 1)):
        assert other[0] != order
        assert other[1] != places


def test_columns_take_the_phases_that_they_name(client: Client) -> None:
    dataset = WindowDataset(client, EVENTS, 3000, phases=("Pn", "Sg", "P"), position=0.5)
    assert len(dataset) == 3
    labels = dataset.batch(range(3))[1]
    assert np.isnan(labels).tolist() == [[True, False, False], [False] * 3, [True, True, False]]
    assert labels[1, 2] == labels[1, 0]
    loose = [pick("AAA", "P", 10.0), pick("BBB", "P", 20.0), pick("AAA", "P", 9.0)]
    dataset = WindowDataset(client, loose, 1000, position=0)
    assert [m["station"] for m in dataset.batch([0, 1])[2]] == ["AAA", "BBB"]
    assert dataset[0][0][0, 0] == 900


def test_a_batch_of_nothing_is_empty(client: Client) -> None:
    data, labels, metadata = WindowDataset(client, EVENTS, 800).batch([])
    assert (data.shape, labels.shape, metadata) == ((0, 3, 800), (0, 2), [])


def in_worker(dataset: WindowDataset, indices: list[int]) -> list[Any]:
    return dataset.__getitems__(indices)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_give_the_same(client: Client, method: str) -> None:
    dataset = WindowDataset(client, EVENTS, 800, shuffle=True)
    here = dataset.__getitems__([0, 1, 2, 3])
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        there = [pool.submit(in_worker, dataset, [n]) for n in range(4)]
        for (samples, arrivals, known), future in zip(here, there, strict=True):
            [(again, arrivals_again, known_again)] = future.result(timeout=60)
            assert np.array_equal(samples, again)
            assert np.array_equal(arrivals, arrivals_again, equal_nan=True)
            assert known == known_again
    assert len(pickle.loads(pickle.dumps(dataset))) == 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"picks": []}, "no window"),
        ({"picks": [EVENTS[2]]}, "no window"),
        ({"position": 1.5}, "expected a fraction from 0 to 1"),
        ({"position": (0.5, 0.2)}, "expected a fraction from 0 to 1"),
        ({"incomplete": "skip"}, 'expected "fill" or "nan"'),
        ({"sampling_rate": 0}, "expected a number above 0"),
        ({"npts": 0}, "npts 0: expected 1 or more"),
        ({"dtype": "int16"}, "expected one of float32"),
        ({"components": ""}, "expected one or more letters"),
        ({"threads": 0}, "threads 0"),
    ],
)
def test_what_makes_no_sense_is_refused(client: Client, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        WindowDataset(**{"client": client, "picks": EVENTS, "npts": 100, **options})
