"""What an export holds, and what was left out of it and why: counts, text, table, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from credit_fast.export.splits import SPLITS
from credit_fast.hdf5.nodes import one_line

__all__ = ["ExportReport"]

_NAMED = 20  # records for each reason


@dataclass(slots=True)
class ExportReport:
    """What was exported; `str()` is plain text, `to_dict()` the JSON form.

    Every station record of the input is a trace, or left out for a reason: `records` = `traces` +
    all of `left_out`. `examples` names the first records of each reason. `labels` counts, by
    phase, the arrivals that have a sample number, `labels_left_out` those that have none, as no
    exported component has a real sample at their time. `problems` are records of the input that
    should be there and could not be read, and lines of the catalogue and station file.
    """

    path: str
    source: str
    format: str
    split: tuple[float, ...]
    seed: int
    components: str
    records: int = 0
    traces: int = 0
    traces_by_split: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(SPLITS, 0)))
    events_by_split: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(SPLITS, 0)))
    labels: Counter[str] = field(default_factory=Counter)
    labels_left_out: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    incomplete_traces: int = 0
    blocks: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_parts: list[str] = field(default_factory=list)
    size_bytes: int = 0
    seconds: float = 0.0

    @property
    def has_problems(self) -> bool:
        """Whether something of the input was damaged or refused; absent data are no problem."""
        return bool(self.problems)

    @property
    def agrees(self) -> bool:
        """Whether every station record of the input is accounted for."""
        return self.records == self.traces + sum(self.left_out.values())

    def leave_out(self, name: str, reason: str, *, is_problem: bool = False) -> None:
        """Count a record that is not exported; names of a damaged file can hold anything."""
        name, reason = one_line(name), one_line(reason)
        self.records += 1
        self.left_out[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < _NAMED:
            named.append(name)
        if is_problem:
            self.problems.append(f"{name}: {reason}")

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "path": self.path,
            "source": self.source,
            "format": self.format,
            "split": list(self.split),
            "seed": self.seed,
            "components": self.components,
            "records": self.records,
            "traces": self.traces,
            "traces_by_split": dict(self.traces_by_split),
            "events_by_split": dict(self.events_by_split),
            "labels": dict(sorted(self.labels.items())),
            "labels_left_out": dict(sorted(self.labels_left_out.items())),
            "left_out": dict(self.left_out),
            "left_out_examples": self.examples,
            "incomplete_traces": self.incomplete_traces,
            "blocks": self.blocks,
            "has_problems": self.has_problems,
            "problems": self.problems,
            "notes": self.notes,
            "left_parts": self.left_parts,
            "size_bytes": self.size_bytes,
            "seconds": round(self.seconds, 3),
        }

    def _lines(self) -> Iterator[str]:
        yield f"station records: {self.records}, of them traces: {self.traces}"
        yield f"traces with filled samples or absent components: {self.incomplete_traces}"
        for reason, number in self.left_out.most_common():
            yield f"left out: {number} x {reason}, as {self.examples[reason][0]}"
        for phase, number in sorted(self.labels_left_out.items()):
            yield f"arrivals without a sample at their time: {number} {phase}"
        for text in self.problems[:_NAMED]:
            yield f"problem: {text}"
        if len(self.problems) > _NAMED:
            yield f"problem: ... and {len(self.problems) - _NAMED} more (all with --json)"
        yield from self.notes
        for name in self.left_parts:
            what = "the older folder, " if name.endswith(".old") else ""
            yield f"left over: {name}: {what}of a run that was killed, or still runs"
        yield f"{self.path}: {self.size_bytes / 1e6:.1f} MB in {self.seconds:.1f} s"

    def _rows(self) -> Iterator[list[str]]:
        for name in SPLITS:
            yield [name, str(self.events_by_split[name]), str(self.traces_by_split[name])]
        yield ["all", str(sum(self.events_by_split.values())), str(self.traces)]

    def __str__(self) -> str:
        rows = [_HEADS, *self._rows()]
        lines = ["".join(f"{cell:>10}" for cell in row) for row in rows]
        labels = ", ".join(f"{phase} {number}" for phase, number in sorted(self.labels.items()))
        return "\n".join([*lines, f"labels: {labels or 'none'}", *self._lines()])

    def print(self, console: Console) -> None:
        """The same for a terminal."""
        table = Table(title=self.path, title_justify="left")
        for number, head in enumerate(_HEADS):
            table.add_column(head, justify="right" if number else "left")
        for row in self._rows():
            table.add_row(*row)
        console.print(table)
        labels = ", ".join(f"{phase} {number}" for phase, number in sorted(self.labels.items()))
        for line in (f"labels: {labels or 'none'}", *self._lines()):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


_HEADS = ["split", "events", "traces"]
