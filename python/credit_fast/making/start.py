"""How a run begins: new files, those of a run that was stopped, or a data set that is there.

Decides and checks; says what differs, and what to do about it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py

from credit_fast.account.files import Line, OutputNames, says_what_it_is
from credit_fast.catalogs.model import Catalog
from credit_fast.errors import DatasetError, UnfinishedRunError
from credit_fast.interrupt import NotedSignals
from credit_fast.making.earlier import Earlier
from credit_fast.making.fingerprints import changes
from credit_fast.making.journal import Journal
from credit_fast.making.output import RUN_ID, Output, give_names
from credit_fast.output_file import cannot_write, input_path

__all__ = ["How", "check_all_known", "check_names", "end_renames", "is_done", "open_output"]


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What may be done with files that are there: see `makeh5`."""

    overwrite: bool = False
    update: bool = False
    restart: bool = False


def end_renames(names: OutputNames) -> bool:
    """Give the files of a run their names that ended while it did that; whether there was one.

    Its work was whole, and some of its files stand beside an older data set: they belong together
    only when all have their names. Raises BlockingIOError when another run is at it, OSError.
    """
    if not names.journal.exists():
        return False
    journal = Journal(names.journal)
    try:
        _, state = journal.read()
        # The table gets its name first, when all of them, the report too, are on the disk.
        has_begun = names.table.exists() and not names.part(names.table).exists()
        if state is None or not state.get("whole") or not has_begun:
            return False
        give_names(names)
        journal.remove()
        return True
    finally:
        journal.close_unused()


def is_done(names: OutputNames, first: Line) -> bool:
    """Whether a data set is there, whole, of the same inputs by the same settings."""
    if names.journal.exists() or not names.data_set.exists():
        return False
    try:
        earlier = Earlier(names)
    except (FileNotFoundError, DatasetError):
        return False
    with closing(earlier):
        return not earlier.waiting and not changes(earlier.first, first)


def check_all_known(names: OutputNames, events: Catalog) -> None:
    """ValueError when a data set has events that the catalogue lacks: nobody knows their picks.

    Windows of noise keep clear of every pick, also of those that no record was cut for.
    """
    if not names.events.exists():
        return
    known = {event.event_id for event in events.whole or events}
    with closing(Earlier(names)) as earlier:
        for event_id in earlier:
            if event_id not in known and not earlier.is_noise(event_id):
                raise ValueError(
                    f"{names.data_set} has event {event_id}, which the catalogue {events.path} "
                    "does not have: windows of noise (--noise) keep clear of all picks, so they "
                    "need the whole catalogue, old and new events"
                )


@contextmanager
def open_output(
    names: OutputNames, first: Line, how: How, noted: NotedSignals
) -> Iterator[tuple[Output, Earlier | None]]:
    """Yield the files to write to, and what is known of the data set that is brought up to date.

    `first` says what the run works on. What the block raises leaves the files in their last whole
    state for the next run; when nothing was done, it leaves none.
    """
    journal = Journal(names.journal)
    with ExitStack() as stack:
        try:
            output, earlier = _opened(names, journal, first, how, noted, stack)
        except BaseException:
            journal.close_unused()
            raise
        try:
            yield output, earlier
        except OSError as error:
            output.stop()
            raise _not_written(names.data_set, output.kept, error) from error
        except KeyboardInterrupt as interrupt:
            output.stop()
            interrupt.args = (_left(output.kept),)
            raise
        except BaseException:
            output.stop()
            raise


def _not_written(data_set: Path, kept: int, error: OSError) -> OSError:
    """The failure to write, what it leaves, and what to do."""
    if isinstance(error, FileExistsError | ConnectionError):  # the latter: of a cluster
        return error
    named = cannot_write(data_set, error)
    message = f"{named.strerror or named}; {_left(kept)}, an older file is untouched"
    return OSError(message) if named.errno is None else OSError(named.errno, message)


def _left(kept: int) -> str:
    return f"{kept} events are done, and kept for the same command" if kept else "nothing was left"


def _opened(
    names: OutputNames,
    journal: Journal,
    first: Line,
    how: How,
    noted: NotedSignals,
    stack: ExitStack,
) -> tuple[Output, Earlier | None]:
    _check_alone(names)
    _check_beside(names, how)
    began, state = (None, None) if how.restart else journal.read()
    run_id = "" if began is None else began.get(RUN_ID, "")
    with noted.at_once():
        earlier = _earlier(names, first, how, began if state else None, stack)
    base = None if earlier is None else names.data_set
    now = {RUN_ID: run_id, **_with_base(first, base)}
    differences = [] if began is None else _changes(began, now)
    if state is None:
        if differences or not run_id:
            now[RUN_ID] = secrets.token_hex(4)
        try:
            return Output.begin(names, journal, first, now, base, noted), earlier
        except BaseException as error:
            names.remove_parts()
            journal.remove()
            if isinstance(error, OSError):
                raise _not_written(names.data_set, 0, error) from error
            raise
    if differences:
        raise UnfinishedRunError(
            f"{names.journal} is of a run that was stopped, after {state['done']} events; "
            f"it cannot go on, as {'; '.join(differences)}. Run it again with what it had, or "
            "begin anew (--restart)",
            path=str(names.journal),
        )
    try:
        return Output.resume(names, journal, state, run_id), earlier
    except (ValueError, FileNotFoundError) as error:
        raise UnfinishedRunError(
            f"a run that was stopped cannot go on: {error}. Begin anew (--restart)",
            path=str(names.journal),
        ) from error


def _changes(began: Line, now: Line) -> list[str]:
    """What differs between a run that was stopped and this one, in words."""
    one, other = "base" in began, "base" in now
    if one != other:
        return ["that run was an update (--update)" if one else "that run was no update"]
    return changes(began, now)


def _earlier(
    names: OutputNames, first: Line, how: How, began: Line | None, stack: ExitStack
) -> Earlier | None:
    """What is known of an existing data set that is brought up to date, or None to make a new one.

    FileExistsError when it is neither to be brought up to date nor to be replaced.
    """
    if not names.data_set.exists():
        return None
    if how.overwrite or how.update:
        _check_is_hdf5(names.data_set)
    if how.overwrite and not how.update:
        return None
    try:
        earlier = Earlier(names)
    except FileNotFoundError as error:
        if not how.update:
            raise _exists(names.data_set, "") from None
        raise FileNotFoundError(
            error.errno,
            f"{names.data_set} cannot be brought up to date without what was said of its events; "
            "make it anew (--overwrite)",
            error.filename,
        ) from None
    stack.callback(earlier.close)
    if how.update and "stations" in earlier.first["inputs"] and "stations" not in first["inputs"]:
        raise ValueError(
            f"{names.data_set} was made with a station file: without one every record would lose "
            "its coordinates. Give it (-s), or make the data set anew (--overwrite)"
        )
    differences = changes(earlier.first["settings"], first["settings"])
    same = not differences and not changes(earlier.first["inputs"], first["inputs"])
    began_so = same and began is not None and "base" in began
    if (how.update and not differences) or (same and earlier.waiting) or began_so:
        earlier.check_table()
        return earlier
    waiting = earlier.waiting
    if how.update and differences:
        raise ValueError(
            f"{names.data_set} cannot be brought up to date by other settings: "
            f"{'; '.join(differences)}"
        )
    raise _exists(names.data_set, f"; {waiting} of its events wait for data" if waiting else "")


def _exists(data_set: Path, more: str) -> FileExistsError:
    return FileExistsError(
        f"{data_set} exists{more}: choose another name, bring it up to date (--update), or "
        "overwrite it (--overwrite)"
    )


def _with_base(first: Line, base: Path | None) -> Line:
    if base is None:
        return first
    found = base.stat()
    return {**first, "base": {"bytes": found.st_size, "changed_ns": found.st_mtime_ns}}


def check_names(names: OutputNames, inputs: Sequence[object]) -> None:
    """Everything about the files to make that can be known before any work."""
    target = names.data_set
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: the data set is one file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder for {target.name}")
    if names.taken_ending is not None:
        raise ValueError(
            f"{target}: a file beside a data set ends in {names.taken_ending}; expected another "
            f"ending, as {target.stem}.h5"
        )
    for path in names.beside:
        if path.exists() and not path.is_file():
            raise IsADirectoryError(f"{path} is no file: {target.name} needs one of this name")
    for path in (target, *names.beside):
        for found in filter(None, map(input_path, inputs)):
            if _is_same_file(path, found):
                raise ValueError(
                    f"{path} is an input: the data set {target.name} needs a name of its own"
                )


def _check_alone(names: OutputNames) -> None:
    """No other data set, and no run, may have the files that go with this one.

    To be called with the journal: of two that begin at the same moment, each sees the other's.
    """
    target = names.data_set
    for other, path in names.of_same_stem():
        is_run = path == other.journal
        if (is_run or (path.is_file() and h5py.is_hdf5(path))) and not _is_same_file(target, path):
            found = "of a run that is not done" if is_run else "a data set"
            raise FileExistsError(
                f"{path} is {found}, and {names.table.name} belongs to that: {target.name} needs a "
                "name that differs in more than its ending"
            )


def _check_beside(names: OutputNames, how: How) -> None:
    """What lies beside a data set is replaced with it, and never what makeh5 has not made."""
    is_ours = how.overwrite or names.data_set.exists()
    for path in filter(Path.exists, names.beside):
        if not says_what_it_is(path):
            raise _not_replaced(path, "was not made by makeh5")
        if not is_ours:
            raise FileExistsError(
                f"{path} exists, without {names.data_set.name}: choose another name, or overwrite "
                "it (--overwrite)"
            )


def _check_is_hdf5(target: Path) -> None:
    if not h5py.is_hdf5(target):
        raise _not_replaced(target, "is no HDF5 file")


def _not_replaced(path: Path, what: str) -> FileExistsError:
    with path.open("rb") as file:
        begin = file.read(16)
    found = f"begins with {begin!r}" if begin else "is empty"
    return FileExistsError(
        f"{path} exists and {what} (it {found}): it is not replaced, choose another name or move "
        "it away"
    )


def _is_same_file(target: Path, path: Path) -> bool:
    try:
        return target.samefile(path)
    except (OSError, ValueError):  # it does not exist, or cannot be a file's name
        return False
