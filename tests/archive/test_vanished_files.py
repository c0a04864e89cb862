"""Files of the index that are gone: marked, dropped on demand, shown by `info`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bad_files import mseed

import credit_fast
from credit_fast import Client, IndexReport, index_info


@pytest.fixture
def two(archive: Path, index: Path) -> Path:
    """The archive with a second file, `more.mseed`, indexed."""
    (archive / "more.mseed").write_bytes(mseed(station="MORE"))
    (archive / "text").write_text("no data")
    makeindex(archive, index)
    return archive


def makeindex(archive: Path, index: Path, *, prune: bool = False) -> IndexReport:
    return credit_fast.makeindex(archive, index, prune=prune, progress=False)


def kinds(index: Path) -> list[tuple[str, str]]:
    return [(Path(problem.path).name, problem.kind) for problem in index_info(index).problems]


def test_a_file_that_is_gone_is_marked_and_keeps_its_rows(two: Path, index: Path) -> None:
    (two / "more.mseed").unlink()
    for _ in range(2):
        report = makeindex(two, index)
        assert (report.files_vanished, report.files_pruned, report.rows) == (1, 0, 2)
        assert [p.kind for p in report.problems] == ["vanished", "not-mseed"]
        assert kinds(index) == [("more.mseed", "vanished"), ("text", "not-mseed")]


def test_a_file_that_came_back_is_not_marked_any_more(two: Path, index: Path) -> None:
    away = two.parent / "away"
    shutil.move(two / "more.mseed", away)
    makeindex(two, index)
    shutil.move(away, two / "more.mseed")
    report = makeindex(two, index)
    assert (report.files_vanished, report.files_touched, report.files_unchanged) == (0, 1, 2)
    assert kinds(index) == [("text", "not-mseed")]


def test_pruning_drops_the_rows_of_files_that_are_gone(two: Path, index: Path) -> None:
    (two / "more.mseed").unlink()
    makeindex(two, index)
    report = makeindex(two, index, prune=True)
    assert (report.files_vanished, report.files_pruned, report.rows) == (1, 1, 1)
    assert [p.kind for p in report.problems] == ["not-mseed"]
    assert kinds(index) == [("text", "not-mseed")]
    assert Client(index).get_nslc() == [("XX", "GOOD", "", "BHZ")]
    assert makeindex(two, index, prune=True).files_vanished == 0


def test_files_outside_of_the_roots_are_left_alone(two: Path, index: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "third.mseed").write_bytes(mseed(station="THIRD"))
    (two / "more.mseed").unlink()
    assert makeindex(other, index, prune=True).files_pruned == 0
    assert len(Client(index).get_nslc()) == 3


def test_an_archive_without_any_file_is_not_taken_for_gone(two: Path, index: Path) -> None:
    for file in two.iterdir():
        file.unlink()
    report = makeindex(two, index, prune=True)
    assert (report.files_found, report.files_vanished, report.files_pruned) == (0, 3, 0)
    assert len(Client(index).get_nslc()) == 2


@pytest.mark.parametrize("left", [[], ["README"]])
def test_a_folder_without_data_is_rather_a_disk_that_is_not_mounted(
    archive: Path, index: Path, left: list[str]
) -> None:
    disk = archive / "disk"
    disk.mkdir()
    for number in range(2):
        (disk / f"{number}").write_bytes(mseed(station=f"D{number}"))
    makeindex(archive, index)
    for file in disk.iterdir():
        file.unlink()
    for name in left:
        (disk / name).write_text("mount the disk here")
    report = makeindex(archive, index, prune=True)
    assert (report.files_vanished, report.files_pruned, report.rows) == (2, 0, 3)
    assert sum("not mounted" in problem.reason for problem in report.problems) == 2
    # Without the folder they were removed on purpose.
    shutil.rmtree(disk)
    assert makeindex(archive, index, prune=True).files_pruned == 2 + len(left)


def test_info_tells_what_the_index_holds(two: Path, index: Path) -> None:
    info = index_info(index, gaps=True)
    files = [two / "good.mseed", two / "more.mseed"]
    assert (info.rows, info.files) == (2, 2)
    assert info.data_bytes == sum(file.stat().st_size for file in files)
    assert info.index_bytes == index.stat().st_size
    assert [(channel.id, channel.gaps) for channel in info.channels] == [
        ("XX.GOOD..BHZ", 0),
        ("XX.MORE..BHZ", 0),
    ]
    extents = Client(index).get_availability_extent()
    assert [(c.starttime, c.endtime) for c in info.channels] == [e[4:] for e in extents]
    assert info.problem_counts() == {"not-mseed": 1}
    assert [c["gaps"] for c in index_info(index).to_dict()["channels"]] == [None, None]
    twice = index_info([index, index])
    assert (twice.rows, len(twice.channels)) == (4, 2)


def test_gaps_are_counted_over_the_borders_of_files(archive: Path, index: Path) -> None:
    [start, end] = [credit_fast.read(archive / "good.mseed")[0].stats[k] for k in
                    ("starttime", "endtime")]  # fmt: skip
    length = end - start + 0.01
    for number in (1, 3):
        data = mseed(station="GOOD", start_ns=(start + number * length).ns)
        (archive / f"part{number}").write_bytes(data)
    makeindex(archive, index)
    [channel] = index_info(index, gaps=True).channels
    assert channel.gaps == 1
