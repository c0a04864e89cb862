"""What the index has of many windows: their channels, and how much of each is there.

Each channel is asked for once, for all of its windows; no sample is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from credit_fast import _core, availability
from credit_fast.codes import Codes
from credit_fast.cutting import Cutting
from credit_fast.window_sources import WindowSource

__all__ = ["IndexedWindows"]

#: The band of a station without any channel in its window: what comes later is found by it.
_ANY = "??"


def _grouped(sources: Sequence[WindowSource], bands: Sequence[str]) -> dict[Codes, list[int]]:
    """Numbers of the sources of each station and band."""
    groups: defaultdict[Codes, list[int]] = defaultdict(list)
    for number, (source, band) in enumerate(zip(sources, bands, strict=True)):
        groups[source.network, source.station, source.location, band].append(number)
    return groups


class IndexedWindows:
    """Windows of one length, and what an index has of them.

    Parameters
    ----------
    archive
        The archive.
    starts_ns
        Begin of each window.
    length_ns, npts
        Length of all of them, as a time and in samples.
    """

    def __init__(
        self,
        archive: _core.Archive,
        starts_ns: npt.NDArray[np.int64],
        length_ns: int,
        npts: int,
    ) -> None:
        self._archive = archive
        self._starts_ns = starts_ns
        self._length_ns = length_ns
        self._npts = npts

    def bands_and_coverage(
        self, sources: Sequence[WindowSource], cutting: Cutting
    ) -> tuple[list[str], npt.NDArray[np.float64]]:
        """The band of the source of each window, and the fraction of the window that is there.

        Of a source of which no pick names a channel it is the band with the most channels in the
        window, of several the first by its letters: components of two instruments make no window.
        The fraction is that of all components together.
        """
        bands = [source.band for source in sources]
        for (network, station, location, band), numbers in _grouped(sources, bands).items():
            if not band:
                fullest = self._fullest_bands((network, station, location, "???"), numbers)
                for number, found in zip(numbers, fullest, strict=True):
                    bands[number] = found
        coverage = np.zeros(len(sources))
        for codes, numbers in _grouped(sources, bands).items():
            components = [self._coverage(row, numbers) for row, _ in cutting.rows(*codes, 0)]
            coverage[numbers] = np.mean(components, axis=0)
        return bands, coverage

    def _coverage(self, codes: Codes, numbers: list[int]) -> npt.NDArray[np.float64]:
        """Of each window what the first channel, by code, with data in it has."""
        found = np.zeros(len(numbers))
        for _, of_channel in self._channels(codes, numbers):
            found = np.where(found > 0, found, of_channel)
        return found

    def _fullest_bands(self, codes: Codes, numbers: list[int]) -> list[str]:
        """Of each window the first two letters that most channels with data in it have."""
        channels: defaultdict[str, npt.NDArray[np.int64]] = defaultdict(
            lambda: np.zeros(len(numbers), np.int64)
        )
        for channel, of_channel in self._channels(codes, numbers):
            channels[channel[3][:2]] += of_channel > 0
        names = sorted(channels)
        if not names:
            return [_ANY] * len(numbers)
        table = np.array([channels[name] for name in names])
        best, most = table.argmax(axis=0).tolist(), table.max(axis=0).tolist()
        return [names[at] if number else _ANY for at, number in zip(best, most, strict=True)]

    def _channels(
        self, codes: Codes, numbers: list[int]
    ) -> list[tuple[Codes, npt.NDArray[np.float64]]]:
        """The channels that codes find, by code, and what each has of the windows."""
        starts_ns = self._starts_ns[numbers]
        ends = int(starts_ns.min()), int(starts_ns.max()) + self._length_ns
        spans = self._archive.spans(codes, *ends)
        found = []
        for channel, of_channel in groupby(spans, key=lambda span: span[:4]):
            fractions = availability.fractions(of_channel, starts_ns, self._length_ns)
            # A window begins at the sample nearest to its start: half a sample is nothing.
            found.append((channel, np.floor(fractions * self._npts + 0.5) / self._npts))
        return found
