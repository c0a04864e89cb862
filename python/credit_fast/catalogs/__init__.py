"""Catalogues: the registry of formats and `read_catalog`. One file per format, one model."""

from __future__ import annotations

import os
from collections.abc import Callable

from .model import Catalog, Event, Pick, Station, StationTable
from .phase_report import read_phase_report

__all__ = ["FORMATS", "Catalog", "Event", "Pick", "Station", "StationTable", "read_catalog"]

#: Name of a format and its reader.
FORMATS: dict[str, Callable[..., Catalog]] = {
    "phase-report": read_phase_report,
}


def read_catalog(
    path: str | os.PathLike[str], format: str | None = None, *, compact: bool = False
) -> Catalog:
    """Read the events and picks of a file.

    Parameters
    ----------
    path
        The file.
    format
        A name of `FORMATS`; `None` is the phase report (`#EVENT` and `PHASE` lines).
    compact
        Keep the events in a temporary file (in memory while they are few), for millions of rows
        that are gone through and not changed: each event is made anew whenever it is asked for,
        its picks as a sequence that cannot be added to.

    Returns
    -------
    Catalog
        Events in file order, times in ns since 1970 UTC, degrees, kilometres; damaged lines are
        in `Catalog.problems` with their line numbers.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        As the operating system says.
    CatalogError
        The file is empty or holds no event of that format.
    ValueError
        The format's name is not known.
    """
    name = "phase-report" if format is None else format
    reader = FORMATS.get(name)
    if reader is None:
        raise ValueError(f"catalogue format {name!r}: expected one of {', '.join(FORMATS)}")
    return reader(path, compact=compact)
