"""Asks the archive for one planned station record: which band, which channels, which traces.

The one place where `get_waveforms` is called for a data set, shared by the writer and the
checker. No HDF5 and no counting belongs here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from credit_fast.hdf5 import layout
from credit_fast.hdf5.plan import StationPlan
from credit_fast.hdf5.record import Record, build_record
from credit_fast.times import UTCDateTime

__all__ = ["StationCut", "WaveformSource", "cut_station", "fetch"]

NO_USABLE_TIME = "no pick with a usable time"


class WaveformSource(Protocol):
    """Anything with ObsPy's `get_waveforms`; called from several threads at once."""

    def get_waveforms(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: UTCDateTime,
        endtime: UTCDateTime,
    ) -> Iterable[Any]:
        """Traces (`stats`, `data`) of the channels that match, cut to the window."""
        ...


@dataclass(slots=True)
class StationCut:
    """What the archive gave for one station plan.

    `expected` names the components that are accounted for; `any_band` says that no pick named a
    channel. Without `record` there is no waveform: because of `refusal`, else for lack of data.
    """

    plan: StationPlan
    expected: list[str] = field(default_factory=list)
    record: Record | None = None
    refusal: str | None = None
    any_band: bool = False

    @property
    def has_waveform(self) -> bool:
        """Whether at least one component can be written."""
        return self.record is not None and bool(self.record.components)


def cut_station(
    source: WaveformSource,
    plan: StationPlan,
    *,
    range_s: float,
    rate_hz: float | None,
    fill: int,
) -> StationCut:
    """Station record of the first picked band that has data in the window.

    Picks without any channel code take the one band of the station that comes first in
    HH BH EH SH, then by name. Whatever `get_waveforms` raises goes through.
    """
    cut = StationCut(plan, any_band=not plan.bands)
    cut.expected = _names(plan.bands[0] if plan.bands else "??")
    window = plan.window(range_s)
    if plan.refusal is not None or window is None:
        cut.refusal = plan.refusal or NO_USABLE_TIME
        return cut
    for band in plan.bands or ["??"]:
        traces = fetch(source, plan, f"{band}[{layout.ORIENTATIONS}]", window)
        if not plan.bands:
            band = _preferred_band(traces)
        traces = [trace for trace in traces if trace.stats.channel in _names(band)]
        record = build_record(
            traces, window, picked_channels=plan.channels, rate_hz=rate_hz, fill=fill
        )
        if record is not None:
            cut.expected, cut.record, cut.refusal = _names(band), record, record.refusal
            break
    return cut


def fetch(
    source: WaveformSource, plan: StationPlan, channels: str, window_ns: tuple[int, int]
) -> list[Any]:
    """Traces of exactly this station and location, both ends of the window included."""
    traces = source.get_waveforms(
        plan.network,
        plan.station,
        plan.location,
        channels,
        UTCDateTime(ns=window_ns[0]),
        UTCDateTime(ns=window_ns[1]),
    )
    codes = (plan.network, plan.station, plan.location)
    return [
        trace
        for trace in traces
        if (trace.stats.network, trace.stats.station, trace.stats.location) == codes
    ]


def _names(band: str) -> list[str]:
    return [band + orientation for orientation in layout.ORIENTATIONS]


def _preferred_band(traces: list[Any]) -> str:
    bands = {trace.stats.channel[:2] for trace in traces if len(trace.data)}
    order = {band: number for number, band in enumerate(layout.BAND_ORDER)}
    return min(bands, key=lambda band: (order.get(band, len(order)), band), default="??")
