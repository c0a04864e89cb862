"""Five real events of the 2019 Ridgecrest sequence: table, account, and the export both ways."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from seisbench_reader import Folder
from table_cases import make_all, rows

import credit_fast
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.export import export_seisbench
from credit_fast.station_records import Settings

NAME = "ridgecrest-2019-ci"


@pytest.fixture(scope="module")
def real(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Catalog, StationTable]:
    """Data set, index, catalogue and stations; account and table lie beside the data set."""
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex([str(shared_data / "waveforms" / NAME)], str(index), progress=False)
    events = credit_fast.read_catalog(shared_data / "catalogs" / NAME / "ridgecrest5.pha")
    table = credit_fast.read_stations(shared_data / "stations" / NAME / "ridgecrest.loc")
    path = tmp_path_factory.mktemp("real") / "out.h5"
    make_all(path, credit_fast.Client(index), events, table, range_s=30.0)
    return path, index, events, table


def test_account_and_table_agree_with_the_file(
    real: tuple[Path, Path, Catalog, StationTable],
) -> None:
    path, _, events, table = real
    report = credit_fast.testh5(path, events, stations=table, progress=False)
    assert [str(item) for item in report.findings if item.level in ("account", "table")] == []
    found = rows(path.with_suffix(".csv"))
    assert report.table_rows == len(found) == 325
    with_data = [row for row in found if row["trace_fate"] in ("written", "partial")]
    assert len(with_data) == sum(row["trace_npts"] != "0" for row in found) == 148


def test_every_exported_sample_is_that_of_plain_h5py(
    real: tuple[Path, Path, Catalog, StationTable], tmp_path: Path
) -> None:
    path, index, events, table = real
    export_seisbench(path, tmp_path / "a", progress=False)
    export_seisbench(
        index,
        tmp_path / "b",
        catalog=events,
        stations=table,
        settings=Settings(range_s=30.0),
        progress=False,
    )
    for name in ("metadata.csv", "waveforms.hdf5"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with Folder(tmp_path / "a") as folder, h5py.File(path) as file:
        assert len(folder.rows) == 148
        for row in folder.rows:
            station = file[row["trace_name_original"]]
            samples = folder.waveform(row)
            for letter, found in zip("ZNE", samples, strict=True):
                names = [name for name in station if name.endswith(letter)]
                expected = station[names[0]][()] if names else np.zeros(len(found), dtype=np.int32)
                assert np.array_equal(found, expected)
        labels = [row for row in folder.rows if row["trace_P_arrival_sample"]]
        assert len(labels) == 147


def test_events_come_apart_into_three_sets(
    real: tuple[Path, Path, Catalog, StationTable], tmp_path: Path
) -> None:
    report = export_seisbench(real[0], tmp_path / "sb", seed=1, progress=False)
    assert dict(report.events_by_split) == {"train": 3, "dev": 1, "test": 1}
    assert sum(report.traces_by_split.values()) == report.traces == 148
    assert report.records == 325
