"""The choices of a data set on real archives: made, accounted for, and checked again."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from credit_fast import makeindex
from credit_fast.account import MakeH5Report
from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.model import Catalog, Event, Pick
from credit_fast.check import testh5
from credit_fast.hdf5 import layout
from credit_fast.making import makeh5
from credit_fast.station_records import Settings
from credit_fast.station_records.noise import is_noise_id
from credit_fast.stations import read_stations
from credit_fast.times import UTCDateTime


def indexed(folder: Path, out: Path) -> Path:
    makeindex([str(folder)], str(out / "index.db"), progress=False)
    return out / "index.db"


def agrees(report: MakeH5Report) -> bool:
    return all(tally.agrees for tally in (*report.levels.values(), *report.picks_by_phase.values()))


def test_all_stations_around_ridgecrest(shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "waveforms" / "ridgecrest-2019-ci"
    index = indexed(data, tmp_path)
    events = read_catalog(shared_data / "catalogs" / "ridgecrest-2019-ci" / "ridgecrest5.pha")
    table = read_stations(shared_data / "stations" / "ridgecrest-2019-ci" / "ridgecrest.loc")
    (tmp_path / "set.toml").write_text(
        'around = "origin"\nbefore_s = 20\nafter_s = 40\nmin_length_s = 80\n'
        'max_distance_km = 120\nall_stations = true\nphases = ["P"]\nmin_picks = 5\n'
        'channels = "HH?,BH?"\ngaps = "split"\nmax_gap_s = 0.1\n'
    )
    chosen = Settings.from_toml(tmp_path / "set.toml")
    out = tmp_path / "out.h5"
    report = makeh5(index, out, events, table, settings=chosen, progress=False)
    assert agrees(report)
    assert report.picks.refused == {"phase not asked for": 231}
    assert not report.has_problems
    with h5py.File(out) as file:
        assert len(file) == len(events)
        groups = [group for evid in file for group in file[evid].values()]
        unpicked = [group for group in groups if group.attrs["types"] == ""]
        lengths = {len(item) for group in unpicked for item in group.values()}
        assert all(group.attrs["dist"] <= 120 for group in unpicked)
    assert len(unpicked) == report.station_records.written - report.picks.written > 0
    assert lengths == {8001}
    checked = testh5(
        out, events, stations=table, index=index, settings=chosen, sample=1000, progress=False
    )
    # A station that the archive does not have lacks its components; nothing else is wrong.
    assert {(item.kind, item.level) for item in checked.findings} == {("missing", "component")}
    assert checked.compared_records >= report.station_records.total - 3
    assert checked.compared_samples > 3_000_000


def test_noise_of_an_hour_in_ghana(shared_data: Path, tmp_path: Path) -> None:
    index = indexed(shared_data / "waveforms" / "ghana-2012-gh", tmp_path)
    begin = UTCDateTime("2012-10-09T12:04:00Z").ns
    pick = Pick("GH", "AKOS", "", "HHZ", "Pg", begin + 1_800 * 10**9)
    events = Catalog("one.pha", [Event("GH.1", "eq", begin, 0.0, 5.6, picks=[pick])])
    chosen = Settings(range_s=30.0, noise=40, noise_seed=3)
    out = tmp_path / "out.h5"
    report = makeh5(index, out, events, settings=chosen, progress=False)
    assert agrees(report)
    assert (report.noise.written, report.events.total) == (40, 1)
    with h5py.File(out) as file:
        begins = {}
        for evid in filter(is_noise_id, file):
            [name] = file[evid]
            begins.setdefault(name, []).append(
                layout.parse_time(file[evid][name]["HHZ"].attrs["btime"])
            )
    assert len(begins) == 6
    for start in begins["GH.AKOS."]:
        assert abs(start + 30 * 10**9 - pick.time_ns) > 330 * 10**9  # type: ignore[operator]
    checked = testh5(out, events, index=index, settings=chosen, progress=False)
    assert checked.is_whole, str(checked)
    assert checked.compared_records == 41


def test_anmo_is_turned_as_obspy_turns_it_and_resampled(shared_data: Path, tmp_path: Path) -> None:
    rotate = pytest.importorskip("obspy.signal.rotate")
    obspy = pytest.importorskip("obspy")
    pytest.importorskip("scipy.signal")
    folder = shared_data / "waveforms" / "anmo-2025-sds"
    index = indexed(folder, tmp_path)
    origin = UTCDateTime("2025-05-02T12:00:00Z")
    pick = Pick("IU", "ANMO", "00", "BHZ", "P", origin.ns)
    events = Catalog("one.pha", [Event("IU.1", "eq", origin.ns, -106.0, 34.0, picks=[pick])])
    lines = ["IU ANMO 00 BH1 328 0", "IU ANMO 00 BH2 58 0"]
    turned = {
        "range_s": 60.0,
        "rate_hz": 40.0,
        "orientations": lines,
        "dtype": "float64",
    }
    report = makeh5(index, tmp_path / "a.h5", events, progress=False, **turned)
    assert (report.components.written, report.turned) == (3, 2)
    stream = obspy.Stream()
    start, end = obspy.UTCDateTime(origin.ns / 1e9 - 60), obspy.UTCDateTime(origin.ns / 1e9 + 60)
    for path in sorted(folder.rglob("*.D.2025.122")):
        stream += obspy.read(str(path), starttime=start, endtime=end, nearest_sample=True)
    one, two, up = (stream.select(channel=f"BH{c}")[0] for c in "12Z")
    theirs = rotate.rotate2zne(up.data, 0, -90, one.data, 328, 0, two.data, 58, 0)
    with h5py.File(tmp_path / "a.h5") as file:
        station = file["IU.1/IU.ANMO.00"]
        for letter, samples in zip("ZNE", theirs, strict=True):
            stored = station[f"BH{letter}"]
            assert stored.attrs["btime"] == layout.format_time(one.stats.starttime.ns)
            assert stored[()] == pytest.approx(samples, rel=1e-9, abs=1e-6)
    options = {"range_s": 60.0, "resample_hz": 100.0, "orientations": lines}
    report = makeh5(index, tmp_path / "b.h5", events, progress=False, **options)
    assert (report.turned, report.resampled, report.wrong_rate) == (2, 3, 0)
    with h5py.File(tmp_path / "b.h5") as file, h5py.File(tmp_path / "a.h5") as before:
        resampled = file["IU.1/IU.ANMO.00/BHE"]
        assert resampled.attrs["resampled_from_hz"] == "40"
        # Each fifth sample of 100 Hz is each second one of 40 Hz.
        ours, theirs = resampled[::5], before["IU.1/IU.ANMO.00/BHE"][::2]
        inner = slice(60, min(len(ours), len(theirs)) - 60)
        spread = np.std(theirs)
        assert np.abs(ours[inner] - theirs[inner]).max() < 0.15 * spread
    checked = testh5(
        tmp_path / "b.h5", events, index=index, settings=Settings(**options), progress=False
    )
    assert checked.is_whole, str(checked)
