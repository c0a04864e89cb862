"""In which type samples are stored: as they are, or as the user asks. No archive, no HDF5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from credit_fast.station_records.record import Component, Record

__all__ = ["apply_dtype", "common_form"]

Array = npt.NDArray[Any]

BEYOND = "samples beyond"
NO_NUMBERS = "samples that are no numbers, for"
_INT32 = np.iinfo(np.int32)


def common_form(arrays: list[Array]) -> tuple[list[Array], str]:
    """The arrays in the one type that holds them all, and which kind of float data they were.

    Integers, and floats that are all whole numbers within int32: int32, and `""` or `"whole"`;
    other floats as they are, `"kept"`.
    """
    floats = any(array.dtype.kind == "f" for array in arrays)
    if not floats or all(_is_whole_int32(array) for array in arrays):
        return [array.astype(np.int32, copy=False) for array in arrays], "whole" if floats else ""
    dtype = np.result_type(np.float32, *arrays)
    return [array.astype(dtype, copy=False) for array in arrays], "kept"


def apply_dtype(record: Record, dtype: str) -> None:
    """Change all components to a type; one whose samples do not fit is refused, none is clipped.

    Floats become integers by rounding to the nearest, half to even. `"as-is"` changes only samples
    that were computed (turned and not only renamed, resampled): int32 where all are whole, else
    float32, whose 24 bits are those of a digitizer.
    """
    for name, part in list(record.components.items()):
        wanted = _wanted(part, dtype)
        if part.data.dtype == wanted:
            continue
        fault = _fault(part.data, wanted)
        if fault is not None:
            del record.components[name]
            record.refused[name] = fault
            continue
        if wanted.kind == "i" and part.float_data == "kept":
            part.float_data = "rounded"
        part.data = (np.rint(part.data) if wanted.kind == "i" else part.data).astype(wanted)
    if record.refused and not record.components:
        record.refusal = "; ".join(sorted(set(record.refused.values())))


def _wanted(part: Component, dtype: str) -> np.dtype[Any]:
    if dtype != "as-is":
        return np.dtype(dtype)
    if not part.computed:
        return part.data.dtype
    return np.dtype(np.int32 if _is_whole_int32(part.data) else np.float32)


def _fault(data: Array, wanted: np.dtype[Any]) -> str | None:
    """Why samples cannot be stored in a type; None when they can."""
    if data.dtype.kind != "f":
        return None
    finite = np.isfinite(data)
    if wanted.kind == "i":
        if not finite.all():
            return f"{NO_NUMBERS} {wanted}"
        rounded = np.rint(data)
        fits = (rounded >= _INT32.min) & (rounded <= _INT32.max)
    else:
        fits = ~finite | (np.abs(data) <= float(np.finfo(wanted).max))
    return None if fits.all() else f"{BEYOND} {wanted}"


def _is_whole_int32(array: Array) -> bool:
    if array.dtype.kind != "f":
        return True
    inside = (array >= _INT32.min) & (array <= _INT32.max)  # False for NaN
    return bool(inside.all()) and bool((array == np.rint(array)).all())
