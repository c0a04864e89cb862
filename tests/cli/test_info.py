"""`credit-fast info`: the real command, in a folder of its own."""

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
    """Two indexes: `good.db`, and `bad.db` of a folder with a text."""

    for name in ("good", "bad"):
        data = tmp_path / name
        data.mkdir()
        samples = np.arange(500, dtype=np.int32)
        station = name.upper()
        records = _core.encode_mseed2("XX", station, "", "HHZ", START_NS, 100.0, samples, "STEIM2")
        (data / "a.mseed").write_bytes(records)
        if name == "bad":
            (data / "text").write_text("no data")
        credit_fast.makeindex(data, tmp_path / f"{name}.db", progress=False)
    return tmp_path


def test_channels_and_problems_are_shown(folder: Path) -> None:
    good = command(folder, "info", "-i", "good.db", "--gaps")
    assert good.returncode == 0
    assert "XX.GOOD..HHZ" in good.stdout
    assert "2012-03-01T13:22:11.000000Z" in good.stdout
    bad = command(folder, "info", "-i", "bad.db")
    assert bad.returncode == 1
    assert "no miniSEED record found" in bad.stdout


def test_several_indexes_are_shown_as_one(folder: Path) -> None:
    result = command(folder, "info", "-i", "*.db", "--json")
    info = json.loads(result.stdout)
    assert (result.returncode, info["rows"], info["files"]) == (1, 2, 2)
    assert [channel["id"] for channel in info["channels"]] == ["XX.BAD..HHZ", "XX.GOOD..HHZ"]
    assert [problem["kind"] for problem in info["problems"]] == ["not-mseed"]
    assert info["indexes"] == ["bad.db", "good.db"]


def test_a_missing_index_is_an_error(folder: Path) -> None:
    result = command(folder, "info", "-i", "none.db")
    assert (result.returncode, result.stdout) == (2, "")
    assert "none.db" in result.stderr


def test_makeindex_drops_rows_when_told_to(folder: Path) -> None:
    (folder / "bad" / "a.mseed").rename(folder / "bad" / "b.mseed")
    moved = command(folder, "makeindex", "-r", "bad", "-o", "bad.db")
    assert "1 moved" in moved.stdout
    (folder / "bad" / "b.mseed").rename(folder / "elsewhere.mseed")
    (folder / "bad" / "c.mseed").write_bytes((folder / "good" / "a.mseed").read_bytes())
    kept = command(folder, "makeindex", "-r", "bad", "-o", "bad.db")
    assert "1 vanished" in kept.stdout
    dropped = command(folder, "makeindex", "-r", "bad", "-o", "bad.db", "--prune")
    words = dropped.stdout.replace("│", " ").split()
    assert "dropped" in words
    assert words[words.index("index") + 1] == "1"
