"""SeisBench's data format as its documentation describes it: csv and h5py, no word of this package.

`data/<block>` with the slice behind `$`; `data_format` with scalar data sets; rows of
`metadata.csv` in the order of the file.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import h5py
import numpy as np


class Folder:
    """An export that is open for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with (path / "metadata.csv").open(newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self.file = h5py.File(path / "waveforms.hdf5")

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def data_format(self) -> dict[str, Any]:
        group = self.file["data_format"]
        found = {name: group[name][()] for name in group}
        return {k: v.decode() if isinstance(v, bytes) else v for k, v in found.items()}

    def waveform(self, row: dict[str, str]) -> np.ndarray:
        """The trace of a row, in the dimensions that `data_format` names."""
        block, _, address = row["trace_name"].partition("$")
        place = tuple(_slice(part) for part in address.split(","))
        return self.file["data"][block][place]


def _slice(text: str) -> int | slice:
    numbers = [int(part) if part else None for part in text.split(":")]
    if len(numbers) == 1:
        assert numbers[0] is not None
        return numbers[0]
    return slice(*numbers)
