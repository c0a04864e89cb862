"""The table beside a data set: what its cells say, and how it is continued."""

from __future__ import annotations

import copy
import csv
import io
import random
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from check_cases import EVID, STATION, TABLE, small_archive, two_events
from memory_archive import MemoryArchive, at, catalog, event, noise, pick, stations, three, trace
from table_cases import make_all, rows

from credit_fast.account import table as table_module
from credit_fast.account.accounting import RecordFate
from credit_fast.account.table import PHASES, TableWriter, read_table, table_columns
from credit_fast.account.trace_row import Waveform, code_cell
from credit_fast.check import testh5
from credit_fast.station_records.cut import StationCut
from credit_fast.station_records.plan import StationPlan


def table_of(tmp_path: Path, traces: list[Any], *events: Any, **options: Any) -> list[dict]:
    options = {"range_s": 2.0, "places": stations(STATION)} | options
    make_all(tmp_path / "out.h5", MemoryArchive(traces), catalog(*events), **options)
    return rows(tmp_path / "out.csv")


def test_a_row_says_what_the_record_holds(tmp_path: Path) -> None:
    rows_of = [
        pick("Pg", 3.0),
        pick("Pg", 3.0, row_type="POLARITY", value1="R"),
        pick("Sg", 5.0054),
        pick("PmP", 4.0),
    ]
    (row,) = table_of(tmp_path, three(STATION, 0.0, 900), event(*rows_of))
    assert row["trace_name"] == f"{EVID}/{STATION}"
    assert row["trace_start_time"] == "2012-03-01T13:22:12.000000Z"
    assert (row["trace_sampling_rate_hz"], row["trace_npts"]) == ("100.0", "602")
    assert (row["trace_channel"], row["trace_components"]) == ("HH", "ENZ")
    assert (row["trace_category"], row["source_type"]) == ("earthquake", "eq")
    assert (row["trace_completeness"], row["trace_Z_completeness"]) == ("1.0", "1.0")
    assert row["trace_Pg_arrival_sample"] == "200.0"
    assert row["trace_Sg_arrival_sample"] == "400.54"
    assert row["trace_Pg_polarity"] == "D"
    assert row["trace_P_arrival_sample"] == row["trace_Sg_polarity"] == ""
    assert row["trace_other_arrivals"] == "PmP:300.0"
    assert row["path_Sg_travel_s"] == "5.0054"
    assert (row["trace_fate"], row["trace_fate_reason"], row["trace_missing_s"]) == (
        "written",
        "",
        "0.0",
    )
    assert row["source_origin_time"] == "2012-03-01T13:22:11.000000Z"
    assert [row[f"source_{name}"] for name in ("latitude_deg", "longitude_deg", "depth_km")] == [
        "29.5",
        "104.5",
        "4.0",
    ]
    assert (row["source_magnitude"], row["source_magnitude_type"]) == ("0.5", "ML")
    assert (row["path_ep_distance_km"], row["path_azimuth_deg"]) == ("12.5", "301.5")
    assert row["path_back_azimuth_deg"] == "40.98"  # from (104, 29) to (104.5, 29.5)
    assert row["station_elevation_m"] == "350.0"


def test_gaps_and_absent_components_are_in_the_completeness(tmp_path: Path) -> None:
    data = noise(1, 900)
    traces = [
        trace(f"{STATION}.HHE", 0.0, data),
        trace(f"{STATION}.HHZ", 0.0, data[:300]),
        trace(f"{STATION}.HHZ", 4.0, data[400:]),
    ]
    (row,) = table_of(tmp_path, traces, event(pick("P", 3.0)))
    assert row["trace_components"] == "EZ"
    assert row["trace_Z_gaps"] == "200:100"
    assert (row["trace_N_completeness"], row["trace_N_gaps"]) == ("", "")
    npts = int(row["trace_npts"])
    assert float(row["trace_Z_completeness"]) == pytest.approx(1 - 100 / npts)
    assert float(row["trace_completeness"]) == pytest.approx((2 * npts - 100) / (3 * npts))


def test_every_record_of_the_catalogue_has_a_row(tmp_path: Path) -> None:
    first = event(pick("P", 3.0), pick("P", 3.0, "X1.NIL.00.HHZ"), pick("P", 3.0, "X1.B/D.00.HHZ"))
    again = copy.deepcopy(first)
    table = table_of(tmp_path, three(STATION, 2.0, 100), first, again)
    assert [(row["station_code"], row["trace_fate"], row["trace_npts"]) for row in table] == [
        ("AAA", "partial", "100"),
        ("NIL", "no data", "0"),
        ("B/D", "refused", "0"),
        *[(code, "refused", "0") for code in ("AAA", "NIL", "B/D")],
    ]
    assert [bool(row["trace_name"]) for row in table] == [True, True] + [False] * 4
    assert "holds a character" in table[2]["trace_fate_reason"]
    assert "duplicate event id" in table[3]["trace_fate_reason"]
    assert table[1]["trace_start_time"] == table[1]["trace_P_arrival_sample"] == ""
    assert table[1]["path_P_travel_s"] == "3.0"


def test_unknown_is_an_empty_cell(tmp_path: Path) -> None:
    unknown = event(pick("P", 3.0, distance_km=None))
    unknown.picks[0].azimuth_deg = None
    unknown.depth_km = unknown.magnitude = None
    unknown.magnitude_type = ""
    (row,) = table_of(tmp_path, [], unknown, places=None)
    for name in ("source_depth_km", "source_magnitude", "source_magnitude_type"):
        assert row[name] == ""
    for name in ("ep_distance_km", "azimuth_deg", "back_azimuth_deg"):
        assert row[f"path_{name}"] == ""
    for name in ("latitude_deg", "longitude_deg", "elevation_m"):
        assert row[f"station_{name}"] == ""
    assert not {"-1", "-1.0", "-123.0", "nan"} & set(row.values())


def test_a_distance_that_no_row_states_comes_from_the_coordinates(tmp_path: Path) -> None:
    (row,) = table_of(tmp_path, [], event(pick("P", 3.0, distance_km=None)))
    assert row["path_ep_distance_km"] == "73.784"


def test_the_time_of_an_amplitude_is_no_arrival(tmp_path: Path) -> None:
    rows_of = [pick("Pg", 3.4, row_type="AMPLITUD"), pick("Sg", 5.0)]
    (row,) = table_of(tmp_path, three(STATION, 0.0, 900), event(*rows_of))
    assert row["trace_Pg_arrival_sample"] == ""
    assert row["trace_Sg_arrival_sample"] != ""


@pytest.mark.parametrize("first", [0, 1])
def test_the_arrival_of_pg_is_that_of_its_traveltime_row(tmp_path: Path, first: int) -> None:
    """Both rows have keys of their own, `TRAVTIME.Pg` and `POLARITY.Pg`."""
    rows_of = [pick("Pg", 3.0), pick("Pg", 3.5, row_type="POLARITY")]
    picked = event(*rows_of[first:], *rows_of[:first])
    (row,) = table_of(tmp_path, three(STATION, 0.0, 900), picked)
    assert row["trace_Pg_arrival_sample"] == "200.0"
    assert row["path_Pg_travel_s"] == "3.0"


def test_without_a_traveltime_row_the_polarity_has_the_arrival(tmp_path: Path) -> None:
    rows_of = [pick("Pg", 3.5, row_type="POLARITY")]
    (row,) = table_of(tmp_path, three(STATION, 0.0, 900), event(*rows_of))
    assert row["path_Pg_travel_s"] == "3.5"


def test_a_polarity_beside_an_arrival_is_its_first_motion(tmp_path: Path) -> None:
    rows_of = [pick("P", 3.0), pick("P", 3.0, row_type="POLARITY", value1="C")]
    (row,) = table_of(tmp_path, [], event(*rows_of))
    assert row["trace_P_polarity"] == "U"


def test_a_pick_outside_of_the_waveform_keeps_its_number(tmp_path: Path) -> None:
    (row,) = table_of(tmp_path, three(STATION, 4.0, 100), event(pick("P", 3.0)))
    assert row["trace_P_arrival_sample"] == "-100.0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00", "'00"),
        ("10", "10"),
        ("38443183", "38443183"),
        ("0038443183", "'0038443183"),
        ("1E5", "'1E5"),
        ("1E", "1E"),
        ("NA", "'NA"),
        ("NAN", "NAN"),
        ("nan", "'nan"),
        ("INF", "'INF"),
        ("TRUE", "'TRUE"),
        ("AAA", "AAA"),
        ("", ""),
    ],
)
def test_codes_that_pandas_would_not_keep_are_marked(text: str, expected: str) -> None:
    assert code_cell(text) == expected


def test_a_reason_that_pandas_would_not_keep_is_marked(tmp_path: Path) -> None:
    """What an archive of others raises can be any text."""
    cut = StationCut(StationPlan("X1", "AAA", "00", at(0)), refusal="0012")
    with (tmp_path / "out.csv").open("w+b") as file:
        table = TableWriter(file)
        for reason in ("0012", "nan", "no data at all"):
            table.write(event(), cut, None, RecordFate("refused", reason=reason))
    found = [row["trace_fate_reason"] for row in rows(tmp_path / "out.csv")]
    assert found == ["'0012", "'nan", "no data at all"]


def test_a_location_is_marked_whenever_it_is_a_number(tmp_path: Path) -> None:
    rows_of = [pick("P", 3.0, f"X1.AAA.{code}.HHZ") for code in ("00", "10", "", "A1")]
    table = table_of(tmp_path, [], event(*rows_of))
    assert [row["station_location_code"] for row in table] == ["'00", "'10", "", "A1"]


def test_letters_of_components_are_marked_where_they_are_a_number(tmp_path: Path) -> None:
    """Beside the empty cell of a record without a waveform, 12 would become 12.0."""
    traces = [trace(f"{STATION}.HH{c}", 0.0, noise(1, 900)) for c in "12"]
    row = event(pick("P", 3.0), pick("P", 3.0, "X1.NIL.00.HHZ"))
    table = table_of(tmp_path, traces, row, components="12")
    assert [item["trace_components"] for item in table] == ["'12", ""]
    assert [item["trace_channel"] for item in table] == ["HH", ""]


def test_a_table_is_continued_where_it_ended(tmp_path: Path) -> None:
    from credit_fast.account import MakeH5Report
    from credit_fast.station_records import Settings
    from credit_fast.station_records.cut import cut_station
    from credit_fast.station_records.plan import plan_events

    archive, settings = small_archive(), Settings(range_s=2.0)
    report = MakeH5Report("out.h5", "events.pha", 2.0, 100.0)
    cuts = [
        (plan.event, cut_station(archive, station, settings))
        for plan in plan_events(two_events())
        for station in plan.stations
    ]
    fates = [report.count_station("", cut, coordinates=False) for _, cut in cuts]

    def write(file: Any, numbers: range) -> int:
        table = TableWriter(file)
        for number in numbers:
            table.write(*cuts[number], None, fates[number])
        return table.flush()

    with (tmp_path / "whole.csv").open("wb") as file:
        write(file, range(4))
    with (tmp_path / "parts.csv").open("w+b") as file:
        kept = write(file, range(2))
        write(file, range(2, 4))
        file.truncate(kept)
        file.write(b"")
        file.seek(kept)
        write(file, range(2, 4))
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert len(rows(tmp_path / "whole.csv")) == 4


def test_columns_are_those_asked_for_each_once() -> None:
    columns = table_columns("Z12", ("PKP",))
    assert "trace_2_gaps" in columns and "trace_E_gaps" not in columns
    assert "trace_PKP_arrival_sample" in columns and "trace_Pg_arrival_sample" not in columns
    assert len(set(columns)) == len(columns)
    assert all(f"trace_{phase}_status" in table_columns() for phase in PHASES)
    with pytest.raises(ValueError, match="each once"):
        TableWriter(io.BytesIO(), phases=("P", "P"))


def test_sample_numbers_are_those_of_whole_microseconds(tmp_path: Path) -> None:
    """As the data set has them: the table can be checked from the file alone."""
    row = event(pick("P", 3.0))
    row.picks[0].time_ns = at(3.0) + 1_234_567
    traces = [trace(f"{STATION}.HHZ", 0.000_000_4, np.arange(900, dtype=np.int32))]
    (found,) = table_of(tmp_path, traces, row)
    assert found["trace_start_time"] == "2012-03-01T13:22:12.000000Z"
    assert found["trace_P_arrival_sample"] == "200.1235"


@pytest.mark.parametrize(
    ("sample", "is_real"),
    [
        (-0.51, False), (-0.5, True), (99.4989, True), (99.499, False),
        (149.4989, False), (149.499, True), (199.4989, True), (199.499, False),
    ],
)  # fmt: skip
def test_half_way_between_samples_the_later_one_is_nearest(sample: float, is_real: bool) -> None:
    """As in a record that is cut: half way, and a thousandth of a sample before."""
    waveform = Waveform(at(0), 1.0, 200, {"HHZ": [(100, 50)]})
    assert waveform.has_sample_at(at(sample)) is is_real


def read(text: str) -> list[tuple[int, dict[str, str]]]:
    return list(read_table(io.StringIO(text, newline="")))


def test_any_cells_that_csv_writes_are_read_back_with_the_last_line_of_their_row() -> None:
    chance = random.Random(1)
    table = [
        ["".join(chance.choices("ab,\"\n;' ", k=chance.randrange(6))) for _ in range(4)]
        for _ in range(500)
    ]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([["k", "l", "m", "n"], *table])
    found = read(text.getvalue())
    assert [list(row.values()) for _, row in found] == table
    lines = accumulate((1 + sum(cell.count("\n") for cell in row) for row in table), initial=1)
    assert [number for number, _ in found] == list(lines)[1:]
    assert read("a,b\r\n1,2\r\n") == [(2, {"a": "1", "b": "2"})]
    assert read("a,b\n1,2") == [(2, {"a": "1", "b": "2"})]


def test_a_cell_is_longer_than_the_limit_that_csv_has_for_the_process() -> None:
    limit = csv.field_size_limit()
    long = ",".join(f"{n}:1" for n in range(limit))
    assert read(f'a,b\n"{long}",2\n') == [(2, {"a": long, "b": "2"})]
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "it is empty"),
        ("\n", "it is empty"),
        ("a,b\n1,2\n1\n", "line 3: 1 cells, expected 2"),
        ("a,b\n1,2,\n", "line 2: 3 cells, expected 2"),
        ('a,b\n1,x"y"\n', "line 2: cell 2 has a quote in its middle"),
        ('a,b\n"1"x,2\n', "line 2: cell 1 has a quote in its middle"),
        ('a,b\n1,2\n"1,2\n1,2\n', "line 4: the file ends before the row ends"),
        ('a,b\n"1,2\n' + "1,2\n" * 300, "line 251: more than 1000 characters come before"),
    ],
)
def test_what_is_no_row_is_told_with_its_line(
    text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "_MAX_ROW", 1000)
    with pytest.raises(ValueError, match=f"^{expected}"):
        read(text)


def test_a_component_of_very_many_gaps_is_compared_with_its_file(tmp_path: Path) -> None:
    data = np.ma.masked_array(noise(1, 60_001), mask=np.arange(60_001) % 2 == 1)
    broken = trace(f"{STATION}.HHZ", 0.0, noise(1, 60_001))
    broken.data = data
    events = catalog(event(pick("P", 0.0), pick("S", 600.0)))
    source = MemoryArchive([*three(STATION, 0.0, 60_001)[:2], broken])
    make_all(tmp_path / "out.h5", source, events, stations(STATION), range_s=0.0)
    report = testh5(tmp_path / "out.h5", events, stations=stations(STATION), progress=False)
    assert [str(item) for item in report.findings] == []
    with (tmp_path / "out.csv").open(newline="") as file:
        [(_, row)] = read_table(file)
    assert row["trace_Z_gaps"].count(":") == 30_000
    assert len(row["trace_Z_gaps"]) > csv.field_size_limit()


def test_the_table_of_a_small_data_set(tmp_path: Path) -> None:
    make_all(tmp_path / "out.h5", small_archive(), two_events(), TABLE, range_s=2.0)
    table = rows(tmp_path / "out.csv")
    assert [row["trace_name"] for row in table] == [
        f"{EVID}/{STATION}",
        f"{EVID}/X1.BBB.",
        f"second/{STATION}",
        "second/X1.BBB.",
    ]
    assert table[1]["station_location_code"] == ""
    assert table[1]["trace_channel"] == "BH"


def test_noise_has_no_source(tmp_path: Path) -> None:
    quiet = event(pick("P", 3.0))
    quiet.event_type = "noise"
    (row,) = table_of(tmp_path, three(STATION, 0.0, 900), quiet)
    assert (row["trace_category"], row["source_id"]) == ("noise", EVID)
    filled = {name for name in row if name.startswith(("source_", "path_")) and row[name]}
    assert filled == {"source_id", "source_type", "path_P_travel_s"}
