"""The console that commands print their tables on."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console

__all__ = ["output_console"]


class _Output(Console):
    def on_broken_pipe(self) -> NoReturn:
        """The reader went away (`| head`): the command ends quietly, which `main` does."""
        raise BrokenPipeError


def output_console() -> Console:
    """Standard output; plain text when that is no terminal."""
    return _Output()
