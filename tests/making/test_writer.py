"""The makeh5 job: what is in the file (read with plain h5py) and what the account says."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from memory_archive import (
    MemoryArchive,
    at,
    catalog,
    event,
    noise,
    pick,
    three,
    trace,
)
from table_cases import rows

from credit_fast.account import MakeH5Report
from credit_fast.errors import DataWarning, Problem
from credit_fast.hdf5 import layout
from credit_fast.making import makeh5

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"


def counts(report: MakeH5Report, level: str) -> tuple[int, int, int, int]:
    tally = report.levels[level]
    return tally.written, tally.partial, tally.no_data, tally.n_refused


def test_a_whole_station_is_written_sample_by_sample(make: Any) -> None:
    traces = three(STATION, -10.0, 3000)
    report, file = make(traces, event(pick("Pg", 3.0), pick("Sg", 5.0)))
    for item in traces:
        dataset = file[EVID][STATION][item.stats.channel]
        assert dataset.dtype == np.dtype("<i4")
        assert np.array_equal(dataset[()], item.data[1100:1701])
        assert dataset.attrs["delta"] == 0.01
        assert dataset.attrs["btime"] == layout.format_time(at(1.0))
        assert dataset.attrs["waveform_length_sample"] == 601
        assert dataset.attrs["gaps"] == ""
        assert dataset.attrs["completeness"] == 1.0
        assert "subsample_offset_s" not in dataset.attrs
    assert counts(report, "events") == (1, 0, 0, 0)
    assert counts(report, "station records") == (1, 0, 0, 0)
    assert counts(report, "components") == (3, 0, 0, 0)
    assert counts(report, "picks") == (2, 0, 0, 0)
    assert not report.has_problems


def test_event_and_station_attributes_are_those_of_the_catalogue(make: Any) -> None:
    _, file = make([], event(pick("Pg", 3.0), pick("Sg", 5.0)))
    attrs = file[EVID].attrs
    assert attrs["time"] == "2012/03/01 13:22:11.000000"
    assert [attrs[name] for name in ("lat", "lon", "depth", "mag")] == [29.5, 104.5, 4.0, 0.5]
    assert (attrs["type"], attrs["strs"]) == ("eq", "EVENT,X1.201203012122.0001,eq,2012,03,01")
    attrs = file[EVID][STATION].attrs
    assert attrs["types"] == "TRAVTIME.Pg,Sg"
    assert [attrs[name] for name in ("lon", "lat", "elevation")] == [104.0, 29.0, 350.0]
    assert attrs["TRAVTIME.Pg"] == "2012/03/01 13:22:14.000000"
    assert attrs["TRAVTIME.Pg.type"] == "TRAVTIME.Pg"
    assert attrs["TRAVTIME.Pg.phasetype"] == "TRAVTIME"
    assert (attrs["Sg"], attrs["Sg.dist"], attrs["Sg.RMS"]) == (
        "2012/03/01 13:22:16.000000",
        12.5,
        "RMS",
    )


def test_every_text_is_a_variable_length_utf8_scalar(make: Any) -> None:
    _, file = make(three(STATION, 0.0, 500), event(pick("Pg", 3.0)))
    nodes = [file[EVID], file[EVID][STATION], file[EVID][STATION]["HHZ"]]
    for node in nodes:
        for name in node.attrs:
            kind = node.attrs.get_id(name).get_type()
            if kind.get_class() == h5py.h5t.STRING:
                assert kind.is_variable_str()
                assert kind.get_cset() == h5py.h5t.CSET_UTF8
                assert isinstance(node.attrs[name], str)
            assert node.attrs.get_id(name).shape == ()


def test_the_tree_holds_groups_groups_and_datasets_only(make: Any) -> None:
    _, file = make(three(STATION, 0.0, 500), event(pick("P", 3.0), pick("P", 4.0, "X1.BBB..BHZ")))
    assert list(file) == [EVID]
    assert sorted(file[EVID]) == [STATION, "X1.BBB."]
    assert sorted(file[EVID][STATION]) == ["HHE", "HHN", "HHZ"]
    assert len(file[EVID]["X1.BBB."]) == 0
    assert not dict(file.attrs)


@pytest.mark.parametrize("npts", [262_144, 262_145, 600_000])
def test_long_traces_are_read_back_by_h5py(make: Any, npts: int) -> None:
    data = noise(3, npts)
    span = (npts - 1) / 100
    row = event(pick("P", 0.0), pick("S", span))
    _, file = make([trace(f"{STATION}.HHZ", 0.0, data)], row, range_s=0.0, fill=7)
    dataset = file[EVID][STATION]["HHZ"]
    assert np.array_equal(dataset[()], data)
    assert dataset.chunks == (262_144,)
    assert (dataset.shuffle, dataset.compression, dataset.compression_opts) == (True, "gzip", 2)


def test_the_last_chunk_has_its_full_length_and_ends_with_fill(make: Any) -> None:
    data = noise(3, 262_146)
    row = event(pick("P", 0.0), pick("S", 2621.45))
    _, file = make([trace(f"{STATION}.HHZ", 0.0, data)], row, range_s=0.0, fill=-31)
    mask, packed = file[EVID][STATION]["HHZ"].id.read_direct_chunk((262_144,))
    planes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(4, -1)
    chunk = np.ascontiguousarray(planes.T).view("<i4").ravel()
    assert (mask, len(chunk)) == (0, 262_144)
    assert chunk[:2].tolist() == data[-2:].tolist()
    assert set(chunk[2:].tolist()) == {-31}


def test_float_data_stay_floats_and_are_counted(make: Any) -> None:
    data = np.linspace(0, 1, 500, dtype=np.float32)
    traces = [
        trace(f"{STATION}.HHE", 0.0, np.arange(500.0)),
        trace(f"{STATION}.HHN", 0.0, data.astype(np.float64)),
        trace(f"{STATION}.HHZ", 0.0, data),
    ]
    report, file = make(traces, event(pick("P", 3.0)))
    station = file[EVID][STATION]
    assert [station[name].dtype.str for name in station] == ["<i4", "<f8", "<f4"]
    assert np.array_equal(station["HHZ"][()], data[100:])
    assert (report.float_kept, report.float_whole) == (2, 1)
    assert not report.has_problems


def test_a_station_whose_picks_have_no_data_gets_its_group(make: Any) -> None:
    report, file = make([], event(pick("Pg", 3.0)))
    assert file[EVID][STATION].attrs["TRAVTIME.Pg"] == "2012/03/01 13:22:14.000000"
    assert counts(report, "station records") == (0, 0, 1, 0)
    assert counts(report, "components") == (0, 0, 3, 0)
    assert counts(report, "picks") == (0, 0, 1, 0)
    assert counts(report, "events") == (0, 0, 1, 0)
    assert report.has_problems  # not one waveform: most likely the wrong archive


def test_missing_data_alone_are_no_problem(make: Any) -> None:
    traces = [trace(f"{STATION}.HHZ", 2.5, noise(0, 100))]
    report, _ = make(traces, event(pick("P", 3.0), pick("P", 3.0, "X1.BBB.00.HHZ")))
    assert counts(report, "components") == (0, 1, 5, 0)
    assert not report.has_problems


def test_a_short_record_is_partial_with_its_gap_seconds(make: Any) -> None:
    traces = [
        trace(f"{STATION}.HHE", 2.0, noise(0, 101)),
        trace(f"{STATION}.HHZ", 2.0, noise(1, 151)),
    ]
    report, file = make(traces, event(pick("P", 3.0), pick("S", 3.8), pick("Sn", 2.5)))
    # Asked 0.5 to 5.8 s; HHZ has 2.0 to 3.5 s: 1.5 + 2.3 s are missing in the best component.
    assert counts(report, "station records") == (0, 1, 0, 0)
    assert report.station_records.gap_s == pytest.approx(3.8)
    assert report.events.gap_s == pytest.approx(3.8)
    assert counts(report, "components") == (0, 2, 1, 0)
    assert report.components.gap_s == pytest.approx(3.8 + 4.3)
    assert counts(report, "picks") == (2, 1, 0, 0)
    assert report.picks_by_phase["S"].partial == 1
    assert report.channels_with_gaps == 1
    assert file[EVID][STATION]["HHE"].attrs["gaps"] == "101:50"
    assert file[EVID][STATION]["HHE"].attrs["completeness"] == pytest.approx(101 / 151)


def test_a_pick_in_a_gap_is_partial(make: Any) -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, noise(0, 300)),
        trace(f"{STATION}.HHZ", 4.0, noise(1, 300)),
    ]
    report, file = make(traces, event(pick("P", 2.5), pick("S", 3.5)))
    assert counts(report, "picks") == (1, 1, 0, 0)
    assert file[EVID][STATION]["HHZ"].attrs["gaps"] == "250:100"
    assert report.channels_with_gaps == 1


def test_an_overlap_conflict_is_counted(make: Any) -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, np.full(300, 1)),
        trace(f"{STATION}.HHZ", 2.5, np.full(300, 2)),
    ]
    report, _ = make(traces, event(pick("P", 3.0)))
    assert (report.overlap_conflict_channels, report.overlap_conflict_samples) == (1, 50)


def test_only_the_picked_band_is_asked_for(make: Any) -> None:
    traces = three(STATION, 0.0, 500, band="BH")
    report, file = make(traces, event(pick("P", 3.0, f"{STATION}.HHZ")))
    assert list(file[EVID][STATION]) == []
    assert counts(report, "components") == (0, 0, 3, 0)


def test_the_first_picked_band_with_data_is_taken(make: Any) -> None:
    traces = [*three(STATION, 0.0, 500, band="SH"), *three(STATION, 0.0, 500, band="BH")]
    picks = [pick("P", 3.0, f"{STATION}.{channel}") for channel in ("HHZ", "SHZ", "BHN")]
    _, file = make(traces, event(*picks))
    assert list(file[EVID][STATION]) == ["SHE", "SHN", "SHZ"]


def test_no_other_location_stands_in(make: Any) -> None:
    _, file = make(three("X1.AAA.10", 0.0, 500), event(pick("P", 3.0)))
    assert list(file[EVID][STATION]) == []


def test_picks_without_a_channel_take_any_band_and_are_counted(make: Any) -> None:
    traces = [*three(STATION, 0.0, 500, band="AH"), *three(STATION, 0.0, 500, band="BH")]
    report, file = make(traces, event(pick("P", 3.0, f"{STATION}.")))
    assert list(file[EVID][STATION]) == ["BHE", "BHN", "BHZ"]
    assert report.stations_without_channel == 1


def test_a_wrong_rate_is_refused_with_its_reason(make: Any) -> None:
    traces = [trace(f"{STATION}.HHZ", 0.0, noise(0, 1000), 200.0)]
    report, file = make(traces, event(pick("P", 3.0)))
    assert list(file[EVID][STATION]) == []
    assert report.wrong_rate == 1
    assert report.station_records.refused == {"sampling rate 200 Hz, expected 100 Hz": 1}
    reason = "sampling rate 200 Hz, expected 100 Hz"
    assert counts(report, "components") == (0, 0, 2, 1)
    assert report.picks.refused == {reason: 1}
    assert report.picks_by_phase["P"].refused == {reason: 1}
    assert report.events.refused == {reason: 1}
    assert (counts(report, "picks"), counts(report, "events")) == ((0, 0, 0, 1), (0, 0, 0, 1))
    assert report.has_problems


def test_any_rate_is_written_when_asked_for(make: Any) -> None:
    traces = [trace(f"{STATION}.HHZ", 0.0, noise(0, 1000), 200.0)]
    report, file = make(traces, event(pick("P", 3.0)), rate_hz=None)
    assert file[EVID][STATION]["HHZ"].attrs["delta"] == 0.005
    assert report.wrong_rate == 0


def test_a_segment_of_another_rate_is_counted(make: Any) -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, noise(0, 300)),
        trace(f"{STATION}.HHZ", 3.5, noise(0, 300), 200.0),
    ]
    report, file = make(traces, event(pick("P", 3.0)))
    assert len(file[EVID][STATION]["HHZ"]) == 200
    assert report.wrong_rate == 1
    assert counts(report, "components") == (0, 1, 2, 0)
    assert report.has_problems


@pytest.mark.parametrize(("second", "word"), [(1.0, "identical"), (2.0, "different")])
def test_a_duplicate_event_is_refused_and_the_first_kept(
    make: Any, second: float, word: str
) -> None:
    first = event(pick("P", 1.0), line=10)
    again = event(pick("P", second), line=20)
    report, file = make([], first, again)
    assert list(file) == [EVID]
    assert file[EVID][STATION].attrs["P"] == layout.format_time(at(1.0))
    assert report.duplicate_events == 1
    assert report.events.refused == {"duplicate event id": 1}
    reason = report.refusals[0].reason
    assert word in reason
    assert "line 20" in reason
    assert "line 10" in reason
    assert counts(report, "picks") == (0, 0, 1, 1)


@pytest.mark.parametrize("evid", ["", ".", "2012/03"])
def test_an_event_id_that_cannot_name_a_group_is_refused(make: Any, evid: str) -> None:
    report, file = make([], event(pick("P", 1.0), evid=evid), event(pick("P", 1.0)))
    assert list(file) == [EVID]
    assert counts(report, "events") == (0, 0, 1, 1)
    assert counts(report, "picks") == (0, 0, 1, 1)


@pytest.mark.parametrize("code", ["A/A", "A*", "A,B", "A?", "[AB]", ""])
def test_a_station_code_that_no_station_has_is_refused(make: Any, code: str) -> None:
    report, file = make(
        three(STATION, 0.0, 600), event(pick("P", 3.0), pick("P", 3.0, f"X1.{code}.00.HHZ"))
    )
    assert list(file[EVID]) == [STATION]
    assert counts(report, "station records") == (1, 0, 0, 1)
    assert counts(report, "picks")[3] == 1


def test_a_station_without_coordinates_has_none_and_is_counted(make: Any) -> None:
    report, file = make([], event(pick("P", 3.0, "X1.BBB.00.HHZ")))
    attrs = file[EVID]["X1.BBB.00"].attrs
    assert not {"lon", "lat", "elevation"} & set(attrs)
    assert report.stations_without_coordinates == {"X1.BBB.00": 1}


def test_a_pick_without_time_keeps_its_fields_and_is_counted(make: Any) -> None:
    report, file = make(three(STATION, 0.0, 500), event(pick("P", 3.0), pick("Sg", None)))
    attrs = file[EVID][STATION].attrs
    assert "Sg" not in attrs
    assert attrs["Sg.phasetype"] == "TRAVTIME"
    assert attrs["types"] == "P,Sg"
    assert report.picks_without_time == 1
    assert report.picks.refused == {"no time in the catalogue": 1}
    assert len(file[EVID][STATION]["HHZ"]) == 401 - 1  # the archive ends at 4.99 s


def test_a_station_with_timeless_picks_only_has_a_group_and_no_waveform(make: Any) -> None:
    report, file = make(three(STATION, 0.0, 500), event(pick("Sg", None)))
    assert list(file[EVID][STATION]) == []
    assert report.station_records.refused == {"no pick with a usable time": 1}


def test_a_pick_far_from_the_origin_is_kept_out_of_the_window(make: Any) -> None:
    far = pick("Sg", 7200.1)
    report, file = make(three(STATION, 0.0, 500), event(pick("P", 2.0), far))
    attrs = file[EVID][STATION].attrs
    assert "Sg" not in attrs
    assert "Sg.strs" in attrs
    assert report.picks.refused == {"more than 7200 s from the origin": 1}
    assert len(file[EVID][STATION]["HHZ"]) == 401


@pytest.mark.parametrize("first", ["AMPLITUD", "POLARITY", "TRAVTIME"])
def test_other_rows_never_overwrite_the_travel_time(make: Any, first: str) -> None:
    rows = {
        "AMPLITUD": pick("Sg", 9.0, row_type="AMPLITUD"),
        "POLARITY": pick("Sg", 8.0, row_type="POLARITY"),
        "TRAVTIME": pick("Sg", 5.0),
    }
    order = [rows.pop(first), *rows.values()]
    report, file = make([], event(*order))
    attrs = file[EVID][STATION].attrs
    assert attrs["Sg"] == layout.format_time(at(5.0))
    assert attrs["Sg.phasetype"] == "TRAVTIME"
    assert (attrs["Sg.AMP"], attrs["Sg.UPDOWN"], attrs["Sg.RMS"]) == ("21.5", "U", "RMS")
    assert attrs["types"] == "Sg,Sg,Sg"
    extras = [name for name in attrs if "extra" in name]
    assert extras == ["Sg.extra1.strs", "Sg.extra2.strs"]
    assert report.repeated_picks == 2


def test_the_same_phase_twice_keeps_the_first(make: Any) -> None:
    _, file = make([], event(pick("P", 5.0, line=2), pick("P", 6.0, line=3)))
    attrs = file[EVID][STATION].attrs
    assert attrs["P"] == layout.format_time(at(5.0))
    assert attrs["P.extra1.strs"].endswith(",3")


def test_pg_rows_of_each_type_stand_side_by_side(make: Any) -> None:
    picks = [pick("Pg", 3.0, row_type=kind) for kind in ("TRAVTIME", "POLARITY", "AMPLITUD")]
    _, file = make([], event(*picks))
    attrs = file[EVID][STATION].attrs
    assert {"TRAVTIME.Pg", "POLARITY.Pg", "AMPLITUD.Pg"} <= set(attrs)
    assert (attrs["POLARITY.Pg.UPDOWN"], attrs["POLARITY.Pg.CLARITY"]) == ("U", "I")


def test_a_phase_name_that_breaks_readers_leaves_nothing(make: Any) -> None:
    report, file = make([], event(pick("P", 3.0), pick("dist", 3.0)))
    assert file[EVID][STATION].attrs["types"] == "P"
    assert not [name for name in file[EVID][STATION].attrs if name.startswith("dist")]
    assert counts(report, "picks")[3] == 1


def test_what_a_worker_raises_costs_only_its_station(make: Any) -> None:
    traces = three(STATION, 0.0, 600)
    fail: dict[str, BaseException] = {"BAD": RuntimeError("the disk is on fire")}
    row = event(pick("P", 3.0, "X1.BAD.00.HHZ"), pick("P", 3.0))
    report, file = make(traces, row, fail=fail)
    assert len(file[EVID][STATION]) == 3
    assert len(file[EVID]["X1.BAD.00"]) == 0
    assert report.station_records.refused == {"RuntimeError: the disk is on fire": 1}
    assert counts(report, "station records") == (1, 0, 0, 1)
    assert counts(report, "components") == (3, 0, 0, 3)


def test_a_record_that_could_not_be_cut_lacks_all_of_its_window(make: Any) -> None:
    fail: dict[str, BaseException] = {"BAD": RuntimeError("the disk is on fire")}
    report, file = make([], event(pick("P", 3.0, "X1.BAD.00.--")), fail=fail, range_s=8.0)
    assert report.stations_without_channel == 1
    [row] = rows(Path(file.filename).with_suffix(".csv"))
    assert (row["trace_fate"], row["trace_missing_s"]) == ("refused", "16.0")


def test_warnings_about_data_files_are_listed_once(make: Any) -> None:
    fail: dict[str, BaseException] = {"AAA": DataWarning("a/b.mseed: vanished")}
    rows = [event(pick("P", 3.0), evid=f"e{number}") for number in range(5)]
    report, _ = make(three(STATION, 0.0, 500), *rows, fail=fail)
    assert report.damaged_files == ["a/b.mseed: vanished"]
    assert report.has_problems
    assert "a/b.mseed: vanished" in str(report)


def test_the_empty_location_is_one_station_however_it_is_written(make: Any) -> None:
    rows = (pick("P", 3.0, "X1.AAA..HHZ"), pick("S", 3.0, "X1.AAA.--.HHZ"))
    report, file = make(three("X1.AAA.", 0.0, 600), event(*rows))
    assert list(file[EVID]) == ["X1.AAA."]
    assert counts(report, "station records") == (1, 0, 0, 0)


def test_lines_that_the_catalogue_refused_are_in_the_account(tmp_path: Path) -> None:
    events = catalog(event(pick("P", 3.0)))
    events.problems = [
        Problem("events.pha", "no time", "bad-pick", line=7),
        Problem("events.pha", "odd depth", "warning", line=8),
        Problem("events.pha", "same id", "duplicate-event", line=9),
    ]
    report = makeh5(MemoryArchive([]), tmp_path / "out.h5", events, progress=False)
    assert [problem.line for problem in report.catalog_problems] == [7]
    assert [problem.line for problem in report.catalog_warnings] == [8]


def test_the_sums_agree_for_a_catalogue_of_every_oddity(make: Any) -> None:
    good = [pick("Pg", 3.0), pick("Sg", 4.0), pick("Sn", None), pick("Pg", 3.1)]
    odd = [pick("P", 1.0, "X1.BBB.00."), pick("dist", 2.0), pick("S", 9000.0, "X1.A/B.00.HHZ")]
    fail: dict[str, BaseException] = {"CCC": ValueError("no")}
    report, _ = make(
        [*three(STATION, 0.0, 380), trace("X1.BBB.00.EHZ", 0.0, noise(0, 900), 250.0)],
        event(*good, *odd, pick("Pn", 1.0, "X1.CCC.00.HHZ")),
        event(*good),
        event(*odd, evid="a/b"),
        event(evid="no picks"),
        fail=fail,
    )  # the fixture asserts that total = written + partial + no data + refused
    assert report.events.total == 4
    assert report.picks.total == 8 + 4 + 3
    assert report.components.total == 3 * report.station_records.total
    assert sum(tally.total for tally in report.picks_by_phase.values()) == report.picks.total


def test_the_account_is_text_and_json(make: Any) -> None:
    report, _ = make(three(STATION, 0.0, 500), event(pick("Pg", 3.0), pick("Sg", None)))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["levels"]["picks"]["refused_by_reason"] == {"no time in the catalogue": 1}
    assert data["picks_by_phase"]["Pg"]["written"] == 1
    assert data["notes"]["picks without time"] == 1
    text = str(report)
    assert "station records" in text
    assert "refused: pick X1.201203012122.0001/X1.AAA.00 Sg (line 2): no time" in text
