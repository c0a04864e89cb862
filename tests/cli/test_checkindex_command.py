"""`credit-fast checkindex`: the real command, in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running import command

import credit_fast
from credit_fast import _core

START_NS = 1_330_608_131_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index, `index.db`, of twelve files in `data`."""
    data = tmp_path / "data"
    data.mkdir()
    samples = np.arange(500, dtype=np.int32)
    for number in range(12):
        records = _core.encode_mseed2(
            "XX", f"S{number}", "", "HHZ", START_NS, 100.0, samples, "STEIM2"
        )
        (data / f"{number:02d}.mseed").write_bytes(records)
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--deep"], ["-r", "data"], ["--deep", "-t", "1"]])
def test_nothing_wrong_is_said_so(folder: Path, options: list[str]) -> None:
    result = command(folder, "checkindex", "-i", "index.db", *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("index.db: nothing wrong\n")
    assert "12 of the index" in result.stdout
    assert ("12 found below DATA" in result.stdout) == ("-r" in options)
    assert ("none (--deep reads all of it)" in result.stdout) == ("--deep" not in options)


def test_what_is_wrong_is_listed_and_counted(folder: Path) -> None:
    for file in sorted((folder / "data").iterdir())[:11]:
        file.unlink()
    (folder / "data" / "new.mseed").write_bytes(b"new")
    result = command(folder, "checkindex", "-i", "index.db", "-r", "data")
    assert result.returncode == 1
    assert "1 not-indexed, 11 vanished" in result.stdout
    told = [line for line in result.stdout.splitlines() if line.startswith("  vanished: ")]
    assert len(told) == 10
    assert "00.mseed: No such file or directory" in told[0]
    assert "makeindex again" in told[0]
    assert "… and 1 more of kind vanished" in result.stdout
    assert result.stdout.endswith("index.db: wrong, see above\n")
    quiet = command(folder, "checkindex", "-i", "index.db", "--quiet")
    assert (quiet.returncode, quiet.stdout) == (1, "")


def test_json_has_all_of_it(folder: Path) -> None:
    (folder / "data" / "00.mseed").write_bytes(b"shorter")
    result = command(folder, "checkindex", "-i", "index.db", "--json", "--deep")
    report = json.loads(result.stdout)
    assert (result.returncode, report["is_right"], report["deep"]) == (1, False, True)
    assert report["problem_counts"] == {"changed": 1, "extra-row": 1, "stored-problems": 1}
    assert [problem["kind"] for problem in report["problems"]] == [
        "changed",
        "extra-row",
        "stored-problems",
    ]
    assert (report["files"], report["rows"], report["notes"]) == (12, 12, [])


def test_a_moved_archive_is_found_where_it_is_said_to_be(folder: Path) -> None:
    (folder / "data").rename(folder / "moved")
    here = str(folder.resolve())
    assert command(folder, "checkindex", "-i", "index.db").returncode == 1
    moved = f"{here}/data={here}/moved"
    result = command(folder, "checkindex", "-i", "index.db", "--path-map", moved, "--deep")
    assert result.returncode == 0
    wrong = command(folder, "checkindex", "-i", "index.db", "--path-map", here)
    assert wrong.returncode == 2
    assert "expected OLD=NEW" in wrong.stderr


def test_only_files_that_match_are_looked_for(folder: Path) -> None:
    (folder / "data" / "notes.txt").write_text("no data")
    words = ("checkindex", "-i", "index.db", "-r", "data")
    assert command(folder, *words).returncode == 1
    assert command(folder, *words, "--pattern", "*.mseed").returncode == 0


def test_a_check_that_cannot_be_made_is_an_error(folder: Path) -> None:
    for words, text in (
        (["-i", "none.db"], "No such index file"),
        (["-i", "data/00.mseed"], "not an SQLite database"),
        (["-i", "index.db", "-r", "none"], "none"),
        (["-i", "index.db", "-t", "0"], "threads 0"),
    ):
        result = command(folder, "checkindex", *words)
        assert (result.returncode, result.stdout) == (2, "")
        assert text in result.stderr
        assert result.stderr.startswith("credit-fast checkindex: ")
