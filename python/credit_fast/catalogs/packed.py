"""Picks in a tenth of the memory: packed bytes that become picks again when they are asked for.

For catalogues of millions of rows that are gone through, not changed. Knows no format.
"""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import chain
from operator import attrgetter
from typing import overload

from .model import Pick

__all__ = ["PackedPicks"]

_PLAIN = {str, int, float, type(None)}
_values = attrgetter(*(field.name for field in fields(Pick)))


class PackedPicks(Sequence[Pick]):
    """The picks of one event, as they are: none can be added, and none changed.

    TypeError for a pick that holds anything but text, whole numbers, floats and None.
    """

    __slots__ = ("_number", "_packed")

    def __init__(self, picks: Iterable[Pick]) -> None:
        rows = [_values(pick) for pick in picks]
        # marshal makes bytes of a NumPy number, without a word.
        if others := set(map(type, chain.from_iterable(rows))) - _PLAIN:
            names = ", ".join(sorted(kind.__name__ for kind in others))
            raise TypeError(f"a pick holds {names}: expected str, int, float or None")
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
