"""The files beside a data set: their names, and the lines of what became of each event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Line", "OutputNames", "lines_of"]

#: What is said of an event, or of what a data set was made with.
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OutputNames:
    """The names that go with a data set."""

    data_set: Path

    @property
    def table(self) -> Path:
        """The table of station records."""
        return self._beside(".csv")

    @property
    def events(self) -> Path:
        """What became of each event."""
        return self._beside(".events.jsonl")

    @property
    def report(self) -> Path:
        """The account of the run."""
        return self._beside(".report.json")

    @property
    def journal(self) -> Path:
        """What a run that is not done has done."""
        return self.data_set.with_name(self.data_set.name + ".journal")

    @property
    def beside(self) -> tuple[Path, Path, Path]:
        """The files that stay beside the data set."""
        return self.table, self.events, self.report

    @staticmethod
    def part(path: Path) -> Path:
        """The name of a file until it is whole."""
        return path.with_name(path.name + ".part")

    def remove_parts(self) -> None:
        """Remove what a run has made that did nothing."""
        for path in (self.data_set, *self.beside):
            with suppress(OSError):  # not there, or a disk that takes no change
                self.part(path).unlink()

    def _beside(self, ending: str) -> Path:
        return self.data_set.with_name(self.data_set.stem + ending)


def lines_of(events: Path) -> Iterator[Line]:
    """The lines of events of such a file, without the first, in their order."""
    with events.open("rb") as file:
        next(file, None)
        for text in file:
            yield json.loads(text)
