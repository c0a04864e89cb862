"""The console that commands print their tables on."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console

__all__ = ["output_console"]


class _Output(Console):
    def on_broken_pipe(self) -> NoReturn:
        """The reader went away (`| head`): the command ends quietly, which `main` does."""
        raise BrokenPipeError


#: Characters of a line where there is no terminal whose width it should fit.
_NO_LIMIT = 10_000


def output_console() -> Console:
    """Standard output; when that is no terminal, plain text whose lines are not cut or wrapped."""
    console = _Output()
    if not console.is_terminal:
        console.width = _NO_LIMIT
    return console
