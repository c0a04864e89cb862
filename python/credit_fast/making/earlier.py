"""A data set that is there already, and what was said of its events when it was made.

Knows the lines of `out.events.jsonl` and the rows of `out.csv`, not the HDF5 file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

from credit_fast.account.files import Line, OutputNames
from credit_fast.account.table import RowsSum
from credit_fast.errors import DatasetError

__all__ = ["Earlier"]


class _Known(NamedTuple):
    line_at: int
    rows_at: int
    rows: RowsSum
    catalog: str
    archive: str | None
    waits: bool
    is_noise: bool


class Earlier:
    """Events that are in a data set, by id, in their order."""

    def __init__(self, names: OutputNames) -> None:
        """Read what was said of them.

        Raises DatasetError when nothing can be read; FileNotFoundError when it is not there.
        """
        self._path = names.table
        self._known: dict[str, _Known] = {}
        with ExitStack() as files:
            self._lines: IO[bytes] = files.enter_context(names.events.open("rb"))
            self._table: IO[bytes] = files.enter_context(names.table.open("rb"))
            try:
                self._table_bytes = self._read()
            except (ValueError, KeyError, TypeError) as error:
                raise _unreadable(names.events, error) from error
            self._files = files.pop_all()

    def _read(self) -> int:
        """Read the lines; the bytes that the table should have."""
        self.first: Line = json.loads(self._lines.readline())
        rows_at = len(self._table.readline())
        while True:
            line_at = self._lines.tell()
            text = self._lines.readline()
            if not text:
                return rows_at
            line = json.loads(text)
            rows = RowsSum(*line["rows"])
            if "id" in line:
                self._known[line["id"]] = _Known(
                    line_at,
                    rows_at,
                    rows,
                    line["catalog"],
                    line["archive"],
                    bool(line.get("waits")),
                    line.get("noise", False),
                )
            rows_at += rows.size

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._known

    def is_noise(self, event_id: str) -> bool:
        """Whether an event that is there is a window of noise, not one of the catalogue."""
        return self._known[event_id].is_noise

    @property
    def waiting(self) -> int:
        """Number of events that wait for data that could not be read."""
        return sum(known.waits for known in self._known.values())

    def is_same(
        self, event_id: str, catalog: str, archive: str | None, *, though_waiting: bool = False
    ) -> bool:
        """Whether an event is there and nothing that it was made of has changed since."""
        known = self._known.get(event_id)
        return (
            known is not None
            and (though_waiting or not known.waits)
            and (known.catalog, known.archive) == (catalog, archive)
        )

    def of(self, event_id: str) -> tuple[Line, bytes]:
        """The line of an event, and its rows of the table."""
        known = self._known[event_id]
        self._lines.seek(known.line_at)
        self._table.seek(known.rows_at)
        line: Line = json.loads(self._lines.readline())
        return line, self._table.read(known.rows.size)

    def check_table(self) -> None:
        """Whether the rows are still those that were written: `of` gives them by their place.

        Raises DatasetError for a table that was edited, sorted or saved by another program.
        """
        found = os.fstat(self._table.fileno()).st_size
        if found != self._table_bytes:
            raise _edited(self._path, f"it has {found} bytes, expected {self._table_bytes}")
        for event_id, known in self._known.items():
            self._table.seek(known.rows_at)
            rows = RowsSum(0, 0).followed_by(self._table.read(known.rows.size))
            if rows != known.rows:
                raise _edited(self._path, f"the rows of event {event_id} are others")

    def close(self) -> None:
        """Close its files."""
        self._files.close()


def _edited(path: Path, what: str) -> DatasetError:
    return DatasetError(
        f"{path} is not as makeh5 wrote it: {what}. Rows of events that are kept would be copied "
        "from there: put the table back that was written, or make the data set anew (--overwrite)",
        path=str(path),
    )


def _unreadable(path: Path, error: Exception) -> DatasetError:
    return DatasetError(
        f"{path} is damaged ({error}): without it nobody knows what the data set was made of; "
        "make it anew (--overwrite)",
        path=str(path),
    )
