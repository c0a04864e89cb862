"""Asks the archive for one planned station record: which band, which channels, which traces.

The one place where `get_waveforms` is called for a data set, shared by the writer and the
checker. No HDF5 and no counting belongs here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from credit_fast.client import Client
from credit_fast.errors import Problem
from credit_fast.hdf5 import layout
from credit_fast.station_records.gaps import apply_gap_rule
from credit_fast.station_records.plan import StationPlan
from credit_fast.station_records.record import Record, build_record, wider_window
from credit_fast.station_records.rotation import letters_to_ask, rotate_record, turned_names
from credit_fast.station_records.sample_types import apply_dtype
from credit_fast.station_records.settings import Settings
from credit_fast.times import UTCDateTime
from credit_fast.waveform.overlaps import Overlaps

__all__ = [
    "Fetched",
    "StationCut",
    "WaveformSource",
    "cut_station",
    "fetch",
    "other_orientations",
    "read_ahead",
]

#: Kinds of problems of files that may be well again: a network disk, a file that is being replaced.
_UNREADABLE = frozenset({"unreadable", "vanished", "changed"})
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
    channel; `window_ns` is what was asked for, None when nothing could be. Without `record` there
    is no waveform: because of `refusal`, else for lack of data.
    `others` are channels of orientations that were not asked for and that have data, where a
    component is missing. `failed_records` counts, by component, the records of the window that
    failed their own check and are a gap for that; `overlaps`, by component, the samples that were
    left out by reason, as others of the same times count. `problems` is what the archive said of
    its files; `waits` tells that one of these cannot be read now, or is another now, or that the
    machine lacked something: its data may come back.
    """

    plan: StationPlan
    expected: list[str] = field(default_factory=list)
    record: Record | None = None
    refusal: str | None = None
    any_band: bool = False
    window_ns: tuple[int, int] | None = None
    others: list[str] = field(default_factory=list)
    failed_records: dict[str, int] = field(default_factory=dict)
    overlaps: dict[str, Counter[str]] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)
    waits: bool = False

    @property
    def waits_for(self) -> list[str]:
        """Why its data may come back; empty where it does not wait."""
        reasons = [*self.problems, *([] if self.refusal is None else [self.refusal])]
        return (reasons or ["unknown"]) if self.waits else []

    @property
    def has_group(self) -> bool:
        """Whether the data set shows it: its plan is enough for that, or it has a waveform."""
        return self.plan.refusal is None and (self.plan.is_named or self.has_waveform)

    @property
    def has_waveform(self) -> bool:
        """Whether at least one component can be written."""
        return self.record is not None and bool(self.record.components)


def cut_station(source: WaveformSource, plan: StationPlan, settings: Settings) -> StationCut:
    """Station record of the first band, in order of preference, with usable data in the window.

    Bands are those of the settings, else the picked ones, else any (of noise the one that was
    drawn); several that match one pattern: HH BH EH SH, then by name. When no band has usable
    data, the record and reason of the first band with data that were refused. Whatever
    `get_waveforms` raises goes through.
    """
    cut = StationCut(plan, any_band=plan.names_no_channel, window_ns=plan.window(settings))
    cut.expected = _names(plan.band_patterns(settings)[0], settings.components)
    window = cut.window_ns
    if plan.refusal is not None or window is None:
        cut.refusal = plan.refusal or NO_USABLE_TIME
        return cut
    for found, bands in _fetches(source, plan, settings, window):
        _note_problems(cut, found)
        if any(_take_band(source, cut, found, band, settings, window) for band in bands):
            break
    return cut


def other_orientations(source: WaveformSource, cut: StationCut, settings: Settings) -> list[str]:
    """Channels with data in the window whose orientation was not asked for, sorted.

    Looked for only where a component of a picked station is missing, in the band of the record
    (without one, in every band that would have done). A hint for the user: whatever it costs the
    archive to answer, and whatever it raises, the record itself stays as it is.
    """
    window = cut.window_ns
    components = cut.record.components if cut.record is not None else {}
    complete = len(components) == len(cut.expected)
    if cut.plan.refusal is not None or window is None or complete or not cut.plan.rows:
        return []
    asked = {name[-1] for name in cut.expected}
    others = "".join(letter for letter in layout.SEED_ORIENTATIONS if letter not in asked)
    bands = cut.plan.band_patterns(settings)
    if cut.record is not None:
        bands = [cut.expected[0][:2]]
    found: set[str] = set()
    for band in bands:
        try:
            answer = fetch(source, cut.plan, f"{band}[{others}]", window)
        except Exception:
            continue
        found.update(trace.stats.channel for trace in answer.traces if len(trace.data))
    return sorted(found)


def _fetches(
    source: WaveformSource, plan: StationPlan, settings: Settings, window_ns: tuple[int, int]
) -> Iterator[tuple[Fetched, list[str]]]:
    """What the archive has of the bands that would do, in order of preference, each band once."""
    seen: set[str] = set()
    letters = letters_to_ask(settings.components, settings.orientations)
    for pattern in plan.band_patterns(settings):
        found = fetch(source, plan, f"{pattern}[{letters}]", window_ns)
        bands = _by_preference(found) if "?" in pattern else [pattern]
        yield found, [band for band in bands if band not in seen]
        seen.update(bands)


def read_ahead(source: WaveformSource, plans: Iterable[StationPlan], settings: Settings) -> None:
    """Have the system read what will be cut, in the order of files, where the archive can do that.

    Of bands that would do, the first: others are looked for where it has no data.
    """
    if not isinstance(source, Client) or type(source).get_waveforms is not Client.get_waveforms:
        return
    letters = letters_to_ask(settings.components, settings.orientations)
    windows = []
    for plan in plans:
        window = plan.window(settings)
        if plan.refusal is None and window is not None:
            channels = f"{plan.band_patterns(settings)[0]}[{letters}]"
            codes = (plan.network, plan.station, plan.location or "--", channels)
            windows.append((codes, window))
    source.read_ahead(windows)


def _note_problems(cut: StationCut, found: Fetched) -> None:
    """Note what is said of files, also of an answer without data: these may be in such a file."""
    cut.problems.update(dict.fromkeys(map(str, found.problems)))
    cut.waits |= any(problem.kind in _UNREADABLE for problem in found.problems)


def _take_band(
    source: WaveformSource,
    cut: StationCut,
    found: Fetched,
    band: str,
    settings: Settings,
    window_ns: tuple[int, int],
) -> bool:
    """Whether a band has usable data; the cut then holds its record, else at most its refusal."""
    plan = cut.plan
    names = _names(band, settings.components)
    present = {trace.stats.channel for trace in found.traces if len(trace.data)}
    present |= found.failed_records.keys()
    letters, orientations = settings.components, settings.orientations
    raw = turned_names(plan, band, orientations, letters, present)
    taken = raw or names
    failed = {name: found.failed_records[name] for name in taken if found.failed_records[name]}
    traces = _of_channels(found, taken)
    wider_ns = wider_window(traces, window_ns, settings)
    if wider_ns is not None:
        # What counts (bands, failed records, overlaps) is what lies in the window all the same.
        around = fetch(source, plan, f"{band}[{letters_to_ask(letters, orientations)}]", wider_ns)
        _note_problems(cut, around)
        traces = _of_channels(around, taken)
    record = build_record(traces, window_ns, settings, failed)
    if record is not None:
        if raw and orientations is not None:
            rotate_record(record, plan, band, orientations, letters, settings.fill)
        apply_gap_rule(record, settings, plan.times_ns)
        apply_dtype(record, settings.dtype)
    if record is None or (cut.record is not None and not record.components):
        return False
    cut.expected, cut.record, cut.refusal = names, record, record.refusal
    cut.failed_records = failed
    cut.overlaps = {name: found.overlaps[name] for name in taken if found.overlaps[name]}
    return bool(record.components)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Traces of one station and location; by channel, failed records and samples left out.

    `problems` are those of files, where the archive tells them.
    """

    traces: list[Any]
    failed_records: Counter[str]
    overlaps: Overlaps
    problems: list[Problem]


def fetch(
    source: WaveformSource, plan: StationPlan, channels: str, window_ns: tuple[int, int]
) -> Fetched:
    """What there is of exactly this station and location, both ends of the window included.

    Samples of records that failed their own check are no data. Only our own client knows them; a
    class that puts its own `get_waveforms` over it is taken at its word.
    """
    codes = (plan.network, plan.station, plan.location)
    window = (UTCDateTime(ns=window_ns[0]), UTCDateTime(ns=window_ns[1]))
    failed: Counter[str] = Counter()
    overlaps = Overlaps()
    problems: list[Problem] = []
    traces: Iterable[Any]
    if isinstance(source, Client) and type(source).get_waveforms is Client.get_waveforms:
        stream, by_id, problems = source.get_checked_waveforms(*codes, channels, *window)
        traces = stream
        start = f"{plan.network}.{plan.station}.{plan.location}."
        for trace_id, number in by_id.items():
            if trace_id.startswith(start):
                failed[trace_id.removeprefix(start)] += number
        for trace_id, reasons in stream.overlaps.items():
            if trace_id.startswith(start):
                overlaps.add({trace_id.removeprefix(start): reasons})
    else:
        traces = source.get_waveforms(*codes, channels, *window)
    own = [t for t in traces if (t.stats.network, t.stats.station, t.stats.location) == codes]
    return Fetched(own, failed, overlaps, problems)


def _of_channels(found: Fetched, channels: list[str]) -> list[Any]:
    return [trace for trace in found.traces if trace.stats.channel in channels]


def _names(band: str, orientations: str) -> list[str]:
    return [band + orientation for orientation in orientations]


def _by_preference(found: Fetched) -> list[str]:
    bands = {trace.stats.channel[:2] for trace in found.traces if len(trace.data)}
    bands |= {channel[:2] for channel in found.failed_records}
    return sorted(bands, key=layout.band_rank)
