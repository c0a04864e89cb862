"""The samples that stand where there is no data: masked, a number, or a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Samples", "concatenate", "gap_samples", "without_idle_mask"]

_masked: Any = np.ma  # numpy gives no types for some of its functions

Samples = npt.NDArray[Any]


def gap_samples(npts: int, dtype: np.dtype[Any], fill_value: Any = None) -> Samples:
    """Make `npts` samples of a gap: masked, or of `fill_value`.

    Under the mask stands what ObsPy puts there: the least number of an integer type, else NaN.
    A pair as `fill_value` is a straight line between the samples before and after the gap.

    Raises
    ------
    ValueError
        The fill value cannot stand in data of this type.
    """
    if fill_value is None:
        hidden = np.iinfo(dtype).min if np.issubdtype(dtype, np.integer) else np.nan
        return np.ma.MaskedArray(np.full(npts, hidden, dtype), mask=True)
    if isinstance(fill_value, list | tuple) and len(fill_value) == 2:
        return np.linspace(fill_value[0], fill_value[1], npts + 2)[1:-1].astype(dtype)
    with np.errstate(all="ignore"):
        value = np.asarray(fill_value).astype(dtype)
    if np.issubdtype(dtype, np.integer) and value != fill_value:
        limits = np.iinfo(dtype)
        raise ValueError(
            f"fill value {fill_value!r} cannot stand in {dtype} samples: expected a whole number "
            f"from {limits.min} to {limits.max}"
        )
    return np.full(npts, value, dtype)


def concatenate(pieces: Sequence[Samples]) -> Samples:
    """Join pieces; masked if one of them is a masked array. A single piece is not copied."""
    if len(pieces) == 1:
        return pieces[0]
    if any(isinstance(piece, np.ma.MaskedArray) for piece in pieces):
        joined: Samples = _masked.concatenate(pieces)
        return joined
    return np.concatenate(pieces)


def without_idle_mask(samples: Samples) -> Samples:
    """Plain array when no sample is masked."""
    if isinstance(samples, np.ma.MaskedArray) and not np.ma.is_masked(samples):
        return samples.data
    return samples
