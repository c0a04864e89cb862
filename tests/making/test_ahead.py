"""Station records are cut in the order of files, and come back in the order of the catalogue."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_archive import catalog, event, pick, three

import credit_fast
from credit_fast import UTCDateTime
from credit_fast.making import ahead, makeh5
from credit_fast.making.ahead import Ahead, Work, threads_for
from credit_fast.making.pack import Packed, pack_station
from credit_fast.station_records.cut import StationCut
from credit_fast.station_records.plan import StationPlan, plan_event
from credit_fast.station_records.settings import Settings

STATIONS = ("AAA", "BBB", "CCC")
THREADS = 2


def works(count: int, **changes: Any) -> Iterator[Work]:
    """Events at three stations; their files are in the other order."""
    for number in range(count):
        picks = [pick("P", 3.0, f"X1.{station}.00.HHZ") for station in STATIONS]
        plan = plan_event(event(*picks, evid=f"event.{number:05d}"))
        places = [(f"file {9 - place}", 0, number) for place in range(len(STATIONS))]
        yield Work(plan, **{"places": places, **changes})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long this machine takes."""
    monkeypatch.setattr(ahead, "_BATCH_S", math.inf)


class Sized(Packed):
    """A record without data that says to hold so many bytes."""

    def __init__(self, station: StationPlan, size: int) -> None:
        super().__init__(StationCut(station), {})
        self.size = size

    @property
    def n_bytes(self) -> int:
        return self.size


class Cutter:
    """Notes what it is asked for, and the most that there was of it in memory."""

    def __init__(self, size: Callable[[StationPlan], int] = lambda _: 1) -> None:
        self.asked: list[StationPlan] = []
        self.size = size
        self.announced: list[list[StationPlan]] = []
        self.lock = threading.Lock()
        self.records = self.most_records = 0
        self.bytes = self.most_bytes = 0

    def __call__(self, station: StationPlan) -> Packed:
        packed = Sized(station, self.size(station))
        with self.lock:
            self.asked.append(station)
            self.count(1, packed.size)
        weakref.finalize(packed, self.gone, packed.size)
        return packed

    def gone(self, size: int) -> None:
        with self.lock:
            self.count(-1, -size)

    def count(self, records: int, size: int) -> None:
        self.records, self.bytes = self.records + records, self.bytes + size
        self.most_records = max(self.most_records, self.records)
        self.most_bytes = max(self.most_bytes, self.bytes)


def told(cutter: Cutter, rows: Iterable[Work], threads: int = 1) -> list[str]:
    """All that comes back: events, and stations of those that are cut."""
    found: list[str] = []
    with ThreadPoolExecutor(threads) as pool:
        for work, records in Ahead(
            pool, THREADS, cutter, cutter.announced.append, lambda: None
        ).cut(rows):
            found.append(work.plan.event.event_id)
            if work.is_to_cut:
                found.extend(packed.cut.plan.station for packed in records)
    return found


def test_records_come_back_in_the_order_of_the_catalogue() -> None:
    expected = [name for number in range(50) for name in (f"event.{number:05d}", *STATIONS)]
    assert told(Cutter(), works(50), threads=4) == expected


def test_they_are_cut_in_the_order_of_their_files() -> None:
    cutter = Cutter()
    rows = list(works(100))
    told(cutter, rows)
    announced = [station for batch in cutter.announced for station in batch]
    assert announced == [station for work in rows for station in work.plan.stations]
    names = [station.station for station in cutter.asked]
    assert len(names) == 300
    # A batch goes from CCC to AAA; batches begin with few records, so that there are some more.
    begins = sum(one < other for one, other in pairwise(names))
    assert 300 / (THREADS * ahead._MOST_PER_THREAD) < begins < 20


def test_those_without_a_place_come_last() -> None:
    cutter = Cutter()
    told(cutter, works(100, places=[None, ("file", 0, 1), None]))
    begins = sum(
        one != "BBB" and two == "BBB" for one, two in pairwise(s.station for s in cutter.asked)
    )
    assert cutter.asked[0].station == "BBB"
    assert begins < 20


def test_without_places_they_are_cut_in_the_order_of_the_catalogue() -> None:
    cutter = Cutter()
    told(cutter, works(50, places=[None] * 3))
    assert [station.station for station in cutter.asked] == list(STATIONS) * 50


def test_batches_grow_and_two_of_them_are_in_memory() -> None:
    cutter = Cutter()
    told(cutter, works(200))
    most = THREADS * ahead._MOST_PER_THREAD
    assert most < cutter.most_records <= 2 * most + 1


@pytest.mark.parametrize("size", [ahead._BATCH_BYTES, ahead._BATCH_BYTES // 10])
def test_of_large_records_there_are_fewer(size: int) -> None:
    cutter = Cutter(lambda _: size)
    told(cutter, works(200))
    assert cutter.most_bytes <= ahead._MOST_BYTES + (THREADS + 2) * size
    assert len(cutter.asked) == 600


@pytest.mark.parametrize("before", ["kept", "refused", "no data", "small"])
def test_large_records_that_nobody_expected_do_not_fill_the_memory(before: str) -> None:
    """Behind many events that told nothing of it, or another thing."""
    size = ahead._BATCH_BYTES
    first = list(works(300, kept=before == "kept"))
    for work in first:
        work.plan.refusal = "by choice" if before == "refused" else None
    light = {id(station) for work in first for station in work.plan.stations}
    cutter = Cutter(lambda one: size if id(one) not in light else before == "small")
    found = told(cutter, [*first, *works(50)], threads=THREADS)
    assert found[-4 * 50 :] == [
        name for number in range(50) for name in (f"event.{number:05d}", *STATIONS)
    ]
    # One for each thread more than the bound, at the bound and when it is their turn.
    assert 2 * size <= cutter.most_bytes <= ahead._MOST_BYTES + (2 * THREADS + 2) * size
    # What was put off is cut once.
    assert len(cutter.asked) == len({id(station) for station in cutter.asked})


def test_one_large_record_is_no_rule_for_ever() -> None:
    size = ahead._BATCH_BYTES
    rows = list(works(400))
    large = id(rows[0].plan.stations[0])
    cutter = Cutter(lambda one: size if id(one) == large else 1)
    told(cutter, rows)
    assert cutter.most_records > THREADS * ahead._MOST_PER_THREAD


@pytest.mark.parametrize("seconds", [1.0, 40.0])
def test_of_slow_records_there_are_fewer(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """As many as fit into the time, but enough that a slow one does not make all wait."""
    clock = iter(range(10**9))
    monkeypatch.setattr(ahead.time, "monotonic", lambda: next(clock) * seconds)
    monkeypatch.setattr(ahead, "_BATCH_S", 10.0)
    cutter = Cutter()
    told(cutter, works(200))
    few = ahead._FEW_PER_THREAD * THREADS
    size = max(few, round(10.0 / seconds * THREADS))
    assert size < cutter.most_records <= 2 * size + 1


def test_many_events_without_anything_to_cut_are_not_gathered() -> None:
    looked_at = 0

    def kept() -> Iterator[Work]:
        nonlocal looked_at
        for work in works(5000, kept=True):
            looked_at += 1
            yield work

    most = 0
    with ThreadPoolExecutor(1) as pool:
        for number, _ in enumerate(Ahead(pool, THREADS, Cutter(), list, lambda: None).cut(kept())):
            most = max(most, looked_at - number)
    assert most <= 2 * ahead._MOST_EVENTS + 1


def test_while_it_waits_it_says_so_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_LOOK_S", 0.01)
    released = threading.Event()
    asked = 0

    def waiting() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            released.set()

    def slow(station: StationPlan) -> Packed:
        assert released.wait(60)
        return Sized(station, 1)

    with ThreadPoolExecutor(1) as pool:
        for _, records in Ahead(pool, THREADS, slow, list, waiting).cut(works(1)):
            assert len(list(records)) == len(STATIONS)
    assert asked >= 3


def test_a_packed_record_holds_no_samples_twice() -> None:
    class Source:
        def get_waveforms(self, *_asked: Any) -> Any:
            return three("X1.AAA.00", 0.0, 500)

    plan = plan_event(event(pick("P", 3.0))).stations[0]
    packed = pack_station(Source(), plan, Settings(range_s=1.0))
    assert packed.cut.record is not None
    for name, component in packed.cut.record.components.items():
        assert component.data.dtype == np.int32
        assert len(component.data) == packed.cut.record.npts > 200
        assert component.data.strides == (0,)
        assert packed.chunks[name]
    chunks = [chunk for some in packed.chunks.values() for chunk in some or ()]
    assert packed.n_bytes == sum(map(len, chunks)) > 0
    plain = pack_station(Source(), plan, Settings(range_s=1.0, compression="none"))
    assert plain.n_bytes == 3 * 4 * packed.cut.record.npts


def test_an_archive_is_read_file_by_file(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events that come in any order, at stations in the other order of the files' names."""
    folder = tmp_path_factory.mktemp("archive")
    for station in STATIONS:
        credit_fast.write(
            credit_fast.Stream(three(f"X1.{station}.00", 0.0, 100_000)),
            folder / f"{9 - STATIONS.index(station)}.ms",
        )
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, index, progress=False)
    seconds = np.random.default_rng(1).permutation(np.arange(40)) * 20.0 + 20.0
    rows = []
    for number, at in enumerate(seconds):
        picks = [pick("P", float(at), f"X1.{station}.00.HHZ") for station in STATIONS]
        rows.append(event(*picks, evid=f"event.{number:05d}"))
    asked: list[tuple[str, UTCDateTime]] = []
    window = credit_fast.Client.get_checked_waveforms

    def noted(self: Any, *question: Any) -> Any:
        asked.append((question[1], question[4]))
        return window(self, *question)

    told: list[list[tuple[str, int, int]]] = []
    read_ahead = credit_fast.Client.read_ahead

    def heard(self: Any, windows: Any) -> Any:
        told.append(read_ahead(self, windows))
        return told[-1]

    monkeypatch.setattr(credit_fast.Client, "get_checked_waveforms", noted)
    monkeypatch.setattr(credit_fast.Client, "read_ahead", heard)
    report = makeh5(
        index, tmp_path / "out.h5", catalog(*rows), range_s=2.0, threads=1,
        progress=False,
    )  # fmt: skip
    assert report.components.written == 40 * 3 * 3
    assert len(asked) == 120
    # Each batch file by file, and each file from its begin to its end.
    order = [(-STATIONS.index(station), at) for station, at in asked]
    begins = sum(one > other for one, other in pairwise(order))
    assert 1 <= begins < 15
    # Of each batch the system hears before, in the order of files and offsets.
    assert 1 < len(told) < 15
    assert all(ranges == sorted(ranges) for ranges in told)
    assert {name for ranges in told for name, _, _ in ranges} == set(map(str, folder.iterdir()))


@pytest.mark.parametrize(
    ("range_s", "expected"), [(500.0, 64), (5000.0, 22), (40_000.0, 2), (900_000.0, 1)]
)
def test_fewer_threads_cut_long_windows(range_s: float, expected: int) -> None:
    assert threads_for(Settings(range_s=range_s), 64) == expected
    assert threads_for(Settings(range_s=range_s), 1) == 1
