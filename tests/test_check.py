"""testh5: what it finds in whole, incomplete, altered and damaged data sets."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from check_cases import EVID, STATION, check, found, make, small_archive, two_events
from memory_archive import MemoryArchive, catalog, event, pick

from credit_fast.catalogs.model import Catalog
from credit_fast.errors import DatasetError


@pytest.fixture
def archive() -> MemoryArchive:
    """Two stations, one with an overlap and a gap."""
    return small_archive()


@pytest.fixture
def events() -> Catalog:
    """Two events at both stations; some rows without time or repeated."""
    return two_events()


@pytest.fixture
def made(tmp_path: Path, archive: MemoryArchive, events: Catalog) -> Path:
    """The data set of that archive and catalogue."""
    return make(tmp_path / "out.h5", archive, events)


def test_a_whole_file_has_no_findings(
    made: Path, events: Catalog, archive: MemoryArchive, tmp_path: Path
) -> None:
    report = check(made, events, index=archive, stats=tmp_path / "stats.txt")
    assert report.findings == []
    assert report.is_whole
    assert report.found == report.expected
    assert report.expected == {"event": 2, "station record": 4, "component": 12, "pick": 10}
    assert report.components_per_station == {3: 4}
    assert report.components_with_gaps == 2
    assert (report.compared_records, report.compared_samples) == (4, 2 * 3 * (651 + 401))
    text = (tmp_path / "stats.txt").read_text()
    assert text == str(report)
    assert f"{made}: whole" in text


def test_missing_things_are_all_listed_to_the_end(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        del file[EVID]
        del file["second"]["X1.BBB."]
        del file["second"][STATION]["HHN"]
        del file["second"][STATION].attrs["Sg"]
        del file["second"][STATION].attrs["Sn.strs"]
        del file["second"][STATION].attrs["Sg.extra1.strs"]
    report = check(made, events)
    assert sorted(found(report)) == [
        ("missing", "component"),
        ("missing", "event"),
        *[("missing", "pick")] * 3,
        ("missing", "station record"),
    ]
    assert report.components_per_station == {2: 1}
    assert "2 of 3 components (HHE HHZ)" in str(report)
    assert report.found["pick"] == 1


def test_other_times_and_places_are_different(made: Path, events: Catalog) -> None:
    events[0].time_ns += 1000
    events[0].longitude_deg += 0.001
    events[0].depth_km = 5.0
    events[0].picks[0].time_ns = (events[0].picks[0].time_ns or 0) + 1000
    events[1].picks[0].time_ns = None
    report = check(made, events)
    assert found(report) == [("different", "event")] * 3 + [("different", "pick")] * 2
    texts = [item.text for item in report.findings]
    assert texts[0].startswith("time is 2012/03/01 13:22:11.000000, in the catalogue 2012/03/01")
    assert "13:22:14.000000, in the catalogue 2012/03/01 13:22:14.000001" in texts[3]
    assert "the catalogue has none" in texts[4]


def test_what_only_the_file_has_is_listed(made: Path, events: Catalog) -> None:
    fewer = catalog(event(*events[0].picks[:4]))
    report = check(made, fewer)
    assert found(report) == [("extra", "station record"), ("extra", "event")]
    assert [item.place for item in report.findings] == [f"/{EVID}/X1.BBB.", "/second"]


def test_types_must_be_the_pick_rows_in_order(made: Path, events: Catalog) -> None:
    events[0].picks[0], events[0].picks[1] = events[0].picks[1], events[0].picks[0]
    report = check(made, events)
    assert found(report) == [("different", "station record")]


def test_odd_groups_are_findings_and_not_the_end(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        del file[EVID]
        file[EVID] = [1, 2, 3]
        group = file["second"]
        del group[STATION]
        group.create_dataset(STATION, data=[1])
        group["X1.BBB."]["BHE"].attrs["btime"] = "yesterday"
        group["X1.BBB."]["BHN"].attrs["waveform_length_sample"] = 7
        group["X1.BBB."].attrs["P"] = "soon"
        file["loose"] = h5py.SoftLink("/nowhere")
    report = check(made, events)
    assert sorted(found(report)) == [
        ("different", "component"),
        ("different", "pick"),
        ("extra", "event"),
        ("missing", "component"),
        ("unreadable", "event"),
        ("unreadable", "station record"),
        ("unreadable", "station record"),
    ]


def test_components_of_unlike_length_are_different(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        dataset = file[EVID][STATION]["HHE"]
        attrs = dict(dataset.attrs)
        del file[EVID][STATION]["HHE"]
        short = file[EVID][STATION].create_dataset("HHE", data=np.zeros(10, np.int32))
        for name, value in attrs.items():
            short.attrs[name] = value
        short.attrs["waveform_length_sample"] = 10
    report = check(made, events)
    assert found(report) == [("different", "component")]


def test_a_duplicate_event_is_checked_once(made: Path, events: Catalog) -> None:
    events.events.append(copy.deepcopy(events[0]))
    assert check(made, events).is_whole
    assert check(made, events).duplicate_events == 1
    events.events.append(event(pick("P", 9.0)))
    assert found(check(made, events)) == [("different", "event")]


@pytest.mark.parametrize("sample", [0, 12, 320])
def test_one_altered_sample_is_found(
    made: Path, events: Catalog, archive: MemoryArchive, sample: int
) -> None:
    with h5py.File(made, "a") as file:
        file["second"]["X1.BBB."]["BHZ"][sample] += 1
    in_gap = 300 <= sample < 350
    report = check(made, events, index=archive)
    if in_gap:  # BBB has no sample from 4.0 to 4.5 s, the record starts at 1.0 s
        assert report.is_whole
    else:
        assert found(report) == [("different", "samples")]
        assert report.findings[0].text == "BHZ: 1 of 401 samples differ"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("btime", "2012/03/01 13:22:12.010000", "samples differ"),
        ("delta", 0.02, "delta 0.02"),
        ("gaps", "1:2", "gaps 1:2"),
    ],
)
def test_other_attributes_than_the_archive_gives_are_found(
    made: Path, events: Catalog, archive: MemoryArchive, name: str, value: Any, word: str
) -> None:
    with h5py.File(made, "a") as file:
        for dataset in file["second"][STATION].values():
            dataset.attrs[name] = value
    report = check(made, events, index=archive)
    assert ("different", "samples") in found(report)
    assert any(word in item.text for item in report.findings)


def test_a_waveform_that_the_archive_has_and_the_file_lacks_is_found(
    made: Path, events: Catalog, archive: MemoryArchive
) -> None:
    with h5py.File(made, "a") as file:
        for name in ("HHE", "HHN", "HHZ"):
            del file[EVID][STATION][name]
        del file["second"][STATION]["HHN"]
    texts = [item.text for item in check(made, events, index=archive).findings]
    assert "no waveform, but the archive has samples at the picks" in texts
    assert "components HHE HHZ, the archive has HHE HHN HHZ" in texts


def test_a_missing_component_does_not_hide_an_altered_sample(
    made: Path, events: Catalog, archive: MemoryArchive
) -> None:
    with h5py.File(made, "a") as file:
        del file[EVID][STATION]["HHE"]
        file[EVID][STATION]["HHZ"][100] += 1
    report = check(made, events, index=archive)
    (text,) = (item.text for item in report.findings if item.level == "samples")
    assert "the archive has HHE HHN HHZ" in text
    assert "HHZ: 1 of" in text


def test_the_components_of_the_table_add_up(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        del file[EVID][STATION]["HHE"], file[EVID][STATION]["HHN"]
        del file["second"][STATION]
    (row,) = (
        line
        for line in str(check(made, events)).splitlines()
        if line.startswith("components ") and "gaps" not in line
    )
    expected, present, missing = (int(cell) for cell in row.split()[1:4])
    assert expected - present == missing


def test_a_damaged_chunk_is_a_finding(made: Path, events: Catalog, archive: MemoryArchive) -> None:
    with h5py.File(made, "a") as file:
        file[EVID][STATION]["HHZ"].id.write_direct_chunk((0,), b"garbage")
    report = check(made, events, index=archive)
    assert found(report) == [("unreadable", "samples")]
    assert "could not be compared: DatasetError" in report.findings[0].text


def test_the_same_seed_chooses_the_same_records(
    made: Path, events: Catalog, archive: MemoryArchive
) -> None:
    asked = []
    for seed in (5, 5, 0, 1, 2, 3, 4):
        archive.asked.clear()
        assert check(made, events, index=archive, sample=2, seed=seed).compared_records == 2
        asked.append(tuple(archive.asked))
    assert asked[0] == asked[1]
    assert len(set(asked)) > 1


def test_the_report_is_json(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        del file[EVID]
    data = json.loads(json.dumps(check(made, events).to_dict()))
    assert data["levels"]["event"] == {"expected": 2, "found": 1}
    assert data["components_per_station"] == {"0": 0, "1": 0, "2": 0, "3": 2}
    assert data["findings"][0]["kind"] == "missing"
    assert data["is_whole"] is False


def test_a_file_that_cannot_be_checked_raises(tmp_path: Path, events: Catalog) -> None:
    with pytest.raises(FileNotFoundError):
        check(tmp_path / "missing.h5", events)
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(DatasetError):
        check(tmp_path / "text.h5", events)
