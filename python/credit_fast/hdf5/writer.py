"""The makeh5 job: catalogue and archive in, one CREDIT HDF5 file and its account out.

A pool of threads cuts station records and compresses their chunks; the calling thread alone
touches HDF5 and writes in catalogue order, with a bounded number of records in flight. What goes
wrong with one station or event is counted against it; only a failure to write ends the job. Names
come from layout, rules about what is asked from plan and cut, about samples from record.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import h5py

from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.client import Client
from credit_fast.data_warnings import collected_warnings
from credit_fast.errors import check_threads
from credit_fast.hdf5.accounting import MakeH5Report
from credit_fast.hdf5.cut import WaveformSource
from credit_fast.hdf5.event_writer import EventWriter
from credit_fast.hdf5.interrupt import noted_signals
from credit_fast.hdf5.pack import Packed, pack_station, refused
from credit_fast.hdf5.part_file import part_file
from credit_fast.hdf5.plan import EventPlan, StationPlan, plan_events
from credit_fast.hdf5.settings import Settings
from credit_fast.output_file import left_parts
from credit_fast.progress import work_progress
from credit_fast.stations import read_stations

__all__ = ["makeh5"]

PathLike = str | os.PathLike[str]
_IN_FLIGHT_PER_THREAD = 4


def makeh5(
    index: PathLike | WaveformSource,
    out: PathLike,
    catalog: PathLike | Catalog,
    stations: PathLike | StationTable | None = None,
    *,
    settings: Settings | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
    **options: Any,
) -> MakeH5Report:
    """Cut the waveforms of a catalogue into one HDF5 data set of the CREDIT layout.

    Per event and station (NET.STA.LOC) the window runs from the first pick - `range_s` to the
    last pick + `range_s`; the components are the E, N and Z of the picked band, or other
    orientations on request.

    Parameters
    ----------
    index
        Index file, or an object with `get_waveforms` (called from `threads` threads at once). Of
        an index file or a `Client`, records that fail their own check count as a gap.
    out
        The file to make. It appears under this name only when it is whole; until then it is a
        `.part` file beside it, which every failure removes.
    catalog, stations
        Files, or what `read_catalog` and `read_stations` return.
    settings
        What the data set shall hold; default: `Settings()`.
    threads
        Threads that read and compress; default: all cores.
    overwrite
        Replace an existing `out`, if it is an HDF5 file.
    progress
        Show a bar on standard error when that is a terminal.
    options
        Attributes of `Settings`, such as `range_s=100.0`; they stand over those of `settings`.

    Raises
    ------
    FileExistsError
        `out` exists and `overwrite` is not set, or it is no HDF5 file.
    FileNotFoundError, CatalogError, IndexFormatError
        An input is missing or unusable as a whole.
    ValueError
        An argument out of its range, or `out` is one of the inputs.
    TypeError
        An option that `Settings` does not have.
    OSError
        The file could not be written (full disk); an older `out` is untouched.
    KeyboardInterrupt, SystemExit
        Ctrl-C or SIGTERM (exit code 143), when called from the main thread. The job ends within
        the time of the records that are being cut; an older `out` is untouched.
    """
    started = time.monotonic()
    target = Path(out)
    if target.is_symlink():
        target = target.resolve()  # replace the file that is meant, not the link to it
    settings = replace(settings or Settings(), **options)
    check_threads(threads)
    _check_target(target, overwrite, [index, catalog, stations])
    source = Client(index) if isinstance(index, str | os.PathLike) else index
    events = read_catalog(catalog) if isinstance(catalog, str | os.PathLike) else catalog
    table = read_stations(stations) if isinstance(stations, str | os.PathLike) else stations
    report = MakeH5Report(
        str(target), str(events.path), settings.range_s, settings.rate_hz, settings.components
    )
    report.take_catalog_problems(events.problems)
    report.station_problems = [] if table is None else list(table.problems)
    report.left_parts = [str(path) for path in left_parts(target)]
    with (
        noted_signals() as noted,
        collected_warnings() as damaged,
        part_file(target, overwrite, noted, noted.remove_at_second) as file,
        work_progress("events", shown=progress) as bar,
    ):
        task = bar.add_task("makeh5", total=len(events))
        job = _Job(source, table, settings, report, EventWriter(file, settings), noted)
        job.run(events, threads or _all_cores(), lambda: bar.advance(task))
    report.damaged_files = list(damaged)
    report.size_bytes = target.stat().st_size
    report.seconds = time.monotonic() - started
    return report


class _Job:
    """The run over all events: threads prepare, this thread writes and counts."""

    def __init__(
        self,
        source: WaveformSource,
        table: StationTable | None,
        settings: Settings,
        report: MakeH5Report,
        writer: EventWriter,
        act_on_signal: Callable[[], None],
    ) -> None:
        self.source = source
        self.table = table
        self.settings = settings
        self.report = report
        self.writer = writer
        self.act_on_signal = act_on_signal
        self.stop = threading.Event()

    def run(self, events: Catalog, threads: int, advance: Callable[[], object]) -> None:
        """Write all events in catalogue order; on any exception the threads end first."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix="makeh5")
        try:
            for plan, packed in self._in_order(pool, events, threads * _IN_FLIGHT_PER_THREAD):
                self.report.expect(plan)
                if plan.refusal is not None:
                    self.report.refuse_event(plan)
                else:
                    self._write_event(plan, packed)
                advance()
        finally:
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _in_order(
        self, pool: ThreadPoolExecutor, events: Catalog, in_flight: int
    ) -> Iterator[tuple[EventPlan, Iterator[Packed]]]:
        """Each event with its station records as they get ready, `in_flight` ahead at most."""
        plans = deque[EventPlan]()
        futures = deque[Future[Packed]]()

        def submitted() -> Iterator[None]:
            for plan in plan_events(events):
                self.act_on_signal()
                plans.append(plan)
                if plan.refusal is None:
                    for station in plan.stations:
                        futures.append(pool.submit(self._prepare, station))
                        yield

        ahead = submitted()

        def ready(plan: EventPlan) -> Iterator[Packed]:
            for _ in plan.stations:
                next(ahead, None)
                yield futures.popleft().result()

        for _ in islice(ahead, in_flight):
            pass
        while True:
            if not plans:
                next(ahead, None)
            if not plans:
                return
            plan = plans.popleft()
            yield plan, ready(plan)

    def _prepare(self, station: StationPlan) -> Packed:
        """Cut and compress one station record, in a worker thread; never raises Exception."""
        if self.stop.is_set():
            return refused(station, "stopped", self.settings)
        return pack_station(self.source, station, self.settings)

    def _write_event(self, plan: EventPlan, packed: Iterator[Packed]) -> None:
        group = self.writer.write_event(plan.event)
        fates = []
        for station in packed:
            self.act_on_signal()
            cut = station.cut
            where = cut.plan
            coordinates = None
            if self.table is not None:
                coordinates = self.table.get(where.network, where.station, where.location)
            if where.refusal is None:
                self.writer.write_station(group, station, coordinates)
            fates.append(
                self.report.count_station(
                    plan.event.event_id, cut, coordinates=coordinates is not None
                )
            )
        self.report.count_event(fates)


def _all_cores() -> int:
    if sys.platform == "linux":  # elsewhere a process cannot be bound to some cores
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_target(target: Path, overwrite: bool, inputs: Sequence[object]) -> None:
    """Everything about `out` that can be known before any work."""
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: the data set is one file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder for {target.name}")
    if not target.exists():
        return
    for item in inputs:
        # A catalogue or station table that was read before knows its file.
        name = item if isinstance(item, str | os.PathLike) else getattr(item, "path", None)
        if isinstance(name, str | os.PathLike) and _is_same_file(target, Path(name)):
            raise ValueError(f"{target} is an input: the data set needs a name of its own")
    if not overwrite:
        raise FileExistsError(
            f"{target} exists: choose another name, or overwrite it (--overwrite)"
        )
    if not h5py.is_hdf5(target):
        with target.open("rb") as file:
            begin = file.read(16)
        found = f"begins with {begin!r}" if begin else "is empty"
        raise FileExistsError(
            f"{target} exists and is no HDF5 file (it {found}): it is not replaced, "
            "choose another name"
        )


def _is_same_file(target: Path, path: Path) -> bool:
    try:
        return target.samefile(path)
    except (OSError, ValueError):  # it does not exist, or cannot be a file's name
        return False
