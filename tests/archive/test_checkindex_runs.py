"""checkindex changes nothing, whatever it meets; can be stopped; and takes its time by the row."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_files import made, mseed, sqlite, sqlite_script

import credit_fast
from credit_fast import IndexCheck, check_index

ROWS, FILES = 100_000, 50_000
LONGEST_S = 60

#: The row of the archive as it would be of many files, and many times in one file.
MANY = f"""
CREATE TEMP TABLE n AS
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i+1<{ROWS}) SELECT i FROM n;
INSERT INTO tsindex SELECT network,station,location,channel,quality,version,starttime,endtime,
    samplerate,printf('/none/%06d',i),byteoffset,bytes,hash,timeindex,timespans,timerates,format,
    filemodtime,updated,scanned FROM n,tsindex WHERE i<{FILES};
INSERT INTO tsindex SELECT network,station,location,channel,quality,version,starttime,endtime,
    samplerate,'/none/one',bytes*i,bytes,hash,NULL,timespans,timerates,format,
    filemodtime,updated,scanned FROM n,tsindex WHERE filename LIKE '%/good.mseed';
INSERT INTO credit_fast_files(filename,size,modified_ns,records)
    SELECT printf('/none/%06d',i)||'x',1,1,0 FROM n WHERE i<{FILES};
"""


def check(index: Path, **options: object) -> IndexCheck:
    return check_index(index, progress=False, **options)  # type: ignore[arg-type]


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Size, time of change and content of all that is in a folder."""
    return {
        str(file): (file.stat().st_size, file.stat().st_mtime_ns, file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture
def large(archive: Path, index: Path) -> Path:
    """An index of `FILES` files with a row, as many without, and one with `ROWS` of them."""
    made(archive, index)
    sqlite_script(index, MANY)
    return index


def test_nothing_is_changed_and_nothing_left_beside(archive: Path, index: Path) -> None:
    made(archive, index)
    (archive / "good.mseed").unlink()
    sqlite_script(index, "UPDATE tsindex SET endtime='1900-01-01'; DELETE FROM tsindex_summary")
    before = snapshot(index.parent)
    for deep in (False, True):
        assert check_index(index, archive, deep=deep, progress=False).problems != []
        assert snapshot(index.parent) == before


# A user who may not write, root turned into one: what is imported is in memory by then.
READ_ONLY = """
import os, sys
import credit_fast
if os.geteuid() == 0:
    os.setuid(65534)
folder, index, data = sys.argv[1:]
try:
    open(os.path.join(folder, "probe"), "w")
    sys.exit("the folder can be written to")
except PermissionError:
    pass
for deep in (False, True):
    print(len(credit_fast.check_index(index, data, deep=deep, progress=False).problems))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_an_index_in_a_folder_that_may_not_be_written_to_is_checked(archive: Path) -> None:
    # Other users may not look into the folders of pytest.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir()
        (data / "a.mseed").write_bytes((archive / "good.mseed").read_bytes())
        index = folder / "index.db"
        made(data, index)
        (data / "new").touch()
        for path in (data, folder):
            path.chmod(0o555)
        try:
            before = snapshot(folder)
            done = subprocess.run(
                [sys.executable, "-c", READ_ONLY, str(folder), str(index), str(data)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.stdout, done.stderr) == ("1\n1\n", "")
            assert snapshot(folder) == before
        finally:
            for path in (folder, data):
                path.chmod(0o755)


# Pages that do not fit the cache are in the file before the commit, which never comes.
KILLED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size=1")
database.execute("BEGIN")
database.execute("UPDATE tsindex SET hash=printf('%0500d',rowid)")
os._exit(1)
"""


def test_a_writer_that_was_killed_is_told_of_and_not_repaired(archive: Path, index: Path) -> None:
    for number in range(50):
        (archive / f"{number}").write_bytes(mseed(station=f"S{number}"))
    made(archive, index)
    subprocess.run([sys.executable, "-c", KILLED, str(index)], check=False)
    journal = index.with_name(index.name + "-journal")
    assert journal.stat().st_size > 512
    before = snapshot(index.parent)
    for deep in (False, True):
        report = check(index, deep=deep)
        [problem] = report.problems
        assert (problem.kind, problem.path) == ("database", str(index))
        assert "a program was killed while it wrote" in problem.reason
        assert (report.files, report.rows) == (0, 0)
        assert snapshot(index.parent) == before
    # As it says: any other command takes back what was half written.
    assert credit_fast.index_info(index).rows == 51
    assert not journal.exists()
    assert check(index, deep=True).problems == []


FORBIDDEN = """
import os, sys
import credit_fast
if os.geteuid() == 0:
    os.setuid(65534)
for ask in (credit_fast.Client, credit_fast.index_info):
    try:
        ask(sys.argv[1])
    except PermissionError as error:
        print(error.errno, error.filename == sys.argv[1], error.strerror)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
@pytest.mark.parametrize("modes", [(0o444, 0o444, 0o555), (0o666, 0o666, 0o555)])
def test_who_may_not_take_back_what_was_half_written_is_told_so(
    archive: Path, modes: tuple[int, int, int]
) -> None:
    for number in range(50):
        (archive / f"{number}").write_bytes(mseed(station=f"S{number}"))
    # Other users may not look into the folders of pytest.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        index, journal = folder / "index.db", folder / "index.db-journal"
        made(archive, index)
        subprocess.run([sys.executable, "-c", KILLED, str(index)], check=False)
        for path, mode in zip((index, journal, folder), modes, strict=True):
            path.chmod(mode)
        try:
            done = subprocess.run(
                [sys.executable, "-c", FORBIDDEN, str(index)],
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            folder.chmod(0o755)
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        for line in lines:
            assert line.startswith(f"{errno.EACCES} True a program was killed while it wrote")
            assert "who may write the index and its folder is to run makeindex again" in line
        # And so it is.
        assert made(archive, index).files_unchanged == 51
        assert check(index, deep=True).problems == []


def test_rows_and_files_are_looked_at_once_each_in_a_time_by_their_number(large: Path) -> None:
    report = check(large)
    assert (report.files, report.rows) == (1 + 2 * FILES + 1, 1 + FILES + ROWS)
    assert report.problem_counts() == {"state": FILES + 1, "vanished": 2 * FILES + 1}
    assert report.seconds < LONGEST_S


def test_rows_that_no_sql_index_finds_are_looked_at_too(large: Path) -> None:
    by_file = check(large)
    sqlite_script(large, "DROP INDEX tsindex_filename_idx")
    report = check(large)
    assert (report.files, report.rows) == (by_file.files, by_file.rows)
    assert report.problems == by_file.problems
    assert report.seconds < LONGEST_S


def test_rows_on_top_of_each_other_are_told_in_a_time_by_their_number(large: Path) -> None:
    sqlite_script(large, "UPDATE tsindex SET bytes=bytes+1 WHERE filename='/none/one'")
    report = check(large)
    assert report.problem_counts()["overlap"] == ROWS - 1
    sqlite_script(large, "UPDATE tsindex SET byteoffset=0,bytes=512 WHERE filename='/none/one'")
    report = check(large)
    assert report.problem_counts()["duplicate"] == ROWS - 1
    assert report.seconds < LONGEST_S


def test_an_index_that_changes_meanwhile_is_said_to(large: Path) -> None:
    assert check(large).notes == []
    told: list[tuple[int, int, int]] = []

    def change(*now: int) -> None:
        if not told:
            sqlite(large, "UPDATE tsindex_summary SET updt='now'")
        told.append(now)

    report = check_index(large, progress=change)
    assert len(told) > 1, "the check was over before it could be disturbed"
    assert ["changed during the check" in note for note in report.notes] == [True]
    assert told[-1][1] == report.files


@pytest.fixture
def ended() -> Iterator[list[int]]:
    """Descriptors of this process before a test; none may be left open by it."""
    folder = Path("/proc/self/fd")
    before = len(list(folder.iterdir())) if folder.exists() else 0
    yield []
    assert not folder.exists() or len(list(folder.iterdir())) <= before


def test_a_check_that_is_stopped_ends_at_once_and_leaves_nothing_open(
    large: Path, ended: list[int]
) -> None:
    def stop(*now: int) -> None:
        ended.append(now[1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_index(large, deep=True, progress=stop)
    assert len(ended) == 1
    assert ended[0] < 2 * FILES


def test_a_reader_keeps_no_writer_waiting_and_no_connection(archive: Path, index: Path) -> None:
    made(archive, index)
    assert check(index).problems == []
    sqlite(index, "DELETE FROM tsindex")
    assert [problem.kind for problem in check(index).problems] == ["state", "summary"]
    folder = Path("/proc/self/fd")
    if folder.exists():
        open_files = [link.readlink() for link in folder.iterdir() if link.is_symlink()]
        assert index not in open_files
