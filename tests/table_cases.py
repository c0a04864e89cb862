"""A data set with its account and table beside it, in few words. No rule of its own."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from credit_fast.account import MakeH5Report
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.making import makeh5


def make_all(
    path: Path, archive: Any, events: Catalog, places: StationTable | None = None, **options: Any
) -> MakeH5Report:
    """`path` with its account `.report.json` and its table `.csv`."""
    return makeh5(archive, path, events, places, progress=False, **options)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as text, as any reader has them."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
