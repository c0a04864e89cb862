"""Ctrl-C and SIGTERM at any moment of a run: it ends, says so, and leaves what the next needs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from memory_archive import MemoryArchive, catalog, event, pick

from credit_fast.catalogs.model import Event, StationTable
from credit_fast.interrupt import noted_signals
from credit_fast.making import ahead, job, makeh5, output
from credit_fast.making.earlier import Earlier

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")

RUNS = 10
SCRIPT = """
import os, sys
sys.path[:0] = {path!r}
from memory_archive import MemoryArchive, catalog, event, pick, three
from credit_fast.making import makeh5
picks = [pick("P", 3.0), pick("S", 4.0), pick("P", 3.0, "X1.BBB.00.HHZ")]
rows = [event(*picks, evid=str(number)) for number in range(50_000)]
class Told(MemoryArchive):
    told = False
    def get_waveforms(self, *request):
        if not self.told:
            self.told = True
            os.write(1, b"asked\\n")
        return super().get_waveforms(*request)
archive = Told(three("X1.AAA.00", 0.0, 500))
try:
    makeh5(archive, sys.argv[1], catalog(*rows), range_s=2.0, threads=2, progress=False)
except KeyboardInterrupt:
    sys.exit(130)
"""


def assert_only_parts(folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} <= {".part", ".journal"}


def test_ten_interruptions_at_any_time_all_end_the_run(tmp_path: Path) -> None:
    chance = random.Random(11)
    pipe = subprocess.PIPE
    ends: list[tuple[int, int]] = []
    # Two at a time: all ten at once would wait for a processor rather than run.
    for pair in range(0, RUNS, 2):
        numbers = [signal.SIGINT, signal.SIGTERM if pair == 0 else signal.SIGINT]
        runs = []
        for side in range(2):
            out = tmp_path / f"{pair + side}.h5"
            command = [sys.executable, "-c", SCRIPT.format(path=sys.path), str(out)]
            runs.append(subprocess.Popen(command, stdout=pipe, stderr=pipe))
        for process, number in zip(runs, numbers, strict=True):
            assert process.stdout is not None
            assert process.stdout.readline() == b"asked\n"
            time.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(number)
            try:
                _, errors = process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                _, errors = process.communicate()
            ends.append((128 + number, process.returncode))
            assert errors == b""
    assert [expected for expected, _ in ends] == [code for _, code in ends]
    assert_only_parts(tmp_path)


class Fragile:
    """Python discards what is raised while an object dies."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_inside_a_callback_that_discards_exceptions_is_not_lost() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), noted_signals() as act:
        Fragile()
        reached = True
        act()
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class CountedTable(StationTable):
    """Sends SIGINT while an object of the `number`-th lookup dies, as h5py's callbacks run."""

    number = 3

    def get(self, *codes: str) -> None:
        self.number -= 1
        if self.number == 0:
            Fragile()


@pytest.mark.parametrize("n_events", [3, 50], ids=["after the last event", "before others"])
def test_a_run_whose_interrupt_falls_into_a_callback_ends(tmp_path: Path, n_events: int) -> None:
    rows = [event(pick("P", 3.0), evid=str(number)) for number in range(n_events)]
    table = CountedTable("stations.loc")
    with pytest.raises(KeyboardInterrupt):
        makeh5(MemoryArchive([]), tmp_path / "out.h5", catalog(*rows), table, progress=False)
    assert table.number <= 0
    assert_only_parts(tmp_path)


def test_a_signal_after_the_last_look_is_raised_at_the_end_of_the_block() -> None:
    with pytest.raises(SystemExit) as end, noted_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert end.value.code == 143


@pytest.mark.parametrize("wait_s", [0.0, 0.005, 0.02, 0.02, 0.05, 0.1])
def test_a_second_ctrl_c_at_any_time_ends_the_run(tmp_path: Path, wait_s: float) -> None:
    command = [sys.executable, "-c", SCRIPT.format(path=sys.path), str(tmp_path / "out.h5")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"asked\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        time.sleep(wait_s)
        process.send_signal(signal.SIGINT)
        process.wait(10)
    assert_only_parts(tmp_path)


def test_a_second_ctrl_c_acts_at_once() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), noted_signals():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        reached = True
    assert not reached


def test_handlers_come_back_and_an_ignored_signal_stays_ignored() -> None:
    old = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with noted_signals() as act:
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGTERM)
            act()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, old)


def test_another_thread_makes_a_data_set_without_handlers(tmp_path: Path) -> None:
    done: list[Any] = []
    arguments = (MemoryArchive([]), tmp_path / "out.h5", catalog(event(pick("P", 1.0))))
    runner = threading.Thread(target=lambda: done.append(makeh5(*arguments, progress=False)))
    runner.start()
    runner.join(20)
    assert done[0].events.total == 1


# ---- how long a run may take to end


class Slow(MemoryArchive):
    """Sends SIGINT when it is asked first, and takes its time."""

    def get_waveforms(self, *request: Any) -> Any:
        if not self.asked:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        return super().get_waveforms(*request)


STATIONS = 60


def of_many_stations() -> Event:
    return event(*(pick("P", 3.0, f"X1.S{number:02d}.00.HHZ") for number in range(STATIONS)))


@pytest.mark.parametrize(
    ("patience_s", "is_cut"), [(0.05, True), (60.0, False)], ids=["longer", "shorter"]
)
def test_an_event_that_takes_longer_is_given_up_and_another_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float, is_cut: bool
) -> None:
    monkeypatch.setattr(job, "_PATIENCE_S", patience_s)
    archive = Slow([])
    rows = catalog(of_many_stations(), event(pick("P", 3.0), evid="other"))
    with pytest.raises(KeyboardInterrupt):
        makeh5(archive, tmp_path / "out.h5", rows, threads=1, progress=False)
    codes = {asked.split(".")[1] for asked in archive.asked}
    assert (len(codes) < STATIONS) == is_cut
    # What was given up leaves nothing, what was ended is kept.
    assert sorted(path.suffix for path in tmp_path.iterdir()) == (
        [] if is_cut else [".journal", ".part", ".part", ".part"]
    )


class Blocking(MemoryArchive):
    """Sends SIGINT, and then has no answer until the run gives up, or for a minute."""

    gave_up = threading.Event()

    def get_waveforms(self, *request: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        assert self.gave_up.wait(60)
        return super().get_waveforms(*request)


def test_a_run_whose_archive_does_not_answer_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pool(ThreadPoolExecutor):
        def shutdown(self, *arguments: Any, **options: Any) -> None:
            Blocking.gave_up.set()
            super().shutdown(*arguments, **options)

    monkeypatch.setattr(job, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(job, "_PATIENCE_S", 0.05)
    rows = catalog(event(pick("P", 3.0)))
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        makeh5(Blocking([]), tmp_path / "out.h5", rows, threads=1, progress=False)
    assert time.monotonic() - began < 30
    assert list(tmp_path.iterdir()) == []


def a_data_set(folder: Path) -> dict[str, bytes]:
    makeh5(MemoryArchive([]), folder / "out.h5", catalog(event(evid="1")), progress=False)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("place", "name"), [(output.shutil, "copyfile"), (Earlier, "check_table")])
def test_an_update_that_reads_or_copies_the_data_set_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, number: signal.Signals
) -> None:
    before = a_data_set(tmp_path)
    ended = False

    def long_work(*_: Any) -> None:
        nonlocal ended
        if name == "copyfile":
            (tmp_path / "out.h5.part").write_bytes(b"half of it")
        os.kill(os.getpid(), number)
        ended = True

    monkeypatch.setattr(place, name, long_work)
    with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else SystemExit):
        makeh5(
            MemoryArchive([]), tmp_path / "out.h5", catalog(event(evid="2")), update=True,
            progress=False,
        )  # fmt: skip
    assert not ended
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("place", ["lines", "works"])
def test_a_run_that_goes_over_what_was_done_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    rows = catalog(*(event(pick("P", 3.0), evid=str(number)) for number in range(200)))
    arguments = (tmp_path / "out.h5", rows)

    class Stopping(MemoryArchive):
        def get_waveforms(self, *request: Any) -> Any:
            if len(self.asked) == 300:  # twice for each event
                os.kill(os.getpid(), signal.SIGINT)
            return super().get_waveforms(*request)

    with pytest.raises(KeyboardInterrupt):
        makeh5(Stopping([]), *arguments, threads=1, progress=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    seen = 0

    def signalled(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return function(*args, **options)

        return called

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if place == "lines":
            patch.setattr(job, "add_state", signalled(job.add_state))
        else:
            patch.setattr(job.Job, "_work", signalled(job.Job._work))
        makeh5(MemoryArchive([]), *arguments, threads=1, progress=False)
    assert seen <= (1 if place == "lines" else 2 * ahead._MOST_EVENTS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert makeh5(MemoryArchive([]), *arguments, threads=1, progress=False).events.total == 200


def test_within_at_once_a_signal_raises_where_it_comes() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), noted_signals() as act, act.at_once():
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("inside")
    with pytest.raises(SystemExit), noted_signals() as act:
        os.kill(os.getpid(), signal.SIGTERM)
        reached.append("before")
        with act.at_once():
            reached.append("inside")
    with pytest.raises(KeyboardInterrupt), noted_signals() as act:
        with act.at_once():
            pass
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("behind")
    assert reached == ["before", "behind"]
