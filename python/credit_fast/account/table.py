"""The table beside a data set: one row for each station record of the catalogue, as CSV.

Rows are appended in the order of the catalogue, each whole, and nothing is kept in memory. What a
cell says comes from `trace_row`; opening, cutting back and naming the file is for the job.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, TextIO

from credit_fast.account.accounting import EVENT_REFUSED, REFUSED, RecordFate
from credit_fast.account.trace_row import Origin, TraceFacts, cell, code_cell
from credit_fast.catalogs.model import Event, Station, StationTable
from credit_fast.hdf5 import layout
from credit_fast.station_records.cut import StationCut
from credit_fast.station_records.plan import EventPlan

__all__ = ["PHASES", "RowsSum", "TableWriter", "read_table", "row_of", "table_columns"]

#: Phases that have columns of their own; the others of a record are in `trace_other_arrivals`.
PHASES = ("P", "S", "Pg", "Sg", "Pn", "Sn")

FATE = ("trace_fate", "trace_fate_reason", "trace_missing_s")
OTHER_ARRIVALS = "trace_other_arrivals"
# A cell, up to a comma or the end of the row.
_CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",]*))(?=,|\Z)')
# Characters; a table in which a quote is lost is not read to its end into memory.
_MAX_ROW = 1 << 26


def row_of(
    facts: TraceFacts, components: str = layout.ORIENTATIONS, phases: Sequence[str] = PHASES
) -> dict[str, str]:
    """Column and text of every cell of a record; `components` are orientation letters."""
    row = facts.cells(components)
    row.update(zip(FATE, (facts.fate, code_cell(facts.reason), cell(facts.missing_s)), strict=True))
    for phase in phases:
        row.update(facts.arrival_cells(phase))
    row[OTHER_ARRIVALS] = ";".join(
        f"{phase}:{facts.arrival_cells(phase)[f'trace_{phase}_arrival_sample']}"
        for phase in facts.arrivals
        if phase not in phases
    )
    return row


def table_columns(
    components: str = layout.ORIENTATIONS, phases: Sequence[str] = PHASES
) -> list[str]:
    """The columns of a table, in their order."""
    nothing = Origin("", "", 0, None, None, None, None, "")
    return list(row_of(TraceFacts(nothing, "", "", "", {}, None, None), components, phases))


class RowsSum(NamedTuple):
    """Some rows of a table: their bytes, and a checksum (CRC-32) that tells of changes."""

    size: int
    crc32: int

    def followed_by(self, text: bytes) -> RowsSum:
        """The same with more behind it."""
        return RowsSum(self.size + len(text), zlib.crc32(text, self.crc32))


class TableWriter:
    """Appends rows to a binary file that is open for writing.

    An empty file gets the line of column names first; at another place of a file (a table that is
    continued) there is one already. Each row is whole when `write` returns; `flush` hands what
    Python buffers to the system and says how many bytes the table has. ValueError for `components`
    or `phases` that name a column twice.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        components: str = layout.ORIENTATIONS,
        phases: Sequence[str] = PHASES,
    ) -> None:
        self._file = file
        self._written = RowsSum(0, 0)
        self._components = components
        self._phases = tuple(phases)
        self._columns = table_columns(components, phases)
        if len(set(components)) < len(components) or len(set(phases)) < len(self._phases):
            raise ValueError(f"components {components!r}, phases {phases!r}: expected each once")
        if file.tell() == 0:
            self._append(self._columns)
            self.take_sum()

    def write(
        self, event: Event, cut: StationCut, coordinates: Station | None, fate: RecordFate
    ) -> None:
        """Append the row of one station record, with or without a waveform."""
        facts = TraceFacts.of_plan(Origin.of_event(event), cut.plan, cut.record, coordinates)
        facts.fate, facts.reason, facts.missing_s = fate.fate, fate.reason, fate.gap_s
        if not cut.has_group:
            facts.name = ""
        if cut.plan.refusal is not None:
            facts.reason = cut.plan.refusal
        self._write(facts)

    def write_refused(self, plan: EventPlan, places: StationTable | None) -> None:
        """Append a row for each station record of an event that has no group in the data set."""
        origin = Origin.of_event(plan.event)
        for station in plan.stations:
            codes = (station.network, station.station, station.location)
            place = None if places is None else places.get(*codes)
            facts = TraceFacts.of_plan(origin, station, None, place)
            facts.name, facts.fate = "", REFUSED
            facts.reason = f"{EVENT_REFUSED}: {plan.refusal}"
            self._write(facts)

    def take_sum(self) -> RowsSum:
        """What was appended since the last call, or since the line of column names."""
        written, self._written = self._written, RowsSum(0, 0)
        return written

    def flush(self) -> int:
        """Hand everything to the system; returns the size of the table in bytes."""
        self._file.flush()
        return self._file.tell()

    def _write(self, facts: TraceFacts) -> None:
        row = row_of(facts, self._components, self._phases)
        self._append(row[name] for name in self._columns)

    def _append(self, cells: Iterable[str]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        text = line.getvalue().encode("utf-8", "replace")
        self._file.write(text)
        self._written = self._written.followed_by(text)


def read_table(file: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of each row of a table that is open for reading.

    ValueError for a row with more or fewer cells than the table has columns, and for a file
    without columns.
    """
    rows = _rows(file)
    _, columns = next(rows, (0, []))
    if not any(columns):
        raise ValueError("it is empty: expected a line of column names")
    for line, row in rows:
        if len(row) != len(columns):
            raise ValueError(f"line {line}: {len(row)} cells, expected {len(columns)}")
        yield line, dict(zip(columns, row, strict=True))


def _rows(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Number of the last line, and cells, of each row of a CSV file.

    `csv.reader` takes cells of 131,072 characters, less than the gaps of a component can have; its
    limit can be raised for all of the process only, which is not ours to do.
    """
    lines: list[str] = []
    length, is_open = 0, False
    number = 0
    for number, line in enumerate(file, start=1):
        lines.append(line)
        length += len(line)
        is_open ^= line.count('"') % 2 == 1
        if length > _MAX_ROW:
            break
        if not is_open:
            yield number, _cells("".join(lines).rstrip("\r\n"), number)
            lines, length = [], 0
    if lines:
        text = "the file ends" if length <= _MAX_ROW else f"more than {_MAX_ROW} characters come"
        raise ValueError(f"line {number}: {text} before the row ends: a quote too few or too many")


def _cells(row: str, line: int) -> list[str]:
    if '"' not in row:
        return row.split(",")
    cells: list[str] = []
    at = 0
    while at <= len(row):
        cell = _CELL.match(row, at)
        if cell is None:
            raise ValueError(f"line {line}: cell {len(cells) + 1} has a quote in its middle")
        quoted, plain = cell.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        at = cell.end() + 1
    return cells
