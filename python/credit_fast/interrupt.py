"""Ctrl-C and SIGTERM during a job, noted at once and acted on where nothing can swallow them.

Python raises KeyboardInterrupt between any two instructions, also inside a callback that discards
exceptions: h5py runs such callbacks whenever one of its objects dies, and an interrupt there is
lost. Signals only.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["NotedSignals", "noted_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class NotedSignals:
    """What is held back; calling it raises the first of it, if there is any."""

    def __init__(self) -> None:
        self._pending: list[int] = []
        self._since = 0.0
        self._is_at_once = False

    def __call__(self) -> None:
        """Raise what is pending."""
        if self._pending:
            raise _exception(self._pending[0])

    @property
    def is_pending(self) -> bool:
        """Whether there is something to raise."""
        return bool(self._pending)

    def after(self, seconds: float) -> None:
        """Raise what is pending for longer than that."""
        if self._pending and time.monotonic() - self._since > seconds:
            self()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within the block a signal raises where it comes, and what is pending does at its begin.

        For long work that nothing has to be saved of; not for what discards exceptions.
        """
        self._is_at_once = True
        try:
            self()
            yield
        finally:
            self._is_at_once = False

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: keep the first one back, but within `at_once`; raise any other."""
        self._pending.append(number)
        if len(self._pending) > 1 or self._is_at_once:
            raise _exception(number)
        self._since = time.monotonic()


@contextmanager
def noted_signals() -> Iterator[NotedSignals]:
    """Hold back SIGINT and SIGTERM; yield what raises them when it is called.

    That is KeyboardInterrupt, or SystemExit with the shell's code of the signal (143). A further
    signal while one is pending raises at once. The end of the block raises what came after the
    last call, and puts the old handlers back.

    Only the main thread can handle signals: elsewhere nothing changes, and nothing is raised. A
    signal that is ignored (nohup) stays ignored.
    """
    noted = NotedSignals()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # None: a handler that Python did not set, and could not put back.
    replaced = {n: old for n, old in handlers.items() if old not in (signal.SIG_IGN, None)}
    try:
        for number in replaced:
            signal.signal(number, noted.note)
        yield noted
    finally:
        for number, old in replaced.items():
            signal.signal(number, old)
    noted()


def _exception(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
