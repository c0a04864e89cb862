"""The progress bar of long work: done and total, rate, time left. Counts nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["CountFiles", "counting_files", "work_progress"]

CountFiles = Callable[[int, int, int], object]


class _RateColumn(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Units of work per second, once known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f} {self._unit}/s")


def work_progress(unit: str, *, shown: bool = True) -> Progress:
    """A bar on standard error that counts `unit`s; invisible when that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(unit),
        TimeRemainingColumn(),
        console=console,
        disable=not (shown and console.is_terminal),
    )


@contextmanager
def counting_files(progress: bool | CountFiles, doing: str) -> Iterator[CountFiles | None]:
    """What the core tells of its work: of all files, as far as known, those done; and bytes.

    A function is taken as it is, True is a bar that says what is being done, False nothing.
    """
    if not progress or callable(progress):
        yield progress or None
        return
    with work_progress("files") as bar:
        task = bar.add_task(doing, total=None)

        def on_tick(files: int, done: int, _: int) -> None:
            bar.update(task, completed=done, total=max(files, done, 1))

        yield on_tick
