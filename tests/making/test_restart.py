"""A run that was stopped, whatever stopped it, goes on; the end is that of a run undisturbed."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from memory_archive import MemoryArchive, catalog, event, pick, three
from stopped_runs import (
    EVENTS,
    STATIONS,
    WHOLE,
    account,
    archive,
    assert_is_same,
    killed_at,
    made,
    names,
    some_events,
    steps_of,
)

import credit_fast
from credit_fast.errors import DataWarning, UnfinishedRunError
from credit_fast.making import ahead, makeh5
from credit_fast.making.journal import Journal
from credit_fast.making.patched_file import PatchedFile
from credit_fast.station_records import Settings

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="fork and signals are POSIX"),
    pytest.mark.usefixtures("small_states"),
]


def test_a_run_that_is_killed_at_any_change_of_a_file_goes_on(
    tmp_path: Path, undisturbed: tuple[Path, Any]
) -> None:
    events = some_events(EVENTS)
    step, ended = 1, False
    while not ended:
        folder = tmp_path / str(step)
        folder.mkdir()
        ended = not killed_at(step, folder, events)
        if ended:
            assert names(folder) == WHOLE
        else:
            # And once more, in the middle of what the next run does.
            killed_at(1 + step % 7, folder, events)
            is_done = "out.h5.journal" not in names(folder) and (folder / "out.h5").exists()
            report = made(folder, events, overwrite=is_done)
            assert_is_same(folder, report, undisturbed)
        step += 1 + step // 6
    assert step > 100


def test_runs_that_are_killed_at_any_time_cut_no_finished_event_again(
    tmp_path: Path, undisturbed: tuple[Path, Any]
) -> None:
    events = some_events(EVENTS)
    trial = tmp_path / "trial"
    trial.mkdir()
    whole = steps_of(trial, events)
    shutil.rmtree(trial)
    draw = random.Random(3)
    finished = 0
    for _ in range(30):
        killed_at(draw.randrange(whole // 4, whole // 2), tmp_path, events)
        if (tmp_path / "out.h5").exists():
            break
        journal = Journal(tmp_path / "out.h5.journal")
        _, state = journal.read()
        journal.close()
        assert state is None or state["done"] >= finished
        finished = finished if state is None else state["done"]
        if finished > 6:
            break
    assert EVENTS > finished > 2
    source = archive()
    report = made(tmp_path, events, source)
    assert len(source.asked) == (EVENTS - finished) * len(STATIONS)
    assert_is_same(tmp_path, report, undisturbed)


class Stopping(MemoryArchive):
    """Sends a signal to its own process when it was asked so often."""

    at = 20
    number = signal.SIGINT

    def get_waveforms(self, *request: Any) -> Any:
        if len(self.asked) == self.at:
            os.kill(os.getpid(), self.number)
        return super().get_waveforms(*request)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_a_signal_the_run_goes_on_where_it_was(
    tmp_path: Path, undisturbed: tuple[Path, Any], number: signal.Signals
) -> None:
    source = Stopping(archive().traces)
    source.number = number
    with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else SystemExit) as stopped:
        made(tmp_path, some_events(EVENTS), source)
    words = "[1-9][0-9]* events are done, and kept for the same command"
    assert re.fullmatch(words if number == signal.SIGINT else "143", str(stopped.value))
    assert "out.h5.journal" in names(tmp_path)
    assert "out.h5" not in names(tmp_path)
    again = archive()
    report = made(tmp_path, some_events(EVENTS), again)
    # What was in flight is lost, two batches at most; what was written is not.
    in_flight = 2 * 2 * ahead._FEW_PER_THREAD
    assert len(again.asked) <= EVENTS * len(STATIONS) - Stopping.at + in_flight
    assert_is_same(tmp_path, report, undisturbed)


class Warned(MemoryArchive):
    """Warns at the first four windows, the last of which fails."""

    at = 14

    def get_waveforms(self, *request: Any) -> Any:
        if len(self.asked) < 4:
            warnings.warn(DataWarning(f"file {len(self.asked)} is damaged"), stacklevel=2)
        if len(self.asked) == 3:
            self.asked.append("failed")
            raise RuntimeError("the disk is on fire")
        if len(self.asked) == self.at:
            os.kill(os.getpid(), signal.SIGINT)
        return super().get_waveforms(*request)


def test_what_an_archive_warned_of_is_kept_with_the_events(tmp_path: Path) -> None:
    """Whatever class the archive is of; the account is that of an undisturbed run."""
    folders = [tmp_path / name for name in ("undisturbed", "stopped")]
    for folder in folders:
        folder.mkdir()
    whole = Warned(archive().traces)
    whole.at = -1
    expected = made(folders[0], some_events(EVENTS), whole, threads=1)
    assert expected.damage == {f"file {number} is damaged": 1 for number in range(4)}
    with pytest.raises(KeyboardInterrupt):
        made(folders[1], some_events(EVENTS), Warned(archive().traces), threads=1)
    report = made(folders[1], some_events(EVENTS), threads=1)
    assert report.damage == expected.damage
    assert_is_same(folders[1], report, (folders[0] / "out.h5", account(expected)))
    # Kept events keep them, too; those that are cut again have what is said now.
    again = made(folders[1], some_events(EVENTS + 1), update=True)
    assert again.damage == expected.damage
    assert again.has_problems
    changed = [
        replace(item, raw="another line") if number == 0 else item
        for number, item in enumerate(some_events(EVENTS + 1))
    ]
    left = made(folders[1], changed, update=True).damage
    assert left == {f"file {number} is damaged": 1 for number in (2, 3)}


def test_after_a_full_disk_the_run_goes_on_where_it_was(
    tmp_path: Path, undisturbed: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = undisturbed[0].stat().st_size
    try:
        for part in (0.3, 0.6, 0.9):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * part), hard))
            with pytest.raises(OSError, match=r"File too large; .* done, and kept for the same"):
                made(tmp_path, some_events(EVENTS))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert_is_same(tmp_path, made(tmp_path, some_events(EVENTS)), undisturbed)


def test_a_full_disk_that_the_journal_meets_is_told_with_what_to_do(
    tmp_path: Path, undisturbed: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Journal.write

    def full(journal: Journal, line: dict[str, Any]) -> None:
        if line.get("done", 0) > 3:
            os.write(os.open("/dev/full", os.O_WRONLY), b"x")
        write(journal, line)

    def close(journal: Journal) -> None:
        journal._file.close()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "write", full)
        patched.setattr(Journal, "close", close)
        with pytest.raises(OSError, match=r"out\.h5: No space left on device; 2 events are done"):
            made(tmp_path, some_events(EVENTS))
    assert_is_same(tmp_path, made(tmp_path, some_events(EVENTS)), undisturbed)


def stopped(folder: Path) -> None:
    source = Stopping(archive().traces)
    with pytest.raises(KeyboardInterrupt):
        made(folder, some_events(EVENTS), source)


def test_other_inputs_or_settings_are_noticed_and_said(tmp_path: Path) -> None:
    stopped(tmp_path)
    with pytest.raises(UnfinishedRunError, match=r"settings fill: it was 0, now it is 7.*restart"):
        made(tmp_path, some_events(EVENTS), fill=7)
    with pytest.raises(UnfinishedRunError, match="the catalog is another one"):
        made(tmp_path, some_events(EVENTS + 1))
    report = made(tmp_path, some_events(EVENTS + 1), fill=7, restart=True)
    assert report.events.total == EVENTS + 1
    assert names(tmp_path) == WHOLE


def test_files_of_a_stopped_run_that_are_gone_are_said(tmp_path: Path) -> None:
    stopped(tmp_path)
    (tmp_path / "out.h5.part").unlink()
    with pytest.raises(UnfinishedRunError, match=r"out\.h5\.part is gone.*--restart"):
        made(tmp_path, some_events(EVENTS))
    assert made(tmp_path, some_events(EVENTS), restart=True).events.total == EVENTS


def test_a_second_run_at_once_is_told_so(tmp_path: Path) -> None:
    held = Journal(tmp_path / "out.h5.journal")
    with pytest.raises(BlockingIOError, match="another run is writing"):
        made(tmp_path, some_events(2))
    held.close()
    assert made(tmp_path, some_events(2)).events.total == 2


def test_a_journal_ends_where_a_line_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.begin({"first": 1})
    journal.write({"text": "ä\n", "number": 2})
    journal.close()
    whole = path.read_bytes()
    for cut in range(2, 20):
        path.write_bytes(whole + whole[:-cut] + b"\n" * (cut % 2) + whole[:30])
        journal = Journal(path)
        # The line that was written again is whole, what follows it is not.
        assert journal.read() == ({"first": 1}, {"first": 1})
        journal.close()
        assert path.read_bytes() == whole + whole[: whole.index(b"\n") + 1]


# ---- files that cannot be read for a while


def test_events_wait_for_files_that_vanished(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, indexed: tuple[Path, Path]
) -> None:
    index, folder = indexed
    fresh = tmp_path_factory.mktemp("fresh")
    expected = made(fresh, some_events(3), index)
    hidden = folder / "hidden"
    (folder / "X1.BBB.00.HHE").rename(hidden)
    report = made(tmp_path, some_events(3), index)
    assert report.events_waiting == 3
    assert report.components.no_data == 3
    assert names(tmp_path) == WHOLE
    # It stays so until the file is back, and the data set as it is.
    before = (tmp_path / "out.h5").read_bytes()
    for _ in range(2):
        report = made(tmp_path, some_events(3), index)
        assert (report.events_waiting, report.events_kept) == (3, 3)
        assert (tmp_path / "out.h5").read_bytes() == before
    hidden.rename(folder / "X1.BBB.00.HHE")
    report = made(tmp_path, some_events(3), index)
    assert (report.events_waiting, report.events_kept) == (0, 0)
    assert_is_same(tmp_path, report, (fresh / "out.h5", account(expected)))
    assert made(tmp_path, some_events(3), index).events_kept == 3


@pytest.mark.parametrize(
    ("channel", "channels"), [("HHZ", ""), ("--", ""), ("HHZ", "?H?"), ("HHZ", "BH?,HH?")]
)
def test_events_wait_for_a_station_all_of_whose_files_vanished(
    tmp_path: Path, indexed: tuple[Path, Path], channel: str, channels: str
) -> None:
    """However its band is asked for: where the archive names the bands, it has none to name."""
    index, folder = indexed
    rows = [event(pick("P", 3.0, f"X1.BBB.00.{channel}"), evid="a")]
    chosen = Settings(range_s=2.0, channels=channels)  # type: ignore[arg-type]
    run = partial(makeh5, index, tmp_path / "out.h5", catalog(*rows), progress=False)
    hidden = folder.parent / f"{folder.name}.hidden"
    hidden.mkdir()
    for path in folder.glob("X1.BBB.*"):
        path.rename(hidden / path.name)
    report = run(settings=chosen)
    assert (report.events_waiting, report.events.no_data, len(report.damage)) == (1, 1, 3)
    for path in hidden.iterdir():
        path.rename(folder / path.name)
    report = run(settings=chosen)
    assert (report.events_waiting, report.components.partial, len(report.damage)) == (0, 3, 0)
    assert run(settings=chosen).events_kept == 1


@pytest.mark.parametrize(
    ("failure", "waiting"),
    [(OSError(24, "Too many open files"), 3), (MemoryError(), 3), (ValueError("no data"), 0)],
)
def test_events_wait_for_what_the_machine_lacked(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, failure: Exception, waiting: int
) -> None:
    """Other exceptions are refusals: some archives raise where they have no data."""
    report = made(tmp_path, some_events(3), MemoryArchive(archive().traces, {"BBB": failure}))
    assert report.events_waiting == waiting
    assert [item.reason.partition(":")[0] for item in report.refusals if "BBB" in item.name][
        :1
    ] == [type(failure).__name__]
    if not waiting:
        with pytest.raises(FileExistsError):
            made(tmp_path, some_events(3))
        return
    fresh = tmp_path_factory.mktemp("fresh")
    expected = made(fresh, some_events(3))
    report = made(tmp_path, some_events(3))
    assert (report.events_waiting, report.events_kept) == (0, 0)
    assert_is_same(tmp_path, report, (fresh / "out.h5", account(expected)))


def test_another_index_is_noticed_and_said(tmp_path: Path, indexed: tuple[Path, Path]) -> None:
    index, folder = indexed
    with pytest.raises(KeyboardInterrupt):
        makeh5(
            Interrupted(index), tmp_path / "out.h5", catalog(*some_events(EVENTS)), range_s=2.0,
            threads=1, progress=False,
        )  # fmt: skip
    for item in three("X1.CCC.00", 0.0, 500):
        credit_fast.write(item, folder / item.id)
    credit_fast.makeindex(folder, index, progress=False)
    with pytest.raises(UnfinishedRunError, match=r"index: it was 6 rows.*now it is 9 rows"):
        made(tmp_path, some_events(EVENTS), index)


class Interrupted(credit_fast.Client):
    """Sends Ctrl-C when it was asked often."""

    asked = 0

    def get_checked_waveforms(self, *request: Any, **options: Any) -> Any:
        self.asked += 1
        if self.asked == 14:
            os.kill(os.getpid(), signal.SIGINT)
        return super().get_checked_waveforms(*request, **options)


def test_a_patched_file_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a kill in the middle of a state would leave a mixture of two."""
    settled = []
    settle = PatchedFile.settle
    monkeypatch.setattr(PatchedFile, "settle", lambda self: settled.append(1) or settle(self))
    made(tmp_path, some_events(EVENTS))
    assert len(settled) > 4


def test_kill_9_by_another_process(tmp_path: Path, undisturbed: tuple[Path, Any]) -> None:
    """The same with a true SIGKILL from outside, at times that nobody chose."""
    body = """
import sys
sys.path[:0] = {path!r}
import stopped_runs
from credit_fast.making import job
job._STATE_RECORDS = 4
from pathlib import Path


print("begun", flush=True)
stopped_runs.made(Path(sys.argv[1]), stopped_runs.some_events(stopped_runs.EVENTS))
"""
    draw = random.Random(5)
    command = [sys.executable, "-c", body.format(path=sys.path), str(tmp_path)]
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0.0, 0.2))
            process.kill()
        if (tmp_path / "out.h5").exists():
            break
    whole = (tmp_path / "out.h5").exists()
    assert_is_same(tmp_path, made(tmp_path, some_events(EVENTS), overwrite=whole), undisturbed)
