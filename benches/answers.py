"""What a rival answered, in one form for all rivals, and how two answers differ.

An answer is a dictionary of pieces (a trace, a row, a data set), each a dictionary of fields;
a field whose name begins with `_` is told but not compared. Nothing is timed here, and neither
credit_fast nor any rival is imported: the files that they wrote are opened with plain sqlite3
and h5py.
"""

from __future__ import annotations

import sqlite3
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
#: The arrival time that a data set must hold for each station.
PICK_KEY = "TRAVTIME.Pg"


def trace_piece(source_id: str, start_ns: int, rate_hz: float, samples: Any) -> dict[str, Any]:
    """Fields of one trace; the samples as an array of their own, in the machine's byte order."""
    array = np.asarray(samples)
    array = np.array(array, dtype=array.dtype.newbyteorder("="))
    return {"id": source_id, "start_ns": start_ns, "rate_hz": rate_hz, "samples": array}


def index_answer(path: Path) -> Answer:
    """Rows of the table `tsindex`. Never call it where Rust or ObsPy has the file open."""
    query = f"SELECT {','.join(ROW_COLUMNS)}, hash FROM tsindex ORDER BY filename, byteoffset"
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        rows = database.execute(query).fetchall()
    finally:
        database.close()
    names = (*ROW_COLUMNS, "_hash")
    return {f"row {n}": dict(zip(names, row, strict=True)) for n, row in enumerate(rows)}


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
