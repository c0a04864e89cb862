"""`credit-fast info`: the real command, in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running import command, on_terminal

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


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a channel with 1,234 gaps, and the longest codes of miniSEED 2."""
    folder = tmp_path_factory.mktemp("gappy")
    (folder / "data").mkdir()
    samples = np.arange(100, dtype=np.int32)
    records = [
        _core.encode_mseed2(
            "XX", "ABCDE", "00", "HHZ", START_NS + n * 2_000_000_000, 100.0, samples, "STEIM2"
        )
        for n in range(1235)
    ]
    (folder / "data" / "a.mseed").write_bytes(b"".join(records))
    credit_fast.makeindex(folder / "data", folder / "gappy.db", progress=False)
    return folder


GAPPY = (
    "XX.ABCDE.00.HHZ",
    "2012-03-01T13:22:11.000000Z",
    "2012-03-01T14:03:19.990000Z",
    "1,234",
)


def test_gaps_are_shown_in_80_columns(gappy: Path) -> None:
    lines = on_terminal(gappy, 80, "info", "-i", "gappy.db", "--gaps")
    assert max(map(len, lines)) <= 80
    assert ["channel", "first", "sample", "last", "sample", "gaps"] in map(str.split, lines)
    assert list(GAPPY) in map(str.split, lines)


def test_of_a_narrow_terminal_only_the_channel_takes_more_lines(gappy: Path) -> None:
    lines = on_terminal(gappy, 72, "info", "-i", "gappy.db", "--gaps")
    rows = [line.split() for line in lines]
    at = next(n for n, row in enumerate(rows) if row[1:] == list(GAPPY[1:]))
    assert rows[at] + rows[at + 1] == ["XX.ABCDE", *GAPPY[1:], ".00.HHZ"]


def test_without_a_terminal_no_line_is_cut_or_wrapped(
    gappy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    result = command(gappy, "info", "-i", "gappy.db", "--gaps")
    assert list(GAPPY) in map(str.split, result.stdout.splitlines())
    assert f"time span │ {GAPPY[1]} to {GAPPY[2]}" in result.stdout


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
