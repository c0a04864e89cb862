"""Windows for training straight from the archive, without a data set file in between.

Anything that reads by index can use it: PyTorch's DataLoader, its workers forked or spawned, asks
for `__len__` and `__getitems__`. No such library is imported here.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast.catalogs.model import Event, Pick
from credit_fast.choosing import Quality, Version, chosen
from credit_fast.client import Client
from credit_fast.cutting import Cutting, Row
from credit_fast.errors import DataWarning, check_threads
from credit_fast.times import texts
from credit_fast.window_coverage import IndexedWindows
from credit_fast.window_sources import window_sources

__all__ = ["WindowDataset"]

#: Samples (components, npts), arrivals (phases,), and what else is known of a window.
Item = tuple[npt.NDArray[Any], npt.NDArray[np.float64], dict[str, Any]]

_NS_PER_S = 1_000_000_000


class WindowDataset:
    """One window for each station of each event, cut when it is asked for.

    Parameters
    ----------
    client
        The archive.
    picks
        A catalogue, or events; each station of an event that has an arrival with a time gives a
        window. Or picks without events, as a picker gives them: those of a station that lie within
        `within_s` of the first of them are taken for one event, and give one window.
    npts
        Samples of a window.
    sampling_rate
        Rate in Hz that the data have. It tells how long a window is; a window of another rate has
        `npts` samples of its own rate, and right labels.
    phases
        The columns of the labels. ``"P"`` and ``"S"`` take every phase that begins so (Pg, Pn, P);
        any other name only itself. Of several arrivals of a column the earliest counts.
    components
        As of `Client.cut`.
    dtype, incomplete, fill
        As of `Client.cut`; `incomplete` is "fill" or "nan", so that every index has a window.
    min_coverage
        Windows are left out of which the index has less than this, as a fraction of the samples of
        all components together, when the first arrival lies in the middle of what `position`
        allows. Any number above 0 leaves out those without data; 0 keeps all of them. No sample is
        read for it: versions are not told apart, and damage does not count.
    within_s
        Of picks without events: seconds from the first pick of a station to the last one that
        belongs to it; by default the length of a window, `npts` / `sampling_rate`. Where waves take
        longer from P to S, the S waves otherwise have windows of their own.
    position
        Where the first arrival of the station lies in the window, as a fraction of its length:
        one number, or two that it is drawn between, anew for each epoch.
    shuffle
        Whether the windows come in another order in each epoch.
    seed
        What is drawn depends on it, the epoch and the number of the window alone: it is the same
        in any process.
    version, quality
        As of `Client.cut`.
    threads
        Threads that cut, 1 by default: workers are processes already.

    Raises
    ------
    ValueError
        An option is outside of what it says, or there is no arrival or no window at all.
    TypeError
        `client` is no client, or one of `picks` neither an event nor a pick.

    Warns
    -----
    DataWarning
        Windows are kept of which the index has no sample; it says how many.
    """

    def __init__(
        self,
        client: Client,
        picks: Iterable[Event] | Iterable[Pick],
        npts: int,
        *,
        sampling_rate: float = 100.0,
        phases: Sequence[str] = ("P", "S"),
        components: str | Sequence[str] = "ZNE",
        dtype: npt.DTypeLike = "float32",
        incomplete: str = "fill",
        fill: float = 0,
        position: float | tuple[float, float] = (0.1, 0.5),
        min_coverage: float = 0.0,
        within_s: float | None = None,
        shuffle: bool = False,
        seed: int = 0,
        version: Version = None,
        quality: Quality = None,
        threads: int | None = 1,
    ) -> None:
        if not isinstance(client, Client):
            raise TypeError(f"client {client!r}: expected a credit_fast.Client")
        if incomplete not in ("fill", "nan"):
            raise ValueError(f'incomplete {incomplete!r}: expected "fill" or "nan"')
        if not sampling_rate > 0:
            raise ValueError(f"sampling rate {sampling_rate} Hz: expected a number above 0")
        if not 0 <= min_coverage <= 1:
            raise ValueError(f"min_coverage {min_coverage}: expected a fraction from 0 to 1")
        if within_s is not None and not 0 <= within_s < math.inf:
            raise ValueError(f"within_s {within_s}: expected seconds, 0 or more")
        self._client = client
        self._npts = operator.index(npts)
        self._rate_hz = float(sampling_rate)
        self._phases = tuple(phases)
        self._position = _between(position)
        self._shuffle = bool(shuffle)
        self._seed = _whole("seed", seed)
        check_threads(threads)
        self._threads = threads
        choice = chosen(version, quality)
        self._cutting = Cutting(self._npts, components, dtype, incomplete, fill, choice)
        length_ns = max(1, round(self._npts / self._rate_hz * _NS_PER_S))
        within_ns = length_ns if within_s is None else round(within_s * _NS_PER_S)
        found = window_sources(picks, self._phases, within_ns)
        if not found:
            raise ValueError("no window: expected picks with an arrival time")
        middle = np.full(len(found), sum(self._position) / 2)
        starts_ns = self._starts_ns(np.array([source.first_ns for source in found]), middle)
        windows = IndexedWindows(client._archive, starts_ns, length_ns, self._npts)
        bands, coverage = windows.bands_and_coverage(found, self._cutting)
        kept = np.flatnonzero(coverage >= min_coverage).tolist()
        self._left_out = len(found) - len(kept)
        if not kept:
            raise ValueError(
                f"no window: min_coverage is {min_coverage:.4g}, and the index has no more than "
                f"{coverage.max():.4g} of any of {len(found)}"
            )
        empty = np.count_nonzero(coverage[kept] == 0)
        if empty:
            warnings.warn(
                DataWarning(
                    f"{empty} of {len(kept)} windows have no data in the index: their samples are "
                    "missing, and their labels NaN; min_coverage=0.01 leaves such out"
                ),
                stacklevel=2,
            )
        self._sources = [found[number] for number in kept]
        self._bands = [bands[number] for number in kept]
        self._first_ns = np.array([source.first_ns for source in self._sources], np.int64)
        arrivals_ns = [source.arrivals_ns for source in self._sources]
        shape = (len(self._sources), len(self._phases))
        self._is_known = np.array(
            [[time_ns is not None for time_ns in times_ns] for times_ns in arrivals_ns], bool
        ).reshape(shape)
        self._arrivals_ns = np.array(
            [[time_ns or 0 for time_ns in times_ns] for times_ns in arrivals_ns], np.int64
        ).reshape(shape)
        self.set_epoch(0)

    def __len__(self) -> int:
        """Number of windows."""
        return len(self._sources)

    @property
    def left_out(self) -> int:
        """Number of windows that `min_coverage` left out."""
        return self._left_out

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the columns of the labels."""
        return self._phases

    def set_epoch(self, epoch: int) -> None:
        """Draw positions and order anew; in every process that reads, before it does."""
        self._epoch = _whole("epoch", epoch)
        number = len(self._sources)
        random = np.random.default_rng([self._seed, self._epoch])
        low, high = self._position
        self._positions = random.uniform(low, high, number)
        self._order = random.permutation(number) if self._shuffle else np.arange(number)

    def __getitem__(self, index: int) -> Item:
        """One window: samples, arrivals, and what else is known of it; see `batch`."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Several windows, cut at once, as a list of what `__getitem__` gives."""
        data, labels, metadata = self.batch(indices)
        return [(data[row], labels[row], metadata[row]) for row in range(len(metadata))]

    def batch(
        self, indices: Sequence[int]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64], list[dict[str, Any]]]:
        """Several windows in one array.

        Returns
        -------
        data
            Samples, shape (n, components, npts).
        labels
            Arrivals as sample numbers, fractions included, 0 is the first sample of the window;
            float64, shape (n, phases). NaN where there is none, or outside of the window. Windows
            lie on the grid of the samples: an arrival up to half a sample before the first sample
            or behind the last one still belongs to it, so that labels run from -0.5 to npts - 0.5.
        metadata
            For each window `event_id`, `network`, `station`, `location`, `channel` (without the
            letter of the component), `starttime`, `sampling_rate`, `coverage` of each component,
            and `index`.

        Raises
        ------
        IndexError
            There is no such window.
        """
        numbers = self._numbers(indices)
        asked_ns = self._starts_ns(self._first_ns[numbers], self._positions[numbers])
        sources = [self._sources[number] for number in numbers.tolist()]
        rows: list[Row] = []
        bands = [self._bands[number] for number in numbers.tolist()]
        for source, band, start_ns in zip(sources, bands, asked_ns.tolist(), strict=True):
            rows += self._cutting.rows(
                source.network, source.station, source.location, band, start_ns
            )
        windows = self._cutting.cut(self._client._archive, rows, threads=self._threads)
        # The component with the most data tells time and rate.
        best = windows.coverage.argmax(axis=1)
        every = np.arange(len(numbers))
        starts_ns = windows.starttime_ns[every, best]
        rates_hz = windows.sampling_rate[every, best]
        labels = (self._arrivals_ns[numbers] - starts_ns[:, None]) * rates_hz[:, None] / _NS_PER_S
        # To the nearest sample, as the window begins at the one nearest to its start.
        inside = (labels >= -0.5) & (labels <= self._npts - 0.5)
        labels[~(inside & self._is_known[numbers])] = np.nan
        known = zip(
            sources,
            bands,
            texts(starts_ns),
            rates_hz.tolist(),
            windows.coverage.tolist(),
            numbers.tolist(),
            strict=True,
        )
        metadata = [
            {
                "event_id": source.event_id,
                "network": source.network,
                "station": source.station,
                "location": source.location,
                "channel": band,
                "starttime": start,
                "sampling_rate": rate_hz,
                "coverage": coverage,
                "index": number,
            }
            for source, band, start, rate_hz, coverage, number in known
        ]
        return windows.data, labels, metadata

    def _starts_ns(
        self, first_ns: npt.NDArray[np.int64], positions: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.int64]:
        """Starts of windows in which the first arrivals lie at these positions."""
        before_s = positions * (self._npts - 1) / self._rate_hz
        return first_ns - np.rint(before_s * _NS_PER_S).astype(np.int64)

    def _numbers(self, indices: Sequence[int]) -> npt.NDArray[np.int64]:
        """Numbers of the windows that come at places of this epoch's order."""
        places = [operator.index(index) for index in indices]
        for place in places:
            if not -len(self) <= place < len(self):
                raise IndexError(f"window {place}: expected less than {len(self)}")
        return self._order[places]


def _between(position: float | tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = position if isinstance(position, Sequence) else (position, position)
        if 0 <= low <= high <= 1:
            return float(low), float(high)
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"position {position!r}: expected a fraction from 0 to 1, or two of them in order"
    )


def _whole(name: str, value: int) -> int:
    """A number that draws depend on."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ValueError(f"{name} {value!r}: expected a whole number, 0 or more")
    return number
