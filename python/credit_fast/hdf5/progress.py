"""The progress bar over events: done and total, events per second, time left. Counts nothing."""

from __future__ import annotations

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

__all__ = ["event_progress"]


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Events per second, once known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} events/s")


def event_progress(shown: bool) -> Progress:
    """A bar on standard error; invisible when not `shown` or when that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not (shown and console.is_terminal),
    )
