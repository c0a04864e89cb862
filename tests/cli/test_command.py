"""The command itself: help, slips of the pen, exit codes of makeindex, closed pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from running import START, command

from credit_fast._core import encode_mseed2

COMMANDS = ("makeindex", "makeh5", "testh5", "export", "plot", "inspect", "demo")
START_NS = 1_330_560_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one channel in `data`."""
    (tmp_path / "data").mkdir()
    samples = np.arange(5000, dtype=np.int32)
    record = encode_mseed2("XX", "AAA", "", "HHZ", START_NS, 100.0, samples, "STEIM2")
    (tmp_path / "data" / "good").write_bytes(record)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_with_examples_and_exit_codes(name: str, tmp_path: Path) -> None:
    result = command(tmp_path, name, "--help")
    assert result.returncode == 0
    assert f"credit-fast {name} " in result.stdout
    assert "examples:" in result.stdout and "exit code:" in result.stdout


def test_help_of_all_names_every_command(tmp_path: Path) -> None:
    result = command(tmp_path, "--help")
    assert result.returncode == 0
    assert all(name in result.stdout for name in COMMANDS)


def test_a_slip_of_the_pen_gets_a_hint(tmp_path: Path) -> None:
    result = command(tmp_path, "makeindex", "-r", ".", "-o", "i.db", "--patern", "*")
    assert result.returncode == 2
    assert "did you mean --pattern?" in result.stderr
    assert "usage: credit-fast makeindex" in result.stderr


def test_options_are_not_abbreviated(tmp_path: Path) -> None:
    result = command(tmp_path, "makeindex", "-r", ".", "-o", "i.db", "--qui")
    assert result.returncode == 2
    assert not (tmp_path / "i.db").exists()


def test_makeindex_tells_by_its_exit_code_whether_all_is_well(folder: Path) -> None:
    whole = command(folder, "makeindex", "-r", "data", "-o", "i.db")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "1 found: 1 added" in whole.stdout and "none" in whole.stdout
    (folder / "data" / "text").write_text("no seismogram")
    found = command(folder, "makeindex", "-r", "data", "-o", "i.db")
    assert found.returncode == 1
    assert f"{folder / 'data' / 'text'} at byte 0: no miniSEED record found" in found.stdout
    missing = command(folder, "makeindex", "-r", "nowhere", "-o", "j.db")
    assert missing.returncode == 2
    assert "nowhere" in missing.stderr and "No such file" in missing.stderr


def test_makeindex_of_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = command(tmp_path, "makeindex", "-r", "empty", "-o", "i.db")
    assert result.returncode == 1
    assert "no file found in empty" in result.stderr


def test_the_json_of_makeindex_has_all_figures(folder: Path) -> None:
    (folder / "data" / "cut").write_bytes((folder / "data" / "good").read_bytes()[:700])
    result = command(folder, "makeindex", "-r", "data", "-o", "i.db", "--json")
    report = json.loads(result.stdout)
    assert (report["files_found"], report["channels"], report["rows"]) == (2, 1, 2)
    (problem,) = report["problems"]
    assert (problem["kind"], problem["offset"]) == ("truncated", 512)


@pytest.mark.skipif(os.name != "posix", reason="pipes of a shell")
def test_a_reader_that_goes_away_ends_the_command_quietly(folder: Path) -> None:
    line = (
        f'"{sys.executable}" -c "{START}" makeindex -r data -o i.db | true; exit ${{PIPESTATUS[0]}}'
    )
    result = subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
