"""DataWarnings of a run as lines of its report: nothing of them goes to standard error.

Also those of one piece of work, by the thread that does it: a run that is continued does not do it
again.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from credit_fast.errors import DataWarning

__all__ = ["collected_warnings", "warnings_of_work"]

_of_thread = threading.local()


@contextmanager
def collected_warnings() -> Iterator[dict[str, None]]:
    """Catch every DataWarning of the run, from any thread, as texts without repeats.

    Those of `warnings_of_work` are not among them.
    """
    texts: dict[str, None] = {}
    with warnings.catch_warnings():
        show = warnings.showwarning

        def collect(
            message: Warning | str, category: type[Warning], *place: Any, **more: Any
        ) -> None:
            if issubclass(category, DataWarning):
                getattr(_of_thread, "texts", texts).setdefault(str(message))
            else:
                show(message, category, *place, **more)

        warnings.simplefilter("always", DataWarning)
        warnings.showwarning = collect
        yield texts


@contextmanager
def warnings_of_work() -> Iterator[dict[str, None]]:
    """Catch the DataWarnings of this thread, while `collected_warnings` collects those of all."""
    texts: dict[str, None] = {}
    _of_thread.texts = texts
    try:
        yield texts
    finally:
        del _of_thread.texts
