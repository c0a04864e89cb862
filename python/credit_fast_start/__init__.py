"""Where the command `credit-fast` begins: the signals first, then the package.

Importing numpy and h5py takes some tenths of a second. A Ctrl-C in that time would show a traceback
of whatever was being imported; so this lies beside the package, as importing a part of a package
imports the package. Nothing of any command belongs here.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["main"]

_WORDS = {signal.SIGINT: b"interrupted", signal.SIGTERM: b"terminated"}


def main() -> int:
    """Run the command; returns its exit code, 130 for Ctrl-C and 143 for SIGTERM."""
    # A signal that is ignored (nohup) stays ignored.
    ours = [number for number in _WORDS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in ours:
        signal.signal(number, _end_at_once)
    from credit_fast import cli

    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _terminate}
    try:
        for number in ours:
            signal.signal(number, handlers[number])
        return cli.main()
    except KeyboardInterrupt:  # another one, while the first was being answered
        return 128 + signal.SIGINT
    finally:
        # The work is over, or cleaned up: nothing is left to do but to end.
        for number in ours:
            signal.signal(number, _end_at_once)


def _terminate(number: int, _frame: FrameType | None) -> None:
    """As Ctrl-C does: raise, so that part files are removed."""
    raise SystemExit(128 + number)


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    os.write(2, b"credit-fast: " + _WORDS[signal.Signals(number)] + b"\n")
    os._exit(128 + number)
