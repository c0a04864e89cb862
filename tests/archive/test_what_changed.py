"""A run of makeindex after changes works on what changed, and on nothing else.

Whatever was changed and however the run found out: the rows are those of an index made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from bad_files import RECLEN, START_NS, cut, made, mseed, samples, sqlite

from credit_fast import Client, check_index, makeindex
from credit_fast.index import IndexReport

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
ROWS = (
    "select network,station,location,channel,version,starttime,endtime,samplerate,filename,"
    "byteoffset,bytes,hash,timeindex,timespans,timerates from tsindex order by filename,byteoffset"
)
STATE = (
    "select filename,size,records,data_end,last_start_ns,fingerprint from credit_fast_files "
    "order by filename"
)
PROBLEMS = "select filename,byteoffset,bytes,kind,reason,count from credit_fast_problems"


def assert_as_made_anew(archive: Path, index: Path) -> None:
    """Compare rows, states and problems with those of a new index."""
    new = index.with_name("new.db")
    new.unlink(missing_ok=True)
    makeindex(archive, new, progress=False)
    for query in (ROWS, STATE, PROBLEMS + " order by filename,byteoffset"):
        assert sqlite(index, query) == sqlite(new, query)


def quiet(report: IndexReport) -> tuple[int, int, int, int, int, int]:
    return (
        report.files_unchanged,
        report.files_added,
        report.files_replaced,
        report.files_grown,
        report.files_moved,
        report.files_touched,
    )


def long_file(npts: int = 900_000, start_ns: int = START_NS) -> bytes:
    """Two and a half hours of one channel."""
    return mseed(station="LONG", data=samples(npts, seed=4), start_ns=start_ns)


@pytest.mark.parametrize("known", [1, 2, 150, 2000, 2300])
@pytest.mark.parametrize("rest", [0, 300])
def test_only_what_a_file_gained_is_read(archive: Path, index: Path, known: int, rest: int) -> None:
    file = archive / "growing.mseed"
    whole = long_file()
    assert len(whole) > 2400 * RECLEN
    file.write_bytes(whole[: known * RECLEN + rest])
    report = made(archive, index)
    assert [p.kind for p in report.problems] == (["truncated"] if rest else [])
    for records in (known + 30, len(whole) // RECLEN):
        file.write_bytes(whole[: records * RECLEN])
        report = made(archive, index)
        assert quiet(report) == (1, 0, 1, 1, 0, 0)
        assert report.bytes == (records - known) * RECLEN
        assert report.records == records - known
        assert report.problems == []
        assert_as_made_anew(archive, index)
        known = records
    start = START_NS / 1e9
    [trace] = Client(index).get_waveforms("*", "LONG", "*", "*", start, start + 86_400)
    assert np.array_equal(trace.data, samples(900_000, seed=4))


def test_a_file_grows_by_gaps_other_channels_and_records_out_of_order(
    archive: Path, index: Path
) -> None:
    file = archive / "growing.mseed"
    parts = [
        mseed(station="A", data=samples(8000)),
        mseed(station="A", data=samples(8000, seed=2), start_ns=START_NS + 100 * SECOND),
        mseed(station="B", data=samples(500, seed=3)),
        mseed(station="B", data=samples(500, seed=5), start_ns=START_NS - HOUR),
        mseed(station="B", data=samples(500, seed=6), start_ns=START_NS + 5 * SECOND),
    ]
    for number in range(1, len(parts) + 1):
        file.write_bytes(b"".join(parts[:number]))
        report = made(archive, index)
        assert report.files_grown == (number > 1)
        assert_as_made_anew(archive, index)


def test_a_row_ends_where_time_goes_back(archive: Path, index: Path) -> None:
    one = long_file()
    half = len(one) // 2 // RECLEN * RECLEN
    twice = one[:half] + one[half - RECLEN : half] + one[half:]
    (archive / "good.mseed").write_bytes(twice)
    report = made(archive, index)
    assert (report.problems, report.rows) == ([], 2)
    offsets = sqlite(index, "select byteoffset,bytes from tsindex order by byteoffset")
    assert offsets == str([(0, half), (half, len(one) - half + RECLEN)])
    assert sqlite(index, "select count(*) from tsindex where timeindex like '%latest=>1'") == (
        "[(2,)]"
    )
    start = START_NS / 1e9
    [trace] = Client(index).get_waveforms("*", "LONG", "*", "*", start, start + 86_400)
    assert np.array_equal(trace.data, samples(900_000, seed=4))


def test_a_file_that_grew_before_its_end_is_read_as_a_whole(archive: Path, index: Path) -> None:
    file = archive / "growing.mseed"
    first, second = mseed(station="A"), mseed(station="B")
    file.write_bytes(first)
    made(archive, index)
    file.write_bytes(second + first)
    report = made(archive, index)
    assert quiet(report) == (1, 0, 1, 0, 0, 0)
    assert_as_made_anew(archive, index)


def test_what_a_damaged_file_gained_is_not_taken_for_its_rest(archive: Path, index: Path) -> None:
    file = archive / "growing.mseed"
    file.write_bytes(mseed()[: 3 * RECLEN] + b"x" * 700)
    made(archive, index)
    file.write_bytes(file.read_bytes() + mseed(start_ns=START_NS + HOUR))
    report = made(archive, index)
    assert quiet(report) == (1, 0, 1, 0, 0, 0)
    assert_as_made_anew(archive, index)
    file.write_bytes(mseed())
    made(archive, index)
    file.write_bytes(mseed() + b"y" * 900)
    assert [p.kind for p in made(archive, index).problems] == ["skipped"]
    assert_as_made_anew(archive, index)


def test_a_moved_file_is_not_read_again(archive: Path, index: Path) -> None:
    (archive / "bad").write_bytes(long_file()[:5000])
    (archive / "good").write_bytes(long_file())
    made(archive, index)
    (archive / "folder").mkdir()
    for name in ("bad", "good"):
        (archive / name).rename(archive / "folder" / name)
    report = made(archive, index)
    assert quiet(report) == (1, 0, 0, 0, 2, 0)
    assert (report.bytes, report.files_vanished) == (0, 0)
    assert [Path(p.path).parent.name for p in report.problems] == ["folder"]
    assert_as_made_anew(archive, index)
    assert quiet(made(archive, index)) == (3, 0, 0, 0, 0, 0)


def test_a_moved_file_has_nothing_of_one_that_had_its_name(archive: Path, index: Path) -> None:
    file, unreadable = archive / "good.mseed", archive / "bad"
    made(archive, index)
    # As a file leaves it that nobody may read, and rows of another program.
    sqlite(
        index,
        f"insert into credit_fast_problems values ('{unreadable}',null,0,'unreadable','denied',1)",
    )
    columns = sqlite(index, "select group_concat(name) from pragma_table_info('tsindex')")[3:-4]
    values = columns.replace("filename", f"'{unreadable}'")
    sqlite(index, f"insert into tsindex ({columns}) select {values} from tsindex")
    file.rename(unreadable)
    assert quiet(made(archive, index)) == (0, 0, 0, 0, 1, 0)
    report = made(archive, index)
    assert (report.files_unchanged, report.rows, report.problems) == (1, 1, [])
    assert_as_made_anew(archive, index)


def test_a_copy_is_not_taken_for_the_moved_file(archive: Path, index: Path) -> None:
    (archive / "one").write_bytes(long_file())
    made(archive, index)
    shutil.copy2(archive / "one", archive / "two")
    report = made(archive, index)
    assert quiet(report) == (2, 1, 0, 0, 0, 0)
    assert_as_made_anew(archive, index)


def test_a_copy_of_a_file_that_grew_since_is_scanned(archive: Path, index: Path) -> None:
    # More files than a batch has: of those at the begin the rows are written when copies are met.
    files, few = 2500, mseed(data=samples(500))
    originals, copies = archive / "originals", archive / "copies"
    originals.mkdir()
    for number in range(files):
        (originals / f"{number:04d}").write_bytes(few[:RECLEN])
    made([originals, archive], index)
    shutil.copytree(originals, copies)
    for file in originals.iterdir():
        file.write_bytes(few[: 2 * RECLEN])
    report = made([originals, copies], index)
    assert quiet(report) == (0, files, files, files, 0, 0)


def test_new_files_of_one_size_and_time_are_not_compared_with_each_that_is_known(
    archive: Path, index: Path
) -> None:
    record = mseed(data=samples(20))
    assert len(record) == RECLEN
    seconds = []
    for numbers in (range(1500), range(1500, 3000)):
        for number in numbers:
            file = archive / f"{number:04d}"
            file.write_bytes(record[:8] + f"{number:05d}".encode() + record[13:])
            os.utime(file, ns=(START_NS, START_NS))
        report = made(archive, index)
        assert report.files_added >= len(numbers)
        seconds.append(report.seconds)
    # A comparison of each with each takes some hundred times as long.
    assert seconds[1] < 2 + 10 * seconds[0]
    assert_as_made_anew(archive, index)


def test_many_files_of_the_same_bytes_are_moved_each(archive: Path, index: Path) -> None:
    for number in range(50):
        (archive / f"{number}").write_bytes(mseed(station="SAME"))
        os.utime(archive / f"{number}", ns=(START_NS, START_NS))
    made(archive, index)
    (archive / "new").mkdir()
    for number in range(0, 50, 2):
        (archive / f"{number}").rename(archive / "new" / f"{number}")
    # Of which two are copies of files that are still there.
    for number in (1, 3):
        shutil.copy2(archive / f"{number}", archive / "new" / f"{number}")
    report = made(archive, index)
    assert (report.files_moved, report.files_added, report.files_vanished) == (25, 2, 0)
    assert check_index(index, archive, deep=True, progress=False).problems == []


def test_moving_files_of_one_size_and_time_takes_its_time_by_the_file(
    archive: Path, index: Path
) -> None:
    for number in range(5_000):
        few = mseed(station=f"S{number}", data=samples(20, seed=number))
        (archive / f"{number}").write_bytes(few)
        os.utime(archive / f"{number}", ns=(START_NS, START_NS))
    new = made(archive, index)
    archive.rename(archive.with_name("moved"))
    report = made(archive.with_name("moved"), index)
    assert (report.files_moved, report.files_added) == (5_001, 0)
    assert report.seconds < 5 * new.seconds + 1


def test_two_files_that_change_names_are_told_apart(archive: Path, index: Path) -> None:
    for name, station in (("one", "AAA"), ("two", "BBB")):
        (archive / name).write_bytes(mseed(station=station))
        os.utime(archive / name, ns=(START_NS, START_NS))
    made(archive, index)
    (archive / "one").rename(archive / "third")
    (archive / "two").rename(archive / "one")
    (archive / "third").rename(archive / "two")
    made(archive, index)
    assert_as_made_anew(archive, index)
    assert [trace.id for trace in cut(index, "AAA")[0]] == ["XX.AAA..BHZ"]


def test_a_touched_file_keeps_its_rows(archive: Path, index: Path) -> None:
    file = archive / "good.mseed"
    made(archive, index)
    updated = sqlite(index, "select updated from tsindex")
    os.utime(file, ns=(START_NS, START_NS))
    assert quiet(made(archive, index)) == (0, 0, 0, 0, 0, 1)
    assert sqlite(index, "select updated from tsindex") == updated
    assert sqlite(index, "select filemodtime from tsindex") == "[('2020-03-01T00:00:00',)]"
    assert quiet(made(archive, index)) == (1, 0, 0, 0, 0, 0)
    assert_as_made_anew(archive, index)


def test_a_file_that_is_the_same_on_another_place_of_the_disk_is_not_read_again(
    archive: Path, index: Path
) -> None:
    file = archive / "good.mseed"
    made(archive, index)
    shutil.copy2(file, archive / "copy")
    (archive / "copy").rename(file)
    report = made(archive, index)
    assert quiet(report) == (0, 0, 0, 0, 0, 1)
    assert report.bytes == 0
    assert quiet(made(archive, index)) == (1, 0, 0, 0, 0, 0)


def test_a_rewritten_file_with_the_old_size_and_time_is_seen(archive: Path, index: Path) -> None:
    file = archive / "good.mseed"
    made(archive, index)
    before = file.stat()
    content = mseed(station="EVIL")
    assert len(content) == before.st_size
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert quiet(made(archive, index)) == (0, 0, 1, 0, 0, 0)
    assert_as_made_anew(archive, index)
    assert len(cut(index, "EVIL")[0]) == 1


def test_an_index_of_an_earlier_version_goes_on(archive: Path, index: Path) -> None:
    made(archive, index)
    sqlite(index, "drop table credit_fast_settings")
    for column in ("changed_ns", "inode", "data_end", "last_start_ns", "fingerprint", "hashed"):
        sqlite(index, f"alter table credit_fast_files drop column {column}")
    assert quiet(made(archive, index)) == (1, 0, 0, 0, 0, 0)
    (archive / "good.mseed").write_bytes(long_file())
    assert quiet(made(archive, index)) == (0, 0, 1, 0, 0, 0)
    assert_as_made_anew(archive, index)


def test_hashes_are_those_of_the_bytes(archive: Path, index: Path) -> None:
    content = mseed(station="AAA") + mseed(station="BBB")
    (archive / "two").write_bytes(content)
    made(archive, index)
    assert sqlite(index, "select distinct hash from tsindex") == "[('',)]"
    report = makeindex(archive, index, hash=True, progress=False)
    assert report.files_replaced == 2
    half = len(content) // 2
    for offset in (0, half):
        expected = hashlib.md5(content[offset : offset + half]).hexdigest()
        query = f"select hash from tsindex where byteoffset={offset} and filename like '%two'"
        assert sqlite(index, query) == f"[('{expected}',)]"
    report = makeindex(archive, index, hash=True, progress=False)
    assert quiet(report) == (2, 0, 0, 0, 0, 0)
    # A run without it leaves them; a grown file is read as a whole.
    (archive / "two").write_bytes(content + mseed(station="CCC"))
    report = makeindex(archive, index, hash=True, progress=False)
    assert (report.files_replaced, report.files_grown) == (1, 0)
    expected = hashlib.md5(content[:half]).hexdigest()
    assert expected in sqlite(index, "select hash from tsindex where byteoffset=0")


def test_an_archive_moves_together_with_its_index(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "data" / "2020").mkdir(parents=True)
    (old / "data" / "2020" / "a").write_bytes(mseed(station="GOOD"))
    (old / "data" / "bad").write_bytes(b"no data")
    (old / "index").mkdir()
    report = makeindex(old / "data", old / "index" / "i.db", relative=True, progress=False)
    assert [p.path for p in report.problems] == ["../data/bad"]
    names = sqlite(old / "index" / "i.db", "select filename from tsindex")
    assert names == "[('../data/2020/a',)]"
    old.rename(new)
    index = new / "index" / "i.db"
    [trace], _ = cut(index, "GOOD")
    assert np.array_equal(trace.data, samples())
    # It goes on as it was made, and can be moved on.
    report = makeindex(new / "data", index, progress=False)
    assert quiet(report) == (2, 0, 0, 0, 0, 0)
    (new / "data" / "2020" / "a").rename(new / "data" / "b")
    report = makeindex(new / "data", index, progress=False)
    assert (report.files_moved, report.files_vanished) == (1, 0)
    (new / "data" / "b").unlink()
    report = makeindex(new / "data", index, prune=True, progress=False)
    assert (report.files_vanished, report.rows) == (1, 1)
    (new / "data" / "c").write_bytes(mseed(station="CCC"))
    report = makeindex(new / "data", index, prune=True, progress=False)
    assert (report.files_pruned, report.rows) == (1, 1)
    with pytest.raises(ValueError, match="relative to its folder: expected absolute"):
        makeindex(new / "data", index, relative=False, progress=False)
    makeindex(new / "data", new / "absolute.db", progress=False)
    with pytest.raises(ValueError, match="absolute: expected relative to its folder"):
        makeindex(new / "data", new / "absolute.db", relative=True, progress=False)
