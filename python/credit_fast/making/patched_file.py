"""A file that changes from one whole state to the next, whatever ends the process in between.

HDF5 puts new data behind the end of its file, and changes a few old blocks: the superblock, nodes
of the root group. Here what lies behind the last state is written at once, changes of what lies
before are held back in memory as pages. `next_state` gives them for a journal; when that has them,
`settle` puts them into the file, while more is written if need be. Whoever opens the file again
cuts it to the length of the last state of the journal and puts that state's pages in again: then
it is that state, byte for byte.

HDF5 may also shorten the file, where the last of it was deleted. What is cut off stays on the disk
until the journal has a state without it.

Made for h5py's driver for file objects. Knows nothing of HDF5.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "PatchedFile", "restore"]

#: Bytes of a page: what is held back, and given to the journal, for each changed place.
PAGE = 4096


class PatchedFile(io.RawIOBase):
    """A file, open for reading and writing, whose first `base` bytes change only by `settle`.

    After a state that `is_shorter` nothing may be written until `settle` has returned. `settle` and
    `sync` may be called from another thread than the rest. The methods of a raw file are there for
    h5py; OSError as the system says. After `abandon` nothing is written any more.
    """

    def __init__(self, path: Path, base: int) -> None:
        """Open or make the file; `base` is the length of its last whole state."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._handle = os.open(path, flags, 0o666)
        self._base = base  # length of the last whole state, journaled or not
        self._settled = base  # of the last one that is settled: the file is never shorter
        self._cut = base  # what the file has from here to `base` was cut off, and counts as zeros
        self._held: dict[int, bytearray] = {}
        self._unsettled: dict[int, bytes] = {}
        self._seeking = threading.Lock()
        self._place = 0
        self._size = os.fstat(self._handle).st_size
        self._abandoned = False

    # ---- states

    def next_state(self) -> dict[int, bytes]:
        """Make what the file is now its last whole state; its changed pages, for the journal.

        The one before must have been settled. HDF5 writes a block as a whole though little of it is
        new (the names of all events are one): pages that are as they were are none of it.
        """
        assert not self._unsettled
        end = min(self._size, self._base)
        for number in range(self._cut // PAGE, -(-end // PAGE)):  # grown again where it was cut
            self._page(number)
        self._unsettled = {
            number: kept
            for number, page in self._held.items()
            if (kept := bytes(page[: max(0, end - number * PAGE)]))
            != self._on_disk(number, len(kept))
        }
        self._held = {}
        self._base = self._cut = self._size
        return self._unsettled

    @property
    def is_shorter(self) -> bool:
        """Whether the last whole state is shorter than the one that was settled before."""
        return self._base < self._settled

    def settle(self) -> None:
        """Put the pages of the last whole state into the file: the journal has them."""
        for number, page in self._unsettled.items():
            self._put(memoryview(page), number * PAGE)
        if self.is_shorter:
            os.ftruncate(self._handle, self._base)
        self._settled = self._base
        self._unsettled = {}

    @property
    def size(self) -> int:
        """Length of the file."""
        return self._size

    def sync(self) -> None:
        """Have the system put what is written on the disk."""
        os.fsync(self._handle)

    def abandon(self) -> None:
        """Write nothing any more, and cut off what lies behind the last whole state."""
        if not self._abandoned and not self.closed:
            self._abandoned = True
            os.ftruncate(self._handle, max(self._base, self._settled))

    # ---- what h5py calls

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read from the place, pages that are held back included."""
        into = memoryview(buffer).cast("B")
        into = into[: max(0, self._size - self._place)]
        self._read(into, self._place)
        self._place += len(into)
        return len(into)

    def write(self, data: Any) -> int:
        """Write at the place: before `base` into pages, behind it into the file."""
        view = memoryview(data).cast("B")
        if self._abandoned:
            self._place += len(view)
            return len(view)
        before = min(len(view), max(0, self._base - self._place))
        self._hold_back(self._place, view[:before])
        if before < len(view):
            self._put(view[before:], self._place + before)
        self._place += len(view)
        self._size = max(self._size, self._place)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Make the file longer or shorter; on the disk never shorter than the last whole state."""
        size = self._place if size is None else size
        if not self._abandoned:
            self._cut = min(self._cut, size)
            for number in list(self._held):
                kept = size - number * PAGE
                if kept <= 0:
                    del self._held[number]
                elif kept < PAGE:
                    self._held[number][kept:] = bytes(PAGE - kept)
            os.ftruncate(self._handle, max(size, self._base))
            self._size = size
        return size

    def flush(self) -> None:
        """Nothing: no byte waits here but those that are held back."""

    def close(self) -> None:
        """Give the file back; a second call does nothing."""
        if not self.closed:
            os.close(self._handle)
        super().close()

    # ---- pages

    def _hold_back(self, place: int, data: memoryview) -> None:
        while data:
            number, begin = divmod(place, PAGE)
            count = min(len(data), PAGE - begin)
            self._page(number)[begin : begin + count] = data[:count]
            place, data = place + count, data[count:]

    def _page(self, number: int) -> bytearray:
        """A page that is held back, from now on if it was not."""
        page = self._held.get(number)
        if page is None:
            page = bytearray(PAGE)
            self._read(memoryview(page), number * PAGE)
            self._held[number] = page
        return page

    def _on_disk(self, number: int, size: int) -> bytes:
        found = bytearray(size)
        with self._seeking:
            count = _fill(self._handle, memoryview(found), number * PAGE)
        return bytes(found[:count])

    def _kept(self, number: int) -> int:
        """How many bytes of a page belong to the last whole state; what follows is in the file."""
        return min(PAGE, self._base - number * PAGE)

    def _read(self, into: memoryview, place: int) -> None:
        """Fill a buffer from the file, then from pages that are not in it yet, newest last."""
        unsettled = self._unsettled
        with self._seeking:
            count = _fill(self._handle, into, place)
        into[count:] = bytes(len(into) - count)
        numbers = range(place // PAGE, -(-(place + len(into)) // PAGE))
        for number in numbers:
            _overlay(into, place, unsettled.get(number, b""), number * PAGE)
        cut_off = max(0, min(place + len(into), self._base) - max(place, self._cut))
        _overlay(into, place, bytes(cut_off), max(place, self._cut))
        for number in numbers:
            _overlay(into, place, self._held.get(number, b"")[: self._kept(number)], number * PAGE)

    def _put(self, data: memoryview, place: int) -> None:
        with self._seeking:
            _put(self._handle, data, place)


def _overlay(into: memoryview, place: int, data: bytes | bytearray, data_place: int) -> None:
    """Put data over the part of a buffer that is of the same place of the file."""
    begin = max(place, data_place)
    end = min(place + len(into), data_place + len(data))
    if begin < end:
        into[begin - place : end - place] = data[begin - data_place : end - data_place]


def restore(path: Path, size: int, pages: Mapping[int, bytes]) -> None:
    """Make a file the whole state of a journal again: its length and changed pages.

    Raises OSError as the system says; ValueError when the file is shorter than the state.
    """
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(handle).st_size
        if found < size:
            raise ValueError(f"{path} has {found} bytes, expected at least {size}")
        for number, page in pages.items():
            _put(handle, memoryview(page), number * PAGE)
        os.ftruncate(handle, size)
        os.fsync(handle)
    finally:
        os.close(handle)


def _fill(handle: int, into: memoryview, place: int) -> int:
    """Read until the buffer is full or the file ends; the number of bytes."""
    done = 0
    while done < len(into):
        os.lseek(handle, place + done, os.SEEK_SET)
        data = os.read(handle, len(into) - done)
        if not data:
            break
        into[done : done + len(data)] = data
        done += len(data)
    return done


def _put(handle: int, data: memoryview, place: int) -> None:
    """Write all of it."""
    os.lseek(handle, place, os.SEEK_SET)
    while data:
        data = data[os.write(handle, data) :]
