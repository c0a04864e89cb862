"""checkindex on the forms that an index may have: files whose channels take turns, relative names,
hashes, an earlier version, and files that grew. Damage is found, named, and mended as it says.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from bad_files import RECLEN, START_NS, made, mseed, multiplexed, sqlite, sqlite_script
from index_damage import SUMMARY, Damage
from test_checkindex import check, follow, lines, only

from credit_fast import Client

TURNS = ("BHE", "BHN", "BHZ")
BHE = "WHERE channel='BHE'"


@pytest.fixture
def taking_turns(archive: Path, index: Path) -> Path:
    """The archive with a file `turns` of three channels; indexed with a row for each of them."""
    content = multiplexed(*TURNS)
    assert len(content) > 32 * RECLEN
    (archive / "turns").write_bytes(content)
    assert made(archive, index).rows == 4
    return archive


# --- files in which channels take turns -------------------------------------------------------


@pytest.mark.parametrize("deep", [False, True])
def test_a_file_in_which_channels_take_turns_is_nothing_wrong(
    taking_turns: Path, index: Path, deep: bool
) -> None:
    report = check(index, taking_turns, deep=deep)
    assert (report.problems, report.notes) == ([], [])
    # Rows, not turns.
    assert (report.files, report.files_found, report.rows) == (2, 2, 4)


def of_turns(name: str, change: str, *words: str) -> Damage:
    """The row of BHE changed to one that cannot be right."""
    script = f"UPDATE credit_fast_rows SET {change} {BHE}"
    return Damage(name, script, (("turns", "row", 0),), words)


DAMAGE = [
    of_turns("no list", "parts='nonsense'", "parts nonsense: expected [[seconds,microseconds"),
    of_turns(
        "a part behind the row",
        "parts=replace(parts,',0,512],',',0,512],[1583020800,0,1583020801,0,99999999,512],')",
        "parts has the bytes 99999999 to 100000511: expected some between 512 and",
    ),
    of_turns(
        "a part of no bytes",
        "parts=replace(parts,',0,512],',',0,0],')",
        "row of XX.MUX..BHE from 2020-03-01T00:00:00: parts has the bytes 0 to 0: expected some",
    ),
    of_turns(
        "a part at another time",
        "parts=replace(parts,'[[1583020800,','[[1483020800,')",
        "parts has 2016-12-29T14:13:20 to 2020-03-01T00:00:0",
    ),
    of_turns(
        "a row of more bytes than its parts",
        "bytes=bytes+512",
        "parts has the bytes 0 to ",
    ),
    of_turns("a hash", "hash='0123'", "hash 0123: expected none, as other records stand between"),
    Damage(
        "a part over that of another channel",
        f"UPDATE credit_fast_rows SET parts=replace(parts,',0,512],',',0,1024],') {BHE}",
        (("turns", "overlap", 512),),
        (
            "row of XX.MUX..BHN from 2020-03-01T00:00:00 has the bytes 512 to 1024: expected none "
            "of those of the row of XX.MUX..BHE from 2020-03-01T00:00:00, 0 to 1024",
        ),
    ),
    Damage(
        "twice",
        f"INSERT INTO credit_fast_rows SELECT * FROM credit_fast_rows {BHE}",
        (("turns", "duplicate", 0),),
        ("row of XX.MUX..BHE",),
    ),
    Damage(
        "a table in the place of the view",
        "DROP VIEW tsindex; CREATE TABLE tsindex AS SELECT * FROM credit_fast_rows;"
        "ALTER TABLE tsindex DROP COLUMN parts",
        (("index.db", "database", None),),
        ("tsindex is no view: expected one, which shows other programs the rows",),
    ),
    Damage(
        "a view that lacks a column",
        "DROP VIEW tsindex; CREATE VIEW tsindex AS SELECT network,station,location,channel,quality,"
        "version,starttime,endtime,samplerate,filename,byteoffset,bytes,timeindex,timespans,"
        "timerates,format,filemodtime,updated,scanned FROM credit_fast_rows",
        (("index.db", "database", None),),
        ("table tsindex lacks what makeindex needs: hash; make a new index",),
    ),
    Damage(
        "other parts",
        f"UPDATE credit_fast_rows SET parts=replace(parts,',0,512],',',0,511],') {BHE}",
        (("turns", "different-row", 0),),
        ("parts …511],[",),
        deep=True,
    ),
    Damage(
        "no parts any more",
        f"UPDATE credit_fast_rows SET bytes=512,parts=NULL {BHE}",
        (("turns", "different-row", 0),),
        ("bytes 512, expected ",),
        deep=True,
    ),
    Damage(
        "a channel lost",
        f"DELETE FROM credit_fast_rows {BHE};{SUMMARY}",
        (("turns", "missing-row", 0),),
        ("no row of XX.MUX..BHE",),
        deep=True,
    ),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.name)
def test_damage_of_rows_with_parts_is_found_named_and_mended_as_is_said(
    taking_turns: Path, index: Path, damage: Damage
) -> None:
    sqlite_script(index, damage.script)
    if damage.deep:
        assert check(index, taking_turns).problems == []
    report = check(index, taking_turns, deep=damage.deep)
    found = lines(report)
    assert found[: len(damage.found)] == list(damage.found)
    assert set(found) == set(damage.found)
    assert damage.words[0] in report.problems[0].reason
    follow(report, taking_turns, index)
    assert check(index, taking_turns, deep=True).problems == []


def test_a_file_in_which_channels_take_turns_that_changed_is_told(
    taking_turns: Path, index: Path
) -> None:
    file = taking_turns / "turns"
    file.write_bytes(multiplexed(*TURNS, npts=6_000))
    report = check(index, deep=True)
    assert lines(report) == [("turns", "changed", None)] + [
        ("turns", "different-row", at * RECLEN) for at in range(3)
    ]
    follow(report, taking_turns, index)
    assert check(index, taking_turns, deep=True).problems == []


# --- files that grew --------------------------------------------------------------------------


def test_a_file_that_grew_by_a_row_is_nothing_wrong(archive: Path, index: Path) -> None:
    file = archive / "two.mseed"
    file.write_bytes(mseed() + mseed("BHE"))
    os.utime(file, ns=(START_NS, START_NS))
    made(archive, index)
    file.write_bytes(file.read_bytes() + mseed("BHN"))
    report = made(archive, index)
    assert (report.files_grown, report.rows) == (1, 4)
    assert check(index, archive, deep=True).problems == []
    touched = sqlite(index, "SELECT DISTINCT filename,filemodtime FROM tsindex")
    assert touched.count("two.mseed") == 1


@pytest.mark.parametrize("records", [7, 20, 40])
def test_a_file_in_which_channels_take_turns_that_grew_is_nothing_wrong(
    archive: Path, index: Path, records: int
) -> None:
    content = multiplexed(*TURNS)
    file = archive / "turns"
    for number in (records, 2 * records, 2 * records + 1, 10 * records, len(content) // RECLEN):
        file.write_bytes(content[: number * RECLEN])
        made(archive, index)
        assert check(index, archive, deep=True).problems == []
    assert made(archive, index).rows == 4


# --- relative names ---------------------------------------------------------------------------


@pytest.fixture
def named_relatively(archive: Path, index: Path) -> Path:
    """The archive, indexed by names relative to the index."""
    (archive / "two.mseed").write_bytes(mseed() + mseed("BHE"))
    made(archive, index, relative=True)
    assert "'archive/two.mseed'" in sqlite(index, "SELECT filename FROM tsindex")
    return archive


@pytest.mark.parametrize("deep", [False, True])
def test_relative_names_are_nothing_wrong_wherever_archive_and_index_are(
    named_relatively: Path, index: Path, deep: bool
) -> None:
    report = check(index, named_relatively, deep=deep)
    assert (report.problems, report.files, report.files_found) == ([], 2, 2)
    moved = index.parent / "moved"
    moved.mkdir()
    for path in (named_relatively, index):
        shutil.move(path, moved)
    report = check(moved / "index.db", moved / "archive", deep=deep)
    assert (report.problems, report.files, report.files_found) == ([], 2, 2)


def test_relative_names_are_told_as_the_index_has_them(
    named_relatively: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (named_relatively / "new").write_bytes(mseed(station="NEW"))
    os.utime(named_relatively / "good.mseed", ns=(0, START_NS))
    sqlite_script(index, f"UPDATE tsindex SET bytes=0 {BHE};{SUMMARY}")
    report = check(index, named_relatively)
    assert [(problem.path, problem.kind) for problem in report.problems] == [
        ("archive/good.mseed", "changed"),
        ("archive/new", "not-indexed"),
        ("archive/two.mseed", "row"),
    ]
    monkeypatch.chdir(index.parent)
    follow(report, named_relatively, index)
    assert check(index, named_relatively, deep=True).problems == []


def test_a_moved_archive_of_relative_names_is_found_where_it_is_said_to_be(
    named_relatively: Path, index: Path
) -> None:
    elsewhere = index.parent / "disk" / "data"
    elsewhere.parent.mkdir()
    named_relatively.rename(elsewhere)
    assert check(index).problem_counts() == {"vanished": 2}
    for place in (str(elsewhere), "disk/data"):
        report = check(index, elsewhere, path_map={"archive": place}, deep=True)
        assert report.problems == []
        start = START_NS / 1e9
        client = Client(index, path_map={"archive": place})
        assert len(client.get_waveforms("*", "*", "*", "*", start, start + 60)) == 3


def test_relative_names_that_no_setting_tells_of_are_told(
    named_relatively: Path, index: Path
) -> None:
    sqlite_script(index, "DELETE FROM credit_fast_settings")
    report = check(index)
    assert [(p.path, p.kind) for p in report.problems] == [
        ("archive/good.mseed", "state"),
        ("archive/two.mseed", "state"),
    ]
    assert "a relative name: expected an absolute one" in report.problems[0].reason
    assert report.problems[0].reason.endswith("make a new index")
    sqlite_script(index, "DROP TABLE credit_fast_settings")
    assert check(index).problems == report.problems


# --- hashes, and an earlier version -----------------------------------------------------------


def test_hashes_that_makeindex_formed_are_checked_and_missed(archive: Path, index: Path) -> None:
    (archive / "turns").write_bytes(multiplexed(*TURNS))
    made(archive, index, hash=True)
    report = check(index, archive, deep=True)
    good, turns = (len((archive / name).read_bytes()) for name in ("good.mseed", "turns"))
    # Rows with parts have no hash.
    assert (report.problems, report.bytes) == ([], 2 * good + turns)
    digest = hashlib.md5((archive / "good.mseed").read_bytes()).hexdigest()
    for change in ("''", "NULL"):
        sqlite_script(
            index, f"UPDATE credit_fast_rows SET hash={change} WHERE filename LIKE '%/good.mseed'"
        )
        assert check(index).problems == []
        problem = only(check(index, deep=True))
        assert (problem.kind, problem.offset) == ("hash", 0)
        assert f"hash {change}, expected {digest}, the MD5 of its bytes" in problem.reason
    os.utime(archive / "good.mseed")
    made(archive, index, hash=True)
    assert check(index, archive, deep=True).problems == []


@pytest.mark.parametrize("deep", [False, True])
def test_an_index_of_an_earlier_version_is_nothing_wrong(
    archive: Path, index: Path, deep: bool
) -> None:
    made(archive, index)
    columns = ("changed_ns", "inode", "data_end", "last_start_ns", "fingerprint", "hashed")
    empty = ",".join(f"{column}=NULL" for column in columns)
    sqlite_script(index, f"UPDATE credit_fast_files SET {empty}")
    assert check(index, archive, deep=deep).problems == []
    drop = ";".join(f"ALTER TABLE credit_fast_files DROP COLUMN {column}" for column in columns)
    sqlite_script(index, f"DROP TABLE credit_fast_settings;{drop}")
    assert check(index, archive, deep=deep).problems == []


def test_what_only_the_disk_says_otherwise_is_nothing_wrong(archive: Path, index: Path) -> None:
    file = archive / "good.mseed"
    made(archive, index)
    before = file.stat()
    shutil.copy2(file, archive / "copy")
    (archive / "copy").rename(file)
    after = file.stat()
    assert before.st_mtime_ns == after.st_mtime_ns
    assert (before.st_ctime_ns, before.st_ino) != (after.st_ctime_ns, after.st_ino)
    assert check(index, archive, deep=True).problems == []


def test_a_touched_file_whose_rows_stayed_is_nothing_wrong(archive: Path, index: Path) -> None:
    file = archive / "good.mseed"
    made(archive, index)
    os.utime(file, ns=(START_NS, START_NS))
    assert made(archive, index).files_touched == 1
    assert "2020-03-01" not in sqlite(index, "SELECT updated FROM tsindex")
    assert check(index, archive, deep=True).problems == []
    shutil.move(file, archive / "moved")
    assert made(archive, index).files_moved == 1
    assert check(index, archive, deep=True).problems == []
