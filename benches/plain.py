"""What a task cannot do without, done alone: reading the bytes, writing the rows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from answers import Answer
from page_cache import forget
from setting import Setting, remove_index
from workers import Case, Maker

_STEP = 1 << 20


def _read(file: str, buffer: bytearray) -> int:
    """Bytes of a file, read from front to back and thrown away."""
    handle = os.open(file, os.O_RDONLY)
    try:
        size = 0
        while got := os.readv(handle, [buffer]):
            size += got
        return size
    finally:
        os.close(handle)


def _read_all(files: Sequence[str], threads: int) -> list[int]:
    if threads == 1:
        buffer = bytearray(_STEP)
        return [_read(file, buffer) for file in files]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda file: _read(file, bytearray(_STEP)), files))


def _bytes_alone(threads: int | None, cold: bool, setting: Setting) -> Case:
    """As `cat` reads all files, by one thread or by one for each core."""
    files = setting.files
    number = threads or os.cpu_count() or 1

    def answer(sizes: list[int]) -> Answer:
        return {file: {"bytes": size} for file, size in zip(files, sizes, strict=True)}

    return Case(
        lambda: _read_all(files, number),
        answer,
        (lambda: forget(files)) if cold else (lambda: None),
    )


def _rows_alone(indexes_first: bool, setting: Setting) -> Case:
    """The rows of a finished index into a new one, in one transaction: SQLite and nothing else.

    The finished one is what credit_fast made in the same task.
    """
    source, target = setting.scratch / "ours-rows-None.db", setting.scratch / "plain-rows.db"

    def run() -> None:
        with closing(sqlite3.connect(target)) as database:
            database.execute("ATTACH ? AS made", (str(source),))
            made = database.execute(
                "SELECT type, sql FROM made.sqlite_master WHERE tbl_name='tsindex' AND sql NOT NULL"
            ).fetchall()
            tables = [sql for kind, sql in made if kind == "table"]
            others = [sql for kind, sql in made if kind != "table"]
            database.execute("BEGIN")
            for sql in (*tables, *(others if indexes_first else ())):
                database.execute(sql)
            database.execute("INSERT INTO main.tsindex SELECT * FROM made.tsindex")
            for sql in () if indexes_first else others:
                database.execute(sql)
            database.execute("COMMIT")

    return Case(run, lambda _: ("digest", Path(target)), lambda: remove_index(target))


CASES: dict[tuple[str, str], Maker] = {
    ("index", "the bytes alone"): partial(_bytes_alone, None, False),
    ("index", "the bytes alone, 1 thread"): partial(_bytes_alone, 1, False),
    ("cold", "the bytes alone"): partial(_bytes_alone, None, True),
    ("cold", "the bytes alone, 1 thread"): partial(_bytes_alone, 1, True),
    ("rows", "SQLite alone"): partial(_rows_alone, True),
    ("rows", "SQLite alone, its SQL indexes last"): partial(_rows_alone, False),
}
