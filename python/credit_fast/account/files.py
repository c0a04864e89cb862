"""The files beside a data set: their names, and the lines of what became of each event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Line", "OutputNames", "is_table", "lines_of", "says_what_it_is"]

#: What is said of an event, or of what a data set was made with.
Line = dict[str, Any]

_TABLE, _EVENTS, _REPORT = ".csv", ".events.jsonl", ".report.json"
_PART, _JOURNAL = ".part", ".journal"


@dataclass(frozen=True, slots=True)
class OutputNames:
    """The names that go with a data set."""

    data_set: Path

    @property
    def table(self) -> Path:
        """The table of station records."""
        return self._beside(_TABLE)

    @property
    def events(self) -> Path:
        """What became of each event."""
        return self._beside(_EVENTS)

    @property
    def report(self) -> Path:
        """The account of the run."""
        return self._beside(_REPORT)

    @property
    def journal(self) -> Path:
        """What a run that is not done has done."""
        return self.data_set.with_name(self.data_set.name + _JOURNAL)

    @property
    def parts(self) -> Path:
        """Folder of what a cluster makes for a run that is not done."""
        return self.data_set.with_name(self.data_set.name + ".parts")

    @property
    def beside(self) -> tuple[Path, Path, Path]:
        """The files that stay beside the data set."""
        return self.table, self.events, self.report

    @property
    def taken_ending(self) -> str | None:
        """The ending of the data set's name that is one of the files beside another; else None."""
        endings = (_TABLE, _EVENTS, _REPORT, _PART, _JOURNAL)
        return next((end for end in endings if self.data_set.name.endswith(end)), None)

    def of_same_stem(self) -> Iterator[tuple[OutputNames, Path]]:
        """Other data sets whose files beside them are these, with the file that may be of one.

        That is the data set, to be looked into, or the journal of a run. OSError when the folder
        cannot be read.
        """
        for path in sorted(self.data_set.parent.iterdir()):
            other = path.with_name(path.name.removesuffix(_JOURNAL))
            if other.stem == self.data_set.stem and other.name != self.data_set.name:
                yield OutputNames(other), path

    @staticmethod
    def part(path: Path) -> Path:
        """The name of a file until it is whole."""
        return path.with_name(path.name + _PART)

    def remove_parts(self) -> None:
        """Remove what a run has made that did nothing."""
        for path in (self.data_set, *self.beside):
            with suppress(OSError):  # not there, or a disk that takes no change
                self.part(path).unlink()

    def _beside(self, ending: str) -> Path:
        return self.data_set.with_name(self.data_set.stem + ending)


def is_table(path: Path) -> bool:
    """Whether a file begins as the table of a data set does."""
    with path.open("rb") as file:
        return file.readline(64).startswith(b"trace_name,")


def says_what_it_is(path: Path) -> bool:
    """Whether a file beside a data set is one of makeh5, by how it begins."""
    if path.name.endswith(_TABLE):
        return is_table(path)
    with path.open("rb") as file:
        return b'"made_by":' in file.read(32)


def lines_of(events: Path) -> Iterator[Line]:
    """The lines of events of such a file, without the first, in their order."""
    with events.open("rb") as file:
        next(file, None)
        for text in file:
            yield json.loads(text)
