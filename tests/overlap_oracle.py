"""Which of several samples of a time counts: docs/decisions/0010-overlaps.md, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from window_layouts import Record
from window_oracle import Grid, grid_of, last_ns, period_ns, same_kind

#: So much may times differ by rounding to nanoseconds.
ROUNDING_NS = 2
#: Of two records one and a half samples apart, to that much, it is open whether they join.
HALF_WAY_NS = 2000


class Extent(NamedTuple):
    """The times that samples of a record stand for; the end is not among them."""

    from_ns: int
    until_ns: int
    record: Record


class Lost(NamedTuple):
    """A sample that was left out, and the parts of records that stand for it."""

    record: Record
    number: int
    owners: list[Record]

    @property
    def reasons(self) -> set[str]:
        """Why it may have been left out; several parts may stand for it, or two around it."""
        return {self._reason(owner) for owner in self.owners} or {"identical", "version", "scan"}

    def _reason(self, owner: Record) -> str:
        time_ns = grid_of(self.record).time(self.number)
        at = grid_of(owner).nearest(time_ns)
        same = owner.values[at : at + 1] == self.record.values[self.number] if at >= 0 else ()
        if same_kind(owner, self.record) and all(same) and len(same):
            return "identical"
        return "version" if owner.version != self.record.version else "scan"


class Decision(NamedTuple):
    """What is left of records, and what was left out."""

    left: list[Record]
    lost: list[Lost]
    #: Whether the rules leave no doubt.
    is_sure: bool


def decided(records: Iterable[Record], newness: Callable[[Record], Any]) -> Decision:
    """Records without the samples for which those of newer ones stand; the newest count first."""
    records = list(records)
    classes = sorted({newness(record) for record in records}, reverse=True)
    extents: list[Extent] = []
    left: list[Record] = []
    lost: list[Lost] = []
    is_sure = True
    for of_class in classes:
        kept: list[Record] = []
        for record in records:
            if newness(record) != of_class:
                continue
            near = _near(record, extents)
            times = _times(record)
            answers = [_is_covered(time, near) for time in times] if near else [False] * len(times)
            is_sure &= None not in answers
            kept += [_part(record, first, behind) for first, behind in _stretches(answers)]
            for number, time in enumerate(times):
                if answers[number]:
                    owners = [e.record for e in near if e.from_ns <= time < e.until_ns]
                    lost.append(Lost(record, number, owners))
        extents = sorted([*extents, *map(_extent, kept)], key=lambda e: e[:2])
        left += kept
    return Decision(left, lost, is_sure)


def _times(record: Record) -> list[int]:
    grid = grid_of(record)
    return [grid.time(number) for number in range(len(record.values))]


def _near(record: Record, extents: Sequence[Extent]) -> list[Extent]:
    """Those that may matter to a record: as near as two that join, and one more."""
    reach_ns = 2 * max((period_ns(e.record) for e in extents), default=0)
    first, last = record.start_ns - reach_ns, last_ns(record) + reach_ns
    return [extent for extent in extents if extent.from_ns <= last and extent.until_ns >= first]


def _extent(record: Record) -> Extent:
    half = period_ns(record) / 2
    return Extent(int(record.start_ns - half), int(last_ns(record) + half), record)


def _is_covered(time_ns: int, extents: Sequence[Extent]) -> bool | None:
    """Whether a time belongs to others; None where a nanosecond decides."""
    answers = {_covers(time_ns + ns, extents) for ns in _doubts(extents)}
    return answers.pop() if len(answers) == 1 else None


def _doubts(extents: Sequence[Extent]) -> range:
    """By how much times may be rounded: not at all where intervals are whole microseconds."""
    exact = all(period_ns(extent.record) % 2000 == 0 for extent in extents)
    return range(1) if exact else range(-ROUNDING_NS, ROUNDING_NS + 1)


def _covers(time_ns: int, extents: Sequence[Extent]) -> bool | None:
    if any(from_ns <= time_ns < until_ns for from_ns, until_ns, _ in extents):
        return True
    before = max(
        (e for e in extents if e.until_ns <= time_ns), key=lambda e: e.until_ns, default=None
    )
    behind = next((e for e in extents if e.from_ns > time_ns), None)
    if before is None or behind is None:
        return False
    # Nothing lies between two that join.
    periods = period_ns(before.record), period_ns(behind.record)
    gap = behind.from_ns - before.until_ns
    if gap > min(periods) / 2 + HALF_WAY_NS:
        return False
    return True if periods[0] == periods[1] and gap < periods[0] / 2 - HALF_WAY_NS else None


def _stretches(gone: Sequence[bool | None]) -> list[tuple[int, int]]:
    """First and behind the last number of what is left, piece by piece."""
    borders = [
        0,
        *(n for n, (a, b) in enumerate(pairwise(gone), 1) if bool(a) != bool(b)),
        len(gone),
    ]
    return [(first, behind) for first, behind in pairwise(borders) if not gone[first]]


def _part(record: Record, first: int, behind: int) -> Record:
    """Some samples of a record."""
    if (first, behind) == (0, len(record.values)):
        return record
    return replace(
        record,
        start_ns=Grid(record.start_ns, record.rate).time(first),
        values=record.values[first:behind],
        whole=record,
        skip=first,
    )
