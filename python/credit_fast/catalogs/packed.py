"""Picks in a tenth of the memory: packed bytes that become picks again when they are asked for.

For catalogues of millions of rows that are gone through, not changed. Knows no format.
"""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, overload

from .model import Pick

__all__ = ["PackedPicks"]

_values = attrgetter(*(field.name for field in fields(Pick)))


class PackedPicks(Sequence[Pick]):
    """The picks of one event. What is changed in a pick that was taken out is not kept."""

    __slots__ = ("_number", "_packed")

    def __init__(self, picks: Iterable[Pick]) -> None:
        self._pack(picks)

    def _pack(self, picks: Iterable[Pick]) -> None:
        rows = [_values(pick) for pick in picks]
        self._number = len(rows)
        self._packed = zlib.compress(marshal.dumps(rows), 1)

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Pick]:
        return iter([Pick(*row) for row in marshal.loads(zlib.decompress(self._packed))])

    @overload
    def __getitem__(self, index: int) -> Pick: ...

    @overload
    def __getitem__(self, index: slice) -> list[Pick]: ...

    def __getitem__(self, index: int | slice) -> Pick | list[Pick]:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def append(self, pick: Pick) -> None:
        """Add a pick behind the others."""
        self._pack([*self, pick])

    def sort(self, *, key: Callable[[Pick], Any]) -> None:
        """Bring them into an order, as a list does."""
        self._pack(sorted(self, key=key))
