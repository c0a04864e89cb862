"""Windows of an exact number of samples in one array: what is asked for, and what comes back.

The core fills the array; here stand the shapes, and the rule for windows that are incomplete.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast import _core
from credit_fast.choosing import Chosen
from credit_fast.codes import Codes, checked_codes
from credit_fast.errors import DataWarning, IncompleteWindowError, Problem
from credit_fast.times import UTCDateTime, to_ns

__all__ = ["Cutting", "Row", "Windows"]

_DTYPES = ("float32", "float64", "int32")
_RULES = ("fill", "nan", "skip", "raise")

#: Codes of a channel, and the time in nanoseconds that a window of it begins at.
Row = tuple[Codes, int]


@dataclass(frozen=True)
class Windows:
    """Windows of one length; `n` rows of `c` components of `npts` samples."""

    #: Samples, shape (n, c, npts).
    data: npt.NDArray[Any]
    #: Time of the first sample, there or not, in nanoseconds since 1970; int64, shape (n, c). It is
    #: on the grid of the samples that are there; where there are none, it is the time asked for.
    starttime_ns: npt.NDArray[np.int64]
    #: Sample rate in Hz, NaN where there are no samples; float64, shape (n, c).
    sampling_rate: npt.NDArray[np.float64]
    #: Fraction of the samples that are there; float64 from 0 to 1, shape (n, c).
    coverage: npt.NDArray[np.float64]
    #: Number of samples that were left out as others of the same times count (see
    #: `Client.get_waveforms`), identical ones included; int64, shape (n, c).
    overlaps: npt.NDArray[np.int64]
    #: Row of the request that each window is of; int64, shape (n,).
    index: npt.NDArray[np.int64]
    #: What was wrong on the way.
    problems: list[Problem]

    def __len__(self) -> int:
        return len(self.data)

    def starttime(self, row: int, component: int = 0) -> UTCDateTime:
        """Time of the first sample of a window."""
        return UTCDateTime(ns=int(self.starttime_ns[row, component]))


class Cutting:
    """How windows are cut; the parameters are those of `Client.cut`.

    Raises
    ------
    ValueError, TypeError
        An option is not understood.
    """

    def __init__(
        self,
        npts: int,
        components: str | Sequence[str] | None,
        dtype: npt.DTypeLike,
        incomplete: str,
        fill: float,
        choice: Chosen,
    ) -> None:
        self._kind = kind = np.dtype(dtype)
        if kind.name not in _DTYPES or not kind.isnative:
            raise ValueError(f"dtype {dtype!r}: expected one of {', '.join(_DTYPES)}")
        if incomplete not in _RULES:
            raise ValueError(f"incomplete {incomplete!r}: expected one of {', '.join(_RULES)}")
        if incomplete == "nan" and kind.kind != "f":
            raise ValueError('incomplete "nan": expected float32 or float64, integers have no NaN')
        self._npts = operator.index(npts)
        if self._npts < 1:
            raise ValueError(f"npts {npts}: expected 1 or more")
        self._letters = None if components is None else list(components)
        if self._letters is not None and (not self._letters or not all(self._letters)):
            raise ValueError(f"components {components!r}: expected one or more letters")
        if kind.kind == "i" and not (float(fill).is_integer() and abs(fill) < 2**31):
            raise ValueError(f"fill {fill!r}: expected a whole number that {kind} holds")
        self._incomplete = incomplete
        self._choice = choice
        self._fill = np.nan if incomplete == "nan" else fill
        #: Channels by what they are asked for as.
        self._known: dict[str, list[str]] = {}

    def requested(self, requests: Iterable[Sequence[Any]]) -> list[Row]:
        """Rows of what the user asked for."""
        return [
            row
            for number, request in enumerate(requests)
            for row in self._requested(number, request)
        ]

    def rows(
        self, network: str, station: str, location: str, channel: str, start_ns: int
    ) -> list[Row]:
        """Codes and start of each component of a window."""
        channels = self._known.get(channel)
        if channels is None:
            channels = self._known[channel] = _channels(channel, self._letters)
        return [((network, station, location, code), start_ns) for code in channels]

    def _requested(self, number: int, request: Sequence[Any]) -> list[Row]:
        try:
            network, station, location, channel, starttime = request
            checked_codes(network, station, location, channel)
            return self.rows(network, station, location, channel, to_ns(starttime))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"request {number}, {request!r}: {error}; expected network, station, location, "
                "channel, starttime"
            ) from None

    def cut(
        self,
        archive: _core.Archive,
        rows: list[Row],
        out: npt.NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> Windows:
        """Cut the windows of rows; warns in the name of the caller's caller."""
        components = 1 if self._letters is None else len(self._letters)
        shape = (len(rows) // components, components, self._npts)
        data = _array(out, shape, self._kind)
        data[...] = self._fill
        flat = data.reshape(-1)
        cuts = archive.cut(rows, self._choice, self._npts, flat, threads)
        starts, rates, there, dropped, told = cuts
        problems = [Problem._from_core(fields) for fields in told]
        for problem in problems:
            warnings.warn(DataWarning(str(problem)), stacklevel=3)
        windows = Windows(
            data,
            np.array(starts, np.int64).reshape(shape[:2]),
            np.array(rates, np.float64).reshape(shape[:2]),
            np.array(there, np.float64).reshape(shape[:2]) / self._npts,
            np.array(dropped, np.int64).reshape(shape[:2]),
            np.arange(shape[0]),
            problems,
        )
        if self._incomplete in ("skip", "raise"):
            return _complete(windows, rows, self._incomplete)
        return windows


def _channels(channel: str, letters: list[str] | None) -> list[str]:
    """`HH?` or `HH` with the letter of each component."""
    if letters is None:
        return [channel]
    band = channel if len(channel) == 2 else channel[:-1]
    if len(band) != 2 or channel[2:] not in ("", "?"):
        raise ValueError(f'channel {channel!r}: expected one like "HH?", or components=None')
    return [band + (letter if len(letter) == 1 else f"[{letter}]") for letter in letters]


def _array(
    out: npt.NDArray[Any] | None, shape: tuple[int, int, int], kind: np.dtype[Any]
) -> npt.NDArray[Any]:
    if out is None:
        return np.empty(shape, kind)
    if not isinstance(out, np.ndarray) or out.dtype != kind or out.shape != shape:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out: {found}: expected an array of {kind} and shape {shape}")
    if not (out.flags.c_contiguous and out.flags.writeable and out.flags.aligned):
        raise ValueError("out: expected a contiguous array that can be written")
    return out


def _complete(windows: Windows, rows: list[Row], rule: str) -> Windows:
    """The rows without a missing sample; or an error that names the first with one."""
    whole = (windows.coverage == 1).all(axis=1)
    if rule == "raise" and not whole.all():
        row = int(np.argmin(whole))
        component = int(np.argmin(windows.coverage[row]))
        codes, start_ns = rows[row * windows.coverage.shape[1] + component]
        npts = windows.data.shape[2]
        there = round(windows.coverage[row, component] * npts)
        raise IncompleteWindowError(
            f"request {row}, {'.'.join(codes)} from {UTCDateTime(ns=start_ns)}: {there} samples, "
            f"expected {npts}; {int((~whole).sum())} of {len(whole)} windows are incomplete"
        )
    return Windows(
        windows.data[whole],
        windows.starttime_ns[whole],
        windows.sampling_rate[whole],
        windows.coverage[whole],
        windows.overlaps[whole],
        windows.index[whole],
        windows.problems,
    )
