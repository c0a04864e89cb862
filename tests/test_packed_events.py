"""Packed events and picks are those that they were made of."""

from __future__ import annotations

import errno
import io
import math
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from credit_fast.catalogs import Catalog, Event, Pick, packed, phase_report, read_catalog
from credit_fast.catalogs.packed import PackedEvents, PackedPicks

EVENT = "#EVENT {} eq 2012 03 01 061 13 22 11 0 LOC 99.0 25.0 DEP 8 MAG ML 2.0\n"
ROW = (
    "PHASE {} eq TRAVTIME X1 {} 00 HHZ Pg ttime 3.0 V 2012 03 01 061 13 22 14 000000 "
    "MAGSOURCE MAGTYPE MAG DISTAZ 18.0 90.0 LOC_RMSWT RMS WT\n"
)
PICKS = [
    Pick(
        "X1", f"S{number}", "00", "HHZ", "Pg", 10**18 + number, distance_km=number / 3, line=number
    )
    for number in range(40)
]


def test_they_are_a_sequence_of_the_same_picks() -> None:
    packed = PackedPicks(PICKS)
    assert packed == PICKS
    assert list(packed) == PICKS
    assert (len(packed), packed[3], packed[-1], packed[2:4]) == (
        40, PICKS[3], PICKS[-1], PICKS[2:4],
    )  # fmt: skip
    assert packed != PICKS[:-1]
    with pytest.raises(TypeError, match="unhashable"):
        hash(packed)


def test_a_number_that_would_not_come_back_is_refused() -> None:
    pick = Pick("X1", "S", "00", "HHZ", "Pg", 10**18, distance_km=np.float64(12.5))
    with pytest.raises(
        TypeError, match="an event or pick holds float64: expected str, int, float or None"
    ):
        PackedPicks([*PICKS, pick])


def some_events(count: int) -> list[Event]:
    return [
        Event(f"事件.{n}", "eq", 10**18 + n, 99.0, 25.0, n / 3 if n % 2 else None, math.inf, line=n,
              picks=[replace(pick, line=n) for pick in PICKS[: n % 5]])
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("in_memory", [1 << 24, 10])
def test_events_are_the_same_in_memory_and_on_the_disk(
    monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(packed, "_IN_MEMORY", in_memory)
    events = some_events(300)
    found = PackedEvents(events)
    assert len(found) == 300
    assert found == events
    assert list(found) == events
    assert (found[7], found[-1], found[3:9:2]) == (events[7], events[-1], events[3:9:2])
    with pytest.raises(IndexError):
        found[300]
    found.append(events[0])
    found.replace(5, events[1])
    assert list(found) == [*events[:5], events[1], *events[6:], events[0]]
    some = found.take([9, 3, 3])
    assert list(some) == [events[9], events[3], events[3]]
    assert pickle.loads(pickle.dumps(some)) == some
    assert [len(event.picks) for event in some] == [4, 3, 3]


def test_a_changed_event_is_changed_nowhere_else() -> None:
    found = PackedEvents(some_events(3))
    found[1].magnitude = 1.0
    assert found[1].magnitude == math.inf


def test_threads_may_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_IN_MEMORY", 10)
    events = some_events(200)
    found = PackedEvents(events)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: list(found) == events, range(40)))


def test_memory_does_not_grow_with_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_IN_MEMORY", 10)
    found = PackedEvents()
    tracemalloc.start()
    for event in some_events(2000):
        found.append(event)
    del event
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2000 * 40


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packed.tempfile, "SpooledTemporaryFile", lambda _: Full())
    with pytest.raises(OSError, match=r"No space left on device: .*events of a catalogue.*TMPDIR"):
        PackedEvents(some_events(1))


@pytest.mark.parametrize("compact", [False, True])
def test_a_part_of_a_catalogue(compact: bool) -> None:
    year_ns = 366 * 86_400 * 10**9
    events = [replace(event, time_ns=n % 3 * year_ns) for n, event in enumerate(some_events(9))]
    whole = Catalog("x", PackedEvents(events) if compact else events)
    assert whole.years == [1970, 1971, 1972]
    part = whole.of_year(1971)
    assert (list(part), part.whole, part.year) == (events[1::3], whole, 1971)
    assert str(whole) == "x: 9 events, 16 picks, " + " to ".join(
        ("1970-01-01T00:00:00.000000Z", "1972-01-03T00:00:00.000000Z, 0 problems")
    )


def test_rows_that_stand_apart_from_their_event_cost_as_little_as_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event is packed twice at most, however many of its rows stand elsewhere."""
    lengths: list[int] = []

    class Counted(PackedEvents):
        def _write(self, event: Event) -> tuple[int, int]:
            lengths.append(len(event.picks))
            return super()._write(event)

    monkeypatch.setattr(phase_report, "PackedEvents", Counted)
    path = tmp_path / "events.pha"
    events = [EVENT.format("a"), ROW.format("a", "S"), EVENT.format("b"), ROW.format("b", "S")]
    path.write_text("".join([*events, *(ROW.format("a", f"S{n}") for n in range(500))]))
    found = read_catalog(path, compact=True)
    assert [len(item.picks) for item in found] == [501, 1]
    assert lengths == [1, 1, 501]


def test_a_compact_catalogue_is_the_same_one(tmp_path: Path) -> None:
    """With rows that stand apart from their event, and two events of one id."""
    path = tmp_path / "events.pha"
    lines = [
        EVENT.format("a"), ROW.format("a", "AAA"), ROW.format("b", "BBB"), EVENT.format("b"),
        ROW.format("b", "CCC"), ROW.format("a", "DDD"), EVENT.format("b"), ROW.format("b", "EEE"),
    ]  # fmt: skip
    path.write_text("".join(lines))
    plain, compact = read_catalog(path), read_catalog(path, compact=True)
    assert all(isinstance(item.picks, PackedPicks) for item in compact)
    assert [list(item.picks) for item in compact] == [item.picks for item in plain]
    assert [(item.event_id, item.line) for item in compact] == [
        (item.event_id, item.line) for item in plain
    ]
    assert compact.problems == plain.problems
    assert compact.n_picks == plain.n_picks == 5
