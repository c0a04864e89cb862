"""Packed picks are the picks that they were made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from credit_fast.catalogs import Pick, read_catalog
from credit_fast.catalogs.packed import PackedPicks

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
    packed.append(PICKS[0])
    assert packed == [*PICKS, PICKS[0]]
    packed.sort(key=lambda pick: -pick.line)
    assert [pick.line for pick in packed][:2] == [39, 38]
    with pytest.raises(TypeError, match="unhashable"):
        hash(packed)


def test_a_compact_catalogue_is_the_same_one(tmp_path: Path) -> None:
    """With rows that stand apart from their event, and two events of one id."""
    event = "#EVENT {} eq 2012 03 01 061 13 22 11 0 LOC 99.0 25.0 DEP 8 MAG ML 2.0\n"
    row = (
        "PHASE {} eq TRAVTIME X1 {} 00 HHZ Pg ttime 3.0 V 2012 03 01 061 13 22 14 000000 "
        "MAGSOURCE MAGTYPE MAG DISTAZ 18.0 90.0 LOC_RMSWT RMS WT\n"
    )
    path = tmp_path / "events.pha"
    lines = [
        event.format("a"), row.format("a", "AAA"), row.format("b", "BBB"), event.format("b"),
        row.format("b", "CCC"), row.format("a", "DDD"), event.format("b"), row.format("b", "EEE"),
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
