"""A data set for each year of a catalogue: `<folder>/<year>.h5`, as national readers expect.

Each is a run of its own: a year that is done is not looked at again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from credit_fast.account.accounting import MakeH5Report
from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.client import Client
from credit_fast.making.writer import makeh5
from credit_fast.station_records.cut import WaveformSource
from credit_fast.stations import read_stations

__all__ = ["makeh5_by_year"]

PathLike = str | os.PathLike[str]


def makeh5_by_year(
    index: PathLike | WaveformSource,
    folder: PathLike,
    catalog: PathLike | Catalog,
    stations: PathLike | StationTable | None = None,
    **options: Any,
) -> dict[int, MakeH5Report]:
    """Make a data set for each year in which events have their origin (UTC).

    Parameters
    ----------
    index, catalog, stations, options
        As of `makeh5`. A run that was stopped goes on with the year that it was at. `noise` windows
        are drawn for each year, lie in it, and keep clear of the picks of all years.
    folder
        Where `<year>.h5` and what goes with it are made; the folder too, if it is not there.

    Returns
    -------
    dict of year and account, in the order of years. Lines of the catalogue that belong to no event
    are in the first one.

    Raises
    ------
    As `makeh5`.
    """
    if isinstance(catalog, str | os.PathLike):
        catalog = read_catalog(catalog, compact=True)
    events = catalog
    table = read_stations(stations) if isinstance(stations, str | os.PathLike) else stations
    source = Client(index) if isinstance(index, str | os.PathLike) else index
    place = Path(folder)
    place.mkdir(exist_ok=True)
    return {
        year: makeh5(
            source, place / f"{year}.h5", events.of_year(year), table, keep=True, **options
        )
        for year in events.years
    }
