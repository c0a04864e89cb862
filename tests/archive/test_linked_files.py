"""Files and folders that were moved and linked: each is in the index once, where it is."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from bad_files import RECLEN, made, mseed, sqlite

from credit_fast import Client, Problem, check_index

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


@pytest.fixture
def indexed(archive: Path, index: Path) -> Path:
    """The archive with two more files in the folder `event`, indexed."""
    (archive / "event").mkdir()
    for number in range(2):
        (archive / "event" / f"{number}").write_bytes(mseed(station=f"E{number}"))
    made(archive, index)
    return archive


def names(index: Path) -> set[str]:
    query = "select json_group_array(distinct filename) from tsindex"
    found = map(Path, json.loads(sqlite(index, query)[3:-4]))
    return {f"{path.parent.name}/{path.name}" for path in found}


def wrong(index: Path, root: Path) -> list[Problem]:
    return check_index(index, root, deep=True, progress=False).problems


def linked(folder: Path, place: Path) -> None:
    """Move a folder or file, and leave a link to it."""
    place.parent.mkdir(exist_ok=True)
    shutil.move(folder, place)
    folder.symlink_to(os.path.relpath(place, folder.parent))


@pytest.mark.parametrize("relative", [False, True])
def test_a_folder_that_was_moved_and_linked_is_a_moved_one(
    archive: Path, index: Path, tmp_path: Path, relative: bool
) -> None:
    (archive / "event").mkdir()
    for number in range(2):
        (archive / "event" / f"{number}").write_bytes(mseed(station=f"E{number}"))
    made(archive, index, relative=relative)
    linked(archive / "event", tmp_path / "big" / "moved")
    told = [(Path(p.path).name, p.kind) for p in wrong(index, archive)]
    assert sorted(told) == [(f"{n}", kind) for n in (0, 1) for kind in ("not-indexed", "vanished")]
    report = made(archive, index)
    assert (report.files_moved, report.files_added, report.files_vanished) == (2, 0, 0)
    assert (report.bytes, report.rows) == (0, 3)
    assert names(index) == {"moved/0", "moved/1", "archive/good.mseed"}
    assert wrong(index, archive) == []
    assert len(Client(index).get_availability("XX", "E0")) == 1
    assert made(archive, index).files_unchanged == 3


def test_a_root_that_was_moved_and_linked_is_a_moved_one(
    indexed: Path, index: Path, tmp_path: Path
) -> None:
    (indexed / "event" / "1").unlink()
    linked(indexed, tmp_path / "big" / "archive")
    report = made(indexed, index, prune=True)
    assert (report.files_moved, report.files_vanished, report.files_pruned) == (2, 1, 1)
    assert names(index) == {"event/0", "archive/good.mseed"}
    assert wrong(index, indexed) == []


def test_files_that_changed_when_they_were_moved_and_linked_are_gone(
    indexed: Path, index: Path, tmp_path: Path
) -> None:
    linked(indexed / "event", tmp_path / "big" / "moved")
    file = tmp_path / "big" / "moved" / "0"
    file.write_bytes(file.read_bytes()[:RECLEN])
    report = made(indexed, index)
    assert (report.files_moved, report.files_added, report.files_vanished) == (1, 1, 1)
    [problem] = report.problems
    assert (problem.kind, Path(problem.path).parent.name) == ("vanished", "event")
    assert "now a link, or below one" in problem.reason
    [problem] = wrong(index, indexed)
    assert problem.kind == "vanished"
    assert "the path is a link now, or leads through one" in problem.reason
    assert "makeindex --prune drops its rows" in problem.reason
    assert made(indexed, index, prune=True).files_pruned == 1
    assert wrong(index, indexed) == []
    assert names(index) == {"moved/0", "moved/1", "archive/good.mseed"}


@pytest.mark.parametrize("same", [False, True])
def test_a_file_in_whose_place_is_a_link_to_another_is_gone(
    indexed: Path, index: Path, same: bool
) -> None:
    first, second = (indexed / "event" / f"{number}" for number in (0, 1))
    if same:  # a duplicate that a tidy program turned into a link
        second.write_bytes(first.read_bytes())
        made(indexed, index)
    second.unlink()
    second.symlink_to("0")
    [problem] = wrong(index, indexed)
    assert (problem.kind, Path(problem.path).name) == ("vanished", "1")
    assert "run makeindex again, with --prune to drop its rows" in problem.reason
    report = made(indexed, index)
    assert (report.files_vanished, report.files_unchanged) == (1, 2)
    # The mark stays where the place is not looked at.
    made(indexed / "good.mseed", index)
    assert [p.kind for p in wrong(index, indexed)] == ["vanished"]
    assert made(indexed, index, prune=True).files_pruned == 1
    assert names(index) == {"event/0", "archive/good.mseed"}
    assert wrong(index, indexed) == []


def test_a_link_to_a_folder_without_data_is_rather_a_disk_that_is_not_mounted(
    indexed: Path, index: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    linked(indexed / "event", disk)
    for file in disk.iterdir():
        file.unlink()
    report = made(indexed, index, prune=True)
    assert (report.files_vanished, report.files_pruned, report.rows) == (2, 0, 3)
    assert sum("not mounted" in problem.reason for problem in report.problems) == 2


def test_a_file_that_vanished_behind_a_link_to_its_folder_is_pruned(
    indexed: Path, index: Path, tmp_path: Path
) -> None:
    linked(indexed / "event", tmp_path / "big" / "moved")
    made(indexed, index)
    (tmp_path / "big" / "moved" / "0").unlink()
    report = made(indexed, index)
    assert (report.files_vanished, report.files_pruned, report.rows) == (1, 0, 3)
    report = made(indexed, index, prune=True)
    assert (report.files_vanished, report.files_pruned, report.rows) == (1, 1, 2)
    assert names(index) == {"moved/1", "archive/good.mseed"}
    assert wrong(index, indexed) == []


def test_a_file_that_vanished_behind_a_link_to_itself_is_pruned(
    indexed: Path, index: Path, tmp_path: Path
) -> None:
    for number in range(2):
        linked(indexed / "event" / f"{number}", tmp_path / "big" / f"{number}")
    made(indexed, index)
    assert names(index) == {"big/0", "big/1", "archive/good.mseed"}
    (tmp_path / "big" / "0").unlink()
    assert made(indexed, index).files_vanished == 1
    report = made(indexed, index, prune=True)
    assert (report.files_pruned, report.rows) == (1, 2)
    assert names(index) == {"big/1", "archive/good.mseed"}


@pytest.mark.parametrize("gone", ["deep", "real"])
@pytest.mark.parametrize("target", ["real/deep", "mid", "./mid/../deep", "loop/mid"])
def test_files_behind_links_that_lead_nowhere_are_looked_for(
    archive: Path, index: Path, tmp_path: Path, target: str, gone: str
) -> None:
    place = tmp_path / "real" / "deep"
    place.mkdir(parents=True)
    (place / "0").write_bytes(mseed(station="E0"))
    (tmp_path / "mid").symlink_to("real/deep")
    (tmp_path / "loop").symlink_to(tmp_path)
    (archive / "event").symlink_to(f"../{target}")
    made(archive, index)
    assert names(index) == {"deep/0", "archive/good.mseed"}
    shutil.rmtree(place if gone == "deep" else place.parent)
    report = made(archive, index)
    assert (report.files_vanished, report.files_pruned, report.rows) == (1, 0, 2)
    left = place.parent if gone == "deep" else tmp_path
    (left / "more.mseed").write_bytes(mseed(station="MORE"))  # its disk is there
    report = made([archive, left / "more.mseed"], index, prune=True)
    assert (report.files_vanished, report.files_pruned, report.rows) == (1, 1, 2)


def test_links_that_lead_in_a_circle_mark_nothing(indexed: Path, index: Path) -> None:
    (indexed / "one").symlink_to("two")
    (indexed / "two").symlink_to("one/below")
    report = made(indexed, index)
    assert (report.files_vanished, report.files_unchanged, report.rows) == (0, 3, 3)
    assert {problem.kind for problem in report.problems} == {"unreadable"}
