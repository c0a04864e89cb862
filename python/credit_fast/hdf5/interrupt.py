"""Ctrl-C and SIGTERM during a job, noted at once and acted on where nothing can swallow them.

Python raises KeyboardInterrupt between any two instructions, also inside a callback that discards
exceptions: h5py runs such callbacks whenever one of its objects dies, and an interrupt there is
lost. Signals only; no file and no thread belongs here.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["noted_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def noted_signals() -> Iterator[Callable[[], None]]:
    """Hold back SIGINT and SIGTERM; yield a function that raises what is pending.

    That is KeyboardInterrupt, or SystemExit with the shell's code of the signal (143). A further
    signal while one is pending raises at once. The end of the block raises what came after the
    last call, and puts the old handlers back.

    Only the main thread can handle signals: elsewhere nothing changes, and the function does
    nothing. A signal that is ignored (nohup) stays ignored.
    """
    pending: list[int] = []

    def act() -> None:
        if pending:
            raise _exception(pending[0])

    def note(number: int, _frame: FrameType | None) -> None:
        pending.append(number)
        if len(pending) > 1:
            raise _exception(number)

    if threading.current_thread() is not threading.main_thread():
        yield act
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # None: a handler that Python did not set, and could not put back.
    replaced = {n: old for n, old in handlers.items() if old not in (signal.SIG_IGN, None)}
    try:
        for number in replaced:
            signal.signal(number, note)
        yield act
    finally:
        for number, old in replaced.items():
            signal.signal(number, old)
    act()


def _exception(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
