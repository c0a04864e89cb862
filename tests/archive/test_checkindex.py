"""checkindex on clean indexes, and on each kind of damage: found, named, and mended as it says.

Damage is planted by another process: two SQLite libraries in one process on one file drop each
other's locks.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from bad_files import RECLEN, START_NS, TEXT, made, mseed, overwritten, sqlite_script
from index_damage import DAMAGE, ROW, SECOND_ROW, Damage

from credit_fast import IndexCheck, Problem, check_index
from credit_fast.synthetic import make_archive

SECOND_NS = 1_000_000_000


@pytest.fixture
def indexed(archive: Path, index: Path) -> Path:
    """The archive with `two.mseed` of two rows, a damaged file and a text; indexed, and clean."""
    (archive / "two.mseed").write_bytes(mseed() + mseed("BHE"))
    spoiled = overwritten(mseed(station="SPOIL"), 3 * RECLEN, b"\xee" * 48)
    (archive / "spoiled.mseed").write_bytes(spoiled)
    (archive / "text").write_bytes(TEXT)
    made(archive, index)
    return archive


def check(index: Path, roots: Any = None, **options: Any) -> IndexCheck:
    return check_index(index, roots, progress=False, **options)


def lines(report: IndexCheck) -> list[tuple[str, str, int | None]]:
    """File name, kind and offset of each problem."""
    return [(Path(p.path).name, p.kind, p.offset) for p in report.problems]


def only(report: IndexCheck) -> Problem:
    [problem] = report.problems
    return problem


# --- nothing wrong --------------------------------------------------------------------------


@pytest.mark.parametrize("deep", [False, True])
def test_a_clean_index_has_nothing_wrong(indexed: Path, index: Path, deep: bool) -> None:
    report = check(index, indexed, deep=deep)
    assert (report.problems, report.notes, report.is_right) == ([], [], True)
    assert (report.files, report.files_found, report.rows) == (4, 4, 5)
    size = sum(file.stat().st_size for file in indexed.iterdir())
    assert report.bytes == (size if deep else 0)
    assert report.to_dict()["is_right"] is True


@pytest.mark.parametrize("deep", [False, True])
def test_the_demo_archive_and_its_faults_are_nothing_wrong(tmp_path: Path, deep: bool) -> None:
    archive = make_archive(tmp_path / "demo", stations=3, hours=1, events=2, seed=5)
    assert made(archive.data, tmp_path / "index.db").problems != []
    report = check(tmp_path / "index.db", archive.data, deep=deep)
    assert (report.problems, report.files) == ([], len(archive.files))


@pytest.mark.parametrize("deep", [False, True])
def test_real_data_have_nothing_wrong(shared_data: Path, index: Path, deep: bool) -> None:
    made(shared_data, index)
    report = check(index, shared_data, deep=deep)
    assert report.problems == []
    assert report.rows > 500
    assert report.files == report.files_found


def test_the_number_of_threads_changes_nothing(indexed: Path, index: Path) -> None:
    sqlite_script(index, "UPDATE tsindex SET bytes=0; UPDATE credit_fast_files SET size=1")
    reports = [check(index, deep=True, threads=threads) for threads in (1, 2, 7)]
    assert len(reports[0].problems) > 8
    assert [report.problems for report in reports] == [reports[0].problems] * 3


# --- damage of the index --------------------------------------------------------------------


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.name)
def test_damage_of_the_index_is_found_named_and_mended_as_is_said(
    indexed: Path, index: Path, damage: Damage
) -> None:
    sqlite_script(index, damage.script)
    if damage.deep:
        assert check(index, indexed).problems == []
    report = check(index, indexed, deep=damage.deep)
    assert lines(report) == list(damage.found)
    for problem, words in zip(report.problems, damage.words, strict=False):
        assert words in problem.reason
    assert not report.is_right
    follow(report, indexed, index)
    assert check(index, indexed, deep=True).problems == []


def follow(report: IndexCheck, archive: Path, index: Path) -> None:
    """Do what the problems say."""
    for problem in report.problems:
        if problem.reason.endswith("make a new index"):
            if "touch it and run makeindex again" in problem.reason:
                os.utime(problem.path)
            else:
                index.unlink(missing_ok=True)
        else:
            assert problem.reason.endswith("run makeindex again"), problem.reason
    made(archive, index)


@pytest.mark.parametrize("deep", [False, True])
def test_a_valid_hash_is_nothing_wrong(indexed: Path, index: Path, deep: bool) -> None:
    digest = hashlib.md5(mseed()).hexdigest()
    sqlite_script(index, f"UPDATE tsindex SET hash='{digest}' {ROW}")
    report = check(index, deep=deep)
    assert report.problems == []
    size = sum(file.stat().st_size for file in indexed.iterdir())
    assert report.bytes == (size + SECOND_ROW if deep else 0)


def test_a_table_of_files_that_is_lost_makes_all_rows_strangers(indexed: Path, index: Path) -> None:
    sqlite_script(index, "DROP TABLE credit_fast_files")
    report = check(index)
    assert report.problem_counts() == {"database": 1, "state": 3}
    assert "no table credit_fast_files" in report.problems[-1].reason
    follow(report, indexed, index)
    assert check(index, deep=True).problems == []


def test_a_name_that_is_no_text_is_told(indexed: Path, index: Path) -> None:
    sqlite_script(index, f"UPDATE tsindex SET filename=CAST(x'2fff41' AS TEXT) {ROW}")
    problem = only(check(index))
    assert (problem.kind, "no UTF-8" in problem.reason) == ("row", True)


@pytest.mark.parametrize("deep", [False, True])
def test_damaged_pages_are_told_and_what_can_be_read_is_checked(
    indexed: Path, index: Path, deep: bool
) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500)"
    sqlite_script(
        index,
        f"{many} INSERT INTO tsindex SELECT network,station,location,channel,quality,version,"
        "starttime,endtime,samplerate,'/none/'||i,0,512,hash,timeindex,timespans,timerates,format,"
        f"filemodtime,updated,scanned FROM tsindex,n {ROW};",
    )
    content = bytearray(index.read_bytes())
    page = 4096 * (len(content) // 4096 // 2)
    content[page : page + 4096] = b"\xa5" * 4096
    index.write_bytes(content)
    report = check(index, deep=deep)
    assert report.problem_counts()["database"] >= 1
    told = [problem.reason for problem in report.problems if problem.kind == "database"]
    assert any("SQLite finds damage" in text or "cannot be read" in text for text in told)
    assert all("make a new index" in text for text in told)


def test_a_file_that_is_no_index_is_an_error(tmp_path: Path) -> None:
    from credit_fast import IndexFormatError

    (tmp_path / "text").write_bytes(TEXT)
    with pytest.raises(IndexFormatError, match="not an SQLite database"):
        check(tmp_path / "text")
    sqlite_script(tmp_path / "other.db", "CREATE TABLE t (a)")
    with pytest.raises(IndexFormatError, match="no table tsindex"):
        check(tmp_path / "other.db")
    with pytest.raises(FileNotFoundError, match=r"makeindex makes one.*none\.db"):
        check(tmp_path / "none.db")
    with pytest.raises(IsADirectoryError):
        check(tmp_path)


def test_a_root_that_is_missing_is_an_error(indexed: Path, index: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check(index, indexed / "nowhere")
    with pytest.raises(ValueError, match="threads"):
        check(index, threads=0)
    with pytest.raises(ValueError, match="pattern"):
        check(index, indexed, pattern="[")


# --- files that changed ---------------------------------------------------------------------


def test_a_file_that_grew_is_told(indexed: Path, index: Path) -> None:
    file = indexed / "good.mseed"
    size = file.stat().st_size
    file.write_bytes(file.read_bytes() + mseed(station="GOOD", start_ns=START_NS + 40 * SECOND_NS))
    for deep, kinds in ((False, ["changed"]), (True, ["changed", "different-row"])):
        report = check(index, deep=deep)
        assert [problem.kind for problem in report.problems] == kinds
    problem = report.problems[0]
    assert f"the file has {2 * size} bytes" in problem.reason
    assert f"expected {size} bytes" in problem.reason
    follow(report, indexed, index)
    assert check(index, deep=True).problems == []


def test_a_file_that_was_cut_short_is_told_once(indexed: Path, index: Path) -> None:
    file = indexed / "two.mseed"
    file.write_bytes(file.read_bytes()[: SECOND_ROW + 512])
    problem = only(check(index))
    assert (problem.kind, problem.path) == ("changed", str(file.resolve()))
    assert f"has {SECOND_ROW + 512} bytes" in problem.reason
    assert f"expected {2 * SECOND_ROW} bytes" in problem.reason
    assert problem.reason.endswith("run makeindex again")


def test_a_touched_file_is_changed_and_its_rows_are_right(indexed: Path, index: Path) -> None:
    os.utime(indexed / "two.mseed", ns=(0, START_NS))
    report = check(index, deep=True)
    assert lines(report) == [("two.mseed", "changed", None)]
    assert "was changed at 2020-03-01T00:00:00: expected" in report.problems[0].reason


def test_only_a_deep_check_finds_other_records_of_the_same_size_and_time(
    indexed: Path, index: Path
) -> None:
    file = indexed / "two.mseed"
    before = file.stat()
    file.write_bytes(mseed() + mseed("BHN"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert check(index).problems == []
    report = check(index, deep=True)
    assert lines(report) == [
        ("two.mseed", "changed", None),
        ("two.mseed", "different-row", SECOND_ROW),
    ]
    assert "other bytes than when the file was scanned" in report.problems[0].reason
    assert "channel BHE, expected BHN" in report.problems[1].reason
    follow(report, indexed, index)
    assert check(index, deep=True).problems == []


def test_samples_that_changed_are_found_by_the_fingerprint_or_their_hash_alone(
    indexed: Path, index: Path
) -> None:
    file = indexed / "good.mseed"
    before, content = file.stat(), file.read_bytes()

    def lines_with(offset: int) -> list[tuple[str, str, int | None]]:
        file.write_bytes(overwritten(content, offset, bytes([content[offset] ^ 1])))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        return lines(check(index, deep=True))

    # In the first record, and in one that the fingerprint does not look at.
    assert lines_with(300) == [("good.mseed", "changed", None)]
    assert lines_with(7 * RECLEN + 300) == []
    digest = hashlib.md5(content).hexdigest()
    sqlite_script(index, f"UPDATE tsindex SET hash='{digest}' WHERE filename LIKE '%/good.mseed'")
    assert lines_with(7 * RECLEN + 300) == [("good.mseed", "hash", 0)]


def test_a_file_that_is_gone_is_told_marked_or_not(indexed: Path, index: Path) -> None:
    (indexed / "two.mseed").unlink()
    (indexed / "text").unlink()
    report = check(index, indexed)
    assert lines(report) == [("text", "vanished", None), ("two.mseed", "vanished", None)]
    assert "the file of 0 rows" in report.problems[0].reason
    assert "the file of 2 rows of the index; not yet marked" in report.problems[1].reason
    made(indexed, index)
    report = check(index, indexed, deep=True)
    assert lines(report) == [("text", "vanished", None), ("two.mseed", "vanished", None)]
    assert all("marked as vanished by makeindex already" in p.reason for p in report.problems)
    made(indexed, index, prune=True)
    assert check(index, indexed, deep=True).problems == []


def test_a_folder_in_the_place_of_a_file_is_told(indexed: Path, index: Path) -> None:
    (indexed / "two.mseed").unlink()
    (indexed / "two.mseed").mkdir()
    assert lines(check(index)) == [("two.mseed", "unreadable", None)]


def test_new_files_are_told_one_by_one(indexed: Path, index: Path) -> None:
    for name in ("new.mseed", "other"):
        (indexed / name).write_bytes(mseed(station="NEW"))
    (indexed / ".hidden").write_bytes(mseed())
    (indexed / "again").symlink_to(indexed / "good.mseed")
    assert check(index).problems == []
    report = check(index, indexed)
    assert lines(report) == [("new.mseed", "not-indexed", None), ("other", "not-indexed", None)]
    assert report.files_found == 6
    assert only(check(index, [indexed], pattern="*.mseed")).path.endswith("new.mseed")
    follow(report, indexed, index)
    assert check(index, indexed).problems == []


def test_an_index_inside_the_archive_is_no_new_file(archive: Path) -> None:
    index = archive / "index.db"
    made(archive, index)
    assert check(index, archive).problems == []
    empty = archive / "empty"
    empty.mkdir()
    assert check(index, empty).notes == ["no file found below the roots"]


def test_a_moved_archive_is_gone_until_its_new_place_is_named(indexed: Path, index: Path) -> None:
    old, new = indexed.resolve(), indexed.resolve().with_name("moved")
    shutil.move(old, new)
    report = check(index, new)
    assert report.problem_counts() == {"not-indexed": 4, "vanished": 4}
    moved = {str(old): str(new)}
    assert check(index, new, path_map=moved, deep=True).problems == []
    # Copies keep the second of a change at best.
    file = new / "good.mseed"
    os.utime(file, ns=(0, file.stat().st_mtime_ns // SECOND_NS * SECOND_NS))
    assert check(index, path_map=moved).problems == []
    os.utime(file, ns=(0, START_NS))
    problem = only(check(index, path_map=moved))
    assert problem.kind == "changed"
    assert problem.reason.endswith("make a new index of the archive where it is now")


def test_a_thousand_problems_of_a_kind_are_told_and_the_rest_counted(
    archive: Path, index: Path
) -> None:
    made(archive, index)
    for number in range(1500):
        (archive / f"new{number:04d}").touch()
    report = check(index, archive)
    assert len(report.problems) == 1001
    assert report.problem_counts() == {"not-indexed": 1500}
    rest = report.problems[-1]
    assert (rest.path, rest.count) == (str(index), 500)
    names = [Path(problem.path).name for problem in report.problems[:-1]]
    assert names == [f"new{number:04d}" for number in range(1000)]
