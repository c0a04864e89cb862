"""What testh5 found: the findings, their counts, and both as text, table and JSON.

Compares nothing and opens no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from credit_fast.hdf5.nodes import one_line

__all__ = ["DIFFERENT", "EXTRA", "MISSING", "UNREADABLE", "CheckReport", "Finding"]

MISSING, DIFFERENT, EXTRA, UNREADABLE = "missing", "different", "extra", "unreadable"
_LISTED = 20
_DAMAGED = "damaged in the archive: "


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    `kind` is missing, different, extra (in the file only) or unreadable; `level` is event,
    station record, component, pick or samples, and `place` the path inside the file; for the
    levels account and table it is the place in those files.
    """

    kind: str
    level: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {self.level} {self.place}: {self.text}"


@dataclass(slots=True)
class CheckReport:
    """What `testh5` found; `str()` is the complete text, `to_dict()` the JSON form.

    `expected` and `found` count events, station records, components and picks; a pick is found
    when all its attributes are what the catalogue gives. `components_per_station` counts station
    records by their number of components. `incomplete_components` lack an attribute.
    `damaged_files` holds the archive's warnings, each once, with the file's name: no fault of
    the data set, which lacks those samples too. `account` and `table` name the files beside the
    data set that were compared with it, `table_rows` counts the rows. `events_kept` are events that
    the account names as kept by an update although the catalogue did not have them: nothing says
    what they should be.
    """

    path: str
    catalog: str
    expected: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    components_per_station: Counter[int] = field(default_factory=Counter)
    components_with_gaps: int = 0
    duplicate_events: int = 0
    findings: list[Finding] = field(default_factory=list)
    compared_records: int = 0
    compared_samples: int = 0
    damaged_files: list[str] = field(default_factory=list)
    incomplete_components: int = 0
    account: str | None = None
    table: str | None = None
    table_rows: int = 0
    events_kept: int = 0

    LEVELS = ("event", "station record", "component", "pick")

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, different, extra or unreadable."""
        return not self.findings

    def add(self, kind: str, level: str, place: str, text: str) -> None:
        """Note one difference; names and texts of a damaged file can hold anything."""
        self.findings.append(Finding(kind, level, one_line(place), one_line(text)))

    def add_absent(self, place: str, attributes: str) -> None:
        """Note a component that is there and lacks attributes."""
        self.incomplete_components += 1
        self.add(MISSING, "component", place, f"no attribute {attributes}")

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "path": self.path,
            "catalog": self.catalog,
            "is_whole": self.is_whole,
            "levels": {
                level: {"expected": self.expected[level], "found": self.found[level]}
                for level in self.LEVELS
            },
            "components_per_station": {
                str(number): count for number, count in sorted(self._histogram().items())
            },
            "components_with_gaps": self.components_with_gaps,
            "duplicate_events": self.duplicate_events,
            "compared_records": self.compared_records,
            "compared_samples": self.compared_samples,
            "damaged_files": self.damaged_files,
            "account": self.account,
            "table": self.table,
            "table_rows": self.table_rows,
            "events_kept": self.events_kept,
            "findings": [
                {"kind": item.kind, "level": item.level, "place": item.place, "text": item.text}
                for item in self.findings
            ],
        }

    def _histogram(self) -> dict[int, int]:
        return dict.fromkeys(range(4), 0) | self.components_per_station

    def _missing_components(self) -> int:
        of_records = sum(max(0, 3 - n) * count for n, count in self.components_per_station.items())
        absent = self.expected["station record"] - sum(self.components_per_station.values())
        return of_records + 3 * max(0, absent)

    def _kinds(self, level: str) -> list[str]:
        counts = Counter(item.kind for item in self.findings if item.level == level)
        if level == "component":
            # A finding names a station record; the table counts its components.
            counts[MISSING] = self._missing_components() + self.incomplete_components
        return [str(counts[kind]) for kind in (MISSING, DIFFERENT, EXTRA, UNREADABLE)]

    def _rows(self) -> Iterator[list[str]]:
        for level in self.LEVELS:
            counts = [str(self.expected[level]), str(self.found[level])]
            yield [f"{level}s", *counts, *self._kinds(level)]
        if self.compared_records:
            whole = sum(item.level == "samples" for item in self.findings)
            counts = [str(self.compared_records), str(self.compared_records - whole)]
            yield ["records cut again", *counts, *self._kinds("samples")]

    def _closing(self) -> Iterator[str]:
        histogram = sorted(self._histogram().items())
        parts = ", ".join(f"{number}: {count}" for number, count in histogram)
        yield f"station records by number of components: {parts}"
        yield f"components with gaps: {self.components_with_gaps}"
        if self.duplicate_events:
            yield f"events whose id came before in the catalogue: {self.duplicate_events}"
        if self.events_kept:
            yield f"events kept by an update, not in the catalogue: {self.events_kept}"
        if self.compared_records:
            yield f"samples compared with the archive: {self.compared_samples}"
        if self.account is not None:
            yield f"account compared with the file: {self.account}"
        if self.table is not None:
            yield f"table compared with the file: {self.table}, {self.table_rows} rows"
        if self.damaged_files:
            yield f"damaged places in the archive: {len(self.damaged_files)}"
        yield f"{self.path}: " + ("whole" if self.is_whole else f"{len(self.findings)} findings")

    def __str__(self) -> str:
        lines = [_plain_row(_HEADS), *map(_plain_row, self._rows()), *self._closing()]
        damaged = [f"{_DAMAGED}{text}" for text in self.damaged_files]
        return "\n".join([*lines, "", *map(str, self.findings), *damaged]).rstrip() + "\n"

    def print(self, console: Console) -> None:
        """The summary as a table for a terminal, with the first findings."""
        table = Table(title=self.path, title_justify="left")
        for number, head in enumerate(_HEADS):
            table.add_column(head, justify="right" if number else "left")
        for row in self._rows():
            table.add_row(*row)
        console.print(table)
        lines = [*map(str, self.findings[:_LISTED])]
        if len(self.findings) > _LISTED:
            lines.append(f"... and {len(self.findings) - _LISTED} more findings")
        lines += [f"{_DAMAGED}{text}" for text in self.damaged_files[:_LISTED]]
        if len(self.damaged_files) > _LISTED:
            lines.append(f"... and {len(self.damaged_files) - _LISTED} more damaged places")
        for line in (*lines, *self._closing()):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


_HEADS = ["", "expected", "found", MISSING, DIFFERENT, EXTRA, UNREADABLE]


def _plain_row(cells: list[str]) -> str:
    return (f"{cells[0]:<18}" + "".join(f"{cell:>11}" for cell in cells[1:])).rstrip()
