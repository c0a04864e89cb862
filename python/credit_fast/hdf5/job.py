"""The run over all events: threads prepare station records, one thread writes and counts them.

Events are written in catalogue order, with a bounded number of records in flight. What was done
before, by a run that was stopped or for a data set that is brought up to date, is not done again.
What goes wrong with one station or event is counted against it; only a failure to write ends the
job.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.hdf5 import fingerprints
from credit_fast.hdf5.account_state import add_state, as_state
from credit_fast.hdf5.accounting import MakeH5Report
from credit_fast.hdf5.cut import WaveformSource
from credit_fast.hdf5.earlier import Earlier
from credit_fast.hdf5.event_writer import EventWriter
from credit_fast.hdf5.interrupt import NotedSignals
from credit_fast.hdf5.noise import noise_plans
from credit_fast.hdf5.output import Line, Output
from credit_fast.hdf5.pack import Packed, pack_station, refused
from credit_fast.hdf5.plan import EventPlan, StationPlan, plan_events
from credit_fast.hdf5.selection import Selection
from credit_fast.hdf5.settings import Settings
from credit_fast.hdf5.table import TableWriter

__all__ = ["Job"]

_IN_FLIGHT_PER_THREAD = 4
#: A whole state is written after so many station records or seconds: what a kill costs at most.
_STATE_RECORDS = 512
_STATE_S = 2.0
#: How long after a signal the event may take that is being written.
_PATIENCE_S = 2.0


@dataclass(slots=True)
class _Work:
    """An event and what is to be done: nothing more (`kept`), or cutting, unless it is refused."""

    plan: EventPlan
    kept: bool = False
    catalog: str = ""
    archive: str | None = None


class Job:
    """A run over a catalogue; `report` becomes the account of all events."""

    def __init__(
        self,
        source: WaveformSource,
        table: StationTable | None,
        selection: Selection,
        settings: Settings,
        report: MakeH5Report,
        output: Output,
        earlier: Earlier | None,
        noted: NotedSignals,
    ) -> None:
        self._source = source
        self._table = table
        self._selection = selection
        self._settings = settings
        self._report = report
        self._output = output
        self._earlier = earlier
        self._noted = noted
        self._writer = EventWriter(output.file, settings)
        self._table_writer = TableWriter(output.table, components=settings.components)
        self._stop = threading.Event()
        self._before = output.done
        self._records = 0
        self._state_at = time.monotonic()
        for line in output.lines():
            self._add(line)

    def run(self, events: Catalog, threads: int, advance: Callable[[], object]) -> None:
        """Write all events; on any exception the threads end first.

        A signal is acted on between two events, after a whole state was written.
        """
        pool = ThreadPoolExecutor(threads, thread_name_prefix="makeh5")
        seen: set[str] = set()
        number = 0
        try:
            for work, packed in self._in_order(pool, events, threads * _IN_FLIGHT_PER_THREAD):
                number += 1
                seen.add(work.plan.event.event_id)
                if number > self._before:
                    self._end_event(self._done(work, packed), len(work.plan.stations))
                advance()
            for event_id in self._earlier or ():
                if event_id not in seen:
                    number += 1
                    if number > self._before:
                        self._report.events_not_in_catalog += 1
                        self._end_event(self._keep(event_id), 0)
        finally:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _end_event(self, line: Line, records: int) -> None:
        self._output.end_event(line)
        self._records += records
        if self._noted.is_pending:
            self._output.checkpoint()
            self._noted()
        now = time.monotonic()
        if self._records >= _STATE_RECORDS or now - self._state_at > _STATE_S:
            self._output.checkpoint()
            self._records, self._state_at = 0, now

    # ---- ahead of the writer

    def _in_order(
        self, pool: ThreadPoolExecutor, events: Catalog, in_flight: int
    ) -> Iterator[tuple[_Work, Iterator[Packed]]]:
        """Each event with its station records as they get ready, `in_flight` ahead at most."""
        works = deque[_Work]()
        futures = deque[Future[Packed]]()

        def submitted() -> Iterator[None]:
            noise = noise_plans(events, self._selection, self._source)
            plans = chain(plan_events(events, self._selection), noise)
            for number, plan in enumerate(plans):
                work = self._work(plan, is_done=number < self._before)
                works.append(work)
                if plan.refusal is None and not work.kept:
                    for station in plan.stations:
                        futures.append(pool.submit(self._prepare, station))
                        yield

        ahead = submitted()

        def ready(work: _Work) -> Iterator[Packed]:
            for _ in work.plan.stations:
                next(ahead, None)
                yield futures.popleft().result()

        for _ in islice(ahead, in_flight):
            pass
        while True:
            if not works:
                next(ahead, None)
            if not works:
                return
            work = works.popleft()
            yield work, ready(work)

    def _work(self, plan: EventPlan, *, is_done: bool) -> _Work:
        if is_done or plan.refusal is not None:
            return _Work(plan, kept=is_done)
        catalog = fingerprints.of_event(plan, self._table)
        archive = fingerprints.of_archive(self._source, plan, self._settings)
        earlier = self._earlier
        kept = earlier is not None and earlier.is_same(plan.event.event_id, catalog, archive)
        return _Work(plan, kept, catalog, archive)

    def _prepare(self, station: StationPlan) -> Packed:
        """Cut and compress one station record, in a worker thread; never raises Exception."""
        if self._stop.is_set():
            return refused(station, "stopped", self._settings)
        return pack_station(self._source, station, self._settings)

    # ---- the writer

    def _done(self, work: _Work, packed: Iterator[Packed]) -> Line:
        """Write an event; its line."""
        if work.kept:
            return self._keep(work.plan.event.event_id)
        one = self._report.for_one_event()
        one.expect(work.plan)
        rows_at = self._output.table.tell()
        line: Line = {}
        waits = False
        if work.plan.refusal is not None:
            one.refuse_event(work.plan)
            self._table_writer.write_refused(work.plan)
        else:
            waits = self._write_event(work.plan, packed, one)
            line["id"] = work.plan.event.event_id
            line["catalog"] = work.catalog
            line["archive"] = work.archive
        line["rows"] = self._output.table.tell() - rows_at
        line["account"] = as_state(one)
        if waits:
            line["waits"] = True
        return self._add(line)

    def _keep(self, event_id: str) -> Line:
        assert self._earlier is not None
        line, rows = self._earlier.of(event_id)
        self._output.table.write(rows)
        self._report.events_kept += 1
        return self._add(line)

    def _add(self, line: Line) -> Line:
        add_state(self._report, line["account"])
        return line

    def _write_event(self, plan: EventPlan, packed: Iterator[Packed], report: MakeH5Report) -> bool:
        """Write an event and count it; whether it waits for files that cannot be read now."""
        if self._earlier is not None and plan.event.event_id in self._earlier:
            del self._output.file[plan.event.event_id]
        group = self._writer.write_event(plan.event)
        fates = []
        waits = False
        for station in packed:
            self._noted.after(_PATIENCE_S)
            cut = station.cut
            where = cut.plan
            coordinates = None
            if self._table is not None:
                coordinates = self._table.get(where.network, where.station, where.location)
            if cut.has_group:
                self._writer.write_station(group, station, coordinates)
            waits |= cut.waits
            fate = report.count_station(
                plan.event.event_id, cut, coordinates=coordinates is not None
            )
            self._table_writer.write(plan.event, station, coordinates, fate)
            fates.append(fate)
        report.count_event(fates)
        report.events_waiting += waits
        return waits
