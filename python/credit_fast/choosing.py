"""What `version` and `quality` of a question mean: which records, and what becomes of overlaps."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, Literal

__all__ = ["Chosen", "Quality", "Version", "chosen"]

Version = int | Iterable[int] | Literal["all"] | None
Quality = str | Iterable[str] | None

_LETTERS = "RDQM"

#: Versions that are taken, quality letters, whether overlaps stay as they are; None takes all.
Chosen = tuple[list[int] | None, str | None, bool]

_BEST: Chosen = (None, None, False)


def chosen(version: Version, quality: Quality) -> Chosen:
    """The choice as the core takes it; ValueError for values that are not understood."""
    if version is None and quality is None:
        return _BEST
    versions, qualities = _versions(version), _qualities(quality)
    return (
        None if isinstance(versions, str) else versions,
        None if qualities == "*" else qualities,
        versions == "all" or qualities == "*",
    )


def _versions(version: Any) -> list[int] | str | None:
    """Publication versions, "all", or None."""
    if version is None or (isinstance(version, str) and version == "all"):
        return version
    try:
        if isinstance(version, str):
            raise TypeError
        items = list(version) if isinstance(version, Iterable) else [version]
        if not items or any(isinstance(item, bool) for item in items):
            raise TypeError
        numbers = [operator.index(item) for item in items]
    except TypeError:
        numbers = [-1]
    if not all(0 <= number <= 255 for number in numbers):
        raise ValueError(
            f'version {version!r}: expected a number from 0 to 255, a list of them, "all" or None'
        )
    return numbers


def _qualities(quality: Any) -> str | None:
    """Letters, "*", or None."""
    if quality is None:
        return None
    items = list(quality) if isinstance(quality, Iterable) else []
    if items == ["B"]:
        return None
    if items == ["*"]:
        return "*"
    if not items or not all(item in tuple(_LETTERS) for item in items):
        raise ValueError(
            f"quality {quality!r}: expected letters of R, D, Q and M, as text or in a list, "
            '"B" (the best, as None), or "*" (all)'
        )
    return "".join(items)
