"""The work of a run on a Dask cluster: parts of a catalogue as data sets, which become one.

A worker opens the index for reading and makes a data set of some events, as `makeh5` does anywhere;
so a part that a killed worker began goes on where it was. The client copies the groups, rows and
lines of a part into its output and removes it. All machines must see the index, the archive and the
folder of the output under the same names.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py

from credit_fast.account.files import Line, OutputNames
from credit_fast.catalogs.model import Catalog, Event, StationTable
from credit_fast.errors import MissingExtraError
from credit_fast.making.earlier import Earlier
from credit_fast.making.event_writer import copy_event
from credit_fast.making.output import Output
from credit_fast.making.writer import makeh5
from credit_fast.station_records.cut import WaveformSource
from credit_fast.station_records.settings import Settings

__all__ = ["Cluster", "Part", "make_part"]

#: Parts that are made or wait to be taken, for each worker.
_AHEAD = 3
_POLL_S = 0.5
#: Warnings of a run are collected for the whole process: one part at a time in each.
_ONE = threading.Lock()


def make_part(
    source: WaveformSource,
    path: str,
    events: Sequence[Event],
    table: StationTable | None,
    settings: Settings,
    threads: int,
) -> None:
    """Make the data set of some events; what is there of it already is kept. Runs on a worker."""
    out = Path(path)
    with _ONE:
        out.parent.mkdir(exist_ok=True)
        makeh5(
            source,
            out,
            Catalog("a part of the catalogue", list(events)),
            table,
            settings=settings,
            threads=threads,
            update=out.exists(),
            overwrite=True,  # what a part that was being removed has left beside it
            progress=False,
        )


class Part:
    """Some events that are made elsewhere."""

    def __init__(self, names: OutputNames, future: Any) -> None:
        self._names = names
        self._future = future
        self._file: h5py.File | None = None
        self._made: Earlier | None = None

    def wait(self, while_waiting: Callable[[], object]) -> None:
        """Wait until it is made, and open it; what the worker raised is raised here."""
        done = threading.Event()
        self._future.add_done_callback(lambda _: done.set())
        while not done.wait(_POLL_S):
            while_waiting()
        self._future.result()
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


class Cluster:
    """A Dask cluster at work for one output.

    Raises MissingExtraError without dask.distributed; OSError when nobody answers.
    """

    def __init__(
        self,
        scheduler: str,
        output: Path,
        source: WaveformSource,
        table: StationTable | None,
        settings: Settings,
    ) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise MissingExtraError(
                "a scheduler needs dask.distributed: pip install 'credit-fast[dask]'"
            ) from error
        self._client = Client(scheduler, set_as_default=False)
        self._folder = output.with_name(output.name + ".parts").resolve()
        self._common = (source, table, replace(settings, noise=0))
        # A run with other settings that was stopped may have left parts of its own.
        told = json.dumps(self._common[2].to_dict(), sort_keys=True)
        self._settings_id = hashlib.sha256(told.encode()).hexdigest()[:8]

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._client.close()
        if kind is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def ahead(self) -> int:
        """How many parts shall be made or wait at a time."""
        return _AHEAD * max(1, len(self._client.nthreads()))

    def submit(self, number: int, events: Sequence[Event]) -> Part:
        """Have events made, the first of which has a number in the catalogue."""
        source, table, settings = self._common
        names = OutputNames(self._folder / f"{number:09d}.{self._settings_id}.h5")
        threads = min(self._client.nthreads().values(), default=1)
        future = self._client.submit(
            make_part, source, str(names.data_set), events, table, settings, threads,
            pure=False, retries=3,
        )  # fmt: skip
        return Part(names, future)
