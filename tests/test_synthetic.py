"""The synthetic archive: physics, determinism, what is wrong on purpose, and the demo command.

The waveforms are read back with `credit_fast.read`; the catalogue with `read_catalog`.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import re
from pathlib import Path

import numpy as np
import pytest

import credit_fast
from credit_fast import synthetic
from credit_fast.catalogs import read_catalog
from credit_fast.cli import demo
from credit_fast.errors import Problem
from credit_fast.geodesy import destination, distance_azimuth
from credit_fast.stations import read_stations
from credit_fast.synthetic import Crust, SyntheticArchive, make_archive, travel_times
from credit_fast.synthetic.verdict import Verdict

SMALL = {"stations": 3, "hours": 1, "events": 4, "seed": 5}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> SyntheticArchive:
    """Three stations, one hour, four events, with faults."""
    return make_archive(tmp_path_factory.mktemp("synthetic") / "small", **SMALL)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> SyntheticArchive:
    """The same without faults."""
    return make_archive(tmp_path_factory.mktemp("synthetic") / "clean", **SMALL, faults=False)


def digest(archive: SyntheticArchive) -> str:
    """One hash of every name and every byte below the archive's folder."""
    total = hashlib.sha256()
    for path in sorted(archive.folder.rglob("*")):
        if path.is_file():
            total.update(path.relative_to(archive.folder).as_posix().encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def trace_of(archive: SyntheticArchive, station_id: str, channel: str) -> np.ndarray:
    """The samples of one channel that has no fault, and nothing else in its file."""
    (path,) = archive.data.rglob(f"{station_id}.{channel}.D.????.???")
    (trace,) = credit_fast.read(path)
    return trace.data.astype(float)


# --- distances ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "distance_km", "azimuth_deg"),
    [
        # Geodesics on the WGS84 ellipsoid.
        ((100.1, 25.7, 97.6052, 26.4135), 261.863, 288.115),
        ((-117.55, 35.746, -116.8632, 36.4652), 100.959, 37.571),
        ((179.9, 0.0, -179.9, 0.1), 24.859, 63.589),
    ],
)
def test_distance_is_within_six_per_mille_of_the_ellipsoid(
    points: tuple[float, float, float, float], distance_km: float, azimuth_deg: float
) -> None:
    distance, azimuth = distance_azimuth(*points)
    assert distance == pytest.approx(distance_km, rel=0.006)
    assert azimuth == pytest.approx(azimuth_deg, abs=0.2)


@pytest.mark.parametrize("azimuth_deg", [0.5, 90.0, 181.0, 325.0])
@pytest.mark.parametrize("distance_km", [0.1, 30.0, 900.0])
def test_destination_is_the_inverse_of_distance_and_azimuth(
    azimuth_deg: float, distance_km: float
) -> None:
    end = destination(179.5, 25.7, azimuth_deg, distance_km)
    assert -180 <= end[0] < 180
    assert distance_azimuth(179.5, 25.7, *end) == pytest.approx((distance_km, azimuth_deg))


def test_a_point_has_no_distance_from_itself() -> None:
    assert distance_azimuth(100.0, 25.0, 100.0, 25.0) == (0.0, 0.0)


# --- travel times ---------------------------------------------------------------------------

ONE_LAYER = Crust(thickness_km=(30.0,), vp_km_s=(6.0, 8.0), vp_vs=1.75)


@pytest.mark.parametrize("depth_km", [0.0, 0.001, 10.0, 29.9])
@pytest.mark.parametrize("distance_km", [0.0, 1.0, 80.0, 400.0])
def test_direct_wave_in_one_layer_is_a_straight_ray(distance_km: float, depth_km: float) -> None:
    times = travel_times(distance_km, depth_km, ONE_LAYER)
    assert times["Pg"] == pytest.approx(math.hypot(distance_km, depth_km) / 6.0, abs=1e-9)
    assert times["Sg"] == pytest.approx(1.75 * times["Pg"], abs=1e-8)


def test_head_wave_in_one_layer_has_the_textbook_time() -> None:
    depth_km, distance_km = 12.0, 250.0
    expected = distance_km / 8.0 + (2 * 30.0 - depth_km) * math.sqrt(1 / 6.0**2 - 1 / 8.0**2)
    times = travel_times(distance_km, depth_km, ONE_LAYER)
    assert times["Pn"] == pytest.approx(expected, abs=1e-9)
    assert times["Sn"] == pytest.approx(1.75 * expected, abs=1e-8)


def test_head_waves_are_there_only_beyond_the_crossover() -> None:
    # Equal times of Pg and Pn from the surface: x = 2 H sqrt((vm + vc) / (vm - vc)).
    crossover_km = 2 * 30.0 * math.sqrt((8.0 + 6.0) / (8.0 - 6.0))
    assert set(travel_times(crossover_km - 0.01, 0.0, ONE_LAYER)) == {"Pg", "Sg"}
    beyond = travel_times(crossover_km + 0.01, 0.0, ONE_LAYER)
    assert set(beyond) == {"Pg", "Sg", "Pn", "Sn"}
    assert beyond["Pn"] < beyond["Pg"]
    assert beyond["Sn"] < beyond["Sg"]


@pytest.mark.parametrize("distance_km", [3.0, 40.0, 160.0])
def test_direct_ray_through_two_layers_takes_the_least_time(distance_km: float) -> None:
    """Fermat: no other point on the boundary gives a faster way up from the lower layer."""
    crust, depth_km = synthetic.CRUST, 33.0
    top_km = crust.thickness_km[0]
    crossing_km = np.linspace(0.0, distance_km, 200_001)
    lower = np.hypot(crossing_km, depth_km - top_km) / crust.vp_km_s[1]
    upper = np.hypot(distance_km - crossing_km, top_km) / crust.vp_km_s[0]
    least = float(np.min(lower + upper))
    assert travel_times(distance_km, depth_km)["Pg"] == pytest.approx(least, abs=1e-6)


def test_impossible_sources_and_crusts_are_refused() -> None:
    with pytest.raises(ValueError, match="Moho"):
        travel_times(10.0, 42.0)
    with pytest.raises(ValueError, match="distance"):
        travel_times(-1.0, 10.0)
    with pytest.raises(ValueError, match="grow downward"):
        Crust((10.0, 20.0), (6.0, 5.5, 8.0))
    with pytest.raises(ValueError, match="3 velocities"):
        Crust((10.0, 20.0), (6.0, 8.0))


# --- the archive ----------------------------------------------------------------------------


def test_same_seed_gives_the_same_bytes_whatever_the_threads(
    archive: SyntheticArchive, tmp_path: Path
) -> None:
    again = make_archive(tmp_path / "again", **SMALL, threads=1)
    assert digest(again) == digest(archive)
    other = make_archive(tmp_path / "other", **SMALL | {"seed": 6})
    assert digest(other) != digest(archive)


def test_files_stand_in_an_sds_tree(archive: SyntheticArchive) -> None:
    form = re.compile(r"2020/XX/(CF0\d)/(HH[ENZ])\.D/XX\.\1\.(00)?\.\2\.D\.2020\.030(\.resent)?")
    names = [path.relative_to(archive.data).as_posix() for path in archive.files]
    assert all(form.fullmatch(name) for name in names), names
    assert len(names) == 3 * 3 + 1
    assert len({name.split(".")[3] for name in names}) == 2  # "00" and the empty location


def test_steim2_takes_little_more_than_one_byte_per_sample(archive: SyntheticArchive) -> None:
    assert 1.0 < archive.n_bytes / archive.n_samples < 1.6


def test_traces_are_whole_days_at_the_asked_rate(clean: SyntheticArchive) -> None:
    assert len(clean.files) == 9
    for path in clean.files:
        (trace,) = credit_fast.read(path)
        assert trace.data.dtype == np.int32
        assert (trace.stats.npts, trace.stats.sampling_rate) == (360_000, 100.0)
        assert trace.stats.starttime.ns == clean.start_ns
        assert trace.stats.endtime.ns == clean.end_ns


def test_noise_has_no_seam_at_midnight(tmp_path: Path) -> None:
    made = make_archive(
        tmp_path / "night", stations=1, hours=0.4, events=1, start="2020-01-30T23:40", faults=False
    )
    for channel in ("HHE", "HHN", "HHZ"):
        before, after = sorted(made.data.rglob(f"*.{channel}.D.2020.*"))
        left, right = credit_fast.read(before)[0], credit_fast.read(after)[0]
        assert right.stats.starttime - left.stats.endtime == pytest.approx(0.01)
        steps = np.abs(np.diff(left.data[-6000:].astype(float)))
        jump = abs(float(right.data[0]) - float(left.data[-1]))
        assert jump < 5 * float(np.sqrt(np.mean(steps**2)))
        # The slow part, too: means over a second on both sides are near each other.
        assert abs(right.data[:100].mean() - left.data[-100:].mean()) < 250


def test_waves_begin_at_the_true_arrival(clean: SyntheticArchive) -> None:
    """The first wave stands out of the noise from its arrival on, and not before."""
    largest = max(clean.events, key=lambda event: event.magnitude)
    for station in clean.stations:
        first = next(a for a in largest.arrivals if a.station == station)
        data = trace_of(clean, station.station_id, "HHZ")
        at = math.ceil((first.time_ns - clean.start_ns) / 10_000_000)
        quiet, loud = data[at - 100 : at], data[at : at + 100]
        assert np.ptp(loud) > 5 * np.ptp(quiet), station.station_id
        # 0.05 s after the onset the first swing is already beyond the noise before it.
        assert np.max(np.abs(data[at : at + 6] - quiet.mean())) > np.max(
            np.abs(quiet - quiet.mean())
        )


def test_first_motion_on_z_has_the_true_sign(clean: SyntheticArchive) -> None:
    largest = max(clean.events, key=lambda event: event.magnitude)
    for arrival in largest.arrivals[:2]:
        if arrival.phase == "Pg":
            data = trace_of(clean, arrival.station.station_id, "HHZ")
            at = math.ceil((arrival.time_ns - clean.start_ns) / 10_000_000)
            swing = data[at + 3 : at + 8] - data[at - 20 : at].mean()
            assert np.all(np.sign(swing) == arrival.polarity)


def test_p_is_largest_on_z_and_s_on_the_horizontals(clean: SyntheticArchive) -> None:
    largest = max(clean.events, key=lambda event: event.magnitude)
    for station in clean.stations[:2]:
        times = {a.phase: a.time_ns for a in largest.arrivals if a.station == station}
        onset = {p: (t - clean.start_ns) // 10_000_000 for p, t in times.items()}
        peaks = {}
        for channel in ("HHZ", "HHN", "HHE"):
            data = trace_of(clean, station.station_id, channel)
            data -= data.mean()
            peaks[channel] = (
                np.max(np.abs(data[onset["Pg"] : onset["Sg"]])),
                np.max(np.abs(data[onset["Sg"] : onset["Sg"] + 1500])),
            )
        assert peaks["HHZ"][0] > max(peaks["HHN"][0], peaks["HHE"][0])
        assert max(peaks["HHN"][1], peaks["HHE"][1]) > peaks["HHZ"][1]


def test_amplitudes_grow_with_magnitude_and_fall_with_distance(tmp_path: Path) -> None:
    made = make_archive(tmp_path / "eight", stations=8, hours=2, events=12, faults=False)
    rows = [
        (event.magnitude, math.log10(arrival.distance_km), math.log10(arrival.amplitude_counts))
        for event in made.events
        for arrival in event.arrivals
        if arrival.phase == "Sg"
    ]
    magnitude, distance, amplitude = np.array(rows).T
    design = np.column_stack((magnitude, distance, np.ones(len(rows))))
    growth, decay, _ = np.linalg.lstsq(design, amplitude, rcond=None)[0]
    assert 0.6 < growth < 1.1
    assert -2.5 < decay < -0.8
    assert sorted({event.magnitude for event in made.events})[:: len(made.events) - 1] == [1.5, 5.0]


def test_picks_are_within_a_twentieth_of_a_second_of_the_truth(archive: SyntheticArchive) -> None:
    errors = [
        abs(arrival.pick_ns - arrival.time_ns)
        for event in archive.events
        for arrival in event.arrivals
        if arrival.pick_ns is not None
    ]
    assert 0 < max(errors) <= 50_000_000
    assert len(set(errors)) > 10


# --- catalogue and stations -----------------------------------------------------------------


def test_catalogue_says_what_the_archive_knows(archive: SyntheticArchive) -> None:
    catalog = read_catalog(archive.catalog)
    assert catalog.problems == []
    assert [e.event_id for e in catalog] == [e.event_id for e in archive.events]
    for read, made in zip(catalog, archive.events, strict=True):
        assert read.time_ns == made.time_ns
        assert (read.magnitude, read.depth_km) == (made.magnitude, made.depth_km)
        rows = [p for p in read.picks if p.row_type == "TRAVTIME"]
        expected = [(a.station.station_id, a.phase, a.pick_ns) for a in made.picks]
        assert [(p.station_id, p.phase, p.time_ns) for p in rows] == expected
        for pick, arrival in zip(rows, made.picks, strict=True):
            assert pick.distance_km == pytest.approx(arrival.distance_km, abs=0.051)


def test_digits_of_an_event_id_are_beijing_time(archive: SyntheticArchive) -> None:
    for event in archive.events:
        digits = (event.time + 8 * 3600).strftime("%Y%m%d%H%M")
        assert event.event_id.split(".")[:2] == ["XX", digits]


def test_polarity_rows_repeat_the_pg_pick_with_its_sign(archive: SyntheticArchive) -> None:
    catalog = read_catalog(archive.catalog)
    rows = [(e.event_id, p) for e in catalog for p in e.picks if p.row_type == "POLARITY"]
    assert len(rows) >= 3
    truth = {
        (event.event_id, a.station.station_id): a
        for event in archive.events
        for a in event.picks
        if a.phase == "Pg"
    }
    for event_id, pick in rows:
        arrival = truth[event_id, pick.station_id]
        assert (pick.phase, pick.time_ns) == ("Pg", arrival.pick_ns)
        assert pick.value1 == ("C" if arrival.polarity > 0 else "D")
        assert pick.value2 in ("I", "M", "E")


def test_one_pick_has_no_time_and_one_station_no_coordinates(archive: SyntheticArchive) -> None:
    catalog = read_catalog(archive.catalog)
    timeless = [(e.event_id, p) for e in catalog for p in e.picks if p.time_ns is None]
    (fault,) = archive.faults_of("pick_without_time")
    assert [(e, p.station_id) for e, p in timeless] == [(fault.event_id, fault.source_id)]
    table = read_stations(archive.station_file)
    assert table.problems == []
    (lost,) = archive.faults_of("station_without_coordinates")
    missing = [
        s.station_id
        for s in archive.stations
        if table.get(s.network, s.station, s.location) is None
    ]
    assert missing == [lost.source_id]


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 3), (3, 2), (5, 7)])
def test_every_station_with_data_keeps_a_timed_pick(tmp_path: Path, shape: tuple[int, int]) -> None:
    """So that each record of the catalogue has a window, however small the archive."""
    stations, events = shape
    made = make_archive(tmp_path / "a", stations=stations, events=events, hours=0.9)
    for event in read_catalog(made.catalog):
        named = {p.station_id for p in event.picks}
        assert named == {p.station_id for p in event.picks if p.time_ns is not None}
    assert len(made.faults) == 6


def test_one_picked_station_has_no_data(archive: SyntheticArchive) -> None:
    (fault,) = archive.faults_of("station_without_data")
    (silent,) = [s for s in archive.stations if not s.has_data]
    assert fault.source_id == silent.station_id
    assert not list(archive.data.rglob(f"*{silent.station}*"))
    assert any(a.station == silent for e in archive.events for a in e.picks)


# --- faults in the waveforms ----------------------------------------------------------------


def test_gap_has_the_promised_place(archive: SyntheticArchive) -> None:
    (fault,) = archive.faults_of("gap")
    before, after = credit_fast.read(fault.path)
    assert before.stats.endtime.ns == fault.start_ns - 10_000_000
    assert after.stats.starttime.ns == fault.end_ns + 10_000_000
    assert fault.end_ns - fault.start_ns == 39_990_000_000


def test_overlap_holds_the_same_samples_twice(archive: SyntheticArchive) -> None:
    (fault,) = archive.faults_of("overlap")
    (again,) = credit_fast.read(fault.path)
    (first,) = credit_fast.read(fault.path.with_suffix(""))
    assert (again.stats.starttime.ns, again.stats.endtime.ns) == (fault.start_ns, fault.end_ns)
    at = (fault.start_ns - first.stats.starttime.ns) // 10_000_000
    np.testing.assert_array_equal(again.data, first.data[at : at + again.stats.npts])


def test_damage_is_one_record_and_nothing_else(
    archive: SyntheticArchive, clean: SyntheticArchive
) -> None:
    (fault,) = archive.faults_of("damaged_record")
    damaged = fault.path.read_bytes()
    whole = (clean.data / fault.path.relative_to(archive.data)).read_bytes()
    assert len(damaged) == len(whole)
    differing = [i for i in range(len(whole)) if whole[i] != damaged[i]]
    assert fault.offset % 512 == 0
    assert fault.offset <= differing[0] <= differing[-1] < fault.offset + fault.length
    (record,) = credit_fast.read(whole[fault.offset : fault.offset + 512])
    assert record.stats.starttime.ns == fault.start_ns
    assert record.stats.endtime.ns == fault.end_ns


def test_every_waveform_fault_lies_near_the_picks_of_its_event(archive: SyntheticArchive) -> None:
    events = {event.event_id: event for event in archive.events}
    for kind in ("gap", "overlap", "damaged_record"):
        (fault,) = archive.faults_of(kind)
        times = [
            a.pick_ns
            for a in events[fault.event_id].picks
            if fault.source_id.startswith(a.station.station_id + ".") and a.pick_ns is not None
        ]
        margin_ns = demo.RANGE_S * 1e9
        assert min(times) - margin_ns < fault.start_ns
        assert fault.end_ns < max(times) + margin_ns


def test_without_faults_nothing_is_planted(clean: SyntheticArchive) -> None:
    assert clean.faults == ()
    assert all(station.has_data and station.listed for station in clean.stations)
    catalog = read_catalog(clean.catalog)
    assert all(p.time_ns is not None for e in catalog for p in e.picks)


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"events": 100}, "at most 9"),
        ({"events": 0}, "at least 1"),
        ({"stations": 0}, "1 to 99"),
        ({"rate_hz": 33.3}, "whole even number"),
        ({"start": "2020-01-30T00:00:00.5"}, "whole second"),
        ({"hours": 0}, "at least 1 s"),
        ({"seed": -1}, "0 or more"),
    ],
)
def test_impossible_arguments_are_refused(
    tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_archive(tmp_path / "new", **SMALL | wrong)
    assert not (tmp_path / "new").exists()


def test_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(FileExistsError, match="not empty"):
        make_archive(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# --- the demo -------------------------------------------------------------------------------


def run_demo(*words: str) -> int:
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    return demo.run(parser.parse_args(words))


@pytest.fixture(scope="module")
def quick_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A quick demo and its exit code."""
    pytest.importorskip("matplotlib", reason="the demo draws pictures")
    folder = tmp_path_factory.mktemp("demo") / "quick"
    return folder, run_demo("--quick", "-o", str(folder))


def test_quick_demo_finds_exactly_what_was_planted(quick_demo: tuple[Path, int]) -> None:
    folder, code = quick_demo
    assert code == 0
    for name in ("index.db", "demo.h5", "stats.txt", "archive/catalog.pha"):
        assert (folder / name).stat().st_size > 0
    for name in ("section.png", "station.png", "overview.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_earlier_demo_is_replaced_only_when_asked(
    quick_demo: tuple[Path, int], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = quick_demo
    before = (folder / "demo.h5").stat().st_mtime_ns
    assert run_demo("--quick", "-o", str(folder)) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "demo.h5").stat().st_mtime_ns == before
    (folder / "notes.txt").write_text("mine")
    assert run_demo("--quick", "-o", str(folder), "--overwrite") == 0
    assert (folder / "demo.h5").stat().st_mtime_ns != before
    assert (folder / "notes.txt").read_text() == "mine"


def test_demo_touches_no_folder_that_is_not_a_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert run_demo("-o", str(tmp_path), "--overwrite") == 2
    assert "not a demo" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_demo_says_which_step_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo("-o", str(tmp_path / "demo"), "--stations", "100") == 2
    assert "step 1" in capsys.readouterr().err


def test_verdict_disagrees_with_an_unplanted_problem(archive: SyntheticArchive) -> None:
    from credit_fast.synthetic.verdict import _damaged_records

    (fault,) = archive.faults_of("damaged_record")
    planted = Problem(path=str(fault.path), reason="", kind="corrupt", offset=fault.offset)
    other = Problem(path=str(archive.files[0]), reason="", kind="corrupt", offset=512)
    assert _damaged_records(archive, [planted]).agrees
    assert not _damaged_records(archive, [planted, other]).agrees
    assert not _damaged_records(archive, []).agrees
    assert not Verdict("testh5", "findings", "none", "one").agrees
