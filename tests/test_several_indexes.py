"""Several indexes as one client, and archives that moved."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, DataWarning, UTCDateTime, _core

START = UTCDateTime("2011-12-31T23:50:00")
RATE = 20.0
#: Samples of each year's files.
NPTS = 12_000


def write_year(folder: Path, channel: str, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    first = number * NPTS
    data = np.arange(first, first + NPTS, dtype=np.int32)
    start_ns = (START + first / RATE).ns
    records = _core.encode_mseed2("XX", "AAA", "", channel, start_ns, RATE, data, "STEIM2")
    (folder / f"{channel}.{number}").write_bytes(records)


@pytest.fixture
def years(tmp_path: Path) -> list[Path]:
    """Three indexes of ten minutes each, 2011 to 2013 as it were, each beside its data."""
    indexes = []
    for number in range(3):
        folder = tmp_path / f"disk{number}" / "data"
        write_year(folder, "HHZ", number)
        if number == 1:
            write_year(folder, "HHN", number)
        indexes.append(tmp_path / f"201{number}.db")
        credit_fast.makeindex(folder, indexes[-1], progress=False)
    return indexes


def window(client: Client, begin: int, end: int) -> np.ndarray:
    stream = client.get_waveforms("XX", "AAA", "", "HHZ", START + begin / RATE, START + end / RATE)
    assert len(stream) <= 1
    return stream[0].data if stream else np.zeros(0)


def test_a_window_over_the_border_of_two_indexes_comes_whole(years: list[Path]) -> None:
    client = Client(years)
    assert window(client, NPTS - 100, NPTS + 100).tolist() == list(range(NPTS - 100, NPTS + 101))
    assert window(client, 0, 3 * NPTS).tolist() == list(range(3 * NPTS))
    alone = Client(years[0])
    assert window(alone, NPTS - 100, NPTS + 100).tolist() == list(range(NPTS - 100, NPTS))
    cut = client.cut([("XX", "AAA", "", "HH", START + (NPTS - 5) / RATE)], 10, "Z", "int32")
    assert cut.data.tolist() == [[list(range(NPTS - 5, NPTS + 5))]]


def test_a_name_with_wildcards_stands_for_all_that_it_finds(
    years: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(str(tmp_path / "201?.db"))
    assert len(window(client, 0, 3 * NPTS)) == 3 * NPTS
    assert repr(client) == f"Client({[str(path) for path in years]!r})"
    monkeypatch.chdir(tmp_path)
    assert len(window(Client("*[01].db"), 0, 3 * NPTS)) == 2 * NPTS
    with pytest.raises(FileNotFoundError, match="No index file has such a name"):
        Client("19*.db")
    with pytest.raises(ValueError, match="no index"):
        Client([])


def test_channels_and_extents_are_those_of_all_indexes(years: list[Path]) -> None:
    client = Client(years)
    assert client.get_nslc() == [("XX", "AAA", "", "HHN"), ("XX", "AAA", "", "HHZ")]
    last = START + (3 * NPTS - 1) / RATE
    assert client.get_availability_extent(channel="HHZ") == [("XX", "AAA", "", "HHZ", START, last)]
    assert client.get_availability(channel="HHZ") == [("XX", "AAA", "", "HHZ", START, last)]
    second = (START + NPTS / RATE, START + (2 * NPTS - 1) / RATE)
    assert client.get_availability_extent(channel="HHN") == [("XX", "AAA", "", "HHN", *second)]


def test_the_same_file_in_two_indexes_gives_its_samples_once(years: list[Path]) -> None:
    assert window(Client([years[1], years[1]]), NPTS, NPTS + 99).tolist() == list(
        range(NPTS, NPTS + 100)
    )


def test_the_same_file_in_two_indexes_is_listed_once(years: list[Path], tmp_path: Path) -> None:
    credit_fast.makeindex(
        [tmp_path / f"disk{n}" for n in range(2)], tmp_path / "both.db", progress=False
    )
    for second in ([years[1]], [years[1], years[1]], [years[0], years[1]]):
        client = Client([tmp_path / "both.db", *second])
        for options in ({}, {"include_sample_rate": True}, {"merge_overlap": True}):
            expected = Client(tmp_path / "both.db").get_availability(**options)
            assert client.get_availability(**options) == expected


def test_a_client_of_several_indexes_can_be_pickled(years: list[Path]) -> None:
    client = pickle.loads(pickle.dumps(Client(years)))
    assert len(window(client, 0, 3 * NPTS)) == 3 * NPTS


def test_an_archive_that_moved_is_found_by_its_path_map(years: list[Path], tmp_path: Path) -> None:
    for number in range(3):
        shutil.move(tmp_path / f"disk{number}", tmp_path / f"new{number}")
    with pytest.warns(DataWarning, match="disk0"):
        assert len(window(Client(years[0]), 0, NPTS)) == 0
    rules = [{str(tmp_path / f"disk{n}"): str(tmp_path / f"new{n}")} for n in range(3)]
    client = Client(years, path_map=rules)
    assert len(window(client, 0, 3 * NPTS)) == 3 * NPTS
    again = pickle.loads(pickle.dumps(client))
    assert len(window(again, 0, 3 * NPTS)) == 3 * NPTS
    for_all = Client(years, path_map={old: new for rule in rules for old, new in rule.items()})
    assert len(window(for_all, 0, 3 * NPTS)) == 3 * NPTS
    only_second = Client(years, path_map=[None, rules[1], None])
    with pytest.warns(DataWarning, match="disk0"):
        assert len(window(only_second, 0, 2 * NPTS - 10)) == NPTS - 9


def test_a_rule_that_leads_nowhere_is_named(years: list[Path], tmp_path: Path) -> None:
    client = Client(years[0], path_map={str(tmp_path / "disk0"): str(tmp_path / "nowhere")})
    # The file is still where the index says.
    assert len(window(client, 0, 10)) == 11
    shutil.move(tmp_path / "disk0", tmp_path / "away")
    with pytest.warns(DataWarning, match=r"No such file.*nowhere"):
        window(client, 0, 10)
    with pytest.raises(ValueError, match="2 path maps: expected one for each of 3 indexes"):
        Client(years, path_map=[None, None])


@pytest.mark.parametrize("rule", ["/a=/b", {"/a": None}, {1: "/b"}, 5, ["/a"], b"/a"])
def test_a_path_map_that_is_none_is_named(years: list[Path], rule: Any) -> None:
    with pytest.raises(ValueError, match=r"path_map .*: expected a mapping of folders"):
        Client(years[0], path_map=rule)


def test_one_missing_index_of_several_is_named(years: list[Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.db"):
        Client([years[0], tmp_path / "gone.db"])


def test_more_indexes_than_a_thread_keeps_connections_for(tmp_path: Path) -> None:
    write_year(tmp_path / "data", "HHZ", 0)
    credit_fast.makeindex(tmp_path / "data", tmp_path / "one.db", progress=False)
    for number in range(70):
        shutil.copy(tmp_path / "one.db", tmp_path / f"copy{number:02}.db")
    client = Client(str(tmp_path / "copy*.db"))
    assert window(client, 0, 99).tolist() == list(range(100))
    assert window(client, 0, 99).tolist() == list(range(100))


def test_a_fingerprint_does_not_depend_on_what_was_asked_before(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for day in range(3):
        trace = credit_fast.Trace(
            np.arange(8_640, dtype=np.int32),
            {"network": "XX", "station": "AAA", "channel": "HHZ", "sampling_rate": 0.1,
             "starttime": UTCDateTime("2020-01-01") + day * 86_400},
        )  # fmt: skip
        credit_fast.write(trace, tmp_path / f"{day}.ms")
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(tmp_path, index, progress=False)
    # So near to the day before that the index gives its row, too, when it is asked first.
    start = UTCDateTime("2020-01-02T00:10:00").ns
    window = (("XX", "AAA", "--", "HHZ"), (start, start + 10**9))
    client = credit_fast.Client(index)
    found = {client.stored([window])[0].digest for _ in range(4)}
    assert len(found) == 1
    other = (window[0], (start + 86_400 * 10**9, start + 86_401 * 10**9))
    assert client.stored([other])[0].digest not in found


def test_the_place_of_a_window_is_that_of_its_first_row(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """By name, then by offset: here of the second channel in a file, and of files without it."""
    traces = [
        credit_fast.Trace(
            np.arange(1000, dtype=np.int32),
            {"network": "XX", "station": "AAA", "channel": channel, "sampling_rate": 1.0,
             "starttime": UTCDateTime("2020-01-01")},
        )
        for channel in ("HHE", "HHZ")
    ]  # fmt: skip
    first, second = (tmp_path / name for name in ("1.ms", "2.ms"))
    for trace in traces:
        credit_fast.write(trace, part := tmp_path / trace.stats.channel)
        with first.open("ab") as file:
            file.write(part.read_bytes())
        part.unlink()
    credit_fast.write(traces[1], second)
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(tmp_path, index, progress=False)
    start = UTCDateTime("2020-01-01T00:05:00").ns
    size = first.stat().st_size // 2

    def place(channel: str, at_ns: int = start) -> tuple[str, int] | None:
        window = (("XX", "AAA", "--", channel), (at_ns, at_ns + 10**9))
        return credit_fast.Client(index).stored([window])[0].place

    assert place("HHZ") == (str(first), size)
    assert place("*") == (str(first), 0)
    assert place("HHN") is None
    assert place("HHZ", start + 86_400 * 10**9) is None
    first.unlink()
    credit_fast.makeindex(tmp_path, index, progress=False, prune=True)
    assert place("*") == (str(second), 0)


def test_reading_ahead_goes_file_by_file_and_covers_the_windows(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hour = np.random.default_rng(1).integers(-9999, 9999, 360_000).astype(np.int32)
    for channel in ("HHE", "HHN", "HHZ"):
        trace = credit_fast.Trace(
            hour,
            {"network": "XX", "station": "AAA", "channel": channel, "sampling_rate": 100.0,
             "starttime": UTCDateTime("2020-01-01")},
        )  # fmt: skip
        credit_fast.write(trace, tmp_path / channel)
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(tmp_path, index, progress=False)
    client = credit_fast.Client(index)
    begin = UTCDateTime("2020-01-01").ns
    seconds = [3000, 600, 1800, 610]
    windows = [
        (("XX", "AAA", "--", "HH[EZ]"), (begin + at * 10**9, begin + (at + 60) * 10**9))
        for at in seconds
    ]
    ranges = client.read_ahead(windows)
    # Two windows overlap: three ranges of each of two files.
    assert [name for name, _, _ in ranges] == [str(tmp_path / "HHE")] * 3 + [
        str(tmp_path / "HHZ")
    ] * 3
    assert ranges == sorted(ranges)
    content = (tmp_path / "HHZ").read_bytes()
    for _, (first_ns, last_ns) in windows:
        expected = client.get_waveforms(
            "XX", "AAA", "", "HHZ", UTCDateTime(ns=first_ns), UTCDateTime(ns=last_ns)
        )
        # From the bytes of the ranges alone comes the same window.
        found = credit_fast.Stream()
        for number, (_, first, last) in enumerate(ranges[3:]):
            part = tmp_path_factory.mktemp("parts") / str(number)
            part.write_bytes(content[first // 4096 * 4096 : last // 4096 * 4096])
            found += credit_fast.read(part)
        found.trim(expected[0].stats.starttime, expected[0].stats.endtime)
        assert len(found) == 1
        assert np.array_equal(found[0].data, expected[0].data)
    assert sum(last - first for _, first, last in ranges) < len(content)
    (tmp_path / "HHE").unlink()
    assert client.read_ahead(windows) == ranges
    assert client.read_ahead([]) == []
