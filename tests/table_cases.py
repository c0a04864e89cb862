"""A data set with its account and table beside it, in few words. No rule of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.hdf5 import MakeH5Report, Settings, makeh5
from credit_fast.hdf5.pack import pack_station
from credit_fast.hdf5.plan import plan_events
from credit_fast.hdf5.table import TableWriter


def write_table(
    path: Path, archive: Any, events: Catalog, places: StationTable | None, settings: Settings
) -> None:
    """The table as the job writes it: each record when it is counted."""
    report = MakeH5Report(
        str(path), str(events.path), settings.range_s, settings.rate_hz, settings.components
    )
    with path.open("wb") as file:
        table = TableWriter(file, components=settings.components)
        for plan in plan_events(events):
            if plan.refusal is not None:
                table.write_refused(plan)
                continue
            for station in plan.stations:
                packed = pack_station(archive, station, settings)
                codes = (station.network, station.station, station.location)
                place = None if places is None else places.get(*codes)
                fate = report.count_station(
                    plan.event.event_id, packed.cut, coordinates=place is not None
                )
                table.write(plan.event, packed, place, fate)


def make_all(
    path: Path, archive: Any, events: Catalog, places: StationTable | None = None, **options: Any
) -> MakeH5Report:
    """`path` with its account `.report.json` and its table `.csv`."""
    report = makeh5(archive, path, events, places, progress=False, **options)
    path.with_suffix(".report.json").write_text(json.dumps(report.to_dict()))
    write_table(path.with_suffix(".csv"), archive, events, places, Settings(**options))
    return report


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as text, as any reader has them."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
