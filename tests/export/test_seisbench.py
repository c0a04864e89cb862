"""The export to SeisBench, read as its documentation says; samples and labels one by one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from check_cases import EVID, STATION
from memory_archive import MemoryArchive, catalog, event, noise, pick, stations, three, trace
from seisbench_reader import Folder

from credit_fast import makeh5, open_dataset
from credit_fast.errors import DatasetError
from credit_fast.export import ExportReport, export_seisbench
from credit_fast.export import seisbench as room
from credit_fast.station_records import Settings


def many(number: int) -> list[Any]:
    """Events with two stations each, a while apart."""
    events = []
    for count in range(number):
        rows = [
            pick("Pg", 3.0 + count),
            pick("Sg", 5.0 + count),
            pick("P", 4.0 + count, "X1.BBB..BHZ"),
        ]
        events.append(event(*rows, evid=f"event{count:03d}"))
    return events


ARCHIVE = MemoryArchive(
    [
        *three(STATION, -10.0, 6000),
        *three("X1.BBB.", -10.0, 6000, band="BH")[1:],
        trace("X1.CCC.00.HHZ", -10.0, np.linspace(0, 1, 6000)),
    ]
)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "out.h5"
    table = stations(STATION, "X1.BBB.")
    makeh5(ARCHIVE, path, catalog(*many(10)), table, range_s=2.0, progress=False)
    return path


def export(source: Any, out: Path, **options: Any) -> ExportReport:
    return export_seisbench(source, out, progress=False, **options)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Iterator[Folder]:
    report = export(made, tmp_path / "sb")
    assert report.agrees and not report.has_problems
    with Folder(tmp_path / "sb") as opened:
        yield opened


def test_every_sample_is_that_of_the_data_set(folder: Folder, made: Path) -> None:
    assert len(folder.rows) == 20
    with open_dataset(made) as dataset:
        for row in folder.rows:
            evid, _, station = row["trace_name_original"].rpartition("/")
            record = dataset.event(evid).stations[station]
            samples = folder.waveform(row)
            assert samples.shape == (3, int(row["trace_npts"]))
            assert samples.dtype == np.int32
            for letter, found in zip("ZNE", samples, strict=True):
                names = [name for name in record.components if name.endswith(letter)]
                expected = record.components[names[0]].read() if names else np.zeros(len(found))
                assert np.array_equal(found, expected)


def test_every_label_is_at_its_pick(folder: Folder, made: Path) -> None:
    with open_dataset(made) as dataset:
        for row in folder.rows:
            evid, _, station = row["trace_name_original"].rpartition("/")
            record = dataset.event(evid).stations[station]
            begin = next(iter(record.components.values())).start
            for phase in ("P", "Pg", "Sg"):
                text = row[f"trace_{phase}_arrival_sample"]
                time = record.phases.get(phase)
                assert (text == "") == (time is None)
                if time is not None:
                    assert float(text) == (time - begin) * 100.0


def test_the_form_is_that_of_the_documentation(folder: Folder) -> None:
    assert sorted(folder.file) == ["data", "data_format"]
    assert folder.data_format() == {
        "dimension_order": "CW",
        "component_order": "ZNE",
        "sampling_rate": 100.0,
        "measurement": "velocity",
        "unit": "counts",
        "instrument_response": "not restituted",
    }
    assert all(folder.file["data_format"][name].shape == () for name in folder.data_format())
    assert next(iter(folder.rows[0])) == "trace_name"
    assert len({row["trace_name"] for row in folder.rows}) == len(folder.rows)
    for block in folder.file["data"].values():
        assert block.ndim == 3
        assert block.chunks == (1, 3, block.shape[2])
        assert (block.shuffle, block.compression) == (True, "gzip")
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "export.report.json",
        "metadata.csv",
        "waveforms.hdf5",
    ]


def test_absent_components_are_zeros_and_told(folder: Folder) -> None:
    row = next(row for row in folder.rows if row["station_code"] == "BBB")
    assert row["trace_components"] == "NZ"
    assert float(row["trace_completeness"]) == pytest.approx(2 / 3)
    assert row["trace_E_completeness"] == ""
    assert not folder.waveform(row)[2].any()
    assert folder.waveform(row)[0].any()


def test_whole_events_are_in_one_set_and_blocks_hold_one_set(folder: Folder) -> None:
    by_event: dict[str, set[str]] = {}
    by_block: dict[str, set[str]] = {}
    for row in folder.rows:
        by_event.setdefault(row["source_id"], set()).add(row["split"])
        by_block.setdefault(row["trace_name"].partition("$")[0], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in by_event.values())
    assert all(len(splits) == 1 for splits in by_block.values())
    counts = [
        sum(splits == {name} for splits in by_event.values()) for name in ("train", "dev", "test")
    ]
    assert counts == [8, 1, 1]


def splits_of(path: Path) -> dict[str, str]:
    with Folder(path) as opened:
        return {row["source_id"]: row["split"] for row in opened.rows}


def test_the_seed_decides_the_sets(made: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        export(made, tmp_path / name, seed=seed, split=(0.5, 0.3, 0.2))
    assert splits_of(tmp_path / "a") == splits_of(tmp_path / "b")
    assert splits_of(tmp_path / "a") != splits_of(tmp_path / "c")
    assert sorted(splits_of(tmp_path / "a").values()) == ["dev"] * 3 + ["test"] * 2 + ["train"] * 5


def test_straight_from_the_archive_the_folder_is_the_same(made: Path, tmp_path: Path) -> None:
    export(made, tmp_path / "a")
    events = catalog(*reversed(many(10)))
    table = stations(STATION, "X1.BBB.")
    report = export(
        ARCHIVE,
        tmp_path / "b",
        catalog=events,
        stations=table,
        settings=Settings(range_s=2.0),
        threads=3,
    )
    assert report.agrees and report.traces == 20
    # The type of a magnitude is in the event line, which is made up in these tests.
    ours = (tmp_path / "a" / "metadata.csv").read_text()
    assert ours == (tmp_path / "b" / "metadata.csv").read_text().replace(",0.5,ML,", ",0.5,,")
    with Folder(tmp_path / "a") as a, Folder(tmp_path / "b") as b:
        assert all(
            np.array_equal(a.waveform(row), b.waveform(other))
            for row, other in zip(a.rows, b.rows, strict=True)
        )


def test_lengths_that_differ_share_a_block_with_their_own_lengths(tmp_path: Path) -> None:
    events = [event(pick("P", 3.0), pick("S", 5.0 + n / 25), evid=f"e{n}") for n in range(5)]
    makeh5(ARCHIVE, tmp_path / "o.h5", catalog(*events), range_s=2.0, progress=False)
    export(tmp_path / "o.h5", tmp_path / "sb", split=(1.0, 0.0, 0.0))
    with Folder(tmp_path / "sb") as opened:
        assert [int(row["trace_npts"]) for row in opened.rows] == [601, 605, 609, 613, 617]
        assert len(opened.file["data"]) == 1
        block = opened.file["data"]["bucket0"]
        assert block.shape == (5, 3, 617)
        assert not block[0][:, 601:].any()
        assert opened.rows[0]["trace_name"] == "bucket0$0,:3,:601"


def test_rates_and_types_have_blocks_of_their_own(tmp_path: Path) -> None:
    archive = MemoryArchive(
        [
            *three(STATION, 0.0, 900),
            trace("X1.BBB..BHZ", 0.0, noise(1, 600), 50.0),
            trace("X1.CCC.00.HNZ", 0.0, np.linspace(0, 1, 900)),
        ]
    )
    rows = [pick("P", 4.0), pick("P", 4.0, "X1.BBB..BHZ"), pick("P", 4.0, "X1.CCC.00.HNZ")]
    rows.append(pick("S", 8.0, "X1.BBB..BHZ"))  # so all have as many samples
    options: dict[str, Any] = {"range_s": 2.0, "rate_hz": None, "progress": False}
    makeh5(archive, tmp_path / "o.h5", catalog(event(*rows)), **options)
    export(tmp_path / "o.h5", tmp_path / "sb")
    with Folder(tmp_path / "sb") as opened:
        assert {row["trace_npts"] for row in opened.rows} == {"401"}
        assert len(opened.file["data"]) == 3
        assert "sampling_rate" not in opened.data_format()
        assert opened.data_format()["measurement"] == "acceleration/velocity"
        rates = [row["trace_sampling_rate_hz"] for row in opened.rows]
        assert rates == ["100.0", "50.0", "100.0"]
        assert opened.rows[1]["trace_P_arrival_sample"] == "100.0"
        kinds = [opened.waveform(row).dtype.str for row in opened.rows]
        assert kinds == ["<i4", "<i4", "<f8"]
    report = export(tmp_path / "o.h5", tmp_path / "f", sample_type="float32", rate_hz=100.0)
    assert report.left_out == {"sampling rate 50 Hz, expected 100 Hz": 1}
    with Folder(tmp_path / "f") as opened:
        assert {opened.waveform(row).dtype.str for row in opened.rows} == {"<f4"}


def test_blocks_are_small_whatever_waits(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(made, tmp_path / "rows", rows_per_block=3, split=(1.0, 0.0, 0.0))
    monkeypatch.setattr(room, "WAITING_BYTES", 30_000)  # four traces
    report = export(made, tmp_path / "bytes", split=(1.0, 0.0, 0.0))
    with Folder(tmp_path / "rows") as a, Folder(tmp_path / "bytes") as b:
        assert max(len(block) for block in a.file["data"].values()) == 3
        assert 1 < max(len(block) for block in b.file["data"].values()) <= 5
        assert report.blocks == len(b.file["data"])
        for row, other in zip(a.rows, b.rows, strict=True):
            assert np.array_equal(a.waveform(row), b.waveform(other))


@pytest.mark.parametrize("level", [None, 1, 9])
def test_compression_changes_no_sample(made: Path, tmp_path: Path, level: int | None) -> None:
    export(made, tmp_path / "a")
    export(made, tmp_path / "b", compression_level=level)
    with Folder(tmp_path / "a") as a, Folder(tmp_path / "b") as b:
        block = b.file["data"]["bucket0"]
        assert block.compression_opts == level
        for row, other in zip(a.rows, b.rows, strict=True):
            assert np.array_equal(a.waveform(row), b.waveform(other))


def test_a_label_needs_a_real_sample(tmp_path: Path) -> None:
    data = noise(4, 900)
    traces = [
        trace(f"{STATION}.HHZ", 0.0, data[:300]),
        trace(f"{STATION}.HHZ", 5.0, data[500:700]),
    ]
    rows = [pick("P", 2.5), pick("S", 4.0), pick("Sn", 7.5)]
    path = tmp_path / "o.h5"
    makeh5(MemoryArchive(traces), path, catalog(event(*rows)), range_s=2.0, progress=False)
    report = export(path, tmp_path / "sb")
    assert (report.labels, report.labels_left_out) == ({"P": 1}, {"S": 1, "Sn": 1})
    with Folder(tmp_path / "sb") as opened:
        (row,) = opened.rows
        assert row["trace_P_arrival_sample"] == "200.0"
        assert row["trace_S_arrival_sample"] == row["trace_Sn_arrival_sample"] == ""
        assert row["path_S_travel_s"] == "4.0"


def test_columns_are_of_the_phases_that_occur(tmp_path: Path) -> None:
    rows = [pick("PmP", 4.0), pick("Sg", 5.0), pick("Pg", 3.0)]
    makeh5(ARCHIVE, tmp_path / "o.h5", catalog(event(*rows)), range_s=2.0, progress=False)
    export(tmp_path / "o.h5", tmp_path / "sb")
    with Folder(tmp_path / "sb") as opened:
        names = [name for name in opened.rows[0] if name.endswith("_arrival_sample")]
        assert names == [f"trace_{phase}_arrival_sample" for phase in ("Pg", "Sg", "PmP")]


BANDS = {
    "most components": (["BHZ", "HHE", "HHN", "HHZ"], "HH", "ENZ"),
    "most components, of less preferred": (["BHN", "BHZ", "HHZ"], "BH", "NZ"),
    "preferred": (["BHZ", "HHZ", "SHZ"], "HH", "Z"),
    "of asked components": (["BHZ", "HH1", "HH2"], "BH", "Z"),
}


@pytest.mark.parametrize(("channels", "band", "letters"), BANDS.values(), ids=BANDS)
def test_of_several_bands_one_is_exported_and_the_row_is_of_that(
    tmp_path: Path, channels: list[str], band: str, letters: str
) -> None:
    path = tmp_path / "o.h5"
    rows = [pick("Pg", 3.0), pick("Sg", 5.0)]
    traces = [trace(f"{STATION}.HHZ", 0.0, noise(3, 900))]
    makeh5(MemoryArchive(traces), path, catalog(event(*rows)), range_s=2.0, progress=False)
    with h5py.File(path, "r+") as file:  # the toolkit put all bands into one group
        station = file[EVID][STATION]
        station.move("HHZ", "whole")
        for number, name in enumerate(channels):
            station.copy("whole", name)
            station[name][:] = noise(number, 601)
            if not name.startswith(band):
                station[name].attrs["gaps"] = "0:300"
            elif name == f"{band}Z":
                station[name].attrs["gaps"] = "100:150,300:301"
        del station["whole"]
        stored = {name: station[name][()] for name in station}
    report = export(path, tmp_path / "sb")
    with Folder(tmp_path / "sb") as opened:
        (row,) = opened.rows
        for letter, samples in zip("ZNE", opened.waveform(row), strict=True):
            expected = stored[band + letter] if letter in letters else np.zeros(601)
            assert np.array_equal(samples, expected)
    assert (row["trace_channel"], row["trace_components"]) == (band, letters)
    assert row["trace_Z_gaps"] == "100:150,300:301"
    assert row["trace_Z_completeness"] == str(1 - 451 / 601)
    assert float(row["trace_completeness"]) == pytest.approx((len(letters) - 451 / 601) / 3)
    assert report.incomplete_traces == 1
    has_sg = len(letters) > 1  # it lies in the gap of Z
    assert (row["trace_Sg_arrival_sample"] != "") == has_sg
    assert report.labels["Sg"] == has_sg


def test_what_was_left_out_is_told_with_its_reason(tmp_path: Path) -> None:
    archive = MemoryArchive(
        [
            *three(STATION, 0.0, 900),
            *[trace(f"X1.DDD..HH{letter}", 0.0, noise(3, 900)) for letter in "12"],
        ]
    )
    rows = [pick("P", 4.0, f"X1.{code}.HHZ") for code in ("AAA.00", "DDD.", "NIL.")]
    path = tmp_path / "o.h5"
    options: dict[str, Any] = {"range_s": 2.0, "components": "12Z", "progress": False}
    makeh5(archive, path, catalog(event(*rows)), **options)
    report = export(path, tmp_path / "sb")
    assert report.agrees and not report.has_problems
    assert report.left_out == {"none of the components ZNE (has HH1 HH2)": 1, "no waveform": 1}
    assert report.examples["no waveform"] == [f"{EVID}/X1.NIL."]
    text = json.loads((tmp_path / "sb" / "export.report.json").read_text())
    assert text["left_out"] == dict(report.left_out)
    assert (text["records"], text["traces"]) == (3, 1)
    export(path, tmp_path / "z12", components="Z12")
    with Folder(tmp_path / "z12") as opened:
        assert opened.data_format()["component_order"] == "Z12"
        row = opened.rows[1]
        assert opened.waveform(row)[1:].any(axis=1).tolist() == [True, True]
        assert (row["trace_1_completeness"], row["trace_Z_completeness"]) == ("1.0", "")


def test_a_damaged_record_costs_itself_only(made: Path, tmp_path: Path) -> None:
    with h5py.File(made, "a") as file:
        dataset = file["event003"][STATION]["HHN"]
        dataset.id.write_direct_chunk((0,), b"not deflated")
        file["event004"][STATION]["HHN"].attrs["btime"] = "2012/03/01 13:22:13.000000"
    report = export(made, tmp_path / "sb")
    assert report.agrees and report.has_problems
    assert report.traces == 18
    assert len(report.problems) == 2
    assert "event003" in report.problems[0] and "unreadable" in report.problems[0]
    assert "components differ in start" in report.problems[1]


def test_a_catalogue_with_refused_events_is_accounted_for(tmp_path: Path) -> None:
    first = event(pick("P", 4.0), pick("P", None, "X1.BBB..BHZ"))
    events = catalog(first, copy.deepcopy(first))
    report = export(ARCHIVE, tmp_path / "sb", catalog=events, settings=Settings(range_s=2.0))
    assert report.agrees and report.has_problems
    assert (report.records, report.traces) == (4, 1)
    assert report.left_out["no pick with a usable time"] == 1
    assert sum(n for reason, n in report.left_out.items() if "duplicate event id" in reason) == 2


def test_nothing_to_export_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o.h5"
    makeh5(MemoryArchive([]), path, catalog(event(pick("P", 4.0))), progress=False)
    before = set(tmp_path.iterdir())
    with pytest.raises(DatasetError, match="none of 1 station records can be exported"):
        export(path, tmp_path / "sb")
    assert set(tmp_path.iterdir()) == before


def test_an_existing_folder_is_replaced_only_if_it_is_an_export(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "sb"
    export(made, target)
    names = set(tmp_path.iterdir())
    before = (target / "metadata.csv").read_bytes()
    with pytest.raises(FileExistsError, match="--overwrite"):
        export(made, target)
    export(made, target, overwrite=True, seed=5)
    assert (target / "metadata.csv").read_bytes() != before
    (target / "thesis.tex").write_text("precious")
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        export(made, target, overwrite=True)
    with pytest.raises(NotADirectoryError):
        export(made, made, overwrite=True)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        export(made, tmp_path / "none" / "sb")
    assert set(tmp_path.iterdir()) == names


def test_a_failure_leaves_the_older_folder(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "sb"
    export(made, target)
    names = set(tmp_path.iterdir())
    before = (target / "metadata.csv").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room._Job, "write_metadata", full)
    with pytest.raises(OSError, match="No space left"):
        export(made, target, overwrite=True, seed=5)
    assert (target / "metadata.csv").read_bytes() == before
    assert set(tmp_path.iterdir()) == names


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"split": (0.8, 0.1)}, "expected three shares"),
        ({"split": (0.8, 0.1, 0.2)}, "sum up to 1"),
        ({"split": (1.2, -0.1, -0.1)}, "from 0 to 1"),
        ({"components": "ZZ"}, "each once"),
        ({"rows_per_block": 0}, "rows_per_block 0"),
        ({"sample_type": "int8"}, "as-is, float32, float64"),
        ({"compression_level": 10}, "expected 1 to 9"),
        ({"stations": "stations.loc"}, "need a catalogue"),
    ],
)
def test_options_are_checked_before_any_work(
    made: Path, tmp_path: Path, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        export(made, tmp_path / "sb", **options)
    assert not (tmp_path / "sb").exists()
