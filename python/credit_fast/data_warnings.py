"""DataWarnings of a run as lines of its report: nothing of them goes to standard error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from credit_fast.errors import DataWarning

__all__ = ["collected_warnings"]


@contextmanager
def collected_warnings() -> Iterator[dict[str, None]]:
    """Catch every DataWarning of the run, from any thread, as texts without repeats."""
    texts: dict[str, None] = {}
    with warnings.catch_warnings():
        show = warnings.showwarning

        def collect(
            message: Warning | str, category: type[Warning], *place: Any, **more: Any
        ) -> None:
            if issubclass(category, DataWarning):
                texts.setdefault(str(message))
            else:
                show(message, category, *place, **more)

        warnings.simplefilter("always", DataWarning)
        warnings.showwarning = collect
        yield texts
