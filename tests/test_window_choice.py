"""Which windows a `WindowDataset` has: picks without events, windows without data, versions."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_fast
from credit_fast import (
    Client,
    DataWarning,
    Event,
    Pick,
    UTCDateTime,
    WindowDataset,
    _core,
    read_catalog,
)

START = UTCDateTime("2014-04-04T04:00:00")
RATE = 100.0
#: Seconds of XX.GAP that are there: HHZ, HHN, and HHZ of a second instrument, EHZ.
PIECES = {
    "HHZ": [(0, 100), (110, 130), (130.5, 131), (300, 400)],
    "HHN": [(0, 50), (310, 320)],
    "EHZ": [(0, 20), (200, 240)],
}


def pick(seconds: float, phase: str = "P", station: str = "GAP", channel: str = "HHZ") -> Pick:
    return Pick("XX", station, "", channel, phase, (START + seconds).ns)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("archive")
    for channel, pieces in PIECES.items():
        for begin, end in pieces:
            samples = np.full(round((end - begin) * RATE), 7, np.int32)
            records = _core.encode_mseed2(
                "XX", "GAP", "", channel, (START + begin).ns, RATE, samples, "STEIM2"
            )
            with (folder / channel).open("ab") as file:
                file.write(records)
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, index, progress=False)
    return Client(index)


def known(dataset: WindowDataset) -> list[tuple[Any, ...]]:
    """Station, begin and labels of each window."""
    _, labels, metadata = dataset.batch(range(len(dataset)))
    return [
        (m["network"], m["station"], m["channel"], m["starttime"], *row)
        for m, row in zip(metadata, labels.tolist(), strict=True)
    ]


# --- Picks without events


def test_picks_of_a_station_that_lie_together_in_time_are_one_window(client: Client) -> None:
    picks = [pick(84, "S"), pick(40), pick(80), pick(44.5, "S"), pick(41), pick(51, "S")]
    dataset = WindowDataset(client, picks, 1000, components="Z", position=0)
    # 51 s is more than the ten seconds of a window behind 40 s, though not behind 44.5 s.
    expected = [(40, [0, 450]), (51, [np.nan, 0]), (80, [0, 400])]
    assert [(UTCDateTime(row[3]) - START, row[4:]) for row in known(dataset)] == [
        (begin, pytest.approx(labels, nan_ok=True)) for begin, labels in expected
    ]
    assert {m["event_id"] for m in dataset.batch([0, 1, 2])[2]} == {""}


def test_within_s_says_what_belongs_together(client: Client) -> None:
    picks = [pick(10), pick(14), pick(20, "S"), pick(20.001, "S")]
    for within_s, number in ((0, 4), (3.9, 3), (4, 2), (10, 2), (10.001, 1), (None, 2)):
        dataset = WindowDataset(client, picks, 1000, components="Z", within_s=within_s)
        assert len(dataset) == number, within_s
    with pytest.raises(ValueError, match="within_s -1: expected seconds, 0 or more"):
        WindowDataset(client, picks, 1000, within_s=-1)


def test_events_are_not_taken_apart_and_come_before_loose_picks(client: Client) -> None:
    far = Event("far", "eq", START.ns, 0.0, 0.0, picks=[pick(60), pick(90, "S")])
    dataset = WindowDataset(client, [pick(20), far], 1000, components="Z")
    assert [m["event_id"] for m in dataset.batch([0, 1])[2]] == ["far", ""]


def test_picks_of_ridgecrest_without_their_events_give_the_windows_of_the_catalogue(
    shared_data: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index.db"
    credit_fast.makeindex(shared_data / "waveforms" / "ridgecrest-2019-ci", index, progress=False)
    catalog = read_catalog(shared_data / "catalogs" / "ridgecrest-2019-ci" / "ridgecrest5.pha")
    loose = [one for event in catalog for one in event.picks]
    assert len(loose) == 553
    client = Client(index)
    datasets = []
    for picks in (catalog, loose):
        with pytest.warns(DataWarning, match="178 of 325 windows have no data in the index"):
            datasets.append(WindowDataset(client, picks, 3000, position=0.3))
    by_event, by_time = datasets
    assert sorted(map(repr, known(by_event))) == sorted(map(repr, known(by_time)))
    dataset = WindowDataset(client, loose, 3000, position=0.3, min_coverage=0.01)
    assert (len(dataset), dataset.left_out) == (147, 178)
    assert all(max(m["coverage"]) > 0 for m in dataset.batch(range(147))[2])


# --- Windows without data


def test_coverage_by_the_index_is_that_of_the_windows(client: Client) -> None:
    """At random times, on the grid of the samples and beside it."""
    random = np.random.default_rng(5)
    seconds = np.concatenate([random.uniform(-20, 420, 300), random.integers(-20, 420, 300)])
    events = [
        Event(f"{n} {channel}", "eq", START.ns, 0.0, 0.0, picks=[pick(s, channel=channel)])
        for n, s in enumerate(seconds.tolist())
        for channel in ("HHZ", "")
    ]
    with pytest.warns(DataWarning) as told:
        every = WindowDataset(client, events, 1500, components="ZN", position=(0.2, 0.2))
    metadata = every.batch(range(len(every)))[2]
    assert {m["channel"] for m in metadata} == {"HH", "EH", "??"}
    there = {m["event_id"]: np.mean(m["coverage"]) for m in metadata}
    empty = sum(fraction == 0 for fraction in there.values())
    assert len(told) == 1 and told[0].filename == __file__
    assert str(told[0].message).startswith(f"{empty} of 1200 windows have no data in the index")
    for least in (1e-6, 0.25, 0.5, 0.75, 1.0):
        dataset = WindowDataset(
            client, events, 1500, components="ZN", position=0.2, min_coverage=least
        )
        kept = {m["event_id"] for m in dataset.batch(range(len(dataset)))[2]}
        assert len(dataset) + dataset.left_out == len(events)
        # Where a gap lies beside the grid of the window the two may be a sample apart.
        wrong = kept ^ {name for name, fraction in there.items() if fraction >= least}
        assert all(abs(there[name] - least) <= 1 / 1500 for name in wrong)
        assert len(wrong) < 5


def test_without_empty_windows_nothing_is_said(client: Client) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WindowDataset(client, [pick(20), pick(150)], 1000, components="Z", min_coverage=0.01)


def test_where_no_window_is_left_the_most_that_is_there_is_told(client: Client) -> None:
    with pytest.raises(
        ValueError, match=r"min_coverage is 0\.75, and .* no more than 0\.5 of any of 2"
    ):
        WindowDataset(client, [pick(80), pick(150)], 1000, components="ZN", min_coverage=0.75)
    with pytest.raises(ValueError, match="min_coverage 2: expected a fraction from 0 to 1"):
        WindowDataset(client, [pick(80)], 1000, min_coverage=2)


# --- Versions, and what is refused


def test_version_and_quality_are_those_of_cut(tmp_path: Path) -> None:
    for number, letter in ((2, "D"), (3, "Q")):
        samples = np.full(1000, number, np.int32)
        records = _core.encode_mseed2(
            "XX", "GAP", "", "HHZ", START.ns, RATE, samples, "STEIM2", quality=letter
        )
        (tmp_path / letter).write_bytes(records)
    credit_fast.makeindex(tmp_path, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    for options, value in (
        ({}, 3),
        ({"version": 2}, 2),
        ({"quality": "D"}, 2),
        ({"quality": "Q"}, 3),
    ):
        dataset = WindowDataset(client, [pick(5)], 100, components="Z", **options)
        assert np.unique(dataset[0][0]).tolist() == [value]
    with pytest.raises(ValueError, match="version 'x'"):
        WindowDataset(client, [pick(5)], 100, version="x")


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"client": "idx.db"}, TypeError, r"client 'idx\.db': expected a credit_fast\.Client"),
        ({"picks": "file.pha"}, TypeError, r"picks: found 'file\.pha': expected a catalogue"),
        ({"picks": [1]}, TypeError, r"picks: found 1: expected a catalogue"),
        ({"picks": None}, TypeError, "picks: found None"),
        ({"position": "x"}, ValueError, "position 'x': expected a fraction"),
        ({"position": "ab"}, ValueError, "position 'ab': expected a fraction"),
        ({"position": (0, 0.5, 1)}, ValueError, r"position \(0, 0\.5, 1\)"),
        ({"seed": -1}, ValueError, "seed -1: expected a whole number, 0 or more"),
        ({"seed": 1.5}, ValueError, r"seed 1\.5: expected a whole number"),
    ],
)
def test_what_is_none_is_named(
    client: Client, options: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        WindowDataset(**{"client": client, "picks": [pick(5)], "npts": 100, **options})
    with pytest.raises(ValueError, match="epoch -1: expected a whole number"):
        WindowDataset(client, [pick(5)], 100).set_epoch(-1)


def test_a_label_may_lie_half_a_sample_before_the_window(client: Client) -> None:
    picks = [
        Event(f"{n}", "eq", START.ns, 0.0, 0.0, picks=[pick(20 + n / 1000)]) for n in range(10)
    ]
    labels = WindowDataset(client, picks, 100, components="Z", position=0).batch(range(10))[1]
    assert labels[:, 0] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, -0.5, -0.4, -0.3, -0.2, -0.1])
