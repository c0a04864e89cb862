"""Rows of an index, ours or that of EarthScope's `mseedindex`, read and compared.

The databases are looked into by other processes only: two SQLite libraries in one process on one
file drop each other's locks.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

COMPARED = [
    "network",
    "station",
    "location",
    "channel",
    "quality",
    "version",
    "starttime",
    "endtime",
    "samplerate",
    "filename",
    "byteoffset",
    "bytes",
    "timeindex",
    "timespans",
    "timerates",
    "format",
]

DUMP = """
import json, sqlite3, sys
for path in sys.argv[2:] or sys.stdin.read().split("\\n"):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    columns = [row[1] for row in database.execute("pragma table_info(tsindex)")]
    wanted = sys.argv[1].split()
    query = "select {} from tsindex order by filename, byteoffset, rowid"
    rows = database.execute(query.format(",".join(wanted))).fetchall()
    print(json.dumps([dict(zip(wanted, row)) for row in rows]))
"""

Rows = list[dict[str, Any]]


def dump(databases: list[Path], columns: Iterable[str] = COMPARED) -> list[Rows]:
    """Rows of the table `tsindex` of each database, read by another process."""
    answer = subprocess.run(
        [sys.executable, "-c", DUMP, " ".join(columns)],
        input="\n".join(map(str, databases)),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in answer.stdout.splitlines()]


def mseedindex() -> str:
    """Path of the mseedindex command of this environment; skips when it is not installed."""
    beside = Path(sys.executable).parent / "mseedindex"
    found = str(beside) if beside.exists() else shutil.which("mseedindex")
    if found is None:
        pytest.skip("mseedindex not installed: pip install mseedindex")
    return found


def wrong_columns(mine: Rows, other: Rows) -> list[str]:
    """Say in which columns two lists of rows differ."""
    if len(mine) != len(other):
        return [f"{len(mine)} rows, expected {len(other)}"]
    return [
        f"row {number} {column}: {one[column]!r}, expected {two[column]!r}"
        for number, (one, two) in enumerate(zip(mine, other, strict=True))
        for column in COMPARED
        if one[column] != two[column]
    ]


def assert_rows_are_parts_of(rows: Rows, expected: Rows) -> None:
    """Check that rows one behind the other make up those of mseedindex."""
    left = list(rows)
    for whole in expected:
        parts = [left.pop(0)]
        while sum(part["bytes"] for part in parts) < whole["bytes"]:
            parts.append(left.pop(0))
            assert parts[-1]["byteoffset"] == parts[-2]["byteoffset"] + parts[-2]["bytes"]
        joined = {
            **parts[0],
            "starttime": min(part["starttime"] for part in parts),
            "endtime": max(part["endtime"] for part in parts),
            "bytes": sum(part["bytes"] for part in parts),
        }
        of_records = ("timeindex", "timespans", "timerates")
        assert {**joined, **dict.fromkeys(of_records)} == {**whole, **dict.fromkeys(of_records)}
    assert left == []
