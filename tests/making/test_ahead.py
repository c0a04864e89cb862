"""Station records are cut in the order of files, and come back in the order of the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
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
from credit_fast.making.ahead import Ahead, Work
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


class Cutter:
    """Notes what it is asked for; its records have so many bytes."""

    def __init__(self, n_bytes: int = 1) -> None:
        self.asked: list[StationPlan] = []
        self.n_bytes = n_bytes
        self.lock = threading.Lock()

    def __call__(self, station: StationPlan) -> Packed:
        with self.lock:
            self.asked.append(station)
        return Sized(StationCut(station), {}, self.n_bytes)


class Sized(Packed):
    def __init__(self, cut: StationCut, chunks: dict[str, Any], size: int) -> None:
        super().__init__(cut, chunks)
        self.size = size

    @property
    def n_bytes(self) -> int:
        return self.size


def looking(cutter: Cutter, rows: Iterator[Work], look: Callable[[int], object]) -> list[Any]:
    """All that comes back; `look` gets the number of records that were taken at each of them."""
    told: list[Any] = []
    taken = 0
    with ThreadPoolExecutor(1) as pool:
        for work, records in Ahead(pool, THREADS, cutter, lambda: None).cut(rows):
            told.append(work.plan.event.event_id)
            if not work.is_to_cut:
                continue
            for packed in records:
                taken += 1
                look(taken)
                told.append(packed.cut.plan.station)
    return told


def test_records_come_back_in_the_order_of_the_catalogue() -> None:
    expected = [name for number in range(50) for name in (f"event.{number:05d}", *STATIONS)]
    assert looking(Cutter(), works(50), lambda _: None) == expected


def test_they_are_cut_in_the_order_of_their_files() -> None:
    cutter = Cutter()
    looking(cutter, works(100), lambda _: None)
    names = [station.station for station in cutter.asked]
    assert len(names) == 300
    # A batch goes from CCC to AAA; batches begin with few records, so that there are some more.
    begins = sum(one < other for one, other in pairwise(names))
    assert 300 / (THREADS * ahead._RECORDS_PER_THREAD) < begins < 20


def test_without_places_they_are_cut_in_the_order_of_the_catalogue() -> None:
    cutter = Cutter()
    looking(cutter, works(50, places=[None] * 3), lambda _: None)
    assert [station.station for station in cutter.asked] == list(STATIONS) * 50


def test_two_batches_at_most_are_in_memory() -> None:
    cutter = Cutter()
    most = 0

    def look(taken: int) -> None:
        nonlocal most
        most = max(most, len(cutter.asked) - taken + 1)

    looking(cutter, works(200), look)
    assert 16 < most <= 2 * THREADS * ahead._RECORDS_PER_THREAD


@pytest.mark.parametrize(
    ("n_bytes", "expected"), [(ahead._BATCH_BYTES, 2 * THREADS), (ahead._BATCH_BYTES // 10, 20)]
)
def test_of_large_records_there_are_fewer(n_bytes: int, expected: int) -> None:
    cutter = Cutter(n_bytes)
    most = 0

    def look(taken: int) -> None:
        nonlocal most
        if taken > 50:  # the first ones were handed out when nobody knew
            most = max(most, len(cutter.asked) - taken + 1)

    looking(cutter, works(200), look)
    assert 1 < most <= expected


def test_of_slow_records_there_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_BATCH_S", -1.0)
    cutter = Cutter()
    most = 0

    def look(taken: int) -> None:
        nonlocal most
        most = max(most, len(cutter.asked) - taken + 1)

    looking(cutter, works(50), look)
    assert most <= 2 * THREADS


def test_many_events_without_anything_to_cut_are_not_gathered() -> None:
    looked_at = 0

    def kept() -> Iterator[Work]:
        nonlocal looked_at
        for work in works(5000, kept=True):
            looked_at += 1
            yield work

    most = 0
    with ThreadPoolExecutor(1) as pool:
        for number, _ in enumerate(Ahead(pool, THREADS, Cutter(), lambda: None).cut(kept())):
            most = max(most, looked_at - number)
    assert most <= 2 * THREADS * ahead._RECORDS_PER_THREAD + 1


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
        return Cutter()(station)

    with ThreadPoolExecutor(1) as pool:
        for _, records in Ahead(pool, THREADS, slow, waiting).cut(works(1)):
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

    monkeypatch.setattr(credit_fast.Client, "get_checked_waveforms", noted)
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
