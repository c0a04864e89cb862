"""Our index under EarthScope's portable-fdsnws-dataselect, asked by ObsPy's client of such servers.

The server gives the samples inside of a window: what our client gives with `edge="inside"`. Its
answers from an index of mseedindex are the same bytes; where it loses samples, it does so with
either index. `dataselect_server.is_lost` says where, and those windows are counted, not left out.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")

import obspy
from archives import Archive, Window, draw_windows, write_made_archive
from dataselect_server import Server, command, is_lost, serving
from made_records import Channel
from mseed_files import NANOSECONDS, Segment, differences, from_obspy, from_ours
from tsindex_rows import Rows, dump, mseedindex

import credit_fast

BuildIndex = Callable[[Iterable[Path]], Path]

WINDOWS = 240  # for each archive
MADE = "made with gaps and overlaps"
HOURS = "made, hours over a midnight"
NAMES = {
    MADE: 0,
    HOURS: 0,
    # The clock of these records strays by up to 2 microseconds from 40 Hz exactly.
    "anmo-2025-sds": 3_000,
    "ghana-2012-gh": 0,
    "usgs-colocated-instruments": 0,
}


@dataclass
class Bench:
    """One archive, our client on our index of it, and the server on that index and mseedindex's."""

    archive: Archive
    client: credit_fast.Client
    rows: Rows
    server: Server
    reference: Server

    def windows(self) -> Iterator[Window]:
        """The drawn windows in microseconds, which is what a request can say."""
        for window in draw_windows(self.archive, WINDOWS, seed=20210302):
            # Where record times stray, samples on an end are in or out by chance: none is there.
            shift = 0
            if self.archive.drift_ns:
                trace = self.archive.merged[window.id][0]
                shift = round(0.3 * NANOSECONDS * trace.stats.delta)
            ends = [(ns + shift) // 1_000 * 1_000 for ns in (window.start_ns, window.end_ns)]
            if ends[0] <= ends[1]:
                yield Window(window.kind, window.id, *ends)

    def ours(self, window: Window) -> list[Segment]:
        """What our client gives for one window."""
        times = (credit_fast.UTCDateTime(ns=ns) for ns in (window.start_ns, window.end_ns))
        return from_ours(self.client.get_waveforms(*window.id.split("."), *times, edge="inside"))


def write_hours(folder: Path) -> Iterator[Path]:
    """Several hours in each file: the server loses the last one only. Times are no short floats."""
    draw = np.random.default_rng(8)
    for channel in ("HHE", "HHN", "HHZ"):
        made = Channel(channel, rate_hz=20.0)
        for start, hours in (("2020-01-30T20:30:00.003", 3.5), ("2020-01-31T00:00:00.003", 4)):
            noise = draw.integers(-20_000, 20_000, round(hours * 72_000), dtype=np.int32)
            file = folder / f"{channel}.{start[:10]}"
            file.write_bytes(made.records(start, noise))
            yield file


@pytest.fixture(scope="module")
def benches(
    build_index: BuildIndex,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[str], Bench]]:
    """Give the bench of an archive by name; each is indexed and served once."""
    command()  # skips before anything is made
    known: dict[str, Bench] = {}
    with ExitStack() as servers:
        # A proxy of this machine has nothing to do with its own loopback.
        environment = servers.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("no_proxy", "127.0.0.1")

        def bench(name: str) -> Bench:
            if name not in known:
                if name == MADE:
                    files = list(write_made_archive(tmp_path_factory.mktemp("made")))
                elif name == HOURS:
                    files = list(write_hours(tmp_path_factory.mktemp("hours")))
                else:
                    folder = request.getfixturevalue("shared_data") / "waveforms" / name
                    files = sorted(file for file in folder.rglob("*") if file.is_file())
                archive = Archive(name, files, NAMES[name])
                archive.read_with_obspy()
                index = build_index(files)
                theirs = tmp_path_factory.mktemp("index") / "theirs.db"
                for file in files:  # given several at once it writes wrong hashes
                    subprocess.run([mseedindex(), "-sqlite", str(theirs), str(file)], check=True)
                known[name] = Bench(
                    archive,
                    credit_fast.Client(str(index)),
                    dump([index])[0],
                    servers.enter_context(serving(index, tmp_path_factory.mktemp("server"))),
                    servers.enter_context(
                        serving(theirs, tmp_path_factory.mktemp("server"), summary=False)
                    ),
                )
            return known[name]

        yield bench


@pytest.mark.parametrize("name", NAMES)
def test_the_server_gives_the_samples_that_our_client_gives(
    benches: Callable[[str], Bench], name: str
) -> None:
    bench = benches(name)
    compared, with_data, wrong = 0, 0, []
    for window in bench.windows():
        if is_lost(bench.rows, window):
            continue
        ours = bench.ours(window)
        found = differences(ours, bench.server.window(window), tolerance_ns=NAMES[name] + 1_000)
        wrong += [f"{window}: {text}" for text in found]
        compared, with_data = compared + 1, with_data + bool(ours)
    assert wrong == []
    # Of files shorter than an hour it can give only what reaches their end.
    assert compared > 60
    assert with_data > 15


@pytest.mark.parametrize("name", NAMES)
def test_its_answers_are_those_that_it_gives_by_an_index_of_mseedindex(
    benches: Callable[[str], Bench], name: str
) -> None:
    bench = benches(name)
    windows = list(bench.windows())
    bodies = {window: bench.server.body(window) for window in windows}
    differ = [w for w, body in bodies.items() if body != bench.reference.body(w)]
    # Rows of mseedindex go on where records are not in the order of their times, and it takes their
    # entries for ordered; ours end there, and what it gives then is what our client gives.
    assert [w for w in differ if not w.id.endswith("..ORD")] == []
    assert bool(differ) == (name == MADE)
    assert sum(map(len, bodies.values())) > 100_000


@pytest.mark.parametrize("name", NAMES)
def test_where_it_loses_samples_it_gives_no_wrong_ones(
    benches: Callable[[str], Bench], name: str
) -> None:
    bench = benches(name)
    short, wrong = 0, []
    for window in bench.windows():
        if not is_lost(bench.rows, window):
            continue
        whole = {sample for segment in bench.ours(window) for sample in _samples(segment)}
        given = {sample for s in bench.server.window(window) for sample in _samples(s)}
        short += len(given) < len(whole)
        if not given <= whole and not bench.archive.drift_ns:
            wrong.append(window)
    assert wrong == []
    # When this fails with a new version of the server, `is_lost` has nothing to allow for.
    assert short > 0


def _samples(segment: Segment) -> Iterator[tuple[int, float]]:
    """Time (whole microseconds) and value of each sample."""
    step = NANOSECONDS / segment.rate_hz
    times = np.round((segment.start_ns + np.arange(segment.npts) * step) / 1_000)
    return zip(times.astype(int).tolist(), segment.data.tolist(), strict=True)


def test_the_last_hour_of_a_file_is_lost_by_the_server_only(
    benches: Callable[[str], Bench],
) -> None:
    bench = benches(HOURS)
    last = bench.archive.merged["XX.AAA..HHZ"][0].stats.endtime.ns
    within = Window("last hour", "XX.AAA..HHZ", *(last - s * NANOSECONDS for s in (600, 540)))
    assert is_lost(bench.rows, within)
    assert bench.server.body(within) == bench.reference.body(within) == b""
    assert [segment.npts for segment in bench.ours(within)] == [1_201]
    to_the_end = Window("to the end", within.id, within.start_ns, last)
    [theirs], [ours] = bench.server.window(to_the_end), bench.ours(to_the_end)
    assert differences([ours], [theirs], tolerance_ns=1_000) == []
    assert ours.npts == 12_001


def test_wildcards_and_many_windows_find_what_ours_find(benches: Callable[[str], Bench]) -> None:
    bench = benches(HOURS)
    midnight = credit_fast.UTCDateTime("2020-01-31")
    early, late, next_day = midnight - 9_000, midnight - 8_000, midnight + 600
    their_times = {time: obspy.UTCDateTime(ns=time.ns) for time in (early, late, next_day)}

    codes = ("X?", "*", "*", "HH*")
    theirs = bench.server.client.get_waveforms(*codes, their_times[early], their_times[late])
    ours = from_ours(bench.client.get_waveforms(*codes, early, late, edge="inside"))
    assert differences(ours, from_obspy(theirs.merge(-1).sort()), tolerance_ns=1_000) == []
    assert [segment.npts for segment in ours] == [20_000] * 3

    bulk = [
        ("XX", "AAA", "--", "HHZ", early, late),
        ("XX", "*", "*", "HHE,HHN", late, next_day),
    ]
    asked = [(*codes, their_times[start], their_times[end]) for *codes, start, end in bulk]
    theirs = bench.server.client.get_waveforms_bulk(asked)
    ours = from_ours(bench.client.get_waveforms_bulk(bulk, edge="inside").sort())
    assert differences(ours, from_obspy(theirs.merge(-1).sort()), tolerance_ns=1_000) == []
    assert [segment.npts for segment in ours] == [172_000, 172_000, 20_000]


def test_its_summary_has_the_channels_and_extents_that_ours_has(
    benches: Callable[[str], Bench],
) -> None:
    bench = benches(MADE)
    status, body = bench.server.get("summary?sta=MADE")
    header, *lines = body.decode().splitlines()
    assert (status, header.split()[:4]) == (200, ["#Net", "Sta", "Loc", "Chan"])
    theirs = [
        (net, sta, loc.replace("--", ""), cha, obspy.UTCDateTime(first), obspy.UTCDateTime(last))
        for net, sta, loc, cha, first, last, *_ in map(str.split, lines)
    ]
    assert theirs == bench.client.get_availability_extent()
    assert len(theirs) == 5


def test_a_file_that_is_indexed_while_it_serves_is_served(
    benches: Callable[[str], Bench], tmp_path: Path
) -> None:
    benches(MADE)  # skips without the server, and sets the environment
    archive, index = tmp_path / "archive", tmp_path / "index.db"
    archive.mkdir()
    samples = np.arange(3_000, dtype=np.int32)
    start = credit_fast.UTCDateTime("2021-05-06")

    def add(channel: str) -> None:
        (archive / channel).write_bytes(Channel(channel).records(start, samples))
        credit_fast.makeindex(archive, index, progress=False)

    add("HHE")
    with serving(index, tmp_path) as server:
        windows = [
            Window("whole", f"XX.AAA..{channel}", start.ns, start.ns + 30 * NANOSECONDS)
            for channel in ("HHE", "HHZ")
        ]
        assert [len(server.window(window)) for window in windows] == [1, 0]
        add("HHZ")
        for window in windows:
            [segment] = server.window(window)
            assert np.array_equal(segment.data, samples)
