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

OURS = "credit_fast"
HEADER = ("program", "median ms", "fastest", "slowest", "ratio", "size kB", "note")


@dataclass
class Result:
    """One rival in one task; `seconds` of each repetition, or why it did not run."""

    rival: str
    seconds: list[float] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    size_bytes: int | None = None
    note: str = ""
    failure: str = ""

    @property
    def median_s(self) -> float:
        """Median of the repetitions; infinite when there is none."""
        return median(self.seconds) if self.seconds else float("inf")

    @property
    def is_ours(self) -> bool:
        """Whether it is credit_fast."""
        return self.rival.startswith(OURS)


@dataclass
class TaskResult:
    """One task: what was done `units` times per repetition, and by whom."""

    name: str
    title: str
    units: int
    unit: str
    results: list[Result]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Texts of the table, in the order of HEADER; times are of one unit."""
        best = min(result.median_s for result in self.results)
        for result in self.results:
            size = "" if result.size_bytes is None else f"{result.size_bytes / 1e3:.0f}"
            if not result.seconds:
                yield (result.rival, "", "", "", "", size, result.failure or result.note)
                continue
            times = (result.median_s, min(result.seconds), max(result.seconds))
            shown = (_ms(seconds / self.units) for seconds in times)
            yield (result.rival, *shown, f"{result.median_s / best:.2f}", size, result.note)

    def verdict(self) -> str:
        """The default form of credit_fast against the fastest of the others, as a sentence."""
        mine = next((r for r in self.results if r.is_ours and r.seconds), None)
        others = [r for r in self.results if not r.is_ours and r.seconds]
        if mine is not None and all(r.is_ours for r in self.results):
            return "Ways of credit_fast alone."
        if mine is None or not others:
            return "No comparison: one side did not run."
        rival = min(others, key=lambda r: r.median_s)
        ratio = rival.median_s / mine.median_s
        sense = "faster" if ratio >= 1 else "SLOWER"
        alike = "" if mine.note == rival.note else " Not the same work: see the notes."
        return (
            f"{mine.rival} is {max(ratio, 1 / ratio):.2f} times {sense} than the fastest rival, "
            f"{rival.rival}.{alike}"
        )

    @property
    def heading(self) -> str:
        """Title with the number of repetitions and the unit of the times."""
        repetitions = max((len(r.seconds) for r in self.results), default=0)
        many = f", {self.units} in each repetition" if self.units > 1 else ""
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
            table.add_column(name, justify="right" if 0 < number < 6 else "left")
        for row in task.rows():
            table.add_row(*row)
        console.print(table)
        console.print(task.verdict())


def write_run(run: Run, folder: Path) -> None:
    """Write raw.csv, summary.md and README.md into a new folder."""
    folder.mkdir(parents=True)
    with (folder / "raw.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["task", "rival", "repetition", "position", "seconds", "units"])
        for task in run.tasks:
            for result in task.results:
                times = zip(result.seconds, result.positions, strict=True)
                for number, (seconds, position) in enumerate(times):
                    row = [number, position, f"{seconds:.9f}", task.units]
                    writer.writerow([task.name, result.rival, *row])
    (folder / "summary.md").write_text(_summary(run), encoding="utf-8")
    (folder / "README.md").write_text(_readme(run), encoding="utf-8")


def without_paths(text: str) -> str:
    """The text with absolute paths replaced: messages of others may hold some."""
    return re.sub(r"(?<![\w.<])/[^\s'\",:;)]+", "<path>", text)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 0.1 else f"{seconds * 1e3:.0f}"


def _summary(run: Run) -> str:
    lines = [f"# Comparison of {run.date}", "", f"{run.archive}.", ""]
    lines += [
        "All answers were equal before anything was timed. Warm cache: every file was read "
        "before. `ratio` is the median over the median of the fastest program of the task.",
        "",
    ]
    for task in run.tasks:
        lines += [f"## {task.name}: {task.heading}", "", _row(HEADER)]
        lines.append(_row(["---", *["---:"] * 5, "---"]))
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
