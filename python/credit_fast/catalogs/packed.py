"""Events on the disk, that become objects again when they are asked for.

For catalogues of any size that are gone through, not changed. Knows no format.
"""

from __future__ import annotations

import marshal
import os
import tempfile
import threading
import weakref
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import chain
from operator import attrgetter
from typing import Any, overload

from .model import Event, Pick

__all__ = ["PackedEvents", "PackedPicks"]

#: Up to so many bytes stay in memory.
_IN_MEMORY = 1 << 24
_PLAIN = {str, int, float, type(None)}
_of_pick, _of_event = (
    attrgetter(*(field.name for field in fields(kind) if field.name != "picks"))
    for kind in (Pick, Event)
)


class PackedPicks(Sequence[Pick]):
    """The picks of one event in a tenth of the memory: none can be added, and none changed.

    TypeError for a pick that holds anything but text, whole numbers, floats and None.
    """

    __slots__ = ("_number", "_packed")

    def __init__(self, picks: Iterable[Pick]) -> None:
        rows = [_of_pick(pick) for pick in picks]
        _check_plain(rows)
        self._number = len(rows)
        self._packed = zlib.compress(marshal.dumps(rows), 1)

    @classmethod
    def _of(cls, number: int, packed: bytes) -> PackedPicks:
        picks = cls.__new__(cls)
        picks._number, picks._packed = number, packed
        return picks

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


class _Spool:
    """Bytes in a temporary file, in memory while they are few; threads may share it."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._access = threading.Lock()
        weakref.finalize(self, self._file.close)

    def write(self, data: bytes) -> tuple[int, int]:
        """Put bytes behind the last; where they begin and end."""
        try:
            with self._access:
                begin = self._file.seek(0, os.SEEK_END)
                self._file.write(data)
        except OSError as error:
            place = f"{tempfile.gettempdir()}, where the events of a catalogue are kept"
            raise OSError(error.errno, f"{error.strerror}: {place} (TMPDIR)") from error
        return begin, begin + len(data)

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a place."""
        with self._access:
            self._file.seek(begin)
            return self._file.read(end - begin)


class PackedEvents(Sequence[Event]):
    """Events in a temporary file, 16 bytes of memory for each.

    Each is made anew whenever it is asked for, with `PackedPicks`: what is changed in it is changed
    nowhere else. Threads may share them. OSError when the file cannot be written; it is made in the
    folder that TMPDIR names.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._spool = _Spool()
        self._begins, self._ends = array("Q"), array("Q")
        for event in events:
            self.append(event)

    def append(self, event: Event) -> None:
        """Put one behind the last."""
        begin, end = self._write(event)
        self._begins.append(begin)
        self._ends.append(end)

    def replace(self, number: int, event: Event) -> None:
        """Put another one in the place of one."""
        self._begins[number], self._ends[number] = self._write(event)

    def take(self, numbers: Sequence[int]) -> PackedEvents:
        """Some of them, in this order."""
        some = PackedEvents()
        some._spool = self._spool
        some._begins = array("Q", (self._begins[number] for number in numbers))
        some._ends = array("Q", (self._ends[number] for number in numbers))
        return some

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return self._read(self._begins[index], self._ends[index])

    def __iter__(self) -> Iterator[Event]:
        for begin, end in zip(self._begins, self._ends, strict=True):
            yield self._read(begin, end)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedEvents, (list(self),)

    def _write(self, event: Event) -> tuple[int, int]:
        picks = event.picks if isinstance(event.picks, PackedPicks) else PackedPicks(event.picks)
        row = _of_event(event)
        _check_plain([row])
        return self._spool.write(marshal.dumps((row, picks._number, picks._packed)))

    def _read(self, begin: int, end: int) -> Event:
        row, number, picks = marshal.loads(self._spool.read(begin, end))
        event = Event(*row)
        event.picks = PackedPicks._of(number, picks)
        return event


def _check_plain(rows: Iterable[tuple[Any, ...]]) -> None:
    # marshal makes bytes of a NumPy number, without a word.
    if others := set(map(type, chain.from_iterable(rows))) - _PLAIN:
        names = ", ".join(sorted(kind.__name__ for kind in others))
        raise TypeError(f"an event or pick holds {names}: expected str, int, float or None")
