"""An export in SeisBench's own hands: its `WaveformDataset`, its generator and labellers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_archive import MemoryArchive, catalog, event, noise, pick, three, trace

from credit_fast import makeh5, open_dataset
from credit_fast.export import export_seisbench

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("seisbench", reason="SeisBench is not installed")
    import seisbench.data as sbd
    import seisbench.generate as sbg
    from torch.utils.data import DataLoader

pytestmark = pytest.mark.filterwarnings("ignore")  # what other libraries warn of each other


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data set of odd records, and its export."""
    archive = MemoryArchive(
        [
            *three("X1.AAA.00", -50.0, 20_000),
            *three("X1.001.10", -50.0, 20_000, band="BH")[1:],
            trace("X1.CCC..HHZ", 0.0, noise(5, 700)),
            trace("X1.CCC..HHZ", 9.0, noise(6, 600)),
        ]
    )
    rows = [
        pick("Pg", 3.0),
        pick("Pg", 3.0, row_type="POLARITY"),
        pick("Sg", 5.0054),
        pick("P", 4.0, "X1.001.10.BHZ"),
        pick("P", 4.5, "X1.CCC..HHZ"),
        pick("S", 8.0, "X1.CCC..HHZ"),
    ]
    events = [event(*rows, evid=f"20190704{number:02d}") for number in range(10)]
    folder = tmp_path_factory.mktemp("export")
    makeh5(archive, folder / "out.h5", catalog(*events), range_s=20.0, progress=False)
    export_seisbench(folder / "out.h5", folder / "sb", progress=False)
    return folder / "out.h5", folder / "sb"


@pytest.fixture(scope="module")
def ridgecrest(
    shared_data: Path,
    build_index: Callable[[Iterable[Path]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path]:
    """Five real events of the 2019 Ridgecrest sequence, and their export."""
    name = "ridgecrest-2019-ci"
    folder = tmp_path_factory.mktemp("export")
    makeh5(
        build_index([shared_data / "waveforms" / name]),
        folder / "out.h5",
        shared_data / "catalogs" / name / "ridgecrest5.pha",
        shared_data / "stations" / name / "ridgecrest.loc",
        range_s=30.0,
        progress=False,
    )
    export_seisbench(folder / "out.h5", folder / "sb", progress=False)
    return folder / "out.h5", folder / "sb"


@pytest.fixture(params=["small", "ridgecrest"])
def both(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    made: tuple[Path, Path] = request.getfixturevalue(request.param)
    return made


def expected_samples(record: Any, npts: int) -> np.ndarray:
    found = np.zeros((3, npts), dtype=np.int32)
    for row, letter in enumerate("ZNE"):
        for name, part in record.components.items():
            if name.endswith(letter):
                found[row] = part.read()
    return found


def test_every_trace_is_that_of_the_data_set(both: tuple[Path, Path]) -> None:
    data = sbd.WaveformDataset(both[1])
    assert data.component_order == "ZNE"
    with open_dataset(both[0]) as dataset:
        number = sum(bool(r.components) for e in dataset for r in e.stations.values())
        assert len(data) == number > 0
        for place in range(len(data)):
            samples, metadata = data.get_sample(place)
            evid, _, station = metadata["trace_name_original"].rpartition("/")
            record = dataset.event(evid).stations[station]
            assert np.array_equal(samples, expected_samples(record, metadata["trace_npts"]))
            begin = next(iter(record.components.values())).start
            for phase, time in record.phases.items():
                sample = metadata[f"trace_{phase}_arrival_sample"]
                seconds = (time.ns - begin.ns) / 1e9
                assert np.isnan(sample) or abs(sample - seconds * 100.0) < 1e-6


def test_several_traces_at_once_are_padded(small: tuple[Path, Path]) -> None:
    data = sbd.WaveformDataset(small[1])
    lengths = data["trace_npts"].values
    waves = data.get_waveforms(list(range(len(data))))
    assert waves.shape == (len(data), 3, lengths.max())


def test_codes_and_unknowns_survive_pandas(small: tuple[Path, Path]) -> None:
    data = sbd.WaveformDataset(small[1])
    codes = data["station_location_code"].fillna("").str.lstrip("'")
    assert set(codes) == {"00", "10", ""}
    assert set(data["station_code"].str.lstrip("'")) == {"AAA", "001", "CCC"}
    assert data["source_id"].astype(str).str.startswith("20190704").all()
    labels = data["trace_S_arrival_sample"]
    assert labels.isna().all()  # its time lies in the gap of the only station that has one
    polarity = data["trace_Pg_polarity"][data["station_code"] == "AAA"]
    assert set(polarity) == {"U"}


def test_splits_are_made_of_whole_events(both: tuple[Path, Path]) -> None:
    data = sbd.WaveformDataset(both[1])
    parts = [set(part["source_id"]) for part in data.train_dev_test()]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == data.n_events()


def test_a_data_loader_gives_windows_with_labels_at_the_picks(both: tuple[Path, Path]) -> None:
    data = sbd.WaveformDataset(both[1], sampling_rate=100)
    columns = {
        name: "P" if name.startswith("trace_P") else "S"
        for name in data.metadata.columns
        if name.endswith("_arrival_sample")
    }
    generator = sbg.GenericGenerator(data)
    generator.add_augmentations(
        [
            sbg.WindowAroundSample(
                list(columns), samples_before=500, windowlen=1000, selection="first", strategy="pad"
            ),
            sbg.ChangeDtype(np.float32),
            sbg.Normalize(demean_axis=-1, amp_norm_axis=-1, amp_norm_type="peak"),
            sbg.ProbabilisticLabeller(label_columns=columns, sigma=5, dim=0),
        ]
    )
    place = 0
    for batch in DataLoader(generator, batch_size=8):
        for samples, labels in zip(batch["X"].numpy(), batch["y"].numpy(), strict=True):
            assert samples.shape == labels.shape == (3, 1000)
            assert np.isfinite(samples).all() and np.abs(samples).max() > 0
            metadata = data.metadata.iloc[place]
            times = {
                phase: [
                    metadata[name]
                    for name, kind in columns.items()
                    if kind == phase and not np.isnan(metadata[name])
                ]
                for phase in "PS"
            }
            first = int(min(times["P"] + times["S"]))
            for row, phase in enumerate("PS"):
                inside = [time - first + 500 for time in times[phase] if time - first < 499]
                for time in inside:
                    assert labels[row][round(time)] > 0.9
                if not inside:
                    assert labels[row].max() < 0.01
            place += 1
    assert place == len(data)


def test_another_order_and_rate_are_made_by_seisbench(small: tuple[Path, Path]) -> None:
    data = sbd.WaveformDataset(small[1], component_order="ENZ", sampling_rate=50)
    plain = sbd.WaveformDataset(small[1])
    place = data["station_code"].tolist().index("AAA")
    samples, metadata = data.get_sample(place)
    whole, original = plain.get_sample(place)
    assert samples.shape == (3, (whole.shape[1] + 1) // 2)
    assert metadata["trace_Pg_arrival_sample"] == original["trace_Pg_arrival_sample"] / 2 == 1000
