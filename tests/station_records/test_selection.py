"""Phases, least numbers of picks, distances, stations that no pick names: cut, counted, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from check_cases import alone
from memory_archive import MemoryArchive, at, catalog, event, pick, stations, three
from table_cases import rows

from credit_fast.catalogs.model import Station, StationTable
from credit_fast.check import testh5
from credit_fast.hdf5 import layout
from credit_fast.making import makeh5
from credit_fast.station_records import Settings
from credit_fast.station_records.selection import Selection

EVID = "X1.201203012122.0001"
NEAR, FAR = "X1.AAA.00", "X1.BBB."
KM_PER_DEGREE = 111.195


def table(*places: tuple[str, float]) -> StationTable:
    """Stations at so many degrees north of the event of the tests."""
    return StationTable(
        "stations.loc",
        [Station(*name.split("."), 104.5, 29.5 + north, 300.0) for name, north in places],
    )


def test_only_rows_of_asked_phases_are_kept_and_make_windows(make: Any) -> None:
    rows = [
        pick("Pg", 3.0),
        pick("Pg", 3.0, row_type="POLARITY"),
        pick("Sg", 5.0),
        pick("Sn", 7.0, "X1.BBB..BHZ"),
    ]
    traces = [*three(NEAR, 0.0, 1200), *three(FAR, 0.0, 1200, band="BH")]
    report, file = make(traces, event(*rows), phases="Pg")
    assert list(file[EVID]) == [NEAR]
    attrs = file[EVID][NEAR].attrs
    assert attrs["types"] == "TRAVTIME.Pg,POLARITY.Pg"
    assert not [name for name in attrs if name.startswith("Sg")]
    assert len(file[EVID][NEAR]["HHZ"]) == 401
    assert report.picks.refused == {"phase not asked for": 2}
    assert report.picks_by_phase["Sg"].refused == {"phase not asked for": 1}
    assert report.station_records.refused == {"no pick of a phase that was asked for": 1}
    assert (report.events.written, report.components.n_refused) == (1, 3)
    assert not report.has_problems


def test_a_phase_that_no_pick_has_is_told(make: Any) -> None:
    report, _ = make([], event(pick("Pg", 3.0), pick("Sg", 4.0)), phases=("pg", "Sg"))
    notes = {name: (count, remark) for name, count, remark in report.notes()}
    assert notes["phases asked for that no pick has"] == (1, "pg; the catalogue has Pg Sg")


def test_an_event_without_an_asked_phase_has_no_group(make: Any) -> None:
    report, file = make(
        three(NEAR, 0.0, 600), event(pick("Sg", 3.0)), event(pick("Pg", 3.0), evid="e"), phases="Pg"
    )
    assert list(file) == ["e"]
    assert report.events.refused == {"no station record that was asked for": 1}
    assert report.station_records.refused == {"event refused": 1}
    assert report.picks.refused == {"phase not asked for": 1}
    assert not report.has_problems


def test_events_need_so_many_arrivals_and_a_left_out_one_takes_no_id(make: Any) -> None:
    few = event(
        pick("Pg", 3.0),
        pick("Pg", 3.1),
        pick("Pg", 3.0, row_type="POLARITY"),
        pick("Sg", None),
        pick("Sn", 9000.0),
    )
    enough = event(pick("Pg", 3.0), pick("Sg", 4.0), line=9)
    report, file = make(three(NEAR, 0.0, 900), few, enough, min_picks=2)
    assert list(file) == [EVID]
    assert report.events.refused == {"fewer picks than asked for": 1}
    assert (report.events.written, report.duplicate_events) == (1, 0)
    assert not report.has_problems


def test_a_phase_at_two_locations_of_a_station_is_one_arrival(make: Any) -> None:
    both = [pick("Pg", 3.0), pick("Pg", 3.0, "X1.AAA.10.HHZ")]
    rows = [
        event(*both, evid="one"),
        event(*both, pick("Pg", 4.0, "X1.BBB..BHZ"), evid="stations"),
        event(*both, pick("Sg", 4.0, "X1.AAA.10.HHZ"), evid="phases"),
        event(*both, pick("Pg", 4.0, "X2.AAA.00.HHZ"), evid="networks"),
    ]
    _, file = make(three(NEAR, 0.0, 900), *rows, min_picks=2)
    assert list(file) == ["networks", "phases", "stations"]


def test_arrivals_at_stations_that_are_too_far_do_not_count(make: Any) -> None:
    far = pick("Pg", 3.0, "X1.BBB..BHZ", distance_km=400.0)
    rows = [
        event(pick("Pg", 3.0), far, evid="few"),
        event(pick("Pg", 3.0), pick("Sg", 4.0), far, evid="enough"),
    ]
    report, file = make(three(NEAR, 0.0, 900), *rows, min_picks=2, max_distance_km=100)
    assert list(file) == ["enough"]
    assert report.events.refused == {"fewer picks than asked for": 1}


@pytest.mark.parametrize(("limit_km", "kept"), [(12.0, []), (12.5, ["AAA"]), (150, ["AAA", "BBB"])])
def test_the_distance_of_the_catalogue_goes_before_that_of_the_table(
    make: Any, limit_km: float, kept: list[str]
) -> None:
    rows = [pick("Pg", 3.0), pick("Sg", 3.0, "X1.BBB..BHZ", distance_km=None)]
    places = table((NEAR, 9.0), (FAR, 1.0))
    report, file = make([], event(*rows), max_distance_km=limit_km, stations=places)
    found = [name.split(".")[1] for evid in file for name in file[evid]]
    assert found == kept
    assert report.station_records.n_refused == 2 - len(kept)


def test_a_station_whose_distance_nobody_knows_is_kept(make: Any) -> None:
    row = event(pick("Sg", 3.0, distance_km=None))
    report, file = make([], row, max_distance_km=1.0, stations=None)
    assert list(file[EVID]) == [NEAR]
    assert report.station_records.no_data == 1


def all_around() -> MemoryArchive:
    """A picked station with two locations, two others near, one far, one without a place."""
    names = (NEAR, "X1.AAA.10", "X1.CCC.", "X1.DDD.00", "X1.FAR.00", "X1.LOST.00")
    traces = [item for name in names for item in three(name, -5.0, 6000)]
    return MemoryArchive([*traces, *three("X1.CCC.", -5.0, 60, band="LH")])


PLACES = table(
    (NEAR, 0.1), ("X1.CCC.", 0.3), ("X1.DDD.00", -0.2), ("X1.EEE.00", 0.2), ("X1.FAR.00", 2.0)
)
AROUND = Settings(range_s=2.0, max_distance_km=100, all_stations=True)


def test_stations_without_picks_are_cut_around_their_estimated_arrivals(make: Any) -> None:
    report, file = make(
        all_around().traces,
        event(pick("Pg", 3.0)),
        settings=AROUND,
        stations=PLACES,
    )
    assert list(file[EVID]) == [NEAR, "X1.CCC.", "X1.DDD.00"]
    attrs = file[EVID]["X1.CCC."].attrs
    assert attrs["types"] == ""
    assert [name for name in attrs if "dist" in name] == ["dist"]
    assert float(attrs["dist"]) == pytest.approx(0.3 * KM_PER_DEGREE, rel=1e-4)
    data = file[EVID]["X1.CCC."]["HHZ"]
    path_km = (attrs["dist"] ** 2 + 4.0**2) ** 0.5  # the event lies 4 km deep
    begin = layout.parse_time(data.attrs["btime"])
    assert begin == pytest.approx(at(path_km / 8.2 - 2.0), abs=5e6)
    assert len(data) == pytest.approx(((path_km / 3.0 - path_km / 8.2) + 4.0) * 100, abs=1.5)
    assert [name for name in file[EVID][NEAR].attrs if name == "dist"] == []
    assert (report.station_records.total, report.station_records.written) == (3, 3)
    assert (report.picks.total, report.events.written) == (1, 1)
    assert report.unplaced_stations == ["X1.LOST.00"]
    assert not report.has_problems


def test_around_the_origin_all_stations_have_one_window(make: Any) -> None:
    options = AROUND.to_dict() | {"around": "origin", "channels": ("HH?",)}
    _, file = make(
        all_around().traces,
        event(pick("Pg", 3.0)),
        settings=Settings.from_dict(options),
        stations=PLACES,
    )
    begins = {item.attrs["btime"] for group in file[EVID].values() for item in group.values()}
    assert begins == {layout.format_time(at(-2.0))}


def test_a_station_without_picks_and_without_data_has_no_group_and_is_counted(make: Any) -> None:
    traces = [*three(NEAR, 0.0, 600), *three("X1.CCC.", 900.0, 600)]
    report, file = make(traces, event(pick("Pg", 3.0)), settings=AROUND, stations=PLACES)
    assert list(file[EVID]) == [NEAR]
    assert (report.station_records.written, report.station_records.no_data) == (1, 1)
    assert (report.events.written, report.events.gap_s) == (1, 0.0)
    assert report.station_groups == 1
    path = Path(file.filename)
    names = [(row["trace_name"], row["trace_fate"]) for row in rows(path.with_suffix(".csv"))]
    assert names == [(f"{EVID}/{NEAR}", "written"), ("", "no data")]
    events = catalog(event(pick("Pg", 3.0)))
    checked = testh5(path, events, stations=PLACES, index=MemoryArchive(traces), progress=False)
    assert (checked.findings, checked.table_rows) == ([], 2)


@pytest.mark.parametrize("north", [0.899, -0.899, 0.0])
def test_a_station_just_within_the_distance_is_not_left_out(make: Any, north: float) -> None:
    """0.899 degrees of latitude are 99.96 km, to the north, the south or the east."""
    east = 1.03 if not north else 0.0  # 99.7 km
    row = event(pick("Pg", 3.0))
    places = StationTable(
        "stations.loc",
        [
            Station("X1", "AAA", "00", 104.5, 29.5, 0.0),
            Station("X1", "CCC", "", 104.5 + east, 29.5 + north, 0.0),
            Station("X1", "DDD", "00", 104.5 + 1.005 * east, 29.5 + 1.002 * north, 0.0),
        ],
    )
    _, file = make(all_around().traces, row, settings=AROUND, stations=places)
    assert list(file[EVID]) == [NEAR, "X1.CCC."]
    assert 99.5 < float(file[EVID]["X1.CCC."].attrs["dist"]) < 100.0


@pytest.mark.parametrize(("channels", "bands"), [((), "HH BH EH SH"), ("E??,?H?", "EH HH BH SH")])
def test_bands_of_a_station_without_picks_go_by_the_list_then_in_the_usual_order(
    channels: Any, bands: str
) -> None:
    options = AROUND.to_dict() | {"channels": channels}
    archive = MemoryArchive(
        [item for band in ("BH", "EH", "HH", "SH") for item in three("X1.CCC.", 0, 9, band=band)]
    )
    selection = Selection.of(Settings.from_dict(options), PLACES, archive)
    [(place, _)] = selection.unpicked(event(), [])
    assert " ".join(place.bands) == bands


def test_all_stations_need_places_and_a_list_of_channels(tmp_path: Path) -> None:
    events, out = catalog(event(pick("Pg", 3.0))), tmp_path / "out.h5"
    with pytest.raises(ValueError, match="give a station file"):
        makeh5(MemoryArchive([]), out, events, settings=AROUND, progress=False)

    class Deaf:
        get_waveforms = MemoryArchive([]).get_waveforms

    with pytest.raises(TypeError, match="Deaf cannot list its channels"):
        makeh5(Deaf(), out, events, stations(NEAR), settings=AROUND, progress=False)
    assert not out.exists()


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Any]:
    """A data set with stations that no pick names, and its catalogue."""
    rows = [pick("Pg", 3.0), pick("Sn", 5.0), pick("Sn", 5.0, "X1.EEE.00.HHZ")]
    events = catalog(event(*rows), event(pick("Sn", 3.0), evid="few"))
    makeh5(all_around(), tmp_path / "out.h5", events, PLACES, settings=MADE, progress=False)
    return tmp_path / "out.h5", events


MADE = Settings.from_dict(AROUND.to_dict() | {"phases": "Pg", "min_picks": 1})


@pytest.mark.parametrize("with_archive", [False, True])
def test_testh5_finds_a_selection_whole_by_its_settings(
    made: tuple[Path, Any], with_archive: bool
) -> None:
    archive = all_around() if with_archive else None
    report = testh5(*made, stations=PLACES, index=archive, settings=MADE, progress=False)
    assert report.is_whole, str(report)
    assert report.expected == {"event": 1, "station record": 3, "component": 9, "pick": 1}
    assert report.compared_records == (3 if with_archive else 0)


def test_testh5_without_the_settings_tells_what_was_left_out(made: tuple[Path, Any]) -> None:
    alone(made[0])
    report = testh5(*made, stations=PLACES, progress=False)
    texts = [str(item) for item in report.findings]
    assert any("missing event /few" in text for text in texts)
    assert any(f"/{EVID}/X1.CCC." in text and "no pick names" in text for text in texts)
    assert any("X1.EEE.00" in text and "no group" in text for text in texts)


def test_testh5_misses_a_station_without_picks_that_the_archive_has(made: tuple[Path, Any]) -> None:
    more = all_around()
    more.traces += three("X1.EEE.00", -5.0, 6000) + three("X1.GGG.00", -5.0, 6000)
    places = StationTable("stations.loc", [*PLACES, Station("X1", "GGG", "00", 104.5, 29.4, 0.0)])
    report = testh5(*made, stations=places, index=more, settings=MADE, progress=False)
    assert [item.place for item in report.findings] == [f"/{EVID}/X1.GGG.00"]
    assert "the archive has samples" in report.findings[0].text
