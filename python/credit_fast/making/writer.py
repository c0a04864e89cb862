"""makeh5: catalogue and archive in, a data set of the CREDIT layout and its account out.

What the run works on, and its report. How it begins is in `start`, what it does in `job`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from credit_fast import __version__
from credit_fast.account.account_state import add_state
from credit_fast.account.accounting import MakeH5Report
from credit_fast.account.files import Line, OutputNames, lines_of
from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.client import Client
from credit_fast.data_warnings import collected_warnings
from credit_fast.errors import check_threads
from credit_fast.interrupt import noted_signals
from credit_fast.making import fingerprints
from credit_fast.making.job import Job
from credit_fast.making.output import remove_cluster_parts
from credit_fast.making.start import (
    How,
    check_all_known,
    check_names,
    end_renames,
    is_done,
    open_output,
)
from credit_fast.progress import work_progress
from credit_fast.station_records.cut import WaveformSource
from credit_fast.station_records.noise import check_noise_source
from credit_fast.station_records.selection import Selection
from credit_fast.station_records.settings import Settings
from credit_fast.stations import read_stations

__all__ = ["makeh5"]

PathLike = str | os.PathLike[str]


def makeh5(
    index: PathLike | WaveformSource,
    out: PathLike,
    catalog: PathLike | Catalog,
    stations: PathLike | StationTable | None = None,
    *,
    settings: Settings | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    update: bool = False,
    restart: bool = False,
    keep: bool = False,
    scheduler: str | None = None,
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
        The file to make, with `out.csv`, `out.events.jsonl` and `out.report.json` beside it. They
        appear under these names only when they are whole; until then they are `.part` files, and
        `out.h5.journal` says what is done: whatever ends the run, the same call goes on from
        there, and does no finished event again.
    catalog, stations
        Files, or what `read_catalog` and `read_stations` return.
    settings
        What the data set shall hold; default: `Settings()`.
    threads
        Threads that read and compress; default: all cores.
    overwrite
        Replace an existing `out`, if it is an HDF5 file, and what belongs beside it.
    update
        Bring an existing `out` up to date: of its events only those are cut again for which the
        catalogue, the stations or the archive say something else now, or that wait for a file that
        could not be read; new ones are added, and those that the catalogue does not have stay.
    restart
        Throw away what a run has done that was stopped.
    keep
        Leave an existing `out` as it is that was made of the same inputs by the same settings, and
        return its account.
    scheduler
        Address of a Dask cluster, as `tcp://host:8786`, whose workers do the cutting in parts; they
        must see index, archive and the folder of `out` under the same names.
    progress
        Show a bar on standard error when that is a terminal.
    options
        Attributes of `Settings`, such as `range_s=100.0`; they stand over those of `settings`.

    Raises
    ------
    FileExistsError
        `out` exists, of other inputs or settings, and neither `overwrite` nor `update` is set; or
        it is no HDF5 file. Of the same index, catalogue, stations and settings it is done, and
        nothing is cut. A file that belongs beside it is there without it and `overwrite` is not
        set, or was not made by makeh5. Another data set has the same name but for the ending.
    UnfinishedRunError
        A run that was stopped had other inputs or settings; the message says which.
    BlockingIOError
        Another run is making `out`.
    FileNotFoundError, CatalogError, IndexFormatError
        An input is missing or unusable as a whole.
    DatasetError
        What lies beside an `out` that is to be brought up to date was damaged or edited.
    ValueError
        An argument out of its range; `out` is one of the inputs, or ends as files beside one do.
    TypeError
        An option that `Settings` does not have; `all_stations` of an archive without `get_nslc`.
    ConnectionError
        No scheduler answers, or it is gone; then what is done is kept.
    OSError
        The file could not be written (full disk); an older `out` is untouched, what is done is
        kept for the next run.
    KeyboardInterrupt, SystemExit
        Ctrl-C or SIGTERM (exit code 143), when called from the main thread. The run ends with the
        event that is being written, or two seconds later; the next one goes on from there. While it
        reads what was done before, or copies a data set to bring it up to date, it ends at once.
    """
    started = time.monotonic()
    target = Path(out)
    if target.is_symlink():
        target = target.resolve()  # replace the file that is meant, not the link to it
    settings = replace(settings or Settings(), **options)
    check_threads(threads)
    names = OutputNames(target)
    check_names(names, [index, catalog, stations])
    source = Client(index) if isinstance(index, str | os.PathLike) else index
    how = How(overwrite=overwrite, update=update, restart=restart)
    first: Line = {
        "made_by": f"credit_fast {__version__}",
        "settings": settings.to_dict(),
        "inputs": fingerprints.of_inputs(source, catalog, stations),
    }
    if isinstance(catalog, str | os.PathLike):
        catalog = read_catalog(catalog, compact=True)
    events = catalog
    if events.year is not None:
        first["year"] = events.year
    table = read_stations(stations) if isinstance(stations, str | os.PathLike) else stations
    report = MakeH5Report(
        str(target), str(events.path), settings.range_s, settings.accepted_hz, settings.components
    )
    selection = Selection.of(settings, table, source)
    check_noise_source(settings, source)
    report.noise_asked, report.phases_asked = settings.noise, settings.phases
    report.unplaced_stations = selection.unplaced
    report.take_catalog_problems(events.problems)
    report.station_problems = [] if table is None else list(table.problems)

    # A run that ended between its work and its name is done now.
    is_ended = end_renames(names) and not (overwrite or restart)
    # Of an archive that is no `Client` nobody knows whether its data are the same.
    is_known = isinstance(source, Client) and not (overwrite or update or restart)
    if (keep or is_ended or is_known) and is_done(names, first):
        ids = {event.event_id for event in events}
        for line in lines_of(names.events):
            add_state(report, line["account"])
            if "id" in line:
                report.events_kept += line.get("kept", False) if is_ended else True
                if line["id"] not in ids and not line.get("noise", False):
                    report.events_not_in_catalog.append(line["id"])
        report.size_bytes = target.stat().st_size
        return report
    if update and settings.noise:
        check_all_known(names, events)
    were_there = {path for path in (target, *names.beside) if path.exists()}

    def last_check() -> None:
        noted()
        for path in (target, *names.beside):
            if path.exists() and path not in were_there and not overwrite:
                raise FileExistsError(f"{path} appeared during the run and was not replaced")

    def write_report(path: Path, size: int) -> None:
        report.damage.update({text: 1 for text in damaged if text not in report.damage})
        report.size_bytes = size
        report.seconds = time.monotonic() - started
        text = json.dumps({**first, **report.to_dict()}, indent=2, ensure_ascii=False)
        # A name that is no Unicode becomes an escape of JSON.
        path.write_bytes(text.encode("utf-8", "backslashreplace"))

    cluster: AbstractContextManager[Any] = nullcontext()
    if scheduler is not None:
        from credit_fast.making.cluster import connected  # it makes parts by this very function

        cluster = connected(scheduler)
    with (
        cluster as client,  # before any file is made, and while Ctrl-C acts at once
        noted_signals() as noted,
        collected_warnings() as damaged,
        open_output(names, first, how, noted) as (output, earlier),
        work_progress("events", shown=progress) as bar,
    ):
        task = bar.add_task("makeh5", total=len(events) + settings.noise)
        job = Job(source, table, selection, settings, report, output, earlier, noted)
        if client is None:
            job.run(events, threads or _all_cores(), lambda: bar.advance(task))
        else:
            from credit_fast.making.cluster import Cluster

            with Cluster(client, output, source, table, settings) as elsewhere:
                job.run_elsewhere(events, elsewhere, lambda: bar.advance(task))
        output.finish(write_report, last_check)
        remove_cluster_parts(names.parts)  # of a cluster, when the run goes on without one
    return report


def _all_cores() -> int:
    if sys.platform == "linux":  # elsewhere a process cannot be bound to some cores
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
