"""The files of a run that makes a data set, which come from one whole state to the next together.

    out.h5             the data set
    out.csv            its table, a row for each station record
    out.events.jsonl   what it was made with, then a line for each event: its account, and
                       fingerprints by which a later run sees what has changed
    out.report.json    the account of all, written at the end

Until the run is done they end in `.part`, and `out.h5.journal` says up to where they are whole:
whatever ends the process, the next run goes on from there. No catalogue and no archive here.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import h5py

from credit_fast.account.files import Line, OutputNames, lines_of
from credit_fast.interrupt import NotedSignals
from credit_fast.making.journal import Journal, packed_pages, unpacked_pages
from credit_fast.making.patched_file import PatchedFile, restore
from credit_fast.output_file import sync

__all__ = ["RUN_ID", "Output", "give_names", "remove_cluster_parts"]

#: Where the journal's first line has the name of the run.
RUN_ID = "run"


def _opened_to_grow(path: Path, size: int) -> BinaryIO:
    """A file beside the data set, to go on behind its first `size` bytes.

    Raises ValueError when it has fewer.
    """
    file = path.open("ab")
    found = file.tell()
    if found < size:
        file.close()
        raise ValueError(f"{path} has {found} bytes, expected at least {size}")
    file.truncate(size)
    file.seek(size)
    return file


class Output:
    """The files of one run, open for writing: `file` by h5py, `table` by bytes at its end.

    `done` is the number of events that were written, by this run or the one that it continues, and
    `kept` of those that are in the last whole state. What was said of them comes from `lines`.
    `run_id` is a name that a run has in common with those that continue it, and with no other. All
    methods raise OSError when something cannot be written; it need not name the file.
    """

    def __init__(self, names: OutputNames, journal: Journal, state: Line, run_id: str) -> None:
        """Go on from a whole state of the journal."""
        self.names = names
        self.run_id = run_id
        self.done: int = state["done"]
        self.kept = self.done
        self._journal = journal
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="makeh5 state")
        self._writing: Future[None] | None = None
        self._raw = PatchedFile(OutputNames.part(names.data_set), state["data_set"])
        try:
            self._events = _opened_to_grow(OutputNames.part(names.events), state["events"])
            self.table = _opened_to_grow(OutputNames.part(names.table), state["table"])
            self.file = h5py.File(self._raw, "r+" if state["data_set"] else "w")
        except BaseException:
            self._raw.close()
            raise

    # ---- beginning

    @classmethod
    def begin(
        cls,
        names: OutputNames,
        journal: Journal,
        first: Line,
        began: Line,
        base: Path | None,
        noted: NotedSignals,
    ) -> Output:
        """New files, that of the data set a copy of `base`; `first` says what they are made with.

        `began` is that for the journal, with what only a run that goes on needs to know. Raises
        OSError when they cannot be made; a signal ends the copying.
        """
        data_set = OutputNames.part(names.data_set)
        names.remove_parts()
        journal.begin(began)
        if base is not None:
            with noted.at_once():
                shutil.copyfile(base, data_set)
                sync(data_set)
        size = 0 if base is None else data_set.stat().st_size
        state = {"done": 0, "data_set": size, "events": 0, "table": 0}
        output = cls(names, journal, state, began[RUN_ID])
        output._write_line(first)
        return output

    @classmethod
    def resume(cls, names: OutputNames, journal: Journal, state: Line, run_id: str) -> Output:
        """The files of a run that was stopped, in the last state of its journal.

        Raises OSError when they cannot be opened, ValueError when they are not those.
        """
        if not OutputNames.part(names.data_set).exists():
            raise ValueError(f"{OutputNames.part(names.data_set)} is gone")
        restore(OutputNames.part(names.data_set), state["data_set"], unpacked_pages(state["pages"]))
        return cls(names, journal, state, run_id)

    # ---- writing

    def end_event(self, line: Line) -> None:
        """Say what became of the event that was written last."""
        self._write_line(line)
        self.done += 1

    def _write_line(self, line: Line) -> None:
        text = json.dumps(line, separators=(",", ":")).encode()
        self._events.write(text + b"\n")

    def checkpoint(self, *, wait: bool = False) -> None:
        """Make what there is a whole state; the disk takes its time while more is written.

        With `wait` it is on the disk when this returns.
        """
        self._settled()
        self.file.flush()
        state = self._next_state()
        self._writing = self._pool.submit(self._write_state, state)
        if wait or self._raw.is_shorter:
            self._settled()

    def _next_state(self) -> Line:
        self._events.flush()
        self.table.flush()
        pages = self._raw.next_state()
        return {
            "done": self.done,
            "data_set": self._raw.size,
            "events": self._events.tell(),
            "table": self.table.tell(),
            "pages": packed_pages(pages),
        }

    def _write_state(self, state: Line) -> None:
        self._raw.sync()
        os.fsync(self._events.fileno())
        os.fsync(self.table.fileno())
        self._journal.write(state)
        self.kept = state["done"]
        self._raw.settle()

    def _settled(self) -> None:
        """Wait for the state that is being written."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def lines(self) -> Iterator[Line]:
        """What was said of the events that were done before, in their order."""
        return lines_of(OutputNames.part(self.names.events))

    # ---- ending

    def finish(
        self, write_report: Callable[[Path, int], object], last_check: Callable[[], object]
    ) -> None:
        """Give all files their names; `write_report` makes the report, of a data set of a size.

        The data set comes last: where it is, the others are too. What `last_check` raises leaves
        all as parts.
        """
        self._settled()
        self.file.close()
        self._write_state({**self._next_state(), "whole": True})
        last_check()
        report = OutputNames.part(self.names.report)
        write_report(report, self._raw.size)
        sync(report)
        self._close()
        give_names(self.names)
        self._journal.remove()

    def stop(self) -> None:
        """Leave the files in their last whole state, for the next run; none if nothing was done."""
        with suppress(OSError):
            self._settled()
        with suppress(OSError):
            self._raw.abandon()
        with suppress(Exception):  # whatever HDF5 says of bytes that are not written
            self.file.close()
        self._close()
        if self.kept:
            with suppress(OSError):  # a line that a full disk did not take
                self._journal.close()
            return
        self.names.remove_parts()
        self._journal.remove()

    def _close(self) -> None:
        self._pool.shutdown()
        for side in (self._events, self.table):
            with suppress(OSError):
                side.close()
        self._raw.close()


def give_names(names: OutputNames) -> None:
    """Give whole parts the names of the files, the data set last: where it is, the others are too.

    Those that have it already, from a run that ended meanwhile, stay. Raises OSError.
    """
    for path in (*names.beside, names.data_set):
        with suppress(FileNotFoundError):
            OutputNames.part(path).replace(path)
    sync(names.data_set.parent)


def remove_cluster_parts(folder: Path) -> None:
    """Remove a folder of parts, though a late worker may be making one: it finds none then."""
    with suppress(OSError):
        folder = folder.rename(folder.with_name(folder.name + ".gone"))
    shutil.rmtree(folder, ignore_errors=True)
