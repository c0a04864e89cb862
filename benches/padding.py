"""An index with the rows of a large archive around those of a small one.

The rows stand for day files that do not exist; nobody asks for them. Plain sqlite3: call it only
where no other SQLite library of the process has one of the files open.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

#: Rows of one channel: about three years of day files.
_DAYS = 1000
_FIRST = datetime(2010, 1, 1, tzinfo=timezone.utc)
#: As `makeindex` and ObsPy's indexer write it.
_FORM = "%Y-%m-%dT%H:%M:%S"


def pad_index(index: Path, padded: Path, rows: int) -> Path:
    """Copy an index and add `rows` rows: a thousand for each channel in it, the rest for others."""
    shutil.copy(index, padded)
    database = sqlite3.connect(padded)
    try:
        known = database.execute("SELECT DISTINCT network,station,location,channel FROM tsindex")
        channels = known.fetchall()
        others = max(0, rows // _DAYS - len(channels))
        for number in range(others):
            letter = "ZNE"[number % 3]
            channels.append((f"Y{number % 9}", f"{number // 3:05d}", "00", f"HH{letter}"))
        places = ",".join("?" * 20)
        database.executemany(
            f"INSERT INTO tsindex VALUES ({places})",
            (row for channel in channels for row in _rows(channel, min(_DAYS, rows))),
        )
        database.execute("DELETE FROM tsindex_summary")
        database.execute(
            "INSERT INTO tsindex_summary SELECT network,station,location,channel,"
            "min(starttime),max(endtime),NULL FROM tsindex GROUP BY 1,2,3,4"
        )
        database.commit()
    finally:
        database.close()
    return padded


def _rows(channel: tuple[str, ...], days: int) -> Iterator[tuple[Any, ...]]:
    """Day files of 100 Hz, an entry of the time index for each hour."""
    for day in range(days):
        start = _FIRST + timedelta(days=day)
        end = start + timedelta(hours=23, minutes=59, seconds=59, microseconds=990_000)
        epoch = start.timestamp()
        entries = (f"{epoch + 3600 * hour:.6f}=>{400_384 * hour}" for hour in range(24))
        yield (
            *channel, None, 2, start.strftime(_FORM), end.strftime(f"{_FORM}.%f"), 100.0,
            f"/none/{'.'.join(channel)}.{day}", 0, 9_609_216, "", ",".join(entries) + ",latest=>1",
            f"[{epoch:.6f}:{end.timestamp():.6f}]", None, None, *["2015-01-01T00:00:00"] * 3,
        )  # fmt: skip
