"""testh5: every attribute of events, stations, picks and components against the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from check_cases import EVID, STATION, TABLE, check, found, make, small_archive, two_events
from memory_archive import MemoryArchive, catalog, event, pick, three

from credit_fast.catalogs.model import Catalog, Station, StationTable

FIXED = np.bytes_(b"2012/03/01 13:22:14.000000")


@pytest.fixture
def events() -> Catalog:
    """One event with all kinds of rows at one station."""
    rows = [
        pick("Pg", 3.0),
        pick("Pg", 3.0, row_type="POLARITY"),
        pick("Sg", 5.0),
        pick("Sg", 5.5, row_type="AMPLITUD"),
    ]
    return catalog(event(*rows))


@pytest.fixture
def made(tmp_path: Path, events: Catalog) -> Path:
    """Its data set, whole."""
    path = make(tmp_path / "out.h5", MemoryArchive(three(STATION, 0.0, 900)), events)
    assert check(path, events, stations=TABLE).is_whole
    return path


@pytest.mark.parametrize(
    ("name", "value", "level", "words"),
    [
        ("POLARITY.Pg.UPDOWN", "D", "pick", "POLARITY.Pg.UPDOWN is D, in the catalogue U"),
        ("POLARITY.Pg.CLARITY", "E", "pick", "CLARITY is E"),
        ("POLARITY.Pg", "2012/03/01 13:22:14.000001", "pick", "time is 2012"),
        ("TRAVTIME.Pg", FIXED, "pick", "time is text of fixed length"),
        ("TRAVTIME.Pg", 5.0, "pick", "time is float, expected text"),
        ("TRAVTIME.Pg.distaz", "301.5", "pick", "distaz is 301.5, in the catalogue 12.5"),
        ("TRAVTIME.Pg.distaz", "near", "pick", "distaz is near"),
        ("TRAVTIME.Pg.dist", 12.6, "pick", "dist is 12.6"),
        ("TRAVTIME.Pg.dist", "12.5", "pick", "dist is text, expected float"),
        ("TRAVTIME.Pg.dist", 12, "pick", "dist is integer, expected float"),
        ("TRAVTIME.Pg.azimuth", 12.5, "pick", "azimuth is 12.5"),
        ("Sg.AMP", "99", "pick", "Sg.AMP is 99"),
        ("Sg.phasetype", "AMPLITUD", "pick", "Sg.phasetype is AMPLITUD"),
        ("Sg.strs", "other", "pick", "Sg.strs is other"),
        ("Sg.extra1.strs", "other", "pick", "Sg.extra1.strs is other"),
        ("types", "TRAVTIME.Pg", "station record", "types is "),
    ],
)
def test_a_changed_station_attribute_is_different(
    made: Path, events: Catalog, name: str, value: Any, level: str, words: str
) -> None:
    with h5py.File(made, "a") as file:
        file[EVID][STATION].attrs[name] = value
    report = check(made, events)
    assert found(report) == [("different", level)]
    assert words in report.findings[0].text
    assert report.found["pick"] == 4 - (level == "pick")


def test_every_removed_attribute_of_the_toolkit_is_missing(made: Path, events: Catalog) -> None:
    with h5py.File(made) as file:
        names = [name for name in file[EVID][STATION].attrs if name not in ("lon", "lat")]
    assert len(names) > 30
    for name in names:
        with h5py.File(made, "a") as file:
            value = file[EVID][STATION].attrs[name]
            del file[EVID][STATION].attrs[name]
        report = check(made, events, stations=TABLE)
        assert [item.kind for item in report.findings] == ["missing"], name
        assert f"no attribute {name}" in report.findings[0].text
        with h5py.File(made, "a") as file:
            file[EVID][STATION].attrs[name] = value
    assert check(made, events, stations=TABLE).is_whole


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sn", "2012/03/01 13:22:14.000000"),
        ("PKP", "2012/03/01 13:22:14.000000"),
        ("AMPLITUD.Pg", "soon"),
        ("zdist", 3.0),
        ("Sn.UPDOWN", "C"),
        ("Sg.extra7.strs", "row"),
    ],
)
def test_an_attribute_that_a_reader_would_take_is_extra(
    made: Path, events: Catalog, name: str, value: Any
) -> None:
    with h5py.File(made, "a") as file:
        file[EVID][STATION].attrs[name] = value
    assert ("extra", "pick") in found(check(made, events))


def test_attributes_that_mean_nothing_are_no_fault(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        file[EVID].attrs["comment"] = "good"
        file[EVID][STATION].attrs["comment"] = "good"
        file[EVID][STATION].attrs["list"] = [1, 2]
        file[EVID][STATION]["HHZ"].attrs["unit"] = "counts"
    assert check(made, events).is_whole


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "ep"),
        ("strs", "EVENT"),
        ("mag", 0.6),
        ("mag", 1),
        ("depth", -1.0),
        ("lon", 104.50001),
        ("lat", "29.5"),
        ("time", np.bytes_(b"2012/03/01 13:22:11.000000")),
    ],
)
def test_a_changed_event_attribute_is_different(
    made: Path, events: Catalog, name: str, value: Any
) -> None:
    with h5py.File(made, "a") as file:
        file[EVID].attrs[name] = value
    report = check(made, events)
    assert found(report) == [("different", "event")]
    assert report.findings[0].text.startswith(f"{name} is ")


def test_an_unknown_magnitude_may_be_any_word_for_it_but_no_magnitude(
    made: Path, events: Catalog
) -> None:
    events[0].magnitude = None
    for value, whole in ((np.nan, True), (-9.0, True), (0.5, False)):
        with h5py.File(made, "a") as file:
            file[EVID].attrs["mag"] = value
        assert check(made, events).is_whole is whole


def test_coordinates_are_compared_with_the_station_file(made: Path, events: Catalog) -> None:
    moved = StationTable("stations.loc", [Station("X1", "AAA", "00", 104.0, 29.001, 351.0)])
    assert check(made, events).is_whole
    report = check(made, events, stations=moved)
    assert found(report) == [("different", "station record")] * 2
    texts = [item.text for item in report.findings]
    assert texts[0] == "lat is 29.0, in the catalogue 29.001"
    nowhere = StationTable("stations.loc", [Station("X1", "BBB", "", 104.0, 29.0, 350.0)])
    assert found(check(made, events, stations=nowhere)) == [("extra", "station record")] * 3
    with h5py.File(made, "a") as file:
        del file[EVID][STATION].attrs["elevation"]
    assert found(check(made, events, stations=TABLE)) == [("missing", "station record")]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("gaps", "600:52", "go beyond the 651 samples"),
        ("gaps", "9:5,10:2", "not stretches in order"),
        ("gaps", "-3:5", "not stretches in order"),
        ("gaps", "1:0", "not stretches in order"),
        ("gaps", "5:10", "completeness is 1.0"),
        ("completeness", 0.5, "completeness is 0.5"),
        ("completeness", "all", "completeness is text"),
        ("waveform_length_sample", 650, "waveform_length_sample is 650"),
        ("waveform_length_sample", 651.0, "waveform_length_sample is float"),
        ("btime", np.bytes_(b"2012/03/01 13:22:12.000000"), "btime is text of fixed length"),
        ("delta", "0.01", "delta is text"),
    ],
)
def test_a_component_that_contradicts_itself_is_different(
    made: Path, events: Catalog, name: str, value: Any, word: str
) -> None:
    with h5py.File(made, "a") as file:
        file[EVID][STATION]["HHN"].attrs[name] = value
    report = check(made, events)
    assert found(report) == [("different", "component")]
    assert report.findings[0].place == f"/{EVID}/{STATION}/HHN"
    assert word in report.findings[0].text


@pytest.mark.parametrize("text", ["all", "3", "1:2:3", "1:", "a:b"])
def test_gaps_that_cannot_be_understood_are_unreadable(
    made: Path, events: Catalog, text: str
) -> None:
    with h5py.File(made, "a") as file:
        file[EVID][STATION]["HHN"].attrs["gaps"] = text
    assert ("unreadable", "station record") in found(check(made, events))


@pytest.mark.parametrize(
    ("dtype", "whole"),
    [("i4", True), (">i4", True), ("f4", True), ("f8", True), ("i8", False), ("i2", False)],
)
def test_samples_of_types_that_makeh5_never_writes_are_different(
    made: Path, events: Catalog, dtype: str, whole: bool
) -> None:
    with h5py.File(made, "a") as file:
        station = file[EVID][STATION]
        for name in ("HHE", "HHN", "HHZ"):
            attrs, data = dict(station[name].attrs), station[name][()]
            del station[name]
            station.create_dataset(name, data=data.astype(dtype)).attrs.update(attrs)
    report = check(made, events)
    assert report.is_whole is whole
    if not whole:
        assert found(report) == [("different", "component")] * 3


def test_a_file_of_the_older_toolkit_is_whole(tmp_path: Path) -> None:
    events = two_events()
    events.events = events.events[:1]
    for row in events[0].picks:
        row.raw = f"PHASE,{row.phase},NONE"
    path = make(tmp_path / "old.h5", small_archive(), events)
    with h5py.File(path, "a") as file:
        for station in file[EVID].values():
            for name in list(station.attrs):
                if name.endswith(".azimuth"):
                    del station.attrs[name]
                elif name.endswith(".distaz"):
                    station.attrs[name] = 12.5
                elif name.endswith(".strs") and "extra" not in name:
                    station.attrs[name] = station.attrs[name].replace("NONE", "-123")
            for dataset in station.values():
                for name in list(dataset.attrs):
                    if name not in ("btime", "delta"):
                        del dataset.attrs[name]
    report = check(path, events, index=small_archive())
    assert report.findings == []
    assert report.compared_records == 2


ATTRIBUTES = ("delta", "btime", "waveform_length_sample", "gaps", "completeness")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_that_a_component_lacks_is_missing(
    made: Path, events: Catalog, name: str
) -> None:
    with h5py.File(made, "a") as file:
        del file[EVID][STATION]["HHE"].attrs[name]
    report = check(made, events)
    (finding,) = report.findings
    assert str(finding) == f"missing component /{EVID}/{STATION}/HHE: no attribute {name}"
    assert report.found["component"] == report.expected["component"] == 3
    row = next(line for line in str(report).splitlines() if line.startswith("components "))
    assert row.split() == ["components", "3", "3", "1", "0", "0", "0"]


def test_all_attributes_that_a_component_lacks_are_one_finding(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        for name in ATTRIBUTES:
            del file[EVID][STATION]["HHZ"].attrs[name]
    (finding,) = check(made, events).findings
    assert finding.text == f"no attribute {', '.join(ATTRIBUTES)}"


def test_a_station_without_any_begin_lacks_attributes_and_no_component(
    made: Path, events: Catalog
) -> None:
    with h5py.File(made, "a") as file:
        for dataset in file[EVID][STATION].values():
            del dataset.attrs["btime"]
    report = check(made, events)
    assert [str(item) for item in report.findings] == [
        f"missing component /{EVID}/{STATION}/{name}: no attribute btime"
        for name in ("HHE", "HHN", "HHZ")
    ]
    assert report.components_per_station == {3: 1}


def test_the_first_components_tell_who_made_the_file(made: Path, events: Catalog) -> None:
    """Without one of the newer attributes in any component it is of the toolkit, which had none."""
    with h5py.File(made, "a") as file:
        for event in file.values():
            for station in event.values():
                for dataset in station.values():
                    for name in ("waveform_length_sample", "gaps", "completeness"):
                        del dataset.attrs[name]
    assert check(made, events).is_whole
    with h5py.File(made, "a") as file:
        file[EVID][STATION]["HHN"].attrs["gaps"] = ""
    assert len(check(made, events).findings) == 3
