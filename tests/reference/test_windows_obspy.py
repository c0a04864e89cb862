"""`Client.get_waveforms` against ObsPy reading the whole files, joining them and slicing.

Thousands of drawn windows, always the same ones: on samples, between them and exactly half way,
on record and day borders, in gaps, one sample long, outside, around everything, reversed. Those of
the demo's archive and of a made one need no data but what the tests write themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("obspy")

import obspy
from archives import (
    Archive,
    Window,
    draw_windows,
    exact_cut,
    is_tie,
    obspy_cut,
    write_made_archive,
)
from mseed_files import NANOSECONDS, Segment, differences, from_obspy, from_ours

import credit_fast
from credit_fast.synthetic import make_archive

WINDOWS = 440  # for each of the real archives and the made one
OF_DEMO = 2_000
NAMES = {
    # The clock of these records strays by up to 2 microseconds from 40 Hz exactly.
    "anmo-2025-sds": 3_000,
    "ghana-2012-gh": 0,
    "niosh-mine-2016-lf": 0,
    "ridgecrest-2019-ci": 0,
    "rutford-2009-1khz": 0,
    "usgs-colocated-instruments": 0,
    "vt-iceland-2014-z7": 0,
}
MADE = "made with gaps and overlaps"
DEMO = "the demo's, with a gap, an overlap and a damaged record"


def order(segment: Segment) -> tuple[str, int, bytes]:
    """A whole order: which of two traces with one start comes first is nobody's promise."""
    return segment.id, segment.start_ns, segment.data.tobytes()


class Bench:
    """One archive, ObsPy's reading of it, and our client on its index."""

    def __init__(self, archive: Archive, index: Path) -> None:
        """Read the archive with ObsPy and open the index."""
        archive.read_with_obspy()
        self.archive = archive
        self.client = credit_fast.Client(str(index))

    def ours(self, window: Window, *, empty_location: str = "") -> list[Segment]:
        """What our client gives for one window; as ObsPy, it leaves overlaps that differ."""
        network, station, location, channel = window.id.split(".")
        times = (obspy.UTCDateTime(ns=ns) for ns in (window.start_ns, window.end_ns))
        location = location or empty_location
        codes = (network, station, location, channel)
        stream = self.client.get_waveforms(*codes, *times, version="all")
        return sorted(from_ours(stream), key=order)

    def expected(self, window: Window) -> list[Segment]:
        """Cut ObsPy's joined traces by the exact rule."""
        whole = from_obspy(self.archive.merged[window.id])
        cuts = (exact_cut(segment, window.start_ns, window.end_ns) for segment in whole)
        return sorted((cut for cut in cuts if cut is not None), key=order)

    def has_tie(self, window: Window) -> bool:
        """Whether an end of the window lies half way between two samples."""
        whole = from_obspy(self.archive.merged[window.id])
        ends = (window.start_ns, window.end_ns)
        return any(is_tie(segment, end) for segment in whole for end in ends)


def write_demo_archive(folder: Path) -> list[Path]:
    """What `credit-fast demo --quick` makes, over a midnight."""
    archive = make_archive(
        folder, stations=4, hours=3, events=6, start="2020-01-30T22:30:00", faults=True
    )
    return list(archive.files)


def windows_of(bench: Bench) -> list[Window]:
    """The drawn windows of a bench."""
    count = OF_DEMO if bench.archive.name == DEMO else WINDOWS
    return draw_windows(bench.archive, count, seed=20190706)


@pytest.fixture(scope="module")
def benches(
    build_index: Callable[[Iterable[Path]], Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Callable[[str], Bench]:
    """Give the bench of an archive by name; each is read and indexed once."""
    known: dict[str, Bench] = {}

    def bench(name: str) -> Bench:
        if name not in known:
            if name == MADE:
                files = list(write_made_archive(tmp_path_factory.mktemp("made")))
            elif name == DEMO:
                files = write_demo_archive(tmp_path_factory.mktemp("demo"))
            else:
                shared: Path = request.getfixturevalue("shared_data")
                folder = shared / "waveforms" / name
                files = sorted(file for file in folder.rglob("*") if file.is_file())
            archive = Archive(name, files, NAMES.get(name, 0))
            known[name] = Bench(archive, build_index(files))
        return known[name]

    return bench


@pytest.mark.parametrize("name", [*NAMES, MADE, DEMO])
def test_windows_equal_obspys_slice_of_whole_files(
    benches: Callable[[str], Bench], name: str
) -> None:
    bench = benches(name)
    kinds: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    wrong: list[str] = []
    for window in windows_of(bench):
        kinds[window.kind] += 1
        if window.is_reversed:
            with pytest.raises(ValueError, match="is before starttime"):
                bench.ours(window)
            continue
        found = differences(
            bench.ours(window), bench.expected(window), tolerance_ns=bench.archive.drift_ns
        )
        if found:
            failed[window.kind] += 1
            wrong.append(f"{window}: {'; '.join(found)}")
    assert not wrong, f"of {dict(kinds)} wrong {dict(failed)}:\n" + "\n".join(wrong[:20])
    assert len(kinds) >= 9, kinds
    assert kinds["reversed"] >= WINDOWS // 20


@pytest.mark.parametrize("name", [*NAMES, MADE, DEMO])
def test_the_exact_rule_is_obspys_rule(benches: Callable[[str], Bench], name: str) -> None:
    """Holds the reference itself: away from exact ties ObsPy gives the same cut."""
    bench = benches(name)
    ties = 0
    for window in windows_of(bench):
        if window.is_reversed:
            start, end = (obspy.UTCDateTime(ns=ns) for ns in (window.start_ns, window.end_ns))
            with pytest.raises(ValueError):
                bench.archive.merged[window.id].slice(start, end)
            continue
        # ObsPy adds a rounded sample distance to the start: a nanosecond here and there.
        theirs = sorted(obspy_cut(bench.archive, window), key=order)
        found = differences(bench.expected(window), theirs, tolerance_ns=1)
        if found:
            assert bench.has_tie(window), f"{window}: {found}"
            ties += 1
    assert ties <= len(windows_of(bench)) // 25  # floating point noise at ties only


def test_there_are_windows_with_and_without_data(benches: Callable[[str], Bench]) -> None:
    bench = benches(MADE)
    windows = [window for window in windows_of(bench) if not window.is_reversed]
    lengths = Counter(len(bench.expected(window)) for window in windows)
    assert lengths[0] > 20
    assert lengths[1] > 100
    assert lengths[2] > 5


def test_all_channels_at_once_equal_channel_by_channel(benches: Callable[[str], Bench]) -> None:
    bench = benches("usgs-colocated-instruments")
    streams = bench.archive.merged
    start = min(stream[0].stats.starttime for stream in streams.values())
    end = max(stream[-1].stats.endtime for stream in streams.values())
    found = bench.client.get_waveforms("*", "*", "*", "*", start, end, version="all")
    everything = from_ours(found)
    singles = [
        segment
        for id_ in sorted(streams)
        for segment in bench.ours(Window("all", id_, start.ns, end.ns))
    ]
    assert differences(everything, singles) == []
    assert {segment.id for segment in everything} == set(streams)


@pytest.mark.parametrize(
    ("network", "station", "location", "channel"),
    [
        ("BK", "TRAY", "*", "HN?"),
        ("BK", "T*", "40", "BH[12]"),
        ("BK,XL", "TRAY,BBB", "*", "HN?,HH?"),
        ("A?", "*", "*", "BN*,BHZ"),
        ("*", "BBB", "", "*"),
        ("*", "BBB", "--", "*"),
        ("*", "NONE", "*", "*"),
    ],
)
def test_selection_finds_the_ids_that_obspys_select_finds(
    benches: Callable[[str], Bench], network: str, station: str, location: str, channel: str
) -> None:
    bench = benches("usgs-colocated-instruments")
    everything = obspy.Stream([t for stream in bench.archive.merged.values() for t in stream])
    expected: set[str] = set()
    for net in network.split(","):
        for sta in station.split(","):
            for cha in channel.split(","):
                # Stream.select takes an empty location for "any"; ids do not.
                code = "" if location == "--" else location
                found = everything.select(id=f"{net}.{sta}.{code}.{cha}")
                expected |= {trace.id for trace in found}
    start = min(trace.stats.starttime for trace in everything)
    end = max(trace.stats.endtime for trace in everything)
    stream = bench.client.get_waveforms(network, station, location, channel, start, end)
    assert {trace.id for trace in stream} == expected


def test_empty_location_is_asked_for_in_two_ways(benches: Callable[[str], Bench]) -> None:
    bench = benches("ridgecrest-2019-ci")
    for window in draw_windows(bench.archive, 22, seed=5):
        if window.is_reversed:
            continue
        assert differences(bench.ours(window), bench.ours(window, empty_location="--")) == []


def test_traces_come_sorted_by_id_then_start(benches: Callable[[str], Bench]) -> None:
    bench = benches(MADE)
    start, end = obspy.UTCDateTime("2021-03-01"), obspy.UTCDateTime("2021-03-03")
    stream = bench.client.get_waveforms("*", "*", "*", "*", start, end, version="all")
    found = from_ours(stream)
    keys = [(segment.id, segment.start_ns) for segment in found]
    assert keys == sorted(keys)
    assert Counter(id_.split(".")[3] for id_, _ in keys) == {
        "DAY": 1,
        "GAP": 5,
        "ORD": 1,
        "OTH": 2,
        "SAM": 1,
    }


def test_a_window_whose_end_is_before_its_start_is_refused(
    benches: Callable[[str], Bench],
) -> None:
    """ObsPy's `slice` raises ValueError too; an empty answer would hide swapped arguments."""
    bench = benches(MADE)
    trace = bench.archive.merged["XX.MADE..DAY"][0]
    start, end = trace.stats.starttime + 20, trace.stats.starttime + 10
    with pytest.raises(ValueError):
        bench.archive.merged["XX.MADE..DAY"].slice(start, end)
    with pytest.raises(ValueError, match="2021-03-01T23:50:10"):
        bench.client.get_waveforms("XX", "MADE", "", "DAY", start, end)


def test_every_form_of_time_gives_the_same_window(benches: Callable[[str], Bench]) -> None:
    bench = benches(MADE)
    start = obspy.UTCDateTime("2021-03-01T23:59:58.05")
    seconds = 4.1
    naive = datetime(2021, 3, 1, 23, 59, 58, 50_000)
    forms: list[tuple[Any, Any]] = [
        (start, start + seconds),
        (naive, naive + timedelta(seconds=seconds)),
        (
            naive.replace(tzinfo=timezone.utc),
            naive.replace(tzinfo=timezone.utc) + timedelta(seconds=seconds),
        ),
        (np.datetime64(start.ns, "ns"), np.datetime64(start.ns + 4_100_000_000, "ns")),
        ("2021-03-01T23:59:58.05", "2021-03-02T00:00:02.15Z"),
        (start.timestamp, start.timestamp + seconds),
        (credit_fast.UTCDateTime(ns=start.ns), credit_fast.UTCDateTime(ns=start.ns) + seconds),
    ]
    whole = from_obspy(bench.archive.merged["XX.MADE..DAY"])[0]
    expected = exact_cut(whole, start.ns, start.ns + 4_100_000_000)
    assert expected is not None
    for form in forms:
        stream = bench.client.get_waveforms("XX", "MADE", "", "DAY", *form)
        assert differences(from_ours(stream), [expected]) == [], form
    assert expected.start_ns < 1_614_643_200 * NANOSECONDS < expected.start_ns + 5 * NANOSECONDS


def test_read_then_merge_of_ours_is_the_window_around_everything(
    benches: Callable[[str], Bench],
) -> None:
    bench = benches("vt-iceland-2014-z7")
    for id_ in sorted(bench.archive.merged)[:6]:
        whole = from_obspy(bench.archive.merged[id_])
        start, end = whole[0].start_ns, whole[-1].start_ns + 10**13
        assert differences(bench.ours(Window("all", id_, start, end)), whole) == []


def test_records_less_than_half_a_sample_late_stay_on_the_grid_of_the_first(
    build_index: Callable[[Iterable[Path]], Path], tmp_path: Path
) -> None:
    """One trace for ObsPy: the second half of the file is 0.4 samples late and joined."""
    start = obspy.UTCDateTime("2021-03-02T00:00:00")
    noise = np.random.default_rng(8).integers(-20_000, 20_000, 4_000, dtype=np.int32)
    late = obspy.Stream()
    for first, seconds in ((0, 0.0), (2_000, 100.02)):
        header = {"network": "XX", "station": "LATE", "channel": "BHZ", "sampling_rate": 20.0}
        header["starttime"] = start + seconds
        late.append(obspy.Trace(noise[first : first + 2_000].copy(), header))
    file = tmp_path / "late.mseed"
    late.write(str(file), format="MSEED", reclen=512)
    whole = obspy.read(str(file), format="MSEED")
    assert len(whole) == 1
    client = credit_fast.Client(str(build_index([file])))
    for begin, end in ((0, 200), (150, 160), (99.9, 100.1), (120.02, 120.02), (101, 300)):
        stream = client.get_waveforms("XX", "LATE", "", "BHZ", start + begin, start + end)
        expected = from_obspy(whole.slice(start + begin, start + end))
        assert differences(from_ours(stream), expected) == [], (begin, end)


@pytest.mark.parametrize("name", ["anmo-2025-sds", MADE])
def test_no_sample_is_lost_where_two_day_files_meet(
    benches: Callable[[str], Bench], name: str
) -> None:
    """Ends and starts in steps of a tenth of a sample over the border, none of them half way."""
    bench = benches(name)
    id_, first = {
        "anmo-2025-sds": ("IU.ANMO.00.BHZ", "2025-05-03T00:00:00.019538"),
        MADE: ("XX.MADE..DAY", "2021-03-02T00:00:00"),
    }[name]
    border = obspy.UTCDateTime(first).ns
    step = round(NANOSECONDS / bench.archive.merged[id_][0].stats.sampling_rate)
    for tenths in range(-19, 20):
        time = border + (2 * tenths + 1) * step // 20
        for window in (
            Window("ends at the border", id_, time - 40 * step, time),
            Window("starts at the border", id_, time, time + 40 * step),
        ):
            found = differences(
                bench.ours(window), bench.expected(window), tolerance_ns=bench.archive.drift_ns
            )
            assert found == [], window
