"""Packed picks are the picks that they were made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from credit_fast.catalogs import Pick, phase_report, read_catalog
from credit_fast.catalogs.packed import PackedPicks

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
    with pytest.raises(TypeError, match="a pick holds float64: expected str, int, float or None"):
        PackedPicks([*PICKS, pick])


def test_rows_that_stand_apart_from_their_event_cost_as_little_as_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event is packed twice at most, however many of its rows stand elsewhere."""
    lengths: list[int] = []

    class Counted(PackedPicks):
        def __init__(self, picks: list[Pick]) -> None:
            lengths.append(len(picks))
            super().__init__(picks)

    monkeypatch.setattr(phase_report, "PackedPicks", Counted)
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
