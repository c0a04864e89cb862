"""Windows: the rule of their ends, many at once, exact numbers of samples in one array."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, DataWarning, IncompleteWindowError, UTCDateTime, _core

START = UTCDateTime("2015-06-01T23:59:00")
RATE = 100.0
#: Samples of the archive: XX.AAA..HH? has all, HHN a gap; XX.BBB..HH? begin late, at 50 Hz.
NPTS = 60_000
GAP = (20_000, 30_000)


def written(
    folder: Path, station: str, channel: str, first: float, data: np.ndarray, rate: float = RATE
) -> None:
    start_ns = (START + first / rate).ns
    records = _core.encode_mseed2("XX", station, "", channel, start_ns, rate, data, "STEIM2")
    (folder / f"{station}.{channel}.{first}").write_bytes(records)


def samples(first: int, npts: int, component: str) -> np.ndarray:
    """Samples that tell their place and their component."""
    return np.arange(first, first + npts, dtype=np.int32) + 100_000 * "ZNE".index(component)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for component in "ZNE":
        channel = "HH" + component
        written(folder, "AAA", channel, 0, samples(0, GAP[0], component))
        middle = GAP[1] if component == "N" else GAP[0]
        written(folder, "AAA", channel, middle, samples(middle, NPTS - middle, component))
        written(folder, "BBB", channel, 5000, samples(5000, 10_000, component), rate=50.0)
    written(folder, "CCC", "HH1", 0, samples(0, 5000, "N"))
    return folder


@pytest.fixture(scope="module")
def client(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(archive, index, progress=False)
    return Client(index)


def places(stream: Iterable[credit_fast.Trace]) -> list[tuple[int, int]]:
    return [(int(trace.data[0]), int(trace.data[-1])) for trace in stream]


@pytest.mark.parametrize(
    ("begin", "end", "options", "expected"),
    [
        (100.4, 200.6, {}, (100, 201)),
        (100.5, 200.5, {}, (101, 200)),
        (100.4, 200.6, {"edge": "inside"}, (101, 200)),
        (100.4, 200.6, {"edge": "outside"}, (100, 201)),
        (100.6, 200.4, {"edge": "outside"}, (100, 201)),
        (100, 200, {"edge": "inside"}, (100, 200)),
        (100, 200, {"edge": "outside"}, (100, 200)),
        (100, 200, {"half_open": True}, (100, 199)),
        (100.4, 200.4, {"half_open": True}, (100, 199)),
        (100.6, 200.6, {"half_open": True}, (101, 200)),
        (100.4, 200.4, {"half_open": True, "edge": "inside"}, (101, 200)),
        (100.4, 200.4, {"half_open": True, "edge": "outside"}, (100, 199)),
        (-50, 10, {"edge": "outside"}, (0, 10)),
        (NPTS - 10, NPTS + 50, {"edge": "outside"}, (NPTS - 10, NPTS - 1)),
    ],
)
def test_ends_take_the_sample_that_the_rule_names(
    client: Client, begin: float, end: float, options: dict[str, Any], expected: tuple[int, int]
) -> None:
    window = (START + begin / RATE, START + end / RATE)
    stream = client.get_waveforms("XX", "AAA", "", "HHZ", *window, **options)
    assert places(stream) == [expected]


@pytest.mark.parametrize("merge", [-1, None])
def test_a_window_has_the_grid_of_its_first_record_not_of_one_before(
    tmp_path: Path, merge: int | None
) -> None:
    """The second file is 0.4 samples late: a window that begins three samples inside is as late."""
    data = tmp_path / "data"
    data.mkdir()
    written(data, "AAA", "HHZ", 0, samples(0, 1000, "Z"))
    written(data, "AAA", "HHZ", 1000.4, samples(1000, 1000, "Z"))
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    window = START + 1003.4 / RATE, START + 1100 / RATE
    (trace,) = client.get_waveforms("XX", "AAA", "", "HHZ", *window, merge)
    assert trace.stats.starttime == START + 1003.4 / RATE
    assert places([trace]) == [(1003, 1100)]
    cut = client.cut([("XX", "AAA", "", "HH", window[0])], 50, "Z")
    assert cut.starttime(0) == START + 1003.4 / RATE


def test_the_sample_outside_is_found_where_its_record_is_early(tmp_path: Path) -> None:
    """On the grid of the file it is less than a sample before the window, by its record more."""
    data = tmp_path / "data"
    data.mkdir()
    records = [
        _core.encode_mseed2("XX", "AAA", "", "HHZ", (START + first / RATE).ns, RATE, part, "STEIM2")
        for first, part in ((0, samples(0, 10, "Z")), (9.7, samples(10, 10, "Z")))
    ]
    (data / "early").write_bytes(b"".join(records))
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    for _ in range(3):
        for begin, end in ((19.9, 40), (-40, -0.9)):
            window = START + begin / RATE, START + end / RATE
            stream = client.get_waveforms("XX", "AAA", "", "HHZ", *window, edge="outside")
            assert places(stream) == [(19, 19) if begin > 0 else (0, 0)]


def test_versions_that_take_turns_in_a_file_come_once_each(tmp_path: Path) -> None:
    """Such a file has a row for each version, over the records of the others."""
    records = [
        _core.encode_mseed2(
            "XX", "AAA", "", "HHZ", (START + number).ns, RATE, samples(100 * number, 100, "Z"),
            "STEIM2", quality="DQ"[number % 2],
        )
        for number in range(40)
    ]  # fmt: skip
    file = tmp_path / "turns"
    file.write_bytes(b"".join(records))
    credit_fast.makeindex(file, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    window = ("XX", "AAA", "", "HHZ", START, START + 40)
    pieces = client.get_waveforms(*window, merge=None)
    assert sorted(places(pieces)) == [(n, n + 99) for n in range(0, 4000, 100)]
    assert places(client.get_waveforms(*window)) == [(0, 3999)]
    first = client.get_waveforms("XX", "AAA", "", "HHZ", START + 1.5, START + 1.7, merge=None)
    assert places(first) == [(150, 170)]


@pytest.mark.parametrize("finer_ns", [289, 789])
def test_times_finer_than_the_index_tells_are_kept(tmp_path: Path, finer_ns: int) -> None:
    """The span behind a gap has microseconds in the index; its records have nanoseconds."""
    start_ns = START.ns + 60_000_000_000 + finer_ns
    parts = [(START.ns, 0, 100), (start_ns, 100, 100), (start_ns + 10**9, 200, 100)]
    records = [
        _core.encode_mseed3("XX", "AAA", "", "HHZ", ns, RATE, samples(first, npts, "Z"), "STEIM2")
        for ns, first, npts in parts
    ]
    file = tmp_path / "fine"
    file.write_bytes(b"".join(records))
    credit_fast.makeindex(file, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    for number in (0, 30, 99, 100, 150, 199):
        at = UTCDateTime(ns=start_ns + number * 10_000_000)
        (trace,) = client.get_waveforms("XX", "AAA", "", "HHZ", at, at, edge="inside")
        assert (trace.stats.starttime, trace.data.tolist()) == (at, [100 + number])


@pytest.mark.parametrize("edge", ["nearest", "inside", "outside"])
@pytest.mark.parametrize("step", [0.1234, 0.01, 0.005, 0.0149])
def test_half_open_windows_share_no_sample_and_lose_none(
    client: Client, edge: str, step: float
) -> None:
    borders = [START + 1 + step * number for number in range(60)]
    rows = [("XX", "AAA", "", "HHZ", a, b) for a, b in pairwise(borders)]
    parts = client.get_waveforms_bulk(rows, grouped=True, edge=edge, half_open=True)
    found = [int(value) for part in parts for trace in part for value in trace.data]
    assert found == list(range(found[0], found[0] + len(found)))
    assert len(found) == pytest.approx(step * 59 * RATE, abs=1)


def test_bulk_gives_what_asking_row_by_row_gives(client: Client) -> None:
    random = np.random.default_rng(5)
    rows = []
    for _ in range(300):
        begin = START + float(random.uniform(-20, 620))
        codes = [("XX", "AAA", "", "HHZ"), ("XX", "*", "*", "HH?"), ("XX", "AAA", "--", "HHN"),
                 ("XX", "ZZZ", "", "HHZ"), ("XX", "BBB,CCC", "", "HH[1E]")]  # fmt: skip
        code = codes[random.integers(len(codes))]
        rows.append((*code, begin, begin + float(random.uniform(0, 40))))
    alone = [client.get_waveforms(*row) for row in rows]
    assert sum(len(stream) for stream in alone) > 200
    for threads in (1, 2, 5):
        assert client.get_waveforms_bulk(rows, grouped=True, threads=threads) == alone
    together = client.get_waveforms_bulk(rows)
    assert together.traces == [trace for stream in alone for trace in stream]
    assert client.get_waveforms_bulk([]).traces == []
    assert client.get_waveforms_bulk([], grouped=True) == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (("XX", "AAA", "", "HHZ", START), "row 1 of the bulk request"),
        (("XX", "AAA", "", "HHZ", START, START - 1), "row 1 .* is before starttime"),
        (("XX", None, "", "HHZ", START, START + 1), "row 1 .*expected text"),
        (("XX", "AAA", "", "HHZ", "soon", START), "row 1 .*soon"),
        (7, "row 1"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(client: Client, row: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        client.get_waveforms_bulk([("XX", "AAA", "", "HHZ", START, START + 1), row])


@pytest.mark.parametrize("options", [{"edge": "near"}, {"merge": 2}])
def test_an_option_that_is_not_known_is_refused(client: Client, options: dict[str, Any]) -> None:
    window = ("XX", "AAA", "", "HHZ", START, START + 1)
    with pytest.raises(ValueError, match="expected"):
        client.get_waveforms(*window, **options)
    with pytest.raises(ValueError, match="expected"):
        client.get_waveforms_bulk([window], **options)


def test_a_cut_has_every_sample_in_its_place(client: Client) -> None:
    requests = [("XX", "AAA", "", "HH?", START + begin) for begin in (0, 10.004, 195.006, 590)]
    windows = client.cut(requests, 3000, dtype="int32", fill=-1)
    assert windows.data.shape == (4, 3, 3000)
    assert windows.data.dtype == np.int32
    assert windows.index.tolist() == [0, 1, 2, 3]
    first = [0, 1000, 19_501, 59_000]
    for row, place in enumerate(first):
        for column, component in enumerate("ZNE"):
            expected = samples(place, 3000, component)
            there = np.arange(place, place + 3000) < NPTS
            if component == "N":
                numbers = np.arange(place, place + 3000)
                there &= (numbers < GAP[0]) | (numbers >= GAP[1])
            expected[~there] = -1
            assert np.array_equal(windows.data[row, column], expected)
            assert windows.coverage[row, column] == there.mean()
            assert windows.starttime(row, column) == START + place / RATE
            assert windows.sampling_rate[row, column] == RATE


def test_a_window_that_begins_before_its_data_is_on_the_grid_of_these(client: Client) -> None:
    # BBB begins 100 s after START, at 50 Hz.
    windows = client.cut([("XX", "BBB", "", "HH", START + 99.013)], 100, dtype="float64")
    assert windows.sampling_rate.tolist() == [[50.0] * 3]
    assert windows.starttime(0) == START + 99.02
    assert windows.coverage.tolist() == [[51 / 100] * 3]
    assert windows.data[0, 0, :49].tolist() == [0.0] * 49
    assert windows.data[0, 0, 49:].tolist() == list(range(5000, 5051))


def test_windows_without_data_keep_the_time_that_was_asked_for(client: Client) -> None:
    asked = START + 3600.1234
    windows = client.cut([("XX", "AAA", "", "HH", asked)], 10, incomplete="nan")
    assert np.isnan(windows.data).all()
    assert np.isnan(windows.sampling_rate).all()
    assert windows.coverage.tolist() == [[0.0] * 3]
    assert windows.starttime(0) == asked


def test_components_whose_clocks_differ_have_the_same_number_of_samples(tmp_path: Path) -> None:
    """The nearest samples of one window are 1001 of the first, 1000 of the others."""
    data = tmp_path / "data"
    data.mkdir()
    for component, late in (("Z", 0.0), ("N", 0.3), ("E", 0.6)):
        written(data, "OFF", f"HH{component}", late, samples(0, 6000, component))
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    begin = START + 10.002
    stream = client.get_waveforms("XX", "OFF", "", "HH?", begin, begin + 9.996)
    assert sorted(trace.stats.npts for trace in stream) == [1000, 1000, 1001]
    windows = client.cut([("XX", "OFF", "", "HH?", begin)], 1000)
    assert windows.data.shape == (1, 3, 1000)
    assert windows.coverage.tolist() == [[1.0] * 3]
    # Each component begins with the sample of its own that is nearest to the same time.
    assert [abs(windows.starttime(0, n) - begin) <= 0.5 / RATE for n in range(3)] == [True] * 3
    assert windows.data[0, :, 0].tolist() == [1000.0, 101_000.0, 201_000.0]


def test_incomplete_windows_are_skipped_or_refused(client: Client) -> None:
    requests = [("XX", "AAA", "", "HH", START + begin) for begin in (0, 195, 310, 599)]
    skipped = client.cut(requests, 1000, incomplete="skip")
    assert skipped.index.tolist() == [0, 2]
    assert skipped.data[:, 0, 0].tolist() == [0.0, 31_000.0]
    assert len(skipped) == len(skipped.coverage) == len(skipped.starttime_ns) == 2
    with pytest.raises(IncompleteWindowError, match=r"request 1, XX\.AAA\.\.HHN .*500 samples, ex"):
        client.cut(requests, 1000, incomplete="raise")
    assert len(client.cut(requests[:1], 1000, incomplete="raise")) == 1


def test_components_may_have_other_letters(client: Client) -> None:
    rows = [("XX", "CCC", "", "HH?", START), ("XX", "AAA", "", "HH?", START)]
    windows = client.cut(rows, 100, components=["Z", "N1", "E2"])
    assert windows.coverage.tolist() == [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    single = client.cut([("XX", "CCC", "", "HH1", START)], 100, components=None)
    assert single.data.shape == (1, 1, 100)
    assert single.data[0, 0, 5] == 100_005


def test_a_cut_goes_into_the_array_that_is_given(client: Client) -> None:
    out = np.full((1, 3, 50), 7, np.float32)
    windows = client.cut([("XX", "AAA", "", "HH", START + 599.8)], 50, out=out, fill=-5)
    assert windows.data is out
    assert out[0, 0].tolist() == [*range(59_980, 60_000), *[-5.0] * 30]
    for wrong in (np.zeros((1, 3, 50)), np.zeros((1, 3, 51), np.float32), [0],
                  np.zeros((1, 3, 100), np.float32)[:, :, ::2]):  # fmt: skip
        with pytest.raises(ValueError, match="out: "):
            client.cut([("XX", "AAA", "", "HH", START)], 50, out=wrong)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"npts": 0}, "npts 0: expected 1 or more"),
        ({"dtype": "int16"}, "expected one of float32"),
        ({"dtype": "int32", "fill": 0.5}, "expected a whole number"),
        ({"dtype": "int32", "fill": 1e12}, "expected a whole number"),
        ({"dtype": ">f4"}, "expected one of float32"),
        ({"incomplete": "drop"}, "expected one of fill"),
        ({"incomplete": "nan", "dtype": "int32"}, "integers have no NaN"),
        ({"components": ""}, "expected one or more letters"),
        ({"requests": [("XX", "AAA", "", "HHZ", START)]}, 'expected one like "HH."'),
        ({"requests": [("XX", "AAA", "", "HH", START, 3)]}, "request 0"),
        ({"threads": 0}, "threads 0"),
    ],
)
def test_a_cut_that_makes_no_sense_is_refused(
    client: Client, options: dict[str, Any], text: str
) -> None:
    arguments = {"requests": [("XX", "AAA", "", "HH", START)], "npts": 10, **options}
    with pytest.raises(ValueError, match=text):
        client.cut(**arguments)


def test_the_number_of_threads_changes_no_cut(client: Client) -> None:
    random = np.random.default_rng(9)
    begins = random.uniform(-10, 620, 400)
    requests = [("XX", "AAA", "", "HH", START + float(begin)) for begin in begins]
    one = client.cut(requests, 500, threads=1)
    two = client.cut(requests, 500, threads=3)
    assert np.array_equal(one.data, two.data)
    assert np.array_equal(one.starttime_ns, two.starttime_ns)
    assert 0.5 < one.coverage.mean() < 1


def test_another_rate_and_floats_for_integers_are_missing_and_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    written(data, "AAA", "HHZ", 0, samples(0, 1000, "Z"))
    written(data, "AAA", "HHZ", 1000, samples(0, 500, "Z"), rate=50.0)
    floats = _core.encode_mseed2(
        "XX", "FLT", "", "HHZ", START.ns, RATE, np.ones(500, np.float32), "FLOAT32"
    )
    (data / "floats").write_bytes(floats)
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    with pytest.warns(DataWarning, match=r"sample rate 50.* Hz: expected 100"):
        mixed = client.cut([("XX", "AAA", "", "HH", START + 5)], 2000, "Z")
    assert mixed.coverage.tolist() == [[500 / 2000]]
    with pytest.warns(DataWarning, match="float samples: expected integers"):
        refused = client.cut([("XX", "FLT", "", "HH", START)], 100, "Z", "int32")
    assert refused.coverage.tolist() == [[0.0]]
    taken = client.cut([("XX", "FLT", "", "HH", START)], 100, "Z")
    assert taken.data.tolist() == [[[1.0] * 100]]


def test_the_rate_of_a_window_is_that_of_its_channel(tmp_path: Path) -> None:
    """Several rates under one code, in one channel, and below 1 Hz: the same at every asking."""
    data = tmp_path / "data"
    data.mkdir()
    written(data, "AAA", "HHZ", -100, samples(0, 60_000, "Z"))
    written(data, "AAA", "BHZ", 0, samples(0, 12_000, "Z"), rate=20.0)
    written(data, "GAP", "HHZ", 0, samples(0, 1000, "Z"))
    written(data, "GAP", "HHZ", 400, samples(0, 10_000, "Z"), rate=20.0)
    written(data, "LOW", "VHZ", 20, samples(0, 500, "Z"), rate=0.1)
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    for _ in range(3):
        for channel in ("?HZ", "BHZ"):
            windows = client.cut([("XX", "AAA", "", channel, START + 10)], 3000, components=None)
            assert (windows.sampling_rate.item(), windows.coverage.item()) == (20.0, 1.0)
        behind = client.cut([("XX", "GAP", "", "HH", START + 30)], 3000, "Z")
        assert (behind.sampling_rate.item(), behind.coverage.item()) == (20.0, 1.0)
        low = client.cut([("XX", "LOW", "", "VH", START)], 100, "Z")
        assert (low.sampling_rate.item(), low.coverage.item()) == (0.1, 0.8)
