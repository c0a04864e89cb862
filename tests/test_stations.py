"""The station table: its lines, its lookup, and what is said about damaged lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from credit_fast.catalogs import read_catalog
from credit_fast.errors import CatalogError
from credit_fast.stations import PROBLEM_KINDS, Station, StationTable, read_stations

Parse = Callable[..., StationTable]

LINE = "GX   BSS 00  106.5565   23.8951    179 GX.BSS"


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    """Write lines to a file and read it."""

    def read(*lines: str, encoding: str = "utf-8") -> StationTable:
        path = tmp_path / "stations.loc"
        path.write_bytes("\n".join(lines).encode(encoding))
        table = read_stations(path)
        assert {problem.kind for problem in table.problems} <= set(PROBLEM_KINDS)
        return table

    return read


def test_quoted_lines_give_their_fields(parse: Parse) -> None:
    table = parse(
        LINE,
        "AH A0004 40 117.3518  31.7213    -7 AH.A0004.40 # ...",
        "SC AXX 00 110.00 38.00 1000.00",
    )
    assert list(table) == [
        Station("GX", "BSS", "00", 106.5565, 23.8951, 179.0, 1),
        Station("AH", "A0004", "40", 117.3518, 31.7213, -7.0, 2),
        Station("SC", "AXX", "00", 110.0, 38.0, 1000.0, 3),
    ]
    assert (len(table), table.problems) == (3, [])
    assert "3 stations, 0 problems" in str(table)


def test_comments_blank_lines_tabs_and_carriage_returns_are_no_stations(parse: Parse) -> None:
    table = parse("# NET STA", "\r", "  # more", LINE.replace(" ", "\t") + "\r", "#GX X 00 1 2 3")
    assert [station.elevation_m for station in table] == [179.0]
    assert table.problems == []


def test_two_dashes_or_an_absent_code_are_the_empty_location(parse: Parse) -> None:
    table = parse(
        "CI CCA -- -118.0165 35.1525 710 CI.CCA.",
        "GX BSS 106.5565 23.8951 179 GX.BSS",
        "GX ABC 106.5565 23.8951 179",
    )
    assert [station.location for station in table] == ["", "", ""]
    assert [station.longitude_deg for station in table] == [-118.0165, 106.5565, 106.5565]


def test_long_location_code_is_no_longitude_where_the_line_is_complete(parse: Parse) -> None:
    (station,) = parse("SC AXX 110 38 10 1000")
    assert (station.location, station.longitude_deg, station.elevation_m) == ("110", 38, 1000)


def test_get_takes_the_exact_code_first(parse: Parse) -> None:
    table = parse("A B 00 1 1 1", "A B 10 2 2 2", "A B -- 3 3 3")
    for location, elevation in (("00", 1), ("10", 2), ("", 3), ("--", 3)):
        found = table.get("A", "B", location)
        assert found is not None
        assert found.elevation_m == elevation


def test_get_falls_back_to_the_empty_location_and_then_to_the_first_line(parse: Parse) -> None:
    table = parse("A B 00 1 1 1", "A B 10 2 2 2", "A B -- 3 3 3", "A C 20 4 4 4", "A C 10 5 5 5")
    assert table.get("A", "B", "99") == table.stations[2]
    assert table.get("A", "C", "") == table.stations[3]
    assert table.get("A", "D", "00") is None
    assert table.get("B", "B", "00") is None


def test_duplicate_line_with_another_place_is_reported_and_the_first_is_kept(parse: Parse) -> None:
    table = parse(LINE, LINE, LINE.replace("179", "180"))
    assert [station.elevation_m for station in table] == [179.0]
    assert [(problem.kind, problem.line) for problem in table.problems] == [
        ("duplicate-station", 3)
    ]
    assert "line 1" in table.problems[0].reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("GX BSS 00", "3 words"),
        ("GX BSS 00 106.5565 23.8951", "5 words"),
        ("GX BSS 00 106.5565 23.8951 GX.BSS", "expected a finite number"),
        ("GX BSS 00 106.5565 23.8951 NONE", "elevation NONE"),
        ("GX BSS 00 106.5565 23.8951 nan", "finite"),
        ("GX BSS 00 106.5565 23.8951 179000", "elevation 179000"),
        ("GX BSS 00 23.8951 106.5565 179", "swapped"),
        ("GX BSS 00 106.5565 123.8951 179", "latitude 123.895"),
        ("GX BSS 00 400 23.8951 179", "longitude 400"),
        ("GX BSS 00 inf 23.8951 179", "finite"),
        ("GX B/S 00 106.5565 23.8951 179", "station code"),
        ("GX B.S 00 106.5565 23.8951 179", "station code"),
    ],
)
def test_damaged_line_is_refused_with_its_reason_and_the_rest_is_kept(
    parse: Parse, line: str, reason: str
) -> None:
    table = parse(line, "A B 00 1 1 1")
    assert [station.network for station in table] == ["A"]
    (problem,) = table.problems
    assert (problem.kind, problem.line) == ("bad-station", 1)
    assert reason in problem.reason


def test_gb18030_names_behind_the_numbers_do_no_harm(parse: Parse) -> None:
    table = parse(LINE + " 百色", "# 广西", encoding="gb18030")
    assert (len(table), table.problems) == (1, [])


def test_file_without_a_station_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "none.loc"
    path.write_text("")
    with pytest.raises(CatalogError, match=r"none\.loc holds no station .*empty.*NET STA LOC"):
        read_stations(path)
    path.write_text("#EVENT\nPHASE SC\n")
    with pytest.raises(CatalogError, match=r"first of 1 problems.*'PHASE SC'"):
        read_stations(path)
    for text, words in (
        ("<?xml version='1.0'?>\n<FDSNStationXML schemaVersion='1.2'>", "XML.*read_inventory"),
        ("\ufeff<html>", "it is XML, which is not read here\\)"),
        ("#Network|Station|Location|Channel\nCI|CCA||HHE\n", "table of an FDSN service"),
    ):
        path.write_text(text)
        with pytest.raises(CatalogError, match=words):
            read_stations(path)
    with pytest.raises(FileNotFoundError):
        read_stations(tmp_path / "missing.loc")
    with pytest.raises(ValueError, match="'xml': expected one of table"):
        read_stations(path, format="xml")


def test_ridgecrest_table_is_read_whole_and_equals_the_stationxml(shared_data: Path) -> None:
    folder = shared_data / "stations" / "ridgecrest-2019-ci"
    table = read_stations(folder / "ridgecrest.loc")
    assert (len(table), table.problems) == (34, [])
    obspy = pytest.importorskip("obspy")
    known = {
        f"{network.code}.{station.code}": station
        for network in obspy.read_inventory(str(folder / "stations_selected.xml"))
        for station in network
    }
    compared = 0
    for station in table:
        other = known.get(f"{station.network}.{station.station}")
        if other is not None:
            compared += 1
            assert station.longitude_deg == pytest.approx(other.longitude, abs=1e-3)
            assert station.latitude_deg == pytest.approx(other.latitude, abs=1e-3)
            assert station.elevation_m == pytest.approx(other.elevation, abs=1)
    assert compared > 0


def test_ridgecrest_distances_agree_with_the_coordinates_of_the_table(shared_data: Path) -> None:
    geodetics = pytest.importorskip("obspy.geodetics")
    table = read_stations(shared_data / "stations" / "ridgecrest-2019-ci" / "ridgecrest.loc")
    folder = shared_data / "catalogs" / "ridgecrest-2019-ci"
    compared = 0
    for event in read_catalog(folder / "ridgecrest5.pha"):
        for pick in event.picks:
            place = table.get(pick.network, pick.station, pick.location)
            if place is None or pick.distance_km is None:
                continue
            metres, azimuth, _ = geodetics.gps2dist_azimuth(
                event.latitude_deg, event.longitude_deg, place.latitude_deg, place.longitude_deg
            )
            compared += 1
            assert pick.distance_km == pytest.approx(metres / 1000, abs=0.2)
            assert pick.azimuth_deg is not None
            assert abs((pick.azimuth_deg - azimuth + 180) % 360 - 180) < 1.5
    assert compared > 100
