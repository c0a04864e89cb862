"""Samples brought to another rate or type: what comes out, what is refused, what is told."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from memory_archive import MemoryArchive, at, catalog, event, noise, pick, three, trace

import credit_fast
from credit_fast.account import MakeH5Report
from credit_fast.check import testh5
from credit_fast.errors import MissingExtraError
from credit_fast.hdf5 import layout
from credit_fast.making import makeh5
from credit_fast.station_records import Settings
from credit_fast.station_records.record import build_record
from credit_fast.station_records.resampling import factor, resample

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"
Z = f"{STATION}.HHZ"
ROW = event(pick("Pg", 3.0))

pytest.importorskip("scipy.signal")


def wave(rate_hz: float, npts: int, hertz: float = 3.0) -> np.ndarray:
    """A sine in counts, whole numbers, with an offset."""
    times = np.arange(npts) / rate_hz
    return np.rint(5000 + 1e5 * np.sin(2 * np.pi * hertz * times)).astype(np.int32)


@pytest.mark.parametrize("rate_hz", [50.0, 200.0, 62.5, 125.0, 80.0, 250.0])
def test_a_wave_keeps_its_shape_and_its_time(make: Any, rate_hz: float) -> None:
    traces = [trace(Z, 0.0, wave(rate_hz, round(8 * rate_hz)), rate_hz)]
    report, file = make(traces, ROW, resample_hz=100.0)
    item = file[EVID][STATION]["HHZ"]
    begin = layout.parse_time(item.attrs["btime"])
    assert (item.attrs["delta"], item.dtype) == (0.01, np.float32)
    assert item.attrs["resampled_from_hz"] == f"{rate_hz:g}"
    times = (begin - at(0)) / 1e9 + np.arange(len(item)) / 100
    expected = 5000 + 1e5 * np.sin(2 * np.pi * 3.0 * times)
    assert np.abs(item[()] - expected).max() < 100  # no edge of a filter in the window
    assert len(item) == 401
    assert abs(begin - at(1.0)) <= 5e6
    assert (report.resampled, report.wrong_rate, report.float_kept) == (1, 0, 0)


def test_what_is_above_the_new_nyquist_frequency_is_gone(make: Any) -> None:
    traces = [trace(Z, 0.0, wave(200.0, 1600, hertz=80.0), 200.0)]
    _, file = make(traces, ROW, resample_hz=100.0)
    data = file[EVID][STATION]["HHZ"][()]
    assert np.abs(data - 5000).max() < 200  # 80 Hz would show as 20 Hz, with 100 000 counts


@pytest.mark.parametrize("rate_hz", [20.0, 40.0, 50.0, 62.5, 250.0, 1.0])
def test_what_the_archive_has_around_the_window_leaves_it_whole(make: Any, rate_hz: float) -> None:
    """At whatever place of the samples the window begins and ends."""
    start_s = -200.0
    traces = [
        trace(f"{STATION}.HH{letter}", start_s, noise(number, round(400 * rate_hz)), rate_hz)
        for number, letter in enumerate("ENZ")
    ]
    draw = np.random.default_rng(1)
    rows = [event(pick("Pg", draw.uniform(3, 30)), evid=f"e{number}") for number in range(12)]
    report, file = make(traces, *rows, resample_hz=100.0)
    assert (report.station_records.written, report.components.written) == (12, 36)
    assert {len(item) for group in file.values() for item in group[STATION].values()} == {401}


def test_a_window_has_the_samples_that_a_wider_one_has(make: Any) -> None:
    data = np.cumsum(noise(1, 3000) / 1e6) * 1000 + 5e5
    found = []
    for range_s in (5.0, 20.0):
        _, file = make(
            [trace(Z, 0.0, data, 50.0)], event(pick("Pg", 30.0)), resample_hz=100.0,
            dtype="float64", range_s=range_s, overwrite=True,
        )  # fmt: skip
        found.append(file[EVID][STATION]["HHZ"][()])
    narrow, wide = found
    # What is left is the ripple of the filter on another line between the ends.
    assert np.abs(narrow - wide[1500:2501]).max() < 1e-4 * np.ptp(data)


def test_a_segment_beside_the_window_gives_no_sample(make: Any) -> None:
    """It is looked at for the filter alone: no component, no refusal, no other rate."""
    traces = [
        trace(Z, 0.0, noise(1, 600)),
        trace(f"{STATION}.HHE", 5.3, noise(2, 100), 50.0),
        trace(f"{STATION}.HHN", 0.0, noise(3, 200), 50.0),
        trace(f"{STATION}.HHN", 5.1, noise(3, 200) / 1e30, 77.77771),
    ]
    report, file = make(traces, ROW, resample_hz=100.0)
    assert list(file[EVID][STATION]) == ["HHN", "HHZ"]
    assert file[EVID][STATION]["HHN"].attrs["resampled_from_hz"] == "50"
    assert report.components.no_data == 1
    assert not report.refusals


def test_data_around_a_window_are_waited_for_and_looked_at_by_update(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    index = tmp_path_factory.mktemp("index") / "index.db"
    data = wave(50.0, 500)
    parts = {
        "in": trace(Z, 0.0, data[:260], 50.0),
        "behind": trace(Z, 5.2, data[260:], 50.0),
    }
    credit_fast.write(parts["in"], folder / "in")
    credit_fast.makeindex(folder, index, progress=False)

    def made(out: Path, **options: Any) -> MakeH5Report:
        return makeh5(
            index, out, catalog(ROW), range_s=2.0, resample_hz=100.0, progress=False, **options
        )

    def samples(out: Path) -> np.ndarray:
        with h5py.File(out) as file:
            return file[EVID][STATION]["HHZ"][()]

    made(tmp_path / "alone.h5")
    made(tmp_path / "both.h5")
    credit_fast.write(parts["behind"], folder / "behind")
    credit_fast.makeindex(folder, index, progress=False)
    assert made(tmp_path / "both.h5", update=True).events_kept == 0
    assert not np.array_equal(samples(tmp_path / "both.h5"), samples(tmp_path / "alone.h5"))
    (folder / "behind").rename(folder.parent / "hidden")
    report = made(tmp_path / "waits.h5")
    assert (report.events_waiting, len(report.damage)) == (1, 1)
    assert np.array_equal(samples(tmp_path / "waits.h5"), samples(tmp_path / "alone.h5"))
    (folder.parent / "hidden").rename(folder / "behind")
    assert made(tmp_path / "waits.h5").events_waiting == 0
    assert np.array_equal(samples(tmp_path / "waits.h5"), samples(tmp_path / "both.h5"))


@pytest.mark.parametrize("by", [Fraction(1, 2), Fraction(2), Fraction(5, 8)])
def test_the_filter_is_flat_to_eight_tenths_and_shut_at_the_nyquist_frequency(by: Fraction) -> None:
    """By the lower Nyquist frequency; 1e-4 is -80 dB."""
    lower = min(1.0, float(by))  # of both rates, in samples of the data
    for share, gain in ((0.4, 1.0), (0.8, 1.0), (1.0, 0.0), (1.1, 0.0)):
        cycles = share * lower / 2
        if cycles >= 0.5:
            continue
        data = np.exp(2j * np.pi * cycles * np.arange(2000))
        samples = resample(data.real, by) + 1j * resample(data.imag, by)
        times = np.arange(len(samples)) / float(by)
        expected = gain * np.exp(2j * np.pi * cycles * times)
        inner = slice(200, -200)
        assert np.abs(samples - expected)[inner].max() < 2e-4


@pytest.mark.parametrize("where", [0, 1, 1000, 1998, 1999])
@pytest.mark.parametrize("by", [Fraction(1, 2), Fraction(2)])
def test_a_sample_that_is_no_number_costs_those_that_are_made_of_it(
    by: Fraction, where: int
) -> None:
    data = 5000.0 + noise(1, 2000) / 1000
    whole = resample(data, by)
    data[where] = np.nan
    samples = resample(data, by)
    times = np.arange(len(samples)) / float(by)
    reach = 33 * max(1.0, 1 / float(by))  # half a filter, and zeros around it, which spread a NaN
    far = np.abs(times - where) > reach
    assert np.isfinite(samples[far]).all()
    assert np.isnan(samples[np.abs(times - where) < 0.9 * reach]).any()
    # Another first or last number gives another line, of which the filter lets a ripple through.
    assert samples[far] == pytest.approx(whole[far], abs=1.0)
    assert np.isnan(resample(np.full(100, np.nan), by)).all()


def test_what_has_the_rate_stays_as_it_is(make: Any) -> None:
    traces = [*three(STATION, 0.0, 600)[:2], trace(Z, 0.0, wave(50.0, 300), 50.0)]
    report, file = make(traces, ROW, resample_hz=100.0)
    station = file[EVID][STATION]
    for item in traces[:2]:
        assert np.array_equal(station[item.stats.channel][()], item.data[100:501])
        assert layout.RESAMPLED_FROM not in station[item.stats.channel].attrs
    assert {len(item) for item in station.values()} == {401}
    assert report.components.written == 3


def test_segments_are_resampled_each_by_itself(make: Any) -> None:
    data = wave(200.0, 1600)
    traces = [
        trace(Z, 0.0, data[:500], 200.0),
        trace(Z, 3.5, np.repeat(data[700], 100), 50.0),
    ]
    _, file = make(traces, ROW, resample_hz=100.0)
    item = file[EVID][STATION]["HHZ"]
    assert item.attrs["gaps"] == "150:100"
    assert item.attrs["resampled_from_hz"] == "200,50"
    assert np.abs(item[260:] - data[700]).max() < 1  # no ringing from before the gap


def test_a_rate_without_a_ratio_of_whole_numbers_is_refused(make: Any) -> None:
    traces = [trace(Z, 0.0, [1, 2, 3], 0.05)]
    report, _ = make(traces, ROW, resample_hz=100.0)
    assert report.components.n_refused == 1
    assert report.wrong_rate == 1


@pytest.mark.parametrize(
    ("rate_hz", "target_hz", "npts", "ratio"),
    [
        (50.0, 100.0, 10**6, Fraction(2)),
        (62.5, 100.0, 10**6, Fraction(8, 5)),
        (33.333333, 100.0, 1000, Fraction(3)),
        (33.333333, 100.0, 10**8, None),
        (0.001, 100.0, 10, None),
        (100.0 * 2**0.5, 100.0, 10**6, None),
        (100.0 * 2**0.5, 100.0, 10**5, Fraction(408, 577)),
    ],
)
def test_ratios_are_small_and_do_not_drift(
    rate_hz: float, target_hz: float, npts: int, ratio: Fraction | None
) -> None:
    assert factor(rate_hz, target_hz, npts) == ratio


@pytest.mark.parametrize("by", [Fraction(2), Fraction(1, 2), Fraction(8, 5), Fraction(3, 7)])
@pytest.mark.parametrize("npts", [1, 2, 7, 100])
def test_a_line_stays_a_line_and_ends_inside(by: Fraction, npts: int) -> None:
    line = 7.0 + 3.0 * np.arange(npts)
    samples = resample(line, by)
    assert len(samples) == (npts - 1) * by // 1 + 1
    assert samples == pytest.approx(7.0 + 3.0 * np.arange(len(samples)) / float(by))


def test_without_scipy_the_run_ends_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "scipy.signal", None)
    with pytest.raises(MissingExtraError, match=r"pip install credit_fast\[resample\]"):
        makeh5(MemoryArchive([]), tmp_path / "o.h5", catalog(ROW), resample_hz=100, progress=False)
    assert not list(tmp_path.iterdir())


def test_testh5_resamples_again(tmp_path: Path) -> None:
    traces = [
        trace(f"{STATION}.HH{letter}", 0.0, noise(number, 400), 50.0)
        for number, letter in enumerate("ENZ")
    ]
    chosen = Settings(range_s=2.0, resample_hz=100.0, dtype="int32")
    archive, out, events = MemoryArchive(traces), tmp_path / "out.h5", catalog(ROW)
    makeh5(archive, out, events, settings=chosen, progress=False)
    assert testh5(out, events, index=archive, settings=chosen, progress=False).is_whole
    other = Settings(range_s=2.0, rate_hz=50.0)
    assert not testh5(out, events, index=archive, settings=other, progress=False).is_whole


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_integers_are_stored_in_the_type_that_is_asked_for(make: Any, dtype: str) -> None:
    traces = three(STATION, 0.0, 600)
    report, file = make(traces, ROW, dtype=dtype)
    for item in traces:
        stored = file[EVID][STATION][item.stats.channel]
        assert stored.dtype == np.dtype(dtype)
        assert np.array_equal(stored[()], item.data[100:501])
    assert report.components.written == 3
    assert not report.float_rounded


def test_floats_are_rounded_to_integers_on_request_and_counted(make: Any) -> None:
    data = np.linspace(-3.0, 3.0, 600)
    report, file = make([trace(Z, 0.0, data)], ROW, dtype="int32")
    assert np.array_equal(file[EVID][STATION]["HHZ"][()], np.rint(data[100:501]))
    assert (report.float_rounded, report.float_kept) == (1, 0)
    notes = {name: remark for name, count, remark in report.notes() if count}
    assert notes["channels of float data"] == "1 rounded"


@pytest.mark.parametrize(
    ("value", "dtype", "reason"),
    [
        (2.0**31, "int32", "samples beyond int32"),
        (-(2.0**31) - 1, "int32", "samples beyond int32"),
        (1e39, "float32", "samples beyond float32"),
        (np.nan, "int32", "samples that are no numbers, for int32"),
        (np.inf, "int32", "samples that are no numbers, for int32"),
    ],
)
def test_samples_that_do_not_fit_refuse_their_component_and_are_not_clipped(
    make: Any, value: float, dtype: str, reason: str
) -> None:
    data = np.linspace(-3.0, 3.0, 600)
    data[300] = value
    traces = [*three(STATION, 0.0, 600)[:2], trace(Z, 0.0, data)]
    report, file = make(traces, ROW, dtype=dtype)
    assert list(file[EVID][STATION]) == ["HHE", "HHN"]
    assert report.components.refused == {reason: 1}
    report, _ = make(traces[2:], ROW, dtype=dtype, overwrite=True)
    assert report.station_records.refused == {reason: 1}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_that_are_no_numbers_are_kept_in_floats(make: Any, dtype: str) -> None:
    data = np.linspace(-3.0, 3.0, 600)
    data[[300, 301, 302]] = [np.inf, -np.inf, np.nan]
    report, file = make([trace(Z, 0.0, data)], ROW, dtype=dtype)
    stored = file[EVID][STATION]["HHZ"]
    assert stored.dtype == np.dtype(dtype)
    assert np.array_equal(stored[()], data[100:501].astype(dtype), equal_nan=True)
    assert report.components.n_refused == 0


@pytest.mark.parametrize("value", [2.0**31 - 1, -(2.0**31), 0.5, 1.5])
def test_the_last_values_that_fit_are_kept(value: float) -> None:
    from credit_fast.station_records.sample_types import apply_dtype

    data = np.full(10, 0.25)
    data[4] = value
    record = build_record([trace(Z, 0.0, data)], (at(0), at(0.09)), Settings())
    assert record is not None
    apply_dtype(record, "int32")
    assert record.components["HHZ"].data[4] == np.rint(value)
