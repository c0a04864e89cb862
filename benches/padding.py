"""Rows of a large archive in an index of a small one, and indexes of months.

The rows stand for day files that do not exist; nobody asks for them. Plain sqlite3: call it only
where no other SQLite library of the process has one of the files open.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
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
    days = [_FIRST + timedelta(days=number) for number in range(min(_DAYS, rows))]
    with closing(sqlite3.connect(padded)) as database:
        known = database.execute("SELECT DISTINCT network,station,location,channel FROM tsindex")
        channels = known.fetchall()
        others = max(0, rows // _DAYS - len(channels))
        for number in range(others):
            letter = "ZNE"[number % 3]
            channels.append((f"Y{number % 9}", f"{number // 3:05d}", "00", f"HH{letter}"))
        _add(database, (row for channel in channels for row in _rows(channel, days)))
    return padded


def copy_emptied(index: Path, emptied: Path) -> Path:
    """Copy an index without its rows."""
    shutil.copy(index, emptied)
    with closing(sqlite3.connect(emptied)) as database:
        for table in ("tsindex", "credit_fast_files"):
            database.execute(f"DELETE FROM {table}")
        database.commit()
    return emptied


def add_days(index: Path, days: dict[tuple[str, ...], list[datetime]]) -> None:
    """Add a row for each of the days of each channel to an index, where it is."""
    with closing(sqlite3.connect(index)) as database:
        _add(database, (row for channel, its in days.items() for row in _rows(channel, its)))


def _add(database: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    places = ",".join("?" * 20)
    database.executemany(f"INSERT INTO tsindex VALUES ({places})", rows)
    database.execute("DELETE FROM tsindex_summary")
    database.execute(
        "INSERT INTO tsindex_summary SELECT network,station,location,channel,"
        "min(starttime),max(endtime),NULL FROM tsindex GROUP BY 1,2,3,4"
    )
    database.commit()


def _rows(channel: tuple[str, ...], days: Iterable[datetime]) -> Iterator[tuple[Any, ...]]:
    """Day files of 100 Hz, an entry of the time index for each hour."""
    for start in days:
        end = start + timedelta(hours=23, minutes=59, seconds=59, microseconds=990_000)
        epoch = start.timestamp()
        entries = (f"{epoch + 3600 * hour:.6f}=>{400_384 * hour}" for hour in range(24))
        yield (
            *channel, None, 2, start.strftime(_FORM), end.strftime(f"{_FORM}.%f"), 100.0,
            f"/none/{'.'.join(channel)}.{start:%Y.%j}", 0, 9_609_216, "",
            ",".join(entries) + ",latest=>1",
            f"[{epoch:.6f}:{end.timestamp():.6f}]", None, None, *["2015-01-01T00:00:00"] * 3,
        )  # fmt: skip
