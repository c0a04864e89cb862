"""What makes a stopped run, or an event of a data set, another one: all that it is made of."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from h5_compare import contents
from memory_archive import MemoryArchive, catalog, event, pick, three

from credit_fast.account import MakeH5Report
from credit_fast.catalogs.model import Event, Station, StationTable
from credit_fast.errors import UnfinishedRunError
from credit_fast.making import job, makeh5
from credit_fast.stations import read_stations

CODES = ("AAA", "BBB")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


def archive() -> MemoryArchive:
    return MemoryArchive([item for code in CODES for item in three(f"X1.{code}.00", 0.0, 500)])


def events() -> list[Event]:
    """One event at each station, twice."""
    return [
        event(pick("P", 3.0, f"X1.{code}.00.HHZ"), evid=f"{code}.{number}")
        for number in range(2)
        for code in CODES
    ]


def made(folder: Path, rows: list[Event], source: Any = None, **options: Any) -> MakeH5Report:
    folder.mkdir(exist_ok=True)
    return makeh5(
        source or archive(), folder / "out.h5", catalog(*rows), range_s=2.0, threads=1,
        progress=False, **options,
    )  # fmt: skip


# ---- of an event: `update` makes it again, and it is as if it had been made so first


@pytest.mark.parametrize(
    "change",
    [
        {"raw": "EVENT,eq,other words"},
        {"event_type": "ep"},
        {"time_ns": events()[0].time_ns + 1000},
        {"longitude_deg": 104.6},
        {"latitude_deg": 29.6},
        {"depth_km": None},
        {"magnitude": 0.6},
        {"magnitude_type": "Ms"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_event_that_is_another_is_made_again(tmp_path: Path, change: dict[str, Any]) -> None:
    rows = events()
    made(tmp_path / "a", rows)
    rows[1] = replace(rows[1], **change)
    assert made(tmp_path / "a", rows, update=True).events_kept == len(rows) - 1
    made(tmp_path / "b", rows)
    assert contents(tmp_path / "a" / "out.h5") == contents(tmp_path / "b" / "out.h5")


@pytest.mark.parametrize(
    "change",
    [
        {"raw": "PHASE,other words"},
        {"network": "X2"},
        {"station": CODES[0]},
        {"location": ""},
        {"channel": "BHZ"},
        {"phase": "Pn"},
        {"time_ns": None},
        {"row_type": "POLARITY"},
        {"travel_time_s": 3.0},
        {"distance_km": 13.0},
        {"azimuth_deg": None},
        {"record_type": "W"},
        {"magnitude_source": "x"},
        {"magnitude_type": "x"},
        {"magnitude_text": "x"},
        {"value1": "x"},
        {"value2": "x"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_event_with_another_pick_is_made_again(tmp_path: Path, change: dict[str, Any]) -> None:
    rows = events()
    made(tmp_path / "a", rows)
    rows[1] = replace(rows[1], picks=[replace(rows[1].picks[0], **change)])
    assert made(tmp_path / "a", rows, update=True).events_kept == len(rows) - 1
    made(tmp_path / "b", rows)
    assert contents(tmp_path / "a" / "out.h5") == contents(tmp_path / "b" / "out.h5")


def test_an_event_at_another_line_is_the_same(tmp_path: Path) -> None:
    made(tmp_path, events())
    moved = [
        replace(item, line=item.line + 7, picks=[replace(row, line=99) for row in item.picks])
        for item in events()
    ]
    assert made(tmp_path, moved, update=True).events_kept == len(moved)


@pytest.mark.parametrize("field", ["longitude_deg", "latitude_deg", "elevation_m", None])
def test_events_are_made_again_whose_station_has_moved(tmp_path: Path, field: str | None) -> None:
    """Or came into the station file; those of other stations are kept."""
    before, after = ([Station("X1", c, "00", 104.0, 29.0, 350.0) for c in CODES] for _ in range(2))
    if field is None:
        del before[1]
    else:
        after[1] = replace(after[1], **{field: 30.0})
    made(tmp_path / "a", events(), stations=StationTable("stations.loc", before))
    source, again = archive(), StationTable("stations.loc", after)
    assert made(tmp_path / "a", events(), source, stations=again, update=True).events_kept == 2
    assert {asked.split(".")[1] for asked in source.asked} == {CODES[1]}
    made(tmp_path / "b", events(), stations=again)
    assert contents(tmp_path / "a" / "out.h5") == contents(tmp_path / "b" / "out.h5")


# ---- of a run: a stopped one does not go on with others


class Stopping(MemoryArchive):
    """Sends SIGINT when it is asked for the third event."""

    def get_waveforms(self, *request: Any) -> Any:
        if len(self.asked) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return super().get_waveforms(*request)


@POSIX
@pytest.mark.parametrize("form", [Path, read_stations])
@pytest.mark.parametrize("more", ["1", "\nX1 BBB 00 1 2 3"])
def test_another_station_file_is_noticed_and_said(
    tmp_path: Path, form: Callable[[Path], Any], more: str
) -> None:
    places = tmp_path / "stations.loc"
    places.write_text(text := "X1 AAA 00 104.0 29.0 350")
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, events(), Stopping(archive().traces), stations=form(places))
    places.write_text(text + more)
    with pytest.raises(UnfinishedRunError, match="inputs the stations is another one, or was"):
        made(tmp_path, events(), stations=form(places))
    with pytest.raises(UnfinishedRunError, match=r"stations: it was '.*', now it is not there"):
        made(tmp_path, events())
    places.write_text(text)
    assert made(tmp_path, events(), stations=form(places)).events.total == len(events())


@POSIX
def test_an_update_of_the_same_goes_on_without_being_told_so_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, events())
    keep = job.Job._keep

    def stopping(self: Any, event_id: str) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return keep(self, event_id)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(job.Job, "_keep", stopping)
        made(tmp_path, events(), update=True)
    assert (tmp_path / "out.h5.journal").exists()
    with pytest.raises(FileExistsError):  # it was of this catalogue
        made(tmp_path, events()[:3])
    source = archive()
    report = made(tmp_path, events(), source)
    assert (report.events_kept, source.asked) == (len(events()), [])
    assert not (tmp_path / "out.h5.journal").exists()
