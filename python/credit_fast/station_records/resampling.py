"""Stretches of samples brought to another rate by a polyphase filter. Off unless asked for.

SciPy is the extra `resample`, and imported when it is used.
"""

from __future__ import annotations

import importlib
import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast.errors import MissingExtraError

__all__ = ["factor", "most_reach_ns", "reach_ns", "require_scipy", "resample"]

# The filter has 64 taps for each step of the larger number: more is no rate of an instrument.
_LARGEST = 1000
HALF_LENGTH = 32  # of the filter, in samples of the lower rate
_KAISER_BETA = 8.6


def require_scipy() -> Any:
    """The module `scipy.signal`; MissingExtraError says how to install it."""
    try:
        return importlib.import_module("scipy.signal")
    except ImportError as error:
        raise MissingExtraError(
            "resample_hz needs SciPy: install it with `pip install credit_fast[resample]`"
        ) from error


def factor(rate_hz: float, target_hz: float, npts: int) -> Fraction | None:
    """The ratio of two rates in whole numbers; None when `npts` samples would drift by half one."""
    ratio = Fraction(target_hz) / Fraction(rate_hz)
    near = ratio.limit_denominator(_LARGEST)
    if near <= 0 or near.numerator > _LARGEST or abs(near / ratio - 1) * npts >= Fraction(1, 2):
        return None
    return near


def reach_ns(rate_hz: float, target_hz: float) -> int:
    """How far from a sample at the new rate those lie that it is made of; one sample is spare."""
    return round((HALF_LENGTH + 1) * 1e9 / min(rate_hz, target_hz))


def most_reach_ns(target_hz: float) -> int:
    """The same for the lowest rate that is brought to the new one."""
    return reach_ns(target_hz / _LARGEST, target_hz)


def resample(data: npt.NDArray[Any], by: Fraction) -> npt.NDArray[np.float64]:
    """Samples at `by` times the rate: the first at the same time, none behind the last one.

    What is filtered is the difference from the line between the first and the last number: an
    offset of thousands of counts leaves no ripple, and the data are 0 beyond their ends. A sample
    that is no number makes those none that the filter makes of it, and no others.
    """
    signal = require_scipy()
    numbers = np.flatnonzero(np.isfinite(data))
    first, last = (int(numbers[0]), int(numbers[-1])) if len(numbers) else (0, 0)
    begin, end = (float(data[first]), float(data[last])) if len(numbers) else (0.0, 0.0)
    slope = (end - begin) / max(last - first, 1)
    rest = data - (begin + slope * (np.arange(len(data)) - first))
    taps = _taps(max(by.numerator, by.denominator))
    samples = signal.resample_poly(rest, by.numerator, by.denominator, window=taps)
    npts = math.floor((len(data) - 1) * by) + 1
    return np.asarray(samples[:npts] + (begin + slope * (np.arange(npts) / float(by) - first)))


@lru_cache(maxsize=32)
def _taps(steps: int) -> npt.NDArray[np.float64]:
    """The filter, symmetric, so without delay, at `steps` times the lower rate.

    Flat up to 0.8 of the lower Nyquist frequency, and below -80 dB from that frequency on, so that
    nothing is folded back; the default of `resample_poly` lets through half of what stands there.
    """
    taps = require_scipy().firwin(
        2 * HALF_LENGTH * steps + 1, 0.9 / steps, window=("kaiser", _KAISER_BETA)
    )
    return np.asarray(taps)
