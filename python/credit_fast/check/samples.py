"""One station record of a data set against the archive: cut again, and compared to the last sample.

The rules of the cut are those of `hdf5.cut` and `hdf5.record`; what the file alone can tell (its
sampling rates, its orientations) is taken from the file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from credit_fast.check.report import DIFFERENT, UNREADABLE, CheckReport
from credit_fast.hdf5 import layout
from credit_fast.hdf5.nodes import child_of, members_of
from credit_fast.hdf5.reader import ComponentRecord, Dataset, StationRecord, read_station
from credit_fast.station_records.cut import WaveformSource, cut_station, fetch
from credit_fast.station_records.plan import StationPlan
from credit_fast.station_records.record import Component, Record, build_record
from credit_fast.station_records.settings import Settings

__all__ = ["ArchiveCheck"]

_RATE_TOLERANCE = 1e-4  # relative; what the index calls one rate


@dataclass(slots=True)
class ArchiveCheck:
    """The comparison with the archive, over the station records of one file.

    `settings` are those of the file's making, when they are known. Else `range_s` may be; None:
    unknown too, each record is compared over the time that it covers and its picks. `rates_hz` and
    `orientations` are then those that occur in the file: a waveform of another rate is not missed
    in it, as makeh5 may have been told to refuse it.
    """

    source: WaveformSource
    range_s: float | None = None
    settings: Settings | None = None
    rates_hz: set[float] = field(default_factory=set)
    orientations: set[str] = field(default_factory=set)

    def see(self, record: StationRecord) -> None:
        """Take what a station record tells about the making of the file."""
        for item in record.components.values():
            self.rates_hz.add(item.rate_hz)
            self.orientations.add(item.name[-1:])

    def compare(self, report: CheckReport, dataset: Dataset, evid: str, plan: StationPlan) -> None:
        """Cut one station record again, compare it all and note what differs."""
        place = f"/{evid}/{plan.station_id}"
        report.compared_records += 1
        try:
            event = child_of(dataset.root, evid)
            if not plan.is_named and plan.station_id not in members_of(event).names:
                text = self._lost(plan)
            else:
                stored = read_station(child_of(event, plan.station_id), plan.station_id)
                text = self._difference(report, stored, plan)
        except Exception as error:  # of the archive or of a damaged chunk: a finding, not the end
            text = f"could not be compared: {type(error).__name__}: {error}"
            report.add(UNREADABLE, "samples", place, text)
            return
        if text:
            report.add(DIFFERENT, "samples", place, text)

    def _difference(self, report: CheckReport, stored: StationRecord, plan: StationPlan) -> str:
        """What differs between the stored station record and the archive; empty: nothing."""
        names = sorted(stored.components)
        if not names:
            return self._lost(plan)
        record = self._cut_again(stored, plan, stored.components[names[0]].rate_hz)
        if record is None:
            return f"the archive has no {' '.join(names)} there"
        texts = []
        if sorted(record.components) != names:
            has = " ".join(record.components)
            texts.append(f"components {' '.join(names)}, the archive has {has}")
        # One fault must not hide another: what both have is compared all the same.
        for name in names:
            item, again = stored.components[name], record.components.get(name)
            if again is None:
                continue
            text = _component_difference(item, again, record, is_planned=self._is_planned)
            if text:
                texts.append(f"{name}: {text}")
            else:
                report.compared_samples += item.npts
        return "; ".join(texts)

    def _lost(self, plan: StationPlan) -> str:
        """What the archive has for a record without waveform; empty: nothing."""
        if all(self._cut_as_planned(plan, made) is None for made in self._possible_settings()):
            return ""
        return "no waveform, but the archive has samples at the picks"

    @property
    def _is_planned(self) -> bool:
        return self.settings is not None or self.range_s is not None

    def _cut_again(self, stored: StationRecord, plan: StationPlan, rate_hz: float) -> Record | None:
        if self.settings is not None:
            return self._cut_as_planned(plan, self.settings)
        # At the record's own rate, as another one was refused or had fewer seconds; at any rate
        # only to say what the archive has instead.
        for rate in (rate_hz, None):
            if self._is_planned:
                record = self._cut_as_planned(plan, self._guessed(rate))
            else:
                record = self._cut_as_stored(stored, plan, rate)
            if record is not None:
                return record
        return None

    def _cut_as_planned(self, plan: StationPlan, settings: Settings) -> Record | None:
        """As makeh5 cuts it; without a known range, around the picks alone."""
        cut = cut_station(self.source, plan, settings)
        return cut.record if cut.has_waveform else None

    def _cut_as_stored(
        self, stored: StationRecord, plan: StationPlan, rate_hz: float | None
    ) -> Record | None:
        """Over the time that the record covers and its picks, in the bands that it has."""
        names = sorted(stored.components)
        start_ns = min(item.start.ns for item in stored.components.values())
        end_ns = max(item.end.ns for item in stored.components.values())
        picks = plan.picks_ns or (start_ns, end_ns)
        asked = (min(start_ns, picks[0]), max(end_ns, picks[1]))
        # The record begins with the earliest sample of any component, so no sample before it
        # belongs to it; samples count up to half a sample outside of a window.
        half_ns = round(0.5e9 * stored.components[names[0]].delta_s)
        window = (min(start_ns + half_ns, picks[0]), asked[1])
        bands = {name[:2] for name in names}
        channels = f"{names[0][:2]}[{self._orientations()}]" if len(bands) == 1 else ",".join(names)
        found = fetch(self.source, plan, channels, asked)
        record = build_record(found.traces, window, Settings(rate_hz=rate_hz))
        return record if record is not None and record.components else None

    def _orientations(self) -> str:
        return "".join(sorted(self.orientations)) or layout.ORIENTATIONS

    def _guessed(self, rate_hz: float | None) -> Settings:
        """What makeh5 may have been told, by what the file shows."""
        return Settings(
            range_s=self.range_s or 0.0, rate_hz=rate_hz, components=self._orientations()
        )

    def _possible_settings(self) -> list[Settings]:
        """The settings; not known, one for each sampling rate of the file (any, without one)."""
        if self.settings is not None:
            return [self.settings]
        rates: list[float | None] = []
        last = 0.0
        for rate in sorted(self.rates_hz):
            if not math.isclose(rate, last, rel_tol=_RATE_TOLERANCE):
                rates.append(rate)
                last = rate
        return [self._guessed(rate) for rate in rates or [None]]


def _until(npts: int, gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(first, min(count, npts - first)) for first, count in gaps if first < npts]


def _component_difference(
    stored: ComponentRecord, again: Component, record: Record, *, is_planned: bool
) -> str:
    if not math.isclose(stored.delta_s, 1.0 / record.rate_hz, rel_tol=1e-9):
        return f"delta {stored.delta_s}, the archive has {1.0 / record.rate_hz}"
    begin = layout.format_time(record.start_ns)
    if layout.format_time(stored.start.ns) != begin:
        return f"btime {layout.format_time(stored.start.ns)}, the archive begins {begin}"
    if stored.npts != len(again.data):
        return f"{stored.npts} samples, the archive has {len(again.data)}"
    # Without a known range the archive may have one sample more at the end: that component's
    # sample lay outside of the window of makeh5, another's inside.
    inside = stored.npts if is_planned else stored.npts - 1
    if layout.GAPS in stored.attrs and _until(inside, stored.gaps) != _until(inside, again.gaps):
        filled = [layout.format_gaps(gaps) or "none" for gaps in (stored.gaps, again.gaps)]
        return f"gaps {filled[0]}, the archive has {filled[1]}"
    for name in layout.COMPONENT_NOTES:
        said, now = stored.attrs.simple(name, ""), again.notes.get(name, "")
        if is_planned and said != now:
            return f"{name} {said or 'none'}, cut again it is {now or 'none'}"
    data = stored.read()
    if data.dtype.newbyteorder("=") != again.data.dtype.newbyteorder("="):
        return f"samples are {data.dtype}, of the archive they are {again.data.dtype}"
    unequal = data != again.data
    if data.dtype.kind == "f":
        unequal &= ~(np.isnan(data) & np.isnan(again.data))
    for first, count in (*stored.gaps, *again.gaps):
        unequal[first : first + count] = False
    number = int(np.count_nonzero(unequal))
    return f"{number} of {len(data)} samples differ" if number else ""
