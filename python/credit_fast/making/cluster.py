"""The work of a run on a Dask cluster: parts of a catalogue as data sets, which become one.

A worker opens the index for reading and makes a data set of some events, as `makeh5` does anywhere;
so a part that a killed worker began goes on where it was. The client copies the groups, rows and
lines of a part into its output and removes it. All machines must see the index, the archive and the
folder of the output under the same names.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import h5py

from credit_fast.account.files import Line, OutputNames
from credit_fast.catalogs.model import Catalog, Event, StationTable
from credit_fast.client import Client as ArchiveClient
from credit_fast.errors import MissingExtraError
from credit_fast.making.earlier import Earlier
from credit_fast.making.event_writer import copy_event
from credit_fast.making.output import Output, remove_cluster_parts
from credit_fast.making.writer import makeh5
from credit_fast.station_records.cut import WaveformSource
from credit_fast.station_records.settings import Settings

_log = logging.getLogger(__name__)

__all__ = ["Cluster", "Part", "connected", "make_part"]

#: Parts that are made or wait to be taken, for each worker.
_AHEAD = 3
_POLL_S = 0.5
#: How often it is asked whether there are workers.
_LOOK_S = 10.0
#: How long a part may be in the hands of another worker, which makes it whole in a few minutes.
_PATIENCE_S = 600.0
#: Warnings of a run are collected for the whole process: one part at a time in each.
_ONE = threading.Lock()


def make_part(
    opener: Callable[[], WaveformSource],
    path: str,
    events: Sequence[Event],
    table: StationTable | None,
    settings: Settings,
    threads: int,
) -> None:
    """Make the data set of some events; what is there of it already is kept. Runs on a worker.

    The archive is opened here, so that what is wrong with it ends the part, not the worker. Waits
    for another process that is making it: BlockingIOError when that takes too long.
    """
    source = opener()
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with _ONE:
                makeh5(
                    source,
                    path,
                    Catalog("a part of the catalogue", list(events)),
                    table,
                    settings=settings,
                    threads=threads,
                    update=True,
                    overwrite=True,  # what a part that was being removed has left beside it
                    progress=False,
                )
            return
        except BlockingIOError:
            # By a worker that was given up and still runs: what it makes is kept here.
            if time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)


def _itself(source: WaveformSource) -> WaveformSource:
    return source


class Part:
    """Some events that are made elsewhere."""

    def __init__(
        self, names: OutputNames, future: Any, scheduler: str, look: Callable[[], None]
    ) -> None:
        self._names = names
        self._future = future
        self._scheduler = scheduler
        self._look = look
        self._file: h5py.File | None = None
        self._made: Earlier | None = None

    def wait(self, while_waiting: Callable[[], object]) -> None:
        """Wait until it is made, and open it; what the worker raised is raised here.

        Raises ConnectionError when the scheduler is gone, and for what a worker could not read or
        write.
        """
        done = threading.Event()
        self._future.add_done_callback(lambda _: done.set())
        while not done.wait(_POLL_S):
            while_waiting()
            self._look()
        by_worker = self._future.status == "error"
        try:
            with nullcontext() if by_worker else _naming_scheduler(self._scheduler):
                self._future.result()
        except OSError as error:
            if not by_worker:
                raise
            raise ConnectionError(
                f"a worker of the Dask scheduler at {self._scheduler} failed: {error}. All "
                "machines must see index, archive and output under the same names. What is done is "
                "kept for the same command"
            ) from error
        self._file = h5py.File(self._names.data_set)
        self._made = Earlier(self._names)

    def take(self, event_id: str, output: Output) -> Line:
        """Copy an event into the output: its group and its rows; returns its line."""
        assert self._file is not None
        assert self._made is not None
        line, rows = self._made.of(event_id)
        copy_event(self._file, output.file, event_id)
        output.table.write(rows)
        return line

    def remove(self) -> None:
        """Remove its files: the output has all of it in a whole state."""
        self.close()
        for path in (self._names.data_set, *self._names.beside):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close its files."""
        if self._file is not None:
            self._file.close()
        if self._made is not None:
            self._made.close()


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """Yield a client of the Dask scheduler at an address.

    Raises MissingExtraError without dask.distributed; ConnectionError when no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError(
            "a scheduler needs dask.distributed: pip install 'credit-fast[dask]'"
        ) from error
    try:
        client = Client(scheduler, set_as_default=False)
    except Exception as error:  # of an address that is none, or of a program that is no scheduler
        raise ConnectionError(
            f"no Dask scheduler answers at {scheduler!r}: {error}. Start one there (dask "
            "scheduler), or give the address that it says, as tcp://host:8786 (--scheduler)"
        ) from error
    with client:
        yield client


@contextmanager
def _naming_scheduler(address: str) -> Iterator[None]:
    """Have the end of a connection name the scheduler, and not be taken for a failure to write."""
    try:
        yield
    except (OSError, CancelledError, asyncio.TimeoutError) as error:
        raise ConnectionError(
            f"the Dask scheduler at {address} does not answer any more: {error}. What is done is "
            "kept: when it runs again, the same command goes on"
        ) from error


class Cluster:
    """A Dask cluster at work for one output, by a client that is connected to it.

    Parts belong to one run and those that continue it. A worker may still be making one of a run
    that was thrown away (`restart`): so each run has a folder for them, and never waits for the
    parts of another one, nor takes them.

    Methods raise ConnectionError when the scheduler is gone.
    """

    def __init__(
        self,
        client: Any,
        output: Output,
        source: WaveformSource,
        table: StationTable | None,
        settings: Settings,
    ) -> None:
        self._client = client
        self._scheduler: str = client.scheduler.address
        self._output = output
        self._all = output.names.parts.resolve()
        self._folder = self._all / output.run_id
        # An index is opened by the worker: one that cannot would end while it unpacks the request.
        opener = partial(_itself, source)
        if isinstance(source, ArchiveClient):
            kind, arguments = source.__reduce__()
            opener = partial(kind, *arguments)
        self._common = (opener, table, replace(settings, noise=0))
        self._looked_at = time.monotonic()
        self._is_alone = False

    def __enter__(self) -> Cluster:
        # Not by the workers: one that is late would make it again when all is done.
        self._folder.mkdir(parents=True, exist_ok=True)
        for other in self._all.iterdir():
            if other != self._folder:
                remove_cluster_parts(other)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._client.close()  # so that no worker begins another part
        if kind is None or not self._output.kept:
            remove_cluster_parts(self._all)

    @property
    def ahead(self) -> int:
        """How many parts shall be made or wait at a time."""
        return _AHEAD * max(1, len(self._threads()))

    def submit(self, number: int, events: Sequence[Event]) -> Part:
        """Have events made, the first of which has a number in the catalogue."""
        opener, table, settings = self._common
        names = OutputNames(self._folder / f"{number:09d}.h5")
        threads = min(self._threads().values(), default=1)
        with _naming_scheduler(self._scheduler):
            future = self._client.submit(
                make_part, opener, str(names.data_set), events, table, settings, threads,
                pure=False, retries=3,
            )  # fmt: skip
        return Part(names, future, self._scheduler, self._look)

    def _look(self) -> None:
        """Say when there is no worker: else nobody knows why nothing happens."""
        if time.monotonic() < self._looked_at + _LOOK_S:
            return
        was_alone, self._is_alone = self._is_alone, not self._threads()
        self._looked_at = time.monotonic()
        if self._is_alone and not was_alone:
            _log.warning(
                "no worker is connected to the Dask scheduler at %s: waiting for one; on each "
                "machine: dask worker %s --nworkers 1",
                self._scheduler,
                self._scheduler,
            )

    def _threads(self) -> dict[str, int]:
        """Threads of each worker."""
        with _naming_scheduler(self._scheduler):
            threads: dict[str, int] = self._client.nthreads()
        return threads
