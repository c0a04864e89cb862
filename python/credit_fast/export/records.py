"""The station records that an export is made of: from a data set, or straight from an archive.

Both give the same records in the same order, events and stations by name. Nothing is written and
no format is known here.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import islice, repeat
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy.typing as npt

from credit_fast.account.accounting import EVENT_REFUSED, MakeH5Report
from credit_fast.account.trace_row import Origin, TraceFacts
from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.client import Client
from credit_fast.errors import DatasetError
from credit_fast.hdf5.nodes import child_of, members_of, one_line
from credit_fast.hdf5.reader import Dataset, EventRecord, StationRecord, open_dataset
from credit_fast.station_records.cut import StationCut, WaveformSource, cut_station
from credit_fast.station_records.noise import check_noise_source, noise_plans
from credit_fast.station_records.plan import EventPlan, StationPlan, plan_events
from credit_fast.station_records.selection import Selection, is_choice
from credit_fast.station_records.settings import Settings
from credit_fast.stations import read_stations

__all__ = ["ArchiveRecords", "Candidate", "DatasetRecords"]

NO_WAVEFORM = "no waveform"
NO_DATA = "no data in the archive"
_IN_FLIGHT_PER_THREAD = 4

Array = npt.NDArray[Any]
PathLike = str | os.PathLike[str]
T = TypeVar("T")
Result = TypeVar("Result")


@dataclass(slots=True)
class Candidate:
    """One station record of the input.

    Without `facts` it cannot be exported, for `reason`, which `is_problem` when it should be
    there. `read` gives the samples by component name; DatasetError when they are damaged.
    """

    name: str
    event_id: str
    facts: TraceFacts | None = None
    reason: str = ""
    is_problem: bool = False
    read: Callable[[], dict[str, Array]] = dict


class DatasetRecords:
    """The records of an HDF5 data set; a context manager."""

    def __init__(self, path: PathLike) -> None:
        """Open it; raises what `open_dataset` raises."""
        self.source = os.fspath(path)
        self.problems: list[str] = []
        self.notes: list[str] = []
        try:
            self._dataset: Dataset = open_dataset(path)
        except DatasetError as error:
            with Path(path).open("rb") as file:
                if not file.read(16).startswith(b"SQLite format 3"):
                    raise
            raise DatasetError(f"{self.source} is an index: it needs a catalogue (-c)") from error

    def __enter__(self) -> DatasetRecords:
        return self

    def __exit__(self, *_: object) -> None:
        self._dataset.close()

    def with_waveform(self) -> Iterator[str | None]:
        """For each event its id, or None when it has no waveform."""
        for evid in self._dataset.events():
            yield evid if self._has_waveform(evid) else None

    def events(self) -> Iterator[Iterable[Candidate]]:
        """The records of each event."""
        for evid in self._dataset.events():
            try:
                event = self._dataset.event(evid)
            except DatasetError as error:
                self.problems.append(one_line(error))
                yield []
                continue
            origin = Origin.of_record(event)
            self.problems += [one_line(f"/{evid}: {text}") for text in event.problems]
            yield [_stored(event, origin, record) for record in event.stations.values()]

    def __len__(self) -> int:
        return len(self._dataset)

    def _has_waveform(self, evid: str) -> bool:
        with suppress(DatasetError, KeyError):  # told when its records are asked for
            event = child_of(self._dataset.root, evid)
            for name in members_of(event).names if isinstance(event, h5py.Group) else ():
                with suppress(DatasetError, KeyError):
                    station = child_of(event, name)
                    if isinstance(station, h5py.Group) and members_of(station).names:
                        return True
        return False


def _stored(event: EventRecord, origin: Origin, record: StationRecord) -> Candidate:
    candidate = Candidate(f"{event.evid}/{record.station_id}", event.evid)
    try:
        facts = TraceFacts.of_stored(origin, record)
    except ValueError as error:  # components that differ, or a damaged attribute
        candidate.reason, candidate.is_problem = str(error), True
        return candidate
    if facts.waveform is None:
        candidate.is_problem = bool(record.problems)
        candidate.reason = record.problems[0] if record.problems else NO_WAVEFORM
        return candidate
    candidate.facts = facts
    candidate.read = lambda: {name: part.read() for name, part in record.components.items()}
    return candidate


class ArchiveRecords:
    """The records that makeh5 would put into a data set, cut by `threads`; a context manager."""

    def __init__(
        self,
        index: PathLike | WaveformSource,
        catalog: PathLike | Catalog,
        stations: PathLike | StationTable | None,
        settings: Settings,
        threads: int,
    ) -> None:
        """Read the inputs; raises what their readers raise."""
        self._source = Client(index) if isinstance(index, str | os.PathLike) else index
        if isinstance(catalog, str | os.PathLike):
            catalog = read_catalog(catalog, compact=True)
        events = catalog
        table = read_stations(stations) if isinstance(stations, str | os.PathLike) else stations
        self.source = str(events.path)
        account = MakeH5Report("", self.source, settings.range_s, settings.accepted_hz)
        account.take_catalog_problems(events.problems)
        refused = [*account.catalog_problems, *([] if table is None else table.problems)]
        self.problems = [str(problem) for problem in refused]
        self.notes: list[str] = []
        self._table = table
        self._settings = settings
        self._selection = Selection.of(settings, self._table, self._source)
        # By name, as in a data set; of two with one id the first stays the first.
        ids = [event.event_id for event in events]
        self._events = events.take(sorted(range(len(ids)), key=ids.__getitem__))
        check_noise_source(settings, self._source)
        noise = noise_plans(events, self._selection, self._source)
        self._noise = sorted(noise, key=_plan_id)
        if (lacking := settings.noise - len(self._noise)) > 0:
            self.notes.append(
                f"windows of noise that were not found: {lacking} of {settings.noise}"
            )
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="export")

    def __enter__(self) -> ArchiveRecords:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def with_waveform(self) -> Iterator[str | None]:
        """For each event its id, or None when it has no waveform: some of it is cut to know that.

        Of an event with data that is its first station record or two, and where there are none the
        index alone is asked.
        """
        yield from self._in_order(self._id_with_waveform, self._plans())

    def __len__(self) -> int:
        return len(self._events) + len(self._noise)

    def events(self) -> Iterator[Iterable[Candidate]]:
        """The records of each event, to be taken before the next; some are cut ahead."""
        stations = (
            station
            for plan in self._plans()
            if plan.refusal is None
            for station in _by_name(plan.stations)
        )
        cuts = self._in_order(self._cut, stations)
        for plan in self._plans():
            if plan.refusal is not None:
                yield [_refused(plan, station) for station in plan.stations]
            else:
                origin = Origin.of_event(plan.event)
                # Not a list: the waveforms of all stations of an event can be a lot.
                cut = islice(cuts, len(plan.stations))
                yield map(self._candidate, repeat(origin), cut)

    def _plans(self) -> Iterator[EventPlan]:
        """Made anew each time: plans of a large catalogue take more memory than the catalogue."""
        return merge(plan_events(self._events, self._selection), self._noise, key=_plan_id)

    def _in_order(self, work: Callable[[T], Result], items: Iterable[T]) -> Iterator[Result]:
        """What the threads make of each item, a bounded number of them ahead."""
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(self._pool.submit(work, item))
            if len(waiting) > self._threads * _IN_FLIGHT_PER_THREAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _cut(self, station: StationPlan) -> StationCut:
        try:
            return cut_station(self._source, station, self._settings)
        except Exception as error:  # one bad record never costs the others
            return StationCut(station, refusal=f"{type(error).__name__}: {error}")

    def _id_with_waveform(self, plan: EventPlan) -> str | None:
        if plan.refusal is None and any(self._cut(item).has_waveform for item in plan.stations):
            return plan.event.event_id
        return None

    def _candidate(self, origin: Origin, cut: StationCut) -> Candidate:
        plan = cut.plan
        candidate = Candidate(f"{origin.event_id}/{plan.station_id}", origin.event_id)
        if plan.refusal is not None or not cut.has_waveform:
            candidate.reason = plan.refusal or cut.refusal or NO_DATA
            candidate.is_problem = candidate.reason != NO_DATA and not is_choice(candidate.reason)
            return candidate
        place = None
        if self._table is not None:
            place = self._table.get(plan.network, plan.station, plan.location)
        record = cut.record
        candidate.facts = TraceFacts.of_plan(origin, plan, record, place)
        components = {} if record is None else record.components
        candidate.read = lambda: {name: part.data for name, part in components.items()}
        return candidate


def _by_name(stations: Iterable[StationPlan]) -> list[StationPlan]:
    return sorted(stations, key=lambda station: station.station_id)


def _refused(plan: EventPlan, station: StationPlan) -> Candidate:
    name = f"{plan.event.event_id}/{station.station_id}"
    reason = f"{EVENT_REFUSED}: {plan.refusal}"
    is_problem = not is_choice(plan.refusal)
    return Candidate(name, plan.event.event_id, reason=reason, is_problem=is_problem)


def _plan_id(plan: EventPlan) -> str:
    return plan.event.event_id
