"""The result of a run: medians and ratios, the table on the terminal, the files of the run.

Computes from the times alone. Runs nothing, and writes no path and no name of the machine.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

#: What our own programs are called: the package and the command.
OURS = ("credit_fast", "credit-fast")
HEADER = (
    "program", "median ms", "fastest", "slowest", "ratio", "rate", "memory MB", "size kB", "note"
)  # fmt: skip
_FIGURES = range(1, 8)


@dataclass(frozen=True)
class Quantity:
    """What a program does in one repetition.

    Times are given for one of `units`; the rate is `amount` in a second, and not given when empty.
    """

    units: int = 1
    amount: float = 0.0
    amount_unit: str = ""


@dataclass
class Result:
    """One program in one task; `seconds` of each repetition, or why it did not run.

    A floor is no rival: a part of the work, done alone.
    """

    rival: str
    quantity: Quantity = Quantity()
    is_floor: bool = False
    seconds: list[float] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)
    size_bytes: int | None = None
    note: str = ""
    failure: str = ""

    @property
    def unit_s(self) -> float:
        """Median of the repetitions, for one unit; infinite when there is none."""
        return median(self.seconds) / self.quantity.units if self.seconds else float("inf")

    @property
    def is_ours(self) -> bool:
        """Whether it is credit_fast."""
        return self.rival.startswith(OURS)

    def row(self, best_s: float) -> tuple[str, ...]:
        """Texts of the table, in the order of HEADER, given the fastest of the task."""
        size = "" if self.size_bytes is None else f"{self.size_bytes / 1e3:.0f}"
        if not self.seconds:
            return (self.rival, *[""] * 6, size, self.failure or self.note)
        units, rate = self.quantity.units, ""
        times = (median(self.seconds), min(self.seconds), max(self.seconds))
        if self.quantity.amount_unit:
            rate = f"{_three_digits(self.quantity.amount / times[0])} {self.quantity.amount_unit}/s"
        memory = f"{max(self.memory_bytes) / 1e6:.0f}" if self.memory_bytes else ""
        shown = (_ms(seconds / units) for seconds in times)
        ratio = f"{self.unit_s / best_s:.2f}"
        return (self.rival, *shown, ratio, rate, memory, size, self.note)


@dataclass
class TaskResult:
    """One task: what was done, and by whom."""

    name: str
    title: str
    unit: str
    results: list[Result]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Lines of the table; the fastest that is not a floor has the ratio 1."""
        best_s = min(
            (result.unit_s for result in self.results if not result.is_floor), default=float("inf")
        )
        for result in self.results:
            yield result.row(best_s)

    def verdict(self) -> str:
        """The first form of credit_fast against all others, as sentences."""
        mine = next((r for r in self.results if r.is_ours and r.seconds), None)
        others = [r for r in self.results if not r.is_ours and not r.is_floor and r.seconds]
        if mine is not None and all(r.is_ours or r.is_floor for r in self.results):
            return "Ways of credit_fast alone."
        if mine is None or not others:
            return "No comparison: one side did not run."
        others.sort(key=lambda result: result.unit_s)
        ratio = others[0].unit_s / mine.unit_s
        sense = "faster" if ratio >= 1 else "SLOWER"
        alike = "" if mine.note == others[0].note else " Not the same work: see the notes."
        more = ", ".join(f"{r.rival} {r.unit_s / mine.unit_s:.2f}" for r in others[1:])
        return (
            f"{mine.rival} is {max(ratio, 1 / ratio):.2f} times {sense} than the fastest rival, "
            f"{others[0].rival}.{alike}{f' Times of the others, by its own: {more}.' * bool(more)}"
        )

    @property
    def heading(self) -> str:
        """Title with the number of repetitions and the unit of the times."""
        repetitions = max((len(r.seconds) for r in self.results), default=0)
        units = {r.quantity.units for r in self.results}
        many = f", {min(units)} in each repetition" if len(units) == 1 and units != {1} else ""
        return f"{self.title} ({repetitions} repetitions; times per {self.unit}{many})"


@dataclass(frozen=True)
class Run:
    """Everything that the files of a run tell."""

    date: str
    command: str
    archive: str
    machine: dict[str, str]
    versions: dict[str, str]
    remarks: tuple[str, ...]
    tasks: list[TaskResult]


def print_tables(run: Run, console: Console) -> None:
    """Show the result on the terminal."""
    console.print(f"{run.archive}; warm cache")
    for task in run.tasks:
        table = Table(title=task.heading, title_justify="left")
        for number, name in enumerate(HEADER):
            table.add_column(name, justify="right" if number in _FIGURES else "left")
        for row in task.rows():
            table.add_row(*row)
        console.print(table)
        console.print(task.verdict())


def write_run(run: Run, folder: Path) -> None:
    """Write raw.csv, summary.md and README.md into a new folder."""
    folder.mkdir(parents=True)
    with (folder / "raw.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["task", "rival", "repetition", "position", "seconds", "units", "memory_bytes"]
        )
        for task in run.tasks:
            for result in task.results:
                units, memory = result.quantity.units, result.memory_bytes
                times = zip(result.seconds, result.positions, strict=True)
                for number, (seconds, position) in enumerate(times):
                    row = [
                        number,
                        position,
                        f"{seconds:.9f}",
                        units,
                        memory[number] if memory else "",
                    ]
                    writer.writerow([task.name, result.rival, *row])
    (folder / "summary.md").write_text(_summary(run), encoding="utf-8")
    (folder / "README.md").write_text(_readme(run), encoding="utf-8")


def without_paths(text: str) -> str:
    """The text with absolute paths replaced: messages of others may hold some."""
    return re.sub(r"(?<![\w.<])/[^\s'\",:;)]+", "<path>", text)


def _ms(seconds: float) -> str:
    return _three_digits(seconds * 1e3)


def _three_digits(number: float) -> str:
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


def _summary(run: Run) -> str:
    lines = [f"# Comparison of {run.date}", "", f"{run.archive}.", ""]
    lines += [
        "All answers were equal before anything was timed. Warm cache: every file was read "
        "before, but in the task cold. `ratio` is the median over the median of the fastest "
        "program of the task; a floor (a part of the work, done alone) may be below 1.",
        "",
    ]
    for task in run.tasks:
        lines += [f"## {task.name}: {task.heading}", "", _row(HEADER)]
        lines.append(_row(["---", *["---:"] * len(_FIGURES), "---"]))
        lines += [_row(row) for row in task.rows()]
        lines += ["", task.verdict(), ""]
    lines += ["## Not alike", "", *(f"- {remark}" for remark in run.remarks)]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...] | list[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _readme(run: Run) -> str:
    lines = [
        f"# Run of {run.date}",
        "",
        f"Made by `{run.command}` (in the folder of the repository, after `make install`).",
        "",
        f"Archive: {run.archive}. It is made anew for each run, with the same bytes.",
        "",
        "- `raw.csv`: every repetition: `seconds` by the clock for `units` units; `position` is "
        "the rival's place in that repetition.",
        "- `summary.md`: medians, fastest, slowest, ratios.",
        "",
        "In each repetition all rivals of a task run one after the other, the first place going "
        "round. Each family of programs has a process of its own, already started; a rival "
        "whose index is a file has a copy of its own.",
        "",
        "## Machine",
        "",
        *(f"- {name}: {value}" for name, value in run.machine.items()),
        "",
        "## Versions",
        "",
        *(f"- {name}: {value}" for name, value in run.versions.items()),
    ]
    return "\n".join(lines) + "\n"
