"""Reads the samples of datasets past HDF5's filters: raw chunks, undone by the core.

Inflating and unshuffling run without the GIL, on several threads, and much faster than HDF5 does
them. Only what makeh5 and the toolkit before it write is read so, in chunks of any size: one
dimension, int32 or floats in this machine's byte order, shuffle and gzip or one of them or none.
Anything else is left to h5py. Sizes that a file claims are checked before memory is taken for them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5d, h5i, h5t, h5z

from credit_fast._core import decompress_chunks
from credit_fast.errors import DatasetError
from credit_fast.hdf5.nodes import one_line

__all__ = ["read_samples"]

Array = npt.NDArray[Any]

_TYPES = (
    ((h5t.STD_I32LE, "<i4"), (h5t.IEEE_F32LE, "<f4"), (h5t.IEEE_F64LE, "<f8"))
    if sys.byteorder == "little"
    else ()
)
_KNOWN_FILTERS = (
    (),
    (h5z.FILTER_SHUFFLE,),
    (h5z.FILTER_DEFLATE,),
    (h5z.FILTER_SHUFFLE, h5z.FILTER_DEFLATE),
)
# h5py on an HDF5 before 1.10.10, or on 1.12.0 to 1.12.2, cannot list the chunks of a dataset.
_CAN_LIST = hasattr(h5d.DatasetID, "chunk_iter")
# Of one chunk in memory: four times the largest that makeh5 writes.
_MAX_CHUNK_BYTES = 1 << 23
# Of one dataset: a trace of a day in the smallest chunks that h5py chooses has fewer.
_MAX_CHUNKS = 1 << 14
# Of the memory for stored chunks that a thread keeps from one call to the next: new memory costs
# more than what is done with it.
_KEPT_BYTES = 1 << 22
# Chunks that are undone in one call: each of its arrays is held against all others of the same
# memory, so a call costs the square of their number.
_AT_ONCE = 256

_kept = threading.local()


class _Stored(NamedTuple):
    """A dataset of a kind that is known here: its form, and where its chunks are."""

    node: h5d.DatasetID
    dtype: str
    npts: int
    chunk: int
    filters: tuple[int, ...]
    infos: list[Any]

    @property
    def n_bytes(self) -> int:
        """Of its samples, and what is left over when each dataset begins at eight bytes."""
        return -(-self.npts * int(self.dtype[-1]) // 8) * 8


class _Chunk(NamedTuple):
    """A chunk in the file, memory for all of its samples, and the place of those that count."""

    of: _Stored
    first: int
    size: int
    filters: list[int]
    out: Array
    place: Array


def read_samples(nodes: Iterable[h5d.DatasetID], threads: int = 1) -> list[Array]:
    """All samples of each of these one-dimensional datasets.

    They share one piece of memory, which is faster than one for each: it is free when none of the
    arrays is in use. DatasetError names the dataset that is damaged, and its chunk where that is
    known.
    """
    arrays: list[Array | None] = []
    known: list[_Stored] = []
    for node in nodes:
        with _naming(node):
            stored = _find_chunks(node)
            if stored is None:
                arrays.append(h5py.Dataset(node)[()])
            else:
                arrays.append(None)
                known.append(stored)
    memory = np.empty(sum(stored.n_bytes for stored in known), np.uint8)
    chunks: list[_Chunk] = []
    read: list[Array] = []
    at = 0
    for stored in known:
        read.append(memory[at:].view(stored.dtype)[: stored.npts])
        chunks += _chunks(stored, read[-1])
        at += stored.n_bytes
    while chunks:
        number, size = 1, chunks[0].size
        for item in chunks[1:_AT_ONCE]:
            if size + item.size > _KEPT_BYTES:
                break
            size += item.size
            number += 1
        _undo(chunks[:number], size, threads)
        del chunks[:number]
    found = iter(read)
    return [next(found) if array is None else array for array in arrays]


@contextmanager
def _naming(node: h5d.DatasetID) -> Iterator[None]:
    """Whatever is raised inside, as a DatasetError that names the dataset."""
    try:
        yield
    except Exception as error:  # h5py raises almost any kind on damage
        name = (h5i.get_name(node) or b"a dataset").decode("utf-8", "replace")
        raise DatasetError(f"samples of {name} are unreadable: {one_line(error)}") from error


def _find_chunks(node: h5d.DatasetID) -> _Stored | None:
    """The chunks of a dataset; None: it is of another kind, and HDF5 is to read it.

    HDF5 also knows what stands in place of a chunk that is not there.
    """
    properties = node.get_create_plist()
    if properties.get_layout() != h5d.CHUNKED:
        return None
    shape, kind = node.shape, node.get_type()
    dtype = next((dtype for known, dtype in _TYPES if kind == known), None)
    filters = [properties.get_filter(number) for number in range(properties.get_nfilters())]
    codes = tuple(code for code, *_ in filters)
    if len(shape) != 1 or dtype is None or codes not in _KNOWN_FILTERS or not _CAN_LIST:
        return None
    (npts,), (chunk,) = shape, properties.get_chunk()
    chunk_bytes = chunk * int(dtype[-1])
    # The size of an element that shuffle works with stands in the file, and could be another.
    if h5z.FILTER_SHUFFLE in codes and filters[0][2][:1] != (int(dtype[-1]),):
        return None
    if chunk_bytes > _MAX_CHUNK_BYTES or npts > chunk * _MAX_CHUNKS:
        return None
    firsts = range(0, npts, chunk)
    found: dict[int, Any] = {}

    def see(info: Any) -> None:
        first = info.chunk_offset[0]
        if first in firsts and info.byte_offset is not None:
            found[first] = info

    # To ask for each by its place would go through all of them each time.
    node.chunk_iter(see)
    if len(found) < len(firsts):
        return None
    infos = [found[first] for first in firsts]
    # Deflate makes a chunk longer by a few bytes for each of its blocks, at most.
    most = chunk_bytes + chunk_bytes // 8 + 64
    for number, info in enumerate(infos):
        if info.size > most:
            named = _named(number * chunk, chunk)
            raise ValueError(f"{named} claims {info.size} bytes, expected at most {most}")
    return _Stored(node, dtype, npts, chunk, codes, infos)


def _chunks(stored: _Stored, samples: Array) -> Iterator[_Chunk]:
    for number, info in enumerate(stored.infos):
        first = number * stored.chunk
        place = samples[first : first + stored.chunk]
        is_whole = len(place) == stored.chunk
        out = place if is_whole else np.empty(stored.chunk, stored.dtype)
        on = [code for n, code in enumerate(stored.filters) if not info.filter_mask >> n & 1]
        yield _Chunk(stored, first, info.size, on, out, place)


def _undo(chunks: list[_Chunk], size: int, threads: int) -> None:
    """Read chunks of `size` bytes in all from the file, and put their samples in place."""
    memory: Array | None = getattr(_kept, "memory", None)
    if memory is None or len(memory) < size:
        memory = np.empty(size, np.uint8)
        if size <= _KEPT_BYTES:
            _kept.memory = memory
    jobs = []
    at = 0
    for item in chunks:
        stored = memory[at : at + item.size]
        with _naming(item.of.node):
            item.of.node.read_direct_chunk((item.first,), out=stored)
        deflated, shuffled = (f in item.filters for f in (h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE))
        jobs.append((stored, item.out, deflated, shuffled))
        at += item.size
    if (failure := decompress_chunks(jobs, threads)) is not None:
        item = chunks[failure[0]]
        with _naming(item.of.node):
            raise ValueError(f"{_named(item.first, item.of.chunk)}: {failure[1]}")
    for item in chunks:
        if item.out is not item.place:
            item.place[:] = item.out[: len(item.place)]


def _named(first: int, chunk: int) -> str:
    return f"the chunk of samples {first} to {first + chunk - 1}"
