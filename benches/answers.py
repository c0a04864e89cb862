"""What a rival answered, in one form for all rivals, and how two answers differ.

An answer is a dictionary of pieces (a trace, a row, a data set), each a dictionary of fields;
a field whose name begins with `_` is told but not compared. Nothing is timed here, and neither
credit_fast nor any rival is imported: the files that they wrote are opened with plain sqlite3
and h5py.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Answer = dict[str, dict[str, Any]]

#: Columns of the index that must be equal. The others hold a checksum, which not every program
#: computes, and the times of the run.
ROW_COLUMNS = (
    "network",
    "station",
    "location",
    "channel",
    "quality",
    "version",
    "starttime",
    "endtime",
    "samplerate",
    "filename",
    "byteoffset",
    "bytes",
    "timeindex",
    "timespans",
    "timerates",
    "format",
)
#: Columns that the checksum of a large index is of.
DIGEST_COLUMNS = (
    "network",
    "station",
    "location",
    "channel",
    "starttime",
    "endtime",
    "filename",
    "byteoffset",
    "bytes",
)
#: The arrival time that a data set must hold for each station.
PICK_KEY = "TRAVTIME.Pg"


def trace_piece(source_id: str, start_ns: int, rate_hz: float, samples: Any) -> dict[str, Any]:
    """Fields of one trace; the samples as an array of their own, in the machine's byte order."""
    array = np.asarray(samples)
    array = np.array(array, dtype=array.dtype.newbyteorder("="))
    return {"id": source_id, "start_ns": start_ns, "rate_hz": rate_hz, "samples": array}


def index_answer(path: Path) -> Answer:
    """Rows of the table `tsindex`. Never call it where Rust or ObsPy has the file open."""
    names = (*ROW_COLUMNS, "hash")
    rows = _rows(path, f"SELECT {','.join(names)} FROM tsindex ORDER BY filename, byteoffset")
    told = (*ROW_COLUMNS, "_hash")
    return {f"row {n}": dict(zip(told, row, strict=True)) for n, row in enumerate(rows)}


def index_digest(path: Path) -> Answer:
    """Codes, times and places of all rows of a large index as one checksum, see `rows_digest`."""
    columns = ",".join(DIGEST_COLUMNS)
    return rows_digest(
        _rows(path, f"SELECT {columns} FROM tsindex ORDER BY filename, byteoffset, channel")
    )


def rows_digest(rows: Iterable[tuple[Any, ...]]) -> Answer:
    """First and last of the rows, their number, and a checksum of all of them."""
    digest = hashlib.sha256()
    number, first, last = 0, (), ()
    for row in rows:
        first = first or row
        last = row
        number += 1
        digest.update(repr(row).encode())
    return {
        "first row": dict(zip(DIGEST_COLUMNS, first, strict=False)),
        "last row": dict(zip(DIGEST_COLUMNS, last, strict=False)),
        "all rows": {"number": number, "sha256": digest.hexdigest()},
    }


def index_spans(path: Path) -> Answer:
    """Gapless spans of each channel in each file, in microseconds, and their rate."""
    answer: Answer = {}
    columns = "network,station,location,channel,filename,samplerate,timespans"
    for row in _rows(path, f"SELECT {columns} FROM tsindex ORDER BY filename, byteoffset"):
        *codes, filename, rate_hz, text = row
        spans = [
            tuple(int(Decimal(end) * 1_000_000) for end in span.split(":"))
            for span in text.strip("[]").split("],[")
        ]
        answer[f"{filename} {'.'.join(codes)}"] = {"rate_hz": round(rate_hz, 6), "spans": spans}
    return answer


def squirrel_spans(path: Path) -> Answer:
    """The same from the database of Squirrel, which has a span for each MiB of a file.

    Pieces that are less than half a sample apart are one span; a piece ends there with the sample
    that would follow. Times are floating point there, and good to a microsecond.
    """
    answer: Answer = {}
    for row in _rows(
        path,
        "SELECT path,codes,deltat,tmin_seconds,tmin_offset,tmax_seconds,tmax_offset FROM nuts "
        "JOIN files USING (file_id) JOIN kind_codes USING (kind_codes_id) "
        "ORDER BY path, codes, file_segment, file_element",
    ):
        filename, codes, delta_s, *times = row
        step_us = round(delta_s * 1e6)
        start_us = times[0] * 1_000_000 + round(times[1] / 1e3)
        end_us = times[2] * 1_000_000 + round(times[3] / 1e3) - step_us
        piece = answer.setdefault(
            f"{filename} {codes.rstrip('.')}", {"rate_hz": round(1 / delta_s, 6), "spans": []}
        )
        spans = piece["spans"]
        if spans and abs(start_us - spans[-1][1] - step_us) < step_us / 2:
            start_us = spans.pop()[0]
        spans.append((start_us, end_us))
    return answer


def index_sizes(path: Path) -> Answer:
    """Bytes of each file by an index of whole files."""
    rows = _rows(path, "SELECT filename, sum(bytes) FROM tsindex GROUP BY filename")
    return {filename: {"bytes": size} for filename, size in rows}


def hdf5_answer(path: Path) -> Answer:
    """Samples, first time and sampling interval of each data set, arrival times of each station."""
    answer: Answer = {}

    def take(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            answer[f"/{name}"] = {
                "samples": item[()],
                "delta": float(item.attrs["delta"]),
                "btime": item.attrs["btime"],
            }
        elif name.count("/") == 1:
            answer[f"/{name}"] = {PICK_KEY: item.attrs[PICK_KEY]}

    with h5py.File(path, "r") as file:
        file.visititems(take)
    return answer


def attributes_answer(path: Path) -> Answer:
    """All attributes of each node with their types, and how its samples are stored; no sample."""
    answer: Answer = {}

    def take(name: str, item: h5py.Group | h5py.Dataset) -> None:
        piece: dict[str, Any] = {}
        for attribute, value in item.attrs.items():
            kind = item.attrs.get_id(attribute).dtype
            piece[attribute] = (repr(value), str(kind), str(kind.metadata))
        if isinstance(item, h5py.Dataset):
            piece["stored"] = (
                item.dtype.str,
                item.shape,
                item.chunks,
                item.shuffle,
                item.compression,
                item.compression_opts,
                int(item.fillvalue),
            )
        answer[f"/{name}"] = piece

    with h5py.File(path, "r") as file:
        file.visititems(take)
    return answer


#: How the asking process opens a file that is an answer, by what a rival calls it.
READERS: dict[str, Callable[[Path], Answer]] = {
    "index": index_answer,
    "digest": index_digest,
    "spans": index_spans,
    "squirrel": squirrel_spans,
    "sizes": index_sizes,
    "hdf5": hdf5_answer,
    "attributes": attributes_answer,
}


def differences(one: Answer, two: Answer) -> list[str]:
    """Say in which pieces and fields two answers differ: what `two` has, and what `one` has."""
    found = [f"{name}: missing" for name in one if name not in two]
    found += [f"{name}: not expected" for name in two if name not in one]
    for name in one:
        for field in one[name] if name in two else ():
            if not field.startswith("_"):
                text = _difference(one[name][field], two[name].get(field))
                found += [f"{name}, {field}: {text}"] if text else []
    if not one and not two:
        found.append("both answers are empty: nothing was compared")
    return found


def _rows(path: Path, query: str) -> Iterator[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        yield from database.execute(query)


def _difference(one: Any, two: Any) -> str:
    """How `two` is not `one`; empty when they are equal."""
    if not isinstance(one, np.ndarray) or not isinstance(two, np.ndarray):
        return "" if one == two else f"{two!r}, expected {one!r}"
    if (one.dtype, one.shape) != (two.dtype, two.shape):
        return f"{two.dtype} {two.shape}, expected {one.dtype} {one.shape}"
    unequal = np.flatnonzero(one != two)
    if not unequal.size:
        return ""
    at = int(unequal[0])
    return f"{unequal.size} differ, first number {at}: {two[at]}, expected {one[at]}"


def spoil(answer: Answer) -> None:
    """Plant one wrong value in the last piece: the comparison must find it."""
    fields = answer[list(answer)[-1]]
    name = "samples" if "samples" in fields else next(iter(fields))
    if isinstance(fields[name], np.ndarray):
        fields[name][-1] += 1
    else:
        fields[name] = f"{fields[name]}?"
