"""The run over all events: threads prepare station records, one thread writes and counts them.

Events are written in catalogue order. What was done before, by a run that was stopped or for a data
set that is brought up to date, is not done again. What goes wrong with one station or event is
counted against it; only a failure to write ends the job.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol

from credit_fast.account.account_state import add_state, as_state
from credit_fast.account.accounting import MakeH5Report
from credit_fast.account.files import Line
from credit_fast.account.table import TableWriter
from credit_fast.catalogs.model import Catalog, Event, StationTable
from credit_fast.interrupt import NotedSignals
from credit_fast.making import fingerprints
from credit_fast.making.ahead import Ahead, Work, threads_for
from credit_fast.making.earlier import Earlier
from credit_fast.making.event_writer import EventWriter
from credit_fast.making.output import Output
from credit_fast.making.pack import Packed, pack_station, refused
from credit_fast.station_records.cut import WaveformSource, read_ahead
from credit_fast.station_records.noise import noise_plans
from credit_fast.station_records.plan import EventPlan, StationPlan, plan_events
from credit_fast.station_records.selection import Selection
from credit_fast.station_records.settings import Settings

__all__ = ["Job"]

#: Station records of a part that is made elsewhere.
_PART_RECORDS = 512
#: A whole state is written after so many station records or seconds: what a kill costs at most.
_STATE_RECORDS = 512
_STATE_S = 2.0
#: What the removal of an event counts as.
_REMOVED_RECORDS = 10
#: How long after a signal the event may take that is being written.
_PATIENCE_S = 2.0


class Part(Protocol):
    """Events that are made elsewhere."""

    def wait(self, while_waiting: Callable[[], object]) -> None:
        """Wait until they are made; calls `while_waiting` now and then."""

    def take(self, event_id: str, output: Output) -> Line:
        """Put an event into the output; returns its line."""

    def remove(self) -> None:
        """Remove its files: all of it is in the output."""

    def close(self) -> None:
        """Leave its files."""


class Elsewhere(Protocol):
    """Where parts are made."""

    @property
    def ahead(self) -> int:
        """How many parts are made or wait at a time."""

    def submit(self, number: int, events: Sequence[Event]) -> Part:
        """Have events made, the first of which has a number in the catalogue."""


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
        self._in_file: set[str] = set()  # events that were written or kept
        self._of_other_years: set[str] = set()
        self._records = 0
        self._state_at = time.monotonic()
        for line in output.lines():
            noted()
            self._add(line)

    def run(self, events: Catalog, threads: int, advance: Callable[[], object]) -> None:
        """Write all events, cut by threads of this process; on any exception these end first.

        A signal is acted on between two events, after a whole state was written; between those that
        were done before at once.
        """
        threads = threads_for(self._settings, threads)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="makeh5")
        # A cold disk may take its time to be told.
        teller = ThreadPoolExecutor(1, thread_name_prefix="makeh5 ahead")

        def announce(stations: list[StationPlan]) -> None:
            teller.submit(read_ahead, self._source, stations, self._settings)

        try:
            patience = partial(self._noted.after, _PATIENCE_S)
            ahead = Ahead(pool, threads, self._prepare, announce, patience)
            cut = ahead.cut(self._works(events))
            self._write(((work, partial(self._cut, packed)) for work, packed in cut), advance)
        finally:
            self._stop.set()
            for threads_of in (pool, teller):
                threads_of.shutdown(wait=True, cancel_futures=True)

    def run_elsewhere(
        self, events: Catalog, elsewhere: Elsewhere, advance: Callable[[], object]
    ) -> None:
        """Write all events, in parts that are made elsewhere."""
        self._write(self._in_parts(events, elsewhere), advance)

    def _write(
        self,
        works: Iterable[tuple[Work, Callable[[Work], Line]]],
        advance: Callable[[], object],
    ) -> None:
        """Write each event with what makes it, then those that the catalogue does not have."""
        seen: set[str] = set()
        number = 0
        for work, make in works:
            number += 1
            seen.add(work.plan.event.event_id)
            if number > self._before:
                line = self._done(work, make)
                self._end_event(line, len(work.plan.stations))
            else:
                self._noted()
            advance()
        earlier = self._earlier
        for event_id in earlier or ():
            assert earlier is not None
            if event_id in seen or event_id in self._of_other_years or earlier.is_noise(event_id):
                # Refused now, or of another year; or other windows are drawn: a new pick may be
                # near this one.
                if event_id not in self._in_file:
                    self._make_room(event_id)
                continue
            number += 1
            self._report.events_not_in_catalog.append(event_id)
            if number > self._before:
                self._end_event(self._keep(event_id), 0)
        for _ in self._writer.remove_aside():
            self._pause(_REMOVED_RECORDS)

    def _end_event(self, line: Line, records: int) -> None:
        self._output.end_event(line)
        self._pause(records)

    def _pause(self, records: int) -> None:
        """Act on signals, and write a state when one is due."""
        self._records += records
        if self._noted.is_pending:
            self._output.checkpoint()
            self._noted()
        elapsed = time.monotonic() - self._state_at
        if self._records >= _STATE_RECORDS or elapsed > _STATE_S:
            self._state()

    def _state(self, *, wait: bool = False) -> None:
        self._output.checkpoint(wait=wait)
        self._records, self._state_at = 0, time.monotonic()

    # ---- ahead of the writer

    def _in_parts(
        self, events: Catalog, elsewhere: Elsewhere
    ) -> Iterator[tuple[Work, Callable[[Work], Line]]]:
        """Each event, and what takes it out of its part; some parts are made ahead."""
        waiting = deque[tuple[list[Work], Part | None]]()
        try:
            for number, works in self._batches(events):
                cut = (work for work in works if work.is_to_cut and not work.is_noise)
                wanted = [work.plan.event for work in cut]
                waiting.append((works, elsewhere.submit(number, wanted) if wanted else None))
                if len(waiting) > elsewhere.ahead:
                    yield from self._of_part(*waiting.popleft())
            while waiting:
                yield from self._of_part(*waiting.popleft())
        finally:
            for _, part in waiting:
                if part is not None:
                    part.close()

    def _of_part(
        self, works: list[Work], part: Part | None
    ) -> Iterator[tuple[Work, Callable[[Work], Line]]]:
        try:
            if part is not None:
                part.wait(lambda: self._noted.after(0.0))
            for work in works:
                if part is None or work.is_noise:
                    yield work, self._cut_here
                else:
                    yield work, partial(self._take, part)
            if part is not None:
                self._state(wait=True)
        finally:
            if part is not None:
                part.close()
        if part is not None:
            part.remove()

    def _cut_here(self, work: Work) -> Line:
        return self._cut(map(self._prepare, work.plan.stations), work)

    def _take(self, part: Part, work: Work) -> Line:
        event_id = work.plan.event.event_id
        self._make_room(event_id)
        line = part.take(event_id, self._output)
        line.pop("kept", None)  # by a worker that made a part again
        return line

    def _batches(self, events: Catalog) -> Iterator[tuple[int, list[Work]]]:
        """Events in parts, each with the number of its first one in the catalogue."""
        works: list[Work] = []
        first, records = 0, 0
        for number, work in enumerate(self._works(events)):
            if not works:
                first, records = number, 0
            works.append(work)
            # What is done counts as it did: so parts are those of the run that was stopped.
            is_done = number < self._before and work.plan.refusal is None
            records += len(work.plan.stations) if work.is_to_cut or is_done else 0
            if records >= _PART_RECORDS:
                yield first, works
                works = []
        if works:
            yield first, works

    def _works(self, events: Catalog) -> Iterator[Work]:
        if self._earlier is not None and events.whole is not None:
            self._of_other_years = {event.event_id for event in events.whole}
        noise = noise_plans(events, self._selection, self._source)
        plans = chain(plan_events(events, self._selection), noise)
        for number, plan in enumerate(plans):
            work = self._work(plan, is_done=number < self._before)
            work.is_noise = number >= len(events)
            yield work

    def _work(self, plan: EventPlan, *, is_done: bool) -> Work:
        if is_done or plan.refusal is not None:
            return Work(plan, kept=is_done)
        catalog = fingerprints.of_event(plan, self._table)
        archive, places = fingerprints.in_archive(self._source, plan, self._settings)
        earlier = self._earlier
        kept = False
        if earlier is not None:
            event_id = plan.event.event_id
            kept = earlier.is_same(event_id, catalog, archive)
            if not kept and earlier.is_same(event_id, catalog, archive, though_waiting=True):
                # Cut again for nothing, it would leave room behind at each try.
                kept = earlier.of(event_id)[0]["waits"] == self._waits_for(plan)
        return Work(plan, kept, catalog, archive, places)

    def _waits_for(self, plan: EventPlan) -> list[str]:
        """What an event would wait for, were it cut now."""
        settings = replace(self._settings, compression="none")  # nothing of it is written
        cuts = (pack_station(self._source, station, settings).cut for station in plan.stations)
        return sorted({text for cut in cuts for text in cut.waits_for})

    def _prepare(self, station: StationPlan) -> Packed:
        """Cut and compress one station record, in a worker thread; never raises Exception."""
        if self._stop.is_set():
            return refused(station, "stopped", self._settings)
        return pack_station(self._source, station, self._settings)

    # ---- the writer

    def _done(self, work: Work, make: Callable[[Work], Line]) -> Line:
        """Write an event; its line."""
        if work.kept:
            return self._keep(work.plan.event.event_id)
        return self._add(make(work) if work.is_to_cut else self._refuse(work))

    def _refuse(self, work: Work) -> Line:
        one = self._report.for_one_event()
        one.expect(work.plan)
        one.refuse_event(work.plan)
        self._table_writer.write_refused(work.plan, self._table)
        return {"account": as_state(one), "rows": self._table_writer.take_sum()}

    def _cut(self, packed: Iterator[Packed], work: Work) -> Line:
        one = self._report.for_one_event()
        one.expect(work.plan)
        waits = self._write_event(work.plan, packed, one)
        line: Line = {
            "id": work.plan.event.event_id,
            "catalog": work.catalog,
            "archive": work.archive,
            "account": as_state(one),
            "rows": self._table_writer.take_sum(),
        }
        if waits:
            line["waits"] = waits
        if work.is_noise:
            line["noise"] = True
        return line

    def _keep(self, event_id: str) -> Line:
        assert self._earlier is not None
        line, rows = self._earlier.of(event_id)
        self._output.table.write(rows)
        return self._add({**line, "kept": True})

    def _add(self, line: Line) -> Line:
        add_state(self._report, line["account"])
        if "id" in line:
            self._in_file.add(line["id"])
        self._report.events_kept += line.get("kept", False)
        return line

    def _make_room(self, event_id: str) -> None:
        """Take an event of the earlier data set away that is made anew, or is none any more."""
        earlier = self._earlier
        if earlier is not None and event_id in earlier:
            self._writer.set_aside(event_id)

    def _write_event(
        self, plan: EventPlan, packed: Iterator[Packed], report: MakeH5Report
    ) -> list[str]:
        """Write an event and count it; what it waits for that cannot be read now."""
        self._make_room(plan.event.event_id)
        group = self._writer.write_event(plan.event)
        fates = []
        waits: set[str] = set()
        for station in packed:
            self._noted.after(_PATIENCE_S)
            cut = station.cut
            where = cut.plan
            coordinates = None
            if self._table is not None:
                coordinates = self._table.get(where.network, where.station, where.location)
            if cut.has_group:
                self._writer.write_station(group, station, coordinates)
            waits.update(cut.waits_for)
            fate = report.count_station(
                plan.event.event_id, cut, coordinates=coordinates is not None
            )
            self._table_writer.write(plan.event, cut, coordinates, fate)
            fates.append(fate)
        report.count_event(fates)
        report.events_waiting += bool(waits)
        return sorted(waits)
