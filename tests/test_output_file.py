"""Outputs appear whole or not at all, and what keeps them from it names them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from credit_fast.check.output import text_output
from credit_fast.output_file import left_parts, naming_output, whole_file


def test_a_file_gets_its_name_when_the_block_ends(tmp_path: Path) -> None:
    out = tmp_path / "a.txt"
    out.write_text("old")
    with whole_file(out) as part:
        part.write_text("new")
        assert out.read_text() == "old"
        assert left_parts(out) == [part]
    assert out.read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


def test_a_failing_block_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    out = tmp_path / "a.txt"
    out.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(out) as part:
        part.write_text("new")
        raise ZeroDivisionError
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_the_longest_name_of_a_file_can_be_written(tmp_path: Path) -> None:
    out = tmp_path / ("a" * 255)
    with whole_file(out) as part:
        part.write_text("new")
    assert out.read_text() == "new"


def test_a_disk_that_takes_no_change_names_the_output_and_not_the_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a disk refuses to remove even what is not there."""

    def read_only(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "unlink", read_only)
    with (
        pytest.raises(OSError, match=r"cannot write .*a\.txt: Read-only") as caught,
        whole_file(tmp_path / "a.txt"),
        naming_output(tmp_path / "a.txt"),
    ):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "a.txt.0000.part")
    assert ".part" not in str(caught.value)


def test_only_parts_of_the_same_output_are_left_parts(tmp_path: Path) -> None:
    names = ["a.h5.0123abcd.part", "a.h5.0123abcd.part.txt", "b.h5.0123abcd.part", "a.h5", "a.part"]
    for name in names:
        (tmp_path / name).touch()
    assert left_parts(tmp_path / "a.h5") == [tmp_path / names[0]]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_names_the_report() -> None:
    with (
        pytest.raises(OSError, match="cannot write /dev/full: No space left") as caught,
        text_output("/dev/full") as write,
    ):
        write("text")
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.skipif(sys.platform == "win32", reason="devices are files on POSIX")
def test_what_the_work_raises_does_not_name_the_report() -> None:
    with pytest.raises(FileNotFoundError, match="catalogue"), text_output(os.devnull):
        raise FileNotFoundError(errno.ENOENT, "no catalogue")
