"""Windows for training straight from the archive, without a data set file in between.

Anything that reads by index can use it: PyTorch's DataLoader, its workers forked or spawned, asks
for `__len__` and `__getitems__`. No such library is imported here.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast.catalogs.model import Event, Pick
from credit_fast.choosing import chosen
from credit_fast.client import Client
from credit_fast.cutting import Cutting, Row
from credit_fast.errors import check_threads
from credit_fast.times import from_ns, texts

__all__ = ["WindowDataset"]

#: Samples (components, npts), arrivals (phases,), and what else is known of a window.
Item = tuple[npt.NDArray[Any], npt.NDArray[np.float64], dict[str, Any]]

_NS_PER_S = 1_000_000_000


@dataclass(slots=True)
class _Source:
    """One station of one event: where its windows come from."""

    event_id: str
    network: str
    station: str
    location: str
    #: Without the letter of the component; empty where no pick names a channel.
    band: str
    first_ns: int
    #: Earliest arrival of each phase, None without.
    arrivals_ns: list[int | None] = field(default_factory=list)


class WindowDataset:
    """One window for each station of each event, cut when it is asked for.

    Parameters
    ----------
    client
        The archive.
    picks
        A catalogue, or events; each station of an event that has an arrival with a time gives a
        window. Or picks without events: each station then gives one window.
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
    position
        Where the first arrival of the station lies in the window, as a fraction of its length:
        one number, or two that it is drawn between, anew for each epoch.
    shuffle
        Whether the windows come in another order in each epoch.
    seed
        What is drawn depends on it, the epoch and the number of the window alone: it is the same
        in any process.
    threads
        Threads that cut, 1 by default: workers are processes already.

    Raises
    ------
    ValueError
        An option is outside of what it says, or there is no arrival at all.
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
        shuffle: bool = False,
        seed: int = 0,
        threads: int | None = 1,
    ) -> None:
        if incomplete not in ("fill", "nan"):
            raise ValueError(f'incomplete {incomplete!r}: expected "fill" or "nan"')
        if not sampling_rate > 0:
            raise ValueError(f"sampling rate {sampling_rate} Hz: expected a number above 0")
        self._client = client
        self._npts = operator.index(npts)
        self._rate_hz = float(sampling_rate)
        self._phases = tuple(phases)
        self._position = _between(position)
        self._shuffle = bool(shuffle)
        self._seed = operator.index(seed)
        check_threads(threads)
        self._threads = threads
        self._cutting = Cutting(self._npts, components, dtype, incomplete, fill, chosen(None, None))
        self._sources = _sources(picks, self._phases)
        if not self._sources:
            raise ValueError("no window: expected picks with an arrival time")
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
    def phases(self) -> tuple[str, ...]:
        """Names of the columns of the labels."""
        return self._phases

    def set_epoch(self, epoch: int) -> None:
        """Draw positions and order anew; in every process that reads, before it does."""
        self._epoch = operator.index(epoch)
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
            Arrivals as sample numbers, fractions included, from 0 for the first sample of the
            window; float64, shape (n, phases). NaN where there is none, or outside of the window.
        metadata
            For each window `event_id`, `network`, `station`, `location`, `channel` (without the
            letter of the component), `starttime`, `sampling_rate`, `coverage` of each component,
            and `index`.

        Raises
        ------
        IndexError
            There is no such window.
        """
        chosen = self._numbers(indices)
        before_s = self._positions[chosen] * (self._npts - 1) / self._rate_hz
        asked_ns = self._first_ns[chosen] - np.rint(before_s * _NS_PER_S).astype(np.int64)
        sources = [self._sources[number] for number in chosen.tolist()]
        rows: list[Row] = []
        bands = []
        for source, start_ns in zip(sources, asked_ns.tolist(), strict=True):
            band = source.band or self._fullest_band(source, start_ns)
            bands.append(band)
            rows += self._cutting.rows(
                source.network, source.station, source.location, band, start_ns
            )
        windows = self._cutting.cut(self._client._archive, rows, threads=self._threads)
        # The component with the most data tells time and rate.
        best = windows.coverage.argmax(axis=1)
        every = np.arange(len(chosen))
        starts_ns = windows.starttime_ns[every, best]
        rates_hz = windows.sampling_rate[every, best]
        labels = (self._arrivals_ns[chosen] - starts_ns[:, None]) * rates_hz[:, None] / _NS_PER_S
        # To the nearest sample, as the window begins at the one nearest to its start.
        inside = (labels >= -0.5) & (labels <= self._npts - 0.5)
        labels[~(inside & self._is_known[chosen])] = np.nan
        known = zip(
            sources,
            bands,
            texts(starts_ns),
            rates_hz.tolist(),
            windows.coverage.tolist(),
            chosen.tolist(),
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

    def _fullest_band(self, source: _Source, start_ns: int) -> str:
        """The channel of a source of which no pick names one: that with the most components.

        Of several the first by its letters: components of two instruments make no window.
        """
        start = from_ns(start_ns)
        end = start + self._npts / self._rate_hz
        channels = self._client.get_nslc(
            source.network, source.station, source.location, "???", start, end
        )
        number = Counter(channel[:2] for *_, channel in channels)
        return min(number, key=lambda band: (-number[band], band), default="??")

    def _numbers(self, indices: Sequence[int]) -> npt.NDArray[np.int64]:
        """Numbers of the windows that come at places of this epoch's order."""
        places = [operator.index(index) for index in indices]
        for place in places:
            if not -len(self) <= place < len(self):
                raise IndexError(f"window {place}: expected less than {len(self)}")
        return self._order[places]


def _between(position: float | tuple[float, float]) -> tuple[float, float]:
    low, high = position if isinstance(position, Sequence) else (position, position)
    if not 0 <= low <= high <= 1:
        raise ValueError(f"position {position!r}: expected fractions from 0 to 1, in order")
    return float(low), float(high)


def _sources(picks: Iterable[Event] | Iterable[Pick], phases: Sequence[str]) -> list[_Source]:
    """Stations with an arrival, event after event, in the order of the picks."""
    found: list[_Source] = []
    loose: list[Pick] = []
    for item in picks:
        if isinstance(item, Event):
            found += _stations(item.event_id, item.picks, phases)
        else:
            loose.append(item)
    return found + _stations("", loose, phases)


def _stations(event_id: str, picks: Iterable[Pick], phases: Sequence[str]) -> list[_Source]:
    sources: dict[tuple[str, str, str], _Source] = {}
    for pick in picks:
        columns = [n for n, phase in enumerate(phases) if _is_of(pick.phase, phase)]
        time_ns = pick.time_ns
        if time_ns is None or not columns:
            continue
        location = "" if pick.location == "--" else pick.location
        codes = (pick.network, pick.station, location)
        if codes not in sources:
            band = pick.channel[:2] if "?" not in pick.channel and "*" not in pick.channel else ""
            sources[codes] = _Source(event_id, *codes, band, time_ns, [None] * len(phases))
        source = sources[codes]
        source.first_ns = min(source.first_ns, time_ns)
        for column in columns:
            known = source.arrivals_ns[column]
            source.arrivals_ns[column] = time_ns if known is None else min(known, time_ns)
    return list(sources.values())


def _is_of(phase: str, column: str) -> bool:
    """Whether a phase belongs to a column of the labels."""
    return phase == column or (column in ("P", "S") and phase.startswith(column))
