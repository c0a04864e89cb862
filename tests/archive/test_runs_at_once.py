"""Several programs at one index, and runs that are killed: nobody fails, and nothing is lost."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from bad_files import RECLEN, START_NS, made, mseed, multiplexed, samples, sqlite

from credit_fast import Client, UTCDateTime, check_index
from credit_fast.errors import IndexFormatError

START = UTCDateTime(ns=START_NS)
RUN = """
import sys, credit_fast
print("go", flush=True)
sys.stdin.readline()
credit_fast.makeindex(sys.argv[1], sys.argv[2], progress=False)
"""
#: Of each file: two rows. The summary has each channel once.
COUNTS = """
select (select count(*) from tsindex), (select count(*) from credit_fast_files),
       (select count(*) from (select 1 from tsindex group by filename having count(*) != 2)),
       (select count(*) from tsindex_summary)
"""


def write(folder: Path, station: str, files: int) -> Path:
    """A folder of files of two channels each, one record long."""
    folder.mkdir()
    few = np.arange(20, dtype=np.int32)
    for number in range(files):
        start_ns = (START + number).ns
        channels = [mseed(c, few, start_ns=start_ns, station=station) for c in ("BHN", "BHZ")]
        (folder / f"{number:04d}").write_bytes(b"".join(channels))
    return folder


def started(root: Path, index: Path, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """A run of makeindex in a process of its own, about to begin, or when it is given a line."""
    words = [sys.executable, "-c", RUN, str(root), str(index)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        words, stdin=stdin, stdout=pipe, stderr=pipe, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    return process


def ended(runs: list[subprocess.Popen[str]]) -> None:
    """Wait for runs that began; each must succeed."""
    try:
        for run in runs:
            _, errors = run.communicate(timeout=120)
            assert (run.returncode, errors) == (0, "")
    finally:
        for run in runs:
            run.kill()


def run_at_once(root: Path, index: Path, number: int) -> None:
    """Several runs that begin at the same moment; each must succeed."""
    runs = [started(root, index, subprocess.PIPE) for _ in range(number)]
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("\n")
        run.stdin.flush()
    ended(runs)


def counts(index: Path) -> list[int]:
    assert sqlite(index, "pragma integrity_check") == "[('ok',)]"
    [row] = json.loads(sqlite(index, COUNTS).replace("(", "[").replace(")", "]"))
    return list(row)


def test_runs_and_readers_at_once_find_the_index_neither_locked_nor_harmed(
    archive: Path, index: Path, tmp_path: Path
) -> None:
    made(archive, index)
    roots = [write(tmp_path / f"root{n}", f"S{n}", 400) for n in range(2)]
    stop, failed = threading.Event(), []

    def ask() -> None:
        client = Client(index)
        try:
            while not stop.is_set():
                assert ("XX", "GOOD", "", "BHZ") in client.get_nslc()
                [trace] = client.get_waveforms("XX", "GOOD", "", "BHZ", START, START + 10)
                assert trace.stats.npts == 1001
                time.sleep(0.002)
        except BaseException as error:
            failed.append(error)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        ended([started(root, index) for root in roots for _ in range(2)])
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert failed == []
    # The file of `archive` has one row.
    assert counts(index) == [2 * 2 * 400 + 1, 2 * 400 + 1, 1, 2 * 2 + 1]
    assert len(Client(index).get_waveforms("XX", "S1", "", "BHZ", START, START + 500)) == 400


def test_runs_at_once_have_each_row_of_growing_files_once(index: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    whole = mseed(data=samples(3000))
    files = [root / f"{number:03d}" for number in range(300)]
    rounds = 5
    assert len(whole) > rounds * RECLEN
    for records in range(1, rounds + 1):
        for file in files:
            file.write_bytes(whole[: records * RECLEN])
        run_at_once(root, index, 2)
        rows = sqlite(index, "select count(*),min(bytes) from tsindex")
        assert rows == f"[({len(files)}, {records * RECLEN})]"
    report = made(root, index)
    assert (report.files_unchanged, report.rows) == (len(files), len(files))


def test_runs_that_begin_a_new_index_at_once_all_succeed(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "NEW", 50)
    for number in range(8):
        index = tmp_path / f"{number}.db"
        run_at_once(root, index, 3)
        assert counts(index) == [2 * 50, 50, 0, 2]


def test_a_run_goes_on_when_another_one_makes_a_view_of_the_table(
    index: Path, tmp_path: Path
) -> None:
    files = 20_000
    plain = write(tmp_path / "plain", "LONG", 1)
    content = (plain / "0000").read_bytes()
    for number in range(1, files):
        (plain / f"{number:05d}").write_bytes(content)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "a").write_bytes(multiplexed("BHE", "BHN", "BHZ"))
    runs = [started(plain, index)]
    while not index.exists() or sqlite(index, "select 1 from sqlite_master limit 1") == "[]":
        assert runs[0].poll() is None
    runs.append(started(mixed, index))
    ended(runs)
    assert sqlite(index, "select type from sqlite_master where name='tsindex'") == "[('view',)]"
    rows = "select count(*),count(distinct filename) from credit_fast_rows"
    assert sqlite(index, rows) == f"[({2 * files + 3}, {files + 1})]"


KILLED = """
import os, signal, sys, credit_fast
def progress(found, done, read):
    if done > 2500:
        os.kill(os.getpid(), signal.SIGKILL)
credit_fast.makeindex(sys.argv[1], sys.argv[2], progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 on this system")
def test_channels_of_a_killed_run_are_found_by_wildcards(
    archive: Path, index: Path, tmp_path: Path
) -> None:
    # A batch has 2,000 files.
    root = write(tmp_path / "root", "NEW", 20_000)
    new = [("XX", "NEW", "", channel) for channel in ("BHN", "BHZ")]
    good = ("XX", "GOOD", "", "BHZ")

    def kill() -> None:
        done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(index)], check=False)
        assert done.returncode == -signal.SIGKILL

    for known in ([], [good]):
        index.unlink(missing_ok=True)
        if known:
            made(archive, index)
        kill()
        client = Client(index)
        assert client.get_nslc() == known + new
        extents = client.get_availability_extent("XX", "NEW", "", "*")
        for extent in extents:
            [exact] = client.get_availability_extent(*extent[:4])
            assert extent == exact
    # Rows without a summary, as mseedindex makes them: the rows are asked.
    sqlite(index, "drop table tsindex_summary")
    sqlite(index, "delete from credit_fast_files")
    kill()
    assert Client(index).get_nslc() == [good, *new]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_children_that_are_forked_while_an_index_is_made_can_ask(
    index: Path, tmp_path: Path
) -> None:
    root = write(tmp_path / "root", "FORK", 200)
    made(root, index)
    stop = threading.Event()

    def make() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            # Closed with many pages in memory, or with few.
            made(root, tmp_path / f"other{number % 40}.db", threads=1)

    maker = threading.Thread(target=make)
    maker.start()
    try:
        for _ in range(400):
            child = os.fork()
            if child == 0:
                signal.alarm(10)
                os._exit(0 if len(Client(index).get_nslc()) == 2 else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        maker.join()


#: A run that says so when it has done some files, and goes on when a file is there.
SLOW = """
import sys, time, credit_fast
from pathlib import Path
def tell(found, done, size):
    if done >= int(sys.argv[4]):
        print("at work", flush=True)
        while not Path(sys.argv[3]).exists():
            time.sleep(0.01)
credit_fast.makeindex(sys.argv[1], sys.argv[2], progress=tell)
"""


@contextmanager
def stopped(index: Path, tmp_path: Path, files: int, done: int) -> Iterator[subprocess.Popen[str]]:
    """A run in another process over so many new files, stopped when it has done some of them."""
    root = write(tmp_path / "root", "SLOW", files)
    words = [sys.executable, "-c", SLOW, str(root), str(index), str(tmp_path / "go"), str(done)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, encoding="utf-8") as run:
        assert run.stdout is not None
        try:
            assert run.stdout.readline() == "at work\n"
            yield run
        finally:
            run.kill()


def command(index: Path, tmp_path: Path) -> subprocess.Popen[str]:
    """The command on the same files and index, which has said that it waits."""
    words = [sys.executable, "-c", "from credit_fast.cli import main; raise SystemExit(main())"]
    words += ["makeindex", "-r", str(tmp_path / "root"), "-o", str(index), "--json"]
    run = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert run.stderr is not None
    line = run.stderr.readline()
    assert line == f"another makeindex is at work on {index}: waiting for its end\n"
    return run


def test_a_second_run_waits_for_the_first_and_goes_on_from_what_it_made(
    index: Path, tmp_path: Path
) -> None:
    made(write(tmp_path / "other", "OTHER", 1), index)
    with stopped(index, tmp_path, 200, 0) as first, command(index, tmp_path) as second:
        time.sleep(0.3)
        assert second.poll() is None
        # Readers do not wait.
        assert ("XX", "OTHER", "", "BHZ") in Client(index).get_nslc()
        (tmp_path / "go").touch()
        output, errors = second.communicate(timeout=60)
        first.communicate(timeout=60)
    assert (first.returncode, second.returncode, errors) == (0, 0, "")
    report = json.loads(output)
    assert (report["files_unchanged"], report["records"]) == (200, 0)
    assert sorted(path.name for path in tmp_path.glob("index*")) == ["index.db"]


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 and no SIGINT on this system")
def test_who_waits_can_be_stopped_and_goes_on_when_the_first_is_killed(
    index: Path, tmp_path: Path
) -> None:
    with stopped(index, tmp_path, 200, 0) as first:
        with command(index, tmp_path) as second:
            second.send_signal(signal.SIGINT)
            _, errors = second.communicate(timeout=60)
        assert (second.returncode, errors) == (130, "credit-fast makeindex: interrupted\n")
        with command(index, tmp_path) as second:
            first.kill()
            output, errors = second.communicate(timeout=60)
    assert (second.returncode, errors, json.loads(output)["files_found"]) == (0, "", 200)
    assert counts(index) == [400, 200, 0, 2]
    assert sorted(path.name for path in tmp_path.glob("index*")) == ["index.db"]


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 on this system")
def test_a_first_run_that_is_killed_leaves_a_right_summary_and_checkindex_says_so(
    index: Path, tmp_path: Path
) -> None:
    files, batch = 10_000, 2_000
    with stopped(index, tmp_path, files, batch) as run:
        run.kill()
    known = len(Client(index).get_availability()) // 2
    if known == files:
        pytest.skip("the run was over before it was stopped")
    assert known >= batch
    summary = "select network,station,location,channel,earliest,latest from tsindex_summary"
    of_rows = "select network,station,location,channel,min(starttime),max(endtime) from tsindex "
    assert sqlite(index, summary) == sqlite(index, of_rows + "group by 1,2,3,4")
    report = check_index(index, progress=False)
    assert report.is_right
    [note] = report.notes
    assert "the first run of makeindex is still at work, or did not come to its end" in note
    again = made(tmp_path / "root", index)
    assert (again.files_unchanged, again.files_added) == (known, files - known)
    assert check_index(index, tmp_path / "root", progress=False).notes == []


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 on this system")
def test_runs_that_are_killed_leave_an_index_of_whole_files(index: Path, tmp_path: Path) -> None:
    files = 3_000  # a batch has 2,000
    root = write(tmp_path / "root", "KILL", files)
    draw = random.Random(2)
    killed = 0
    for _ in range(7):
        with started(root, index) as run:
            time.sleep(draw.uniform(0, 0.3))
            run.kill()
        killed += run.returncode != 0
        if not index.exists():
            continue
        try:
            # Whoever opens it next takes an unfinished batch back: here our reader.
            spans = Client(index).get_availability("XX", "KILL", "", "BHZ")
        except IndexFormatError:
            # Killed before its tables were there.
            assert sqlite(index, "select * from sqlite_master") == "[]"
            continue
        rows, known, half, _ = counts(index)
        assert (rows, len(spans), half) == (2 * known, known, 0)
    assert killed > 0
    report = made(root, index)
    assert (report.files_found, report.rows) == (files, 2 * files)
    assert counts(index) == [2 * files, files, 0, 2]
    assert len(Client(index).get_nslc()) == 2
