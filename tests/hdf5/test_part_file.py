"""A part file: what is called a failure to write, and what is left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import h5py
import pytest

from credit_fast.hdf5.part_file import part_file


@pytest.mark.parametrize("error", [ValueError("bad"), KeyError("bad"), RuntimeError("bad")])
def test_a_fault_of_the_program_shows_as_itself(tmp_path: Path, error: Exception) -> None:
    with (
        pytest.raises(type(error), match="bad") as raised,
        part_file(tmp_path / "out.h5", overwrite=False),
    ):
        raise error
    assert raised.value is error
    assert list(tmp_path.iterdir()) == []


def test_a_group_made_twice_is_no_failure_to_write(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="name already exists"),
        part_file(tmp_path / "out.h5", overwrite=False) as file,
    ):
        file.create_group("a")
        file.create_group("a")
    assert list(tmp_path.iterdir()) == []


def test_what_hdf5_says_of_the_system_is_a_failure_to_write(tmp_path: Path) -> None:
    text = "Unable to create group (file write failed: errno = 28, error message = 'full')"
    with (
        pytest.raises(OSError, match=r"cannot write .*out\.h5") as raised,
        part_file(tmp_path / "out.h5", overwrite=False),
    ):
        raise ValueError(text)
    assert raised.value.errno == errno.ENOSPC
    assert os.strerror(errno.ENOSPC) in str(raised.value)


def test_what_the_last_check_raises_keeps_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    out.write_text("old")

    def refuse() -> None:
        assert len(list(tmp_path.glob("*.part"))) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), part_file(out, True, refuse) as file:
        file.create_group("a")
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_whole_file_takes_the_name(tmp_path: Path) -> None:
    with part_file(tmp_path / "out.h5", overwrite=False) as file:
        file.create_group("a")
        assert not (tmp_path / "out.h5").exists()
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file) == ["a"]
    assert list(tmp_path.iterdir()) == [tmp_path / "out.h5"]
