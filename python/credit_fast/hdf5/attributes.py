"""Writes attributes of the layout quickly: types, data space and buffers are made once.

A data set has about fourteen attributes per pick, and h5py's `attrs[name] = value` takes twice as
long for the same bytes. Nothing here reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5d, h5g, h5s, h5t

from credit_fast.hdf5.layout import AttributeValue

__all__ = ["AttributeWriter"]


class AttributeWriter:
    """Writes str as variable-length UTF-8 scalars, float as float64, int as int64 scalars."""

    def __init__(self) -> None:
        text = h5py.string_dtype("utf-8")
        self._scalar = h5s.create(h5s.SCALAR)
        # The type in the file, the type in memory (of text, an object of Python), a buffer.
        self._text = h5t.py_create(text, logical=True), h5t.py_create(text), np.empty((), text)
        self._integer = h5t.STD_I64LE, h5t.NATIVE_INT64, np.empty((), np.int64)
        self._float = h5t.IEEE_F64LE, h5t.NATIVE_DOUBLE, np.empty((), np.float64)

    def write(
        self, node: h5g.GroupID | h5d.DatasetID, attributes: Iterable[tuple[str, AttributeValue]]
    ) -> None:
        """Add attributes that the node does not have yet."""
        create, scalar = h5a.create, self._scalar
        for name, value in attributes:
            kind, in_memory, buffer = self._filled(value)
            # Told the type in memory, h5py need not make it anew from that of the buffer.
            create(node, name.encode("utf-8"), kind, scalar).write(buffer, in_memory)

    def replace(
        self, node: h5g.GroupID | h5d.DatasetID, attributes: Iterable[tuple[str, AttributeValue]]
    ) -> None:
        """Give attributes that this class wrote other values of the same types."""
        for name, value in attributes:
            _, in_memory, buffer = self._filled(value)
            h5a.open(node, name.encode("utf-8")).write(buffer, in_memory)

    def _filled(self, value: AttributeValue) -> tuple[h5t.TypeID, h5t.TypeID, npt.NDArray[Any]]:
        if isinstance(value, str):
            form = self._text
        else:
            form = self._integer if isinstance(value, int) else self._float
        form[2][()] = value
        return form
