"""Walking a data set: what makeh5 writes, what the toolkit before it wrote, and odd files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from memory_archive import ORIGIN, MemoryArchive, at, catalog, event, pick, stations, three, trace

from credit_fast.errors import DatasetError
from credit_fast.hdf5 import open_dataset
from credit_fast.making import makeh5
from credit_fast.times import UTCDateTime

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A data set of one event with a whole station, one with a gap, and one without data."""
    traces = [*three(STATION, 0.0, 900), *three("X1.GAP.", 0.0, 400)]
    traces.append(trace("X1.GAP..HHZ", 4.513, np.arange(100)))
    rows = [
        pick("Sg", 5.0, f"{STATION}.HHN", distance_km=None),
        pick("Pg", 3.0, f"{STATION}.HHZ", row_type="POLARITY"),
        pick("Pg", 3.1, f"{STATION}.HHZ", distance_km=7.25),
        pick("P", 3.0, "X1.GAP..HHZ", distance_km=None),
        pick("S", None, "X1.GAP..HHZ"),
        pick("P", 3.0, "X1.NIL.00.HHZ"),
    ]
    events = catalog(event(*rows), event(evid="b"))
    table = stations(STATION)
    makeh5(MemoryArchive(traces), tmp_path / "a.h5", events, table, range_s=2.0, progress=False)
    return tmp_path / "a.h5"


def test_events_and_their_origin_are_read(made: Path) -> None:
    with open_dataset(made) as dataset:
        assert dataset.events() == [EVID, "b"]
        assert len(dataset) == 2
        assert EVID in dataset
        record = dataset.event(EVID)
        assert [item.evid for item in dataset] == dataset.events()
    assert record.time == ORIGIN
    assert (record.longitude_deg, record.latitude_deg) == (104.5, 29.5)
    assert (record.depth_km, record.magnitude, record.event_type) == (4.0, 0.5, "eq")
    assert list(record.stations) == [STATION, "X1.GAP.", "X1.NIL.00"]
    assert record.problems == []


def test_picks_with_time_are_read_in_the_order_of_the_catalogue(made: Path) -> None:
    with open_dataset(made) as dataset:
        station = dataset.event(EVID).stations[STATION]
    assert list(station.picks) == ["Sg", "POLARITY.Pg", "TRAVTIME.Pg"]
    assert station.picks["Sg"] == UTCDateTime(ns=at(5.0))
    assert station.phases == {"Sg": UTCDateTime(ns=at(5.0)), "Pg": UTCDateTime(ns=at(3.1))}
    assert station.types == ["Sg", "POLARITY.Pg", "TRAVTIME.Pg"]
    assert station.problems == []


def test_a_pick_without_time_is_among_the_types_only(made: Path) -> None:
    with open_dataset(made) as dataset:
        station = dataset.event(EVID).stations["X1.GAP."]
        assert station.attrs["S.phasetype"] == "TRAVTIME"
    assert (station.types, list(station.picks)) == (["P", "S"], ["P"])


def test_distance_and_coordinates_are_numbers_or_none(made: Path) -> None:
    with open_dataset(made) as dataset:
        found = dataset.event(EVID).stations
    first, second = found[STATION], found["X1.GAP."]
    assert (first.longitude_deg, first.latitude_deg, first.elevation_m) == (104.0, 29.0, 350.0)
    assert first.distance_km in (7.25, 12.5)
    assert (second.longitude_deg, second.latitude_deg, second.elevation_m) == (None, None, None)


def test_an_unknown_distance_is_none(tmp_path: Path) -> None:
    events = catalog(event(pick("P", 3.0, distance_km=None)))
    makeh5(MemoryArchive([]), tmp_path / "a.h5", events, progress=False)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert dataset.event(EVID).stations[STATION].distance_km is None


def test_unknown_depth_and_magnitude_are_none(tmp_path: Path) -> None:
    unknown = event()
    unknown.depth_km = unknown.magnitude = None
    makeh5(MemoryArchive([]), tmp_path / "a.h5", catalog(unknown), progress=False)
    with open_dataset(tmp_path / "a.h5") as dataset:
        record = dataset.event(EVID)
    assert (record.depth_km, record.magnitude) == (None, None)


def test_codes_come_from_the_station_id(made: Path) -> None:
    with open_dataset(made) as dataset:
        station = dataset.event(EVID).stations["X1.GAP."]
    assert (station.network, station.station, station.location) == ("X1", "GAP", "")


def test_components_are_read_with_their_gaps(made: Path) -> None:
    with open_dataset(made) as dataset:
        component = dataset.event(EVID).stations["X1.GAP."].components["HHZ"]
        assert component.start == UTCDateTime(ns=at(1.0))
        assert (component.delta_s, component.rate_hz, component.npts) == (0.01, 100.0, 401)
        assert component.end == UTCDateTime(ns=at(5.0))
        assert component.gaps == [(300, 51)]
        assert component.completeness == pytest.approx(350 / 401)
        assert component.subsample_offset_s == pytest.approx(0.003)
        assert component.read().shape == (401,)


def test_samples_cannot_be_read_after_the_file_is_closed(made: Path) -> None:
    with open_dataset(made) as dataset:
        component = dataset.event(EVID).stations[STATION].components["HHZ"]
    with pytest.raises(DatasetError, match="HHZ was read after its data set was closed"):
        component.read()


@pytest.fixture
def toolkit(tmp_path: Path) -> Path:
    """A file as the older toolkit writes: fixed-length text, few attributes, phase as name."""
    path = tmp_path / "toolkit.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group(EVID)
        group.attrs["time"] = np.bytes_(b"2012/03/01 13:22:11.000000")
        group.attrs["depth"] = -1.0
        station = group.create_group(STATION)
        station.attrs["types"] = "TRAVTIME.Pg,Sg"
        station.attrs["TRAVTIME.Pg"] = np.bytes_(b"2012/03/01 13:22:14.000000")
        station.attrs["Sg"] = "2012/03/01 13:22:16"
        station.attrs["Sg.dist"] = "40.5"
        station.attrs["Sg.distaz"] = "40.5"
        for name in ("BHE", "BHN", "BHZ"):
            dataset = station.create_dataset(name, data=np.arange(50), compression="gzip")
            dataset.attrs["btime"] = "2012/03/01 13:22:12.000000"
    return path


def test_a_file_without_the_newer_attributes_is_read(toolkit: Path) -> None:
    with open_dataset(toolkit) as dataset:
        record = dataset.event(EVID)
        station = record.stations[STATION]
        component = station.components["BHZ"]
        assert component.read().tolist() == list(range(50))
    assert record.time == ORIGIN
    assert (record.depth_km, record.magnitude, record.longitude_deg) == (None, None, None)
    assert station.picks["TRAVTIME.Pg"] == UTCDateTime(ns=at(3.0))
    assert station.picks["Sg"] == UTCDateTime(ns=at(5.0))
    assert station.distance_km == 40.5
    assert (component.npts, component.delta_s, component.gaps) == (50, 0.01, [])
    assert component.completeness == 1.0
    assert (record.problems, station.problems) == ([], [])


def test_whatever_is_odd_is_a_problem_of_its_record(toolkit: Path) -> None:
    with h5py.File(toolkit, "a") as file:
        file[EVID].create_dataset("stray", data=[1])
        file[EVID].create_group("X1.EMPTY.00")
        station = file[EVID][STATION]
        station.attrs["Pn"] = "soon"
        station.create_dataset("map", data=np.zeros((2, 2)))
        station.create_dataset("BH1", data=[1])
        station["gone"] = h5py.SoftLink("/nowhere")
        station["BHN"].attrs["delta"] = 0.0
    with open_dataset(toolkit) as dataset:
        record = dataset.event(EVID)
    station = record.stations[STATION]
    assert record.problems == ["stray is not a readable group"]
    assert sorted(station.components) == ["BHE", "BHZ"]
    assert list(station.picks) == ["TRAVTIME.Pg", "Sg"]
    words = ("BH1", "BHN: delta 0.0", "gone", "map", "attribute Pn")
    for word in words:
        assert any(word in problem for problem in station.problems), word
    assert len(station.problems) == len(words)
    assert record.stations["X1.EMPTY.00"].picks == {}


def test_an_unknown_event_is_a_key_error(made: Path) -> None:
    with open_dataset(made) as dataset, pytest.raises(KeyError, match="no event 'x'"):
        dataset.event("x")


def test_an_event_that_is_none_is_a_dataset_error(toolkit: Path) -> None:
    with h5py.File(toolkit, "a") as file:
        file["table"] = [1, 2]
        file.create_group("no time")
    with open_dataset(toolkit) as dataset:
        with pytest.raises(DatasetError, match="not a group"):
            dataset.event("table")
        with pytest.raises(DatasetError, match="attribute time"):
            dataset.event("no time")


def test_a_missing_file_is_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_dataset(tmp_path / "missing.h5")


def test_what_is_no_hdf5_is_a_dataset_error(tmp_path: Path) -> None:
    path = tmp_path / "text.h5"
    path.write_text("not HDF5")
    with pytest.raises(DatasetError, match=r"text\.h5 cannot be read as HDF5"):
        open_dataset(path)


def test_a_component_without_begin_has_that_of_another(made: Path) -> None:
    with h5py.File(made, "a") as file:
        for name in ("HHE", "HHN"):
            del file[EVID][STATION][name].attrs["btime"]
    with open_dataset(made) as dataset:
        station = dataset.event(EVID).stations[STATION]
    assert list(station.components) == ["HHE", "HHN", "HHZ"]
    assert len({item.start for item in station.components.values()}) == 1
    assert station.problems == []


def test_a_station_without_any_begin_names_its_components(made: Path) -> None:
    with h5py.File(made, "a") as file:
        for item in file[EVID][STATION].values():
            del item.attrs["btime"]
    with open_dataset(made) as dataset:
        station = dataset.event(EVID).stations[STATION]
    assert (station.components, station.undated) == ({}, ["HHE", "HHN", "HHZ"])
    assert "HHE: no attribute btime" in station.problems
