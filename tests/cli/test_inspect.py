"""`credit-fast inspect` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running import command

from credit_fast._core import encode_mseed2

START_NS = 1_330_560_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good file, a damaged one and a foreign one."""
    samples = np.arange(5000, dtype=np.int32)
    data = bytearray(encode_mseed2("XX", "AAA", "", "HHZ", START_NS, 100.0, samples, "STEIM2"))
    (tmp_path / "good").write_bytes(data)
    data[512:560] = b"\xee" * 48
    (tmp_path / "bad").write_bytes(data)
    (tmp_path / "text").write_text("no seismogram")
    return tmp_path


def test_a_good_file_ends_with_zero(folder: Path) -> None:
    result = command(folder, "inspect", "good")
    assert (result.returncode, result.stderr) == (0, "")
    assert "XX.AAA..HHZ" in result.stdout and "Steim2" in result.stdout
    assert "2012-03-01T00:00:00.000000Z" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("good: all well: ")


def test_damage_ends_with_one_and_is_placed(folder: Path) -> None:
    result = command(folder, "inspect", "good", "bad", "text")
    assert result.returncode == 1
    assert "bad at byte 512: no miniSEED record header (512 bytes)" in result.stdout
    assert "bad: 1 problem, 512 bytes skipped: " in result.stdout
    assert "text: no miniSEED record found" in result.stdout
    assert "4" in result.stdout and "missing" in result.stdout


def test_records_are_lines(folder: Path) -> None:
    count = (folder / "good").stat().st_size // 512
    lines = command(folder, "inspect", "--records", "good").stdout.splitlines()
    assert len(lines) == count + 1
    assert lines[1].split()[:5] == ["512", "512", "v2", "D", "XX.AAA..HHZ"]
    assert lines[1].split()[-2:] == ["Steim2", "-"]


def test_json_is_all_that_is_printed(folder: Path) -> None:
    result = command(folder, "inspect", "--json", "--records", "good", "bad")
    good, bad = json.loads(result.stdout)
    assert (result.returncode, good["problems"], bad["skipped_bytes"]) == (1, [], 512)
    assert len(good["record_list"]) == good["records"] == bad["records"] + 1


def test_quiet_gives_one_line_for_each_file_of_a_folder(folder: Path) -> None:
    lines = command(folder, "inspect", "--quiet", ".").stdout.splitlines()
    assert [Path(line.partition(":")[0]).name for line in lines] == ["bad", "good", "text"]


def test_a_missing_file_ends_with_two(folder: Path) -> None:
    result = command(folder, "inspect", "good", "missing")
    assert result.returncode == 2
    assert "missing: No such file" in result.stderr
    # The others are inspected all the same.
    assert "good: " in result.stdout
    result = command(folder, "inspect", "--json", "missing", "good")
    assert (result.returncode, len(json.loads(result.stdout))) == (2, 1)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    result = command(tmp_path, "inspect", ".")
    assert result.returncode == 1
    assert "no file found in ." in result.stderr
