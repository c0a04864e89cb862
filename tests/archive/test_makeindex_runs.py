"""What one run and repeated runs of makeindex take up, skip, replace and report."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from bad_files import (
    RECLEN,
    START_NS,
    TEXT,
    assert_good_is_whole,
    cut,
    made,
    mseed,
    problems_of,
    samples,
    sqlite,
)

SECOND = 1_000_000_000


def row_count(index: Path) -> int:
    return int(sqlite(index, "select count(*) from tsindex").strip("[](),"))


def test_the_report_counts_what_was_found(archive: Path, index: Path) -> None:
    (archive / "more.mseed").write_bytes(mseed() + mseed(channel="BHE"))
    (archive / "notes.txt").write_bytes(TEXT)
    report = made(archive, index)
    assert report.files_found == 3
    assert report.files_indexed == 2
    assert (report.files_unchanged, report.files_replaced) == (0, 0)
    assert report.rows == 3 == row_count(index)
    assert report.records == 3 * len(mseed()) // RECLEN
    assert report.channels == 3
    assert str(report.starttime) == "2020-03-01T00:00:00.000000Z"
    assert str(report.endtime).startswith("2020-03-01T00:00:39.99")
    assert report.to_dict()["rows"] == 3
    assert len(report.to_dict()["problems"]) == 1


def test_a_second_run_skips_what_did_not_change(archive: Path, index: Path) -> None:
    made(archive, index)
    report = made(archive, index)
    assert (report.files_found, report.files_unchanged) == (1, 1)
    assert (report.files_indexed, report.files_replaced) == (0, 0)
    assert row_count(index) == 1
    assert_good_is_whole(index)


def test_a_second_run_adds_what_is_new(archive: Path, index: Path) -> None:
    made(archive, index)
    (archive / "new.mseed").write_bytes(mseed(station="NEW"))
    report = made(archive, index)
    assert (report.files_unchanged, report.files_indexed) == (1, 1)
    assert row_count(index) == 2
    assert len(cut(index, "NEW")[0]) == 1


def test_a_second_run_replaces_what_changed(archive: Path, index: Path) -> None:
    file = archive / "changing.mseed"
    file.write_bytes(mseed())
    made(archive, index)
    file.write_bytes(mseed(channel="HHZ", data=samples(1_000, seed=5)))
    report = made(archive, index)
    assert (report.files_unchanged, report.files_replaced) == (1, 1)
    assert row_count(index) == 2
    [trace], texts = cut(index, "BAD")
    assert texts == []
    assert trace.id == "XX.BAD..HHZ"
    assert np.array_equal(trace.data, samples(1_000, seed=5))


def test_a_file_that_grew_but_kept_its_time_is_replaced(archive: Path, index: Path) -> None:
    file = archive / "good.mseed"
    made(archive, index)
    before = file.stat()
    more = mseed(station="GOOD", data=samples(seed=2), start_ns=START_NS + 40 * SECOND)
    file.write_bytes(file.read_bytes() + more)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert made(archive, index).files_replaced == 1
    [trace], _ = cut(index, "GOOD")
    assert trace.stats.npts == 8_000


def test_a_change_within_the_same_second_is_seen(archive: Path, index: Path) -> None:
    file = archive / "good.mseed"
    os.utime(file, ns=(START_NS, START_NS))
    made(archive, index)
    content = mseed(station="EVIL")
    assert len(content) == file.stat().st_size
    file.write_bytes(content)
    os.utime(file, ns=(START_NS, START_NS + 1_000_000))
    assert made(archive, index).files_replaced == 1
    assert len(cut(index, "GOOD")[0]) == 0
    assert len(cut(index, "EVIL")[0]) == 1


def test_a_new_file_is_indexed_however_old_its_time_is(archive: Path, index: Path) -> None:
    """As files have that were copied with their times, or moved here."""
    made(archive, index)
    for number, age_ns in enumerate((START_NS, 0)):
        file = archive / f"copied{number}.mseed"
        file.write_bytes(mseed(station=f"OLD{number}"))
        os.utime(file, ns=(age_ns, age_ns))
        report = made(archive, index)
        assert (report.files_unchanged, report.files_indexed) == (1 + number, 1)
        assert len(cut(index, f"OLD{number}")[0]) == 1


def test_a_file_that_an_older_one_replaced_is_indexed_anew(archive: Path, index: Path) -> None:
    made(archive, index)
    older = archive.parent / "older.mseed"
    older.write_bytes(mseed(station="EVIL"))
    os.utime(older, ns=(START_NS, START_NS))
    assert older.stat().st_size == (archive / "good.mseed").stat().st_size
    older.replace(archive / "good.mseed")
    assert made(archive, index).files_replaced == 1
    assert [len(cut(index, station)[0]) for station in ("GOOD", "EVIL")] == [0, 1]


def test_a_file_that_went_bad_loses_its_rows(archive: Path, index: Path) -> None:
    file = archive / "changing.mseed"
    file.write_bytes(mseed())
    made(archive, index)
    file.write_bytes(TEXT)
    [problem] = problems_of(made(archive, index), file)
    assert problem.kind == "not-mseed"
    assert row_count(index) == 1
    assert len(cut(index, "BAD")[0]) == 0


def test_a_pattern_narrows_the_files(archive: Path, index: Path) -> None:
    (archive / "other.dat").write_bytes(mseed())
    report = made(archive, index, pattern="*.mseed")
    assert report.files_found == 1
    assert len(cut(index, "BAD")[0]) == 0
    assert_good_is_whole(index)


def test_several_roots_and_single_files_make_one_index(
    archive: Path, index: Path, tmp_path: Path
) -> None:
    single = tmp_path / "single"
    single.write_bytes(mseed(station="ONE"))
    second = tmp_path / "second"
    second.mkdir()
    (second / "two").write_bytes(mseed(station="TWO"))
    report = made([str(archive), str(single), second], index)
    assert report.files_found == 3
    for station in ("GOOD", "ONE", "TWO"):
        assert len(cut(index, station)[0]) == 1


def test_a_file_named_twice_is_indexed_once(archive: Path, index: Path) -> None:
    file = archive / "good.mseed"
    report = made([archive, file, str(archive) + "/../archive"], index)
    assert (report.files_found, report.rows) == (1, 1)
    assert_good_is_whole(index)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(archive: Path, index: Path, threads: int) -> None:
    for number in range(20):
        name = archive / f"file{number:02d}"
        name.write_bytes(mseed(station=f"S{number}") if number % 4 else TEXT)
    report = made(archive, index, threads=threads)
    assert (report.files_found, report.rows, len(report.problems)) == (21, 16, 5)
    paths = [problem.path for problem in report.problems]
    assert paths == sorted(paths)


def test_no_threads_is_refused(archive: Path, index: Path) -> None:
    with pytest.raises(ValueError, match="threads"):
        made(archive, index, threads=0)


def test_hidden_files_are_passed_over_unless_named(archive: Path, index: Path) -> None:
    hidden = archive / ".hidden.mseed"
    hidden.write_bytes(mseed(station="HID"))
    (archive / ".trash").mkdir()
    (archive / ".trash" / "old.mseed").write_bytes(mseed(station="OLD"))
    assert made(archive, index).files_found == 1
    report = made([archive, hidden], index)
    assert report.files_found == 2
    assert len(cut(index, "HID")[0]) == 1
    assert len(cut(index, "OLD")[0]) == 0


def test_links_are_followed_and_a_file_is_taken_once(
    archive: Path, index: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "linked.mseed").write_bytes(mseed(station="LINK"))
    (archive / "folder").symlink_to(outside, target_is_directory=True)
    (archive / "again.mseed").symlink_to(archive / "good.mseed")
    report = made(archive, index)
    assert (report.files_found, report.rows) == (2, 2)
    assert len(cut(index, "LINK")[0]) == 1
    assert_good_is_whole(index)
