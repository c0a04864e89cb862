"""What lies beside a data set is replaced with it, never alone, and never what others have made."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from memory_archive import MemoryArchive, catalog, event, pick, three

from credit_fast.account import MakeH5Report
from credit_fast.making import makeh5
from credit_fast.making.cluster import make_part
from credit_fast.station_records import Settings

EVENTS = [event(pick("P", 3.0), evid=f"event.{number}") for number in range(3)]
BESIDE = ["out.csv", "out.events.jsonl", "out.report.json"]


def source() -> MemoryArchive:
    return MemoryArchive(three("X1.AAA.00", 0.0, 500))


def made(out: Path, archive: Any = None, **options: Any) -> MakeH5Report:
    return makeh5(
        archive or source(), out, catalog(*EVENTS), range_s=2.0, threads=1, progress=False,
        **options,
    )  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"restart": True}])
@pytest.mark.parametrize("text", ["my own, precious\n", ""])
def test_a_file_of_the_user_is_never_replaced(
    tmp_path: Path, name: str, options: dict[str, bool], text: str
) -> None:
    (tmp_path / name).write_text(text)
    archive = source()
    with pytest.raises(FileExistsError, match=rf"{name} exists and was not made by makeh5 .*\(it "):
        made(tmp_path / "out.h5", archive, **options)
    assert archive.asked == []
    assert files(tmp_path) == {name: text.encode()}


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_left_of_another_data_set_is_replaced_only_when_told(
    tmp_path: Path, name: str
) -> None:
    made(tmp_path / "out.h5", fill=7)
    for path in tmp_path.iterdir():
        if path.name != name:
            path.unlink()
    before = files(tmp_path)
    with pytest.raises(FileExistsError, match=rf"{name} exists, without out.h5: .*--overwrite"):
        made(tmp_path / "out.h5")
    assert files(tmp_path) == before
    made(tmp_path / "out.h5", overwrite=True)
    assert sorted(files(tmp_path)) == [*BESIDE[:2], "out.h5", BESIDE[2]]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_run_that_goes_on_does_not_replace_what_came_meanwhile(tmp_path: Path) -> None:
    class Stopping(MemoryArchive):
        def get_waveforms(self, *request: Any) -> Any:
            if len(self.asked) == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return super().get_waveforms(*request)

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "out.h5", Stopping(source().traces))
    made(tmp_path / "other.h5", fill=7)
    table = (tmp_path / "other.csv").rename(tmp_path / "out.csv").read_bytes()
    with pytest.raises(FileExistsError, match=r"out\.csv exists, without out\.h5"):
        made(tmp_path / "out.h5")
    assert (tmp_path / "out.csv").read_bytes() == table
    (tmp_path / "out.csv").unlink()
    assert made(tmp_path / "out.h5").events.total == 3


def test_a_file_that_appears_during_the_run_is_not_replaced(tmp_path: Path) -> None:
    class Meanwhile(MemoryArchive):
        def get_waveforms(self, *request: Any) -> Any:
            (tmp_path / "out.csv").write_text("my own")
            return super().get_waveforms(*request)

    with pytest.raises(FileExistsError, match=r"out\.csv appeared during the run"):
        made(tmp_path / "out.h5", Meanwhile(source().traces))
    # Nor by the same command, which goes on once it is away.
    with pytest.raises(FileExistsError, match=r"out\.csv exists and was not made by makeh5"):
        made(tmp_path / "out.h5")
    assert (tmp_path / "out.csv").read_text() == "my own"
    (tmp_path / "out.csv").unlink()
    archive = source()
    assert made(tmp_path / "out.h5", archive).events.total == 3
    assert archive.asked == []


@pytest.mark.parametrize("name", BESIDE)
def test_a_folder_in_their_place_is_told_before_any_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=rf"{name} is no file: out.h5 needs one"):
        makeh5("none.db", tmp_path / "out.h5", "none.pha")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", [*BESIDE, "out.h5.part", "out.h5.journal"])
def test_their_names_are_none_of_a_data_set(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"a file beside a data set ends in \.\w+.*, as .*h5"):
        makeh5("none.db", tmp_path / name, "none.pha")
    assert files(tmp_path) == {}


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"restart": True}])
@pytest.mark.parametrize("name", ["out.hdf5", "out"])
def test_two_data_sets_do_not_share_their_files(
    tmp_path: Path, name: str, options: dict[str, bool]
) -> None:
    made(tmp_path / "out.h5")
    before = files(tmp_path)
    with pytest.raises(FileExistsError, match=rf"out\.h5 is a data set, and out\.csv .*{name} nee"):
        made(tmp_path / name, **options)
    assert files(tmp_path) == before
    made(tmp_path / "other.hdf5", **options)
    if hasattr(os, "symlink"):  # the same data set by another name is no other one
        (tmp_path / name).symlink_to(tmp_path / "out.h5")
        assert made(tmp_path / name, overwrite=True).path == str(tmp_path / "out.h5")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_nor_do_two_runs(tmp_path: Path) -> None:
    """The second begins while the first is at work, then after the first was stopped."""
    tried = 0

    def refused() -> None:
        nonlocal tried
        tried += 1
        with pytest.raises(FileExistsError, match=r"h5\.journal is of a run that is not done, and"):
            made(tmp_path / "out.hdf5")

    class Second(MemoryArchive):
        def get_waveforms(self, *request: Any) -> Any:
            if len(self.asked) == 1:
                refused()
                os.kill(os.getpid(), signal.SIGINT)
            return super().get_waveforms(*request)

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "out.h5", Second(source().traces))
    assert tried == 1
    before = files(tmp_path)
    refused()
    assert files(tmp_path) == before
    made(tmp_path / "out.h5")
    assert sorted(files(tmp_path)) == [*BESIDE[:2], "out.h5", BESIDE[2]]


def test_a_part_of_a_cluster_replaces_what_its_removal_left(tmp_path: Path) -> None:
    part = tmp_path / "parts" / "0.h5"
    part.parent.mkdir()
    for _ in range(2):
        make_part(source, str(part), EVENTS, None, Settings(range_s=2.0), 1)
        assert part.exists()
        part.unlink()  # and the process that removed it was killed
