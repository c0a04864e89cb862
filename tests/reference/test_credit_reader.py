"""A data set as the scripts of others read it: plain h5py, no word of this package's reader.

The walk is that of the CREDIT-X1local documentation: every group and attribute, `btime` and each
attribute that ends in Pg or Sg or is named P S Pn Sn through strptime, each with `dist` in its
name through float. The loaders are those of first-motion and picker trainers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest
from memory_archive import MemoryArchive, catalog, event, noise, pick, stations, three, trace

from credit_fast import makeh5

TIME = "%Y/%m/%d %H:%M:%S.%f"
COLORS = {"Pg": "red", "P": "red", "Sg": "blue", "S": "blue", "Pn": "green", "Sn": "orange"}


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A data set with every kind of row, a gap, a component that starts late, unknown numbers."""
    rows = [
        pick("Pg", 3.0),
        pick("Pg", 3.0, row_type="POLARITY"),
        pick("Pg", 3.4, row_type="AMPLITUD"),
        pick("Sg", 5.0),
        pick("Sg", 5.4, row_type="AMPLITUD"),
        pick("Sg", 5.1),
        pick("Pn", 2.9, "X1.BBB..HHZ", distance_km=None),
        pick("Sn", None, "X1.BBB..HHZ"),
        pick("P", 3.0, "X1.NIL.00.HHZ"),
    ]
    unknown = event(*rows)
    unknown.depth_km = unknown.magnitude = None
    traces = [
        *three("X1.AAA.00", 0.0, 900),
        trace("X1.BBB..HHE", 2.013, noise(1, 300)),
        trace("X1.BBB..HHN", 0.0, noise(2, 250)),
        trace("X1.BBB..HHN", 3.5, noise(3, 250)),
        trace("X1.BBB..HHZ", 0.0, np.linspace(0, 1, 900)),
    ]
    path = tmp_path / "odd.h5"
    table = stations("X1.AAA.00")
    makeh5(MemoryArchive(traces), path, catalog(unknown), table, range_s=2.0, progress=False)
    return path


@pytest.fixture(scope="module")
def ridgecrest(
    shared_data: Path,
    build_index: Callable[[Iterable[Path]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The data set of five real events of the 2019 Ridgecrest sequence."""
    name = "ridgecrest-2019-ci"
    index = build_index([shared_data / "waveforms" / name])
    path = tmp_path_factory.mktemp("dataset") / "ridgecrest.h5"
    makeh5(
        index,
        path,
        shared_data / "catalogs" / name / "ridgecrest5.pha",
        shared_data / "stations" / name / "ridgecrest.loc",
        range_s=30.0,
        progress=False,
    )
    return path


def walk(path: Path) -> dict[str, int]:
    """Every attribute of every group, read as the documentation's script reads it."""
    counts = {"events": 0, "stations": 0, "waveforms": 0, "picks": 0, "distances": 0}
    with h5py.File(path, "r") as file:
        for event_key in file:
            group = file[event_key]
            datetime.strptime(group.attrs["time"], TIME)
            for name in ("lat", "lon", "mag", "depth"):
                float(group.attrs[name])
            counts["events"] += 1
            for station_key in group:
                station = group[station_key]
                counts["stations"] += 1
                for name in station.attrs:
                    if name.endswith(("Pg", "Sg")) or name in ("P", "S", "Pn", "Sn"):
                        datetime.strptime(station.attrs[name], TIME)
                        counts["picks"] += 1
                    if "dist" in name:
                        float(station.attrs[name])
                        counts["distances"] += 1
                for channel in station:
                    dataset = station[channel]
                    assert dataset[:].shape == dataset.shape
                    for name in dataset.attrs:
                        if "btime" in name:
                            datetime.strptime(dataset.attrs[name], TIME)
                            counts["waveforms"] += 1
    return counts


def test_the_documentations_script_reads_every_kind_of_row(odd: Path) -> None:
    assert walk(odd) == {
        "events": 1,
        "stations": 3,
        "waveforms": 6,
        "picks": 6,
        "distances": 14,
    }


def test_the_documentations_script_reads_real_events(ridgecrest: Path) -> None:
    assert walk(ridgecrest) == {
        "events": 5,
        "stations": 325,
        "waveforms": 444,
        "picks": 553,
        "distances": 1106,
    }


def test_the_documentations_plot_has_a_trace_and_its_picks_for_each_station(
    ridgecrest: Path, tmp_path: Path
) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    figure, axes = plt.subplots(figsize=(12, 16))
    with h5py.File(ridgecrest, "r") as file:
        group = max(file.values(), key=lambda item: sum(len(station) for station in item.values()))
        begin = datetime.strptime(group.attrs["time"], TIME)
        traces = 0
        for station in group.values():
            for channel in station:
                if not channel.endswith("Z"):
                    continue
                dataset = station[channel]
                first = (datetime.strptime(dataset.attrs["btime"], TIME) - begin).total_seconds()
                wave = dataset[:].astype(float)
                wave -= wave.mean()
                name = sorted(key for key in station.attrs if "dist" in key)[-1]
                distance = float(station.attrs[name])
                seconds = first + np.arange(len(wave)) * dataset.attrs["delta"]
                axes.plot(seconds, wave / np.abs(wave).max() * 2 + distance, color="black", lw=0.3)
                traces += 1
                for key, color in COLORS.items():
                    if key in station.attrs:
                        time = (datetime.strptime(station.attrs[key], TIME) - begin).total_seconds()
                        axes.plot([time, time], [distance - 2, distance + 2], color=color)
    figure.savefig(tmp_path / "event.png", dpi=60)
    colors = [line.get_color() for line in axes.lines]
    assert traces == colors.count("black") > 20
    assert colors.count("red") > 20
    assert colors.count("blue") > 20
    plt.close(figure)


def test_a_pick_lies_at_its_onset_by_the_readers_own_arithmetic(ridgecrest: Path) -> None:
    """index = (pick - btime) * 100, the way known readers compute it: energy grows there."""
    ratios = []
    with h5py.File(ridgecrest, "r") as file:
        for group in file.values():
            for station in group.values():
                if "P" not in station.attrs or "HHZ" not in station:
                    continue
                dataset = station["HHZ"]
                start = datetime.strptime(dataset.attrs["btime"], TIME)
                pick_time = datetime.strptime(station.attrs["P"], TIME)
                index = int((pick_time - start).total_seconds() * 100)
                wave = dataset[:].astype(float)
                wave -= wave[: index - 50].mean()
                ratios.append(
                    wave[index : index + 100].std() / wave[index - 200 : index - 20].std()
                )
    assert len(ratios) > 100
    assert np.median(ratios) > 10


def test_the_picker_trainers_load_three_components_of_one_length(ridgecrest: Path) -> None:
    loaded = 0
    with h5py.File(ridgecrest, "r") as file:
        for group in file.values():
            for station in group.values():
                keys = list(station)
                if len(keys) != 3:
                    assert keys == []
                    continue
                assert [key[-1] for key in keys] == ["E", "N", "Z"]
                assert keys[0][:2] == keys[1][:2] == keys[2][:2]
                data = np.stack([station[keys[0][:2] + letter][()] for letter in "ZNE"])
                assert data.dtype == np.int32
                assert {station[key].attrs["btime"] for key in keys} == {
                    station[keys[0]].attrs["btime"]
                }
                lengths = {int(station[key].attrs["waveform_length_sample"]) for key in keys}
                assert lengths == {data.shape[1]}
                loaded += 1
    assert loaded == 148


def test_the_first_motion_trainers_find_polarity_distance_and_the_vertical(odd: Path) -> None:
    with h5py.File(odd, "r") as file:
        station = next(iter(file.values()))["X1.AAA.00"]
        assert station.attrs["POLARITY.Pg.UPDOWN"] in ("C", "U", "R", "D")
        assert station.attrs["POLARITY.Pg.CLARITY"] in ("I", "M", "E")
        (vertical,) = (key for key in station if "HZ" in key)
        start = datetime.strptime(station[vertical].attrs["btime"], TIME)
        index = (datetime.strptime(station.attrs["POLARITY.Pg"], TIME) - start) / timedelta(
            seconds=0.01
        )
        assert 0 < index < len(station[vertical])
        (last,) = sorted(key for key in station.attrs if "dist" in key)[-1:]
        assert 0 <= float(station.attrs[last]) <= 1000


def test_every_sample_is_what_obspy_reads_from_the_files(
    ridgecrest: Path, shared_data: Path
) -> None:
    """Each component is one stretch of one file, found by ObsPy from `btime` and the length."""
    obspy = pytest.importorskip("obspy")
    files = (shared_data / "waveforms" / "ridgecrest-2019-ci").rglob("*")
    stream = obspy.Stream()
    for file in files:
        if file.is_file():
            stream += obspy.read(str(file), format="MSEED")
    compared = 0
    with h5py.File(ridgecrest, "r") as data_set:
        for group in data_set.values():
            for station_id, station in group.items():
                for channel, dataset in station.items():
                    start = obspy.UTCDateTime(datetime.strptime(dataset.attrs["btime"], TIME))
                    end = start + (len(dataset) - 1) * dataset.attrs["delta"]
                    parts = stream.select(id=f"{station_id}.{channel}").slice(
                        start, end, nearest_sample=True
                    )
                    assert len(parts) == 1
                    offset = dataset.attrs.get("subsample_offset_s", 0.0)
                    assert abs(parts[0].stats.starttime - start - offset) < 2e-6
                    assert np.array_equal(dataset[()], parts[0].data)
                    compared += 1
    assert compared == 444
