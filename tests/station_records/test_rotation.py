"""Components 1 and 2 turned to E and N by given orientations, and by nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_archive import MemoryArchive, at, catalog, event, noise, pick, three, trace

from credit_fast.check import testh5
from credit_fast.errors import CatalogError
from credit_fast.hdf5 import layout
from credit_fast.making import makeh5
from credit_fast.station_records import Settings
from credit_fast.station_records.cut import cut_station
from credit_fast.station_records.orientations import Orientations
from credit_fast.station_records.plan import plan_event

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"
ROW = event(pick("Pg", 3.0))


def raw(letters: str = "12Z", npts: int = 600) -> list[Any]:
    return [
        trace(f"{STATION}.HH{letter}", 0.0, noise(number, npts))
        for number, letter in enumerate(letters)
    ]


def axes(one: float, two: float, *more: str, dip: float = 0.0) -> list[str]:
    return [f"X1 AAA 00 HH1 {one} {dip}", f"X1 AAA 00 HH2 {two} {dip}", *more]


def test_without_orientations_nothing_is_turned_or_renamed(make: Any) -> None:
    report, file = make(raw(), ROW)
    assert list(file[EVID][STATION]) == ["HHZ"]
    assert report.other_orientations == {"HH1": 1, "HH2": 1}


def test_axes_along_north_and_east_are_renamed_to_the_last_bit(make: Any) -> None:
    traces = raw()
    report, file = make(traces, ROW, orientations=axes(180.0, 90.0))
    station = file[EVID][STATION]
    assert list(station) == ["HHE", "HHN", "HHZ"]
    assert station["HHN"].dtype == station["HHE"].dtype == np.int32
    assert np.array_equal(station["HHN"][()], -traces[0].data[100:501])
    assert np.array_equal(station["HHE"][()], traces[1].data[100:501])
    assert np.array_equal(station["HHZ"][()], traces[2].data[100:501])
    assert station["HHN"].attrs["rotated_from"] == "HH1"
    assert "rotated_from" not in station["HHZ"].attrs
    assert (report.components.written, report.turned) == (3, 2)
    assert not report.other_orientations


def test_turned_samples_are_those_of_the_other_base(make: Any) -> None:
    traces = raw()
    _, file = make(traces, ROW, orientations=axes(30.0, 120.0))
    station, (one, two) = file[EVID][STATION], (item.data[100:501] for item in traces[:2])
    sine, cosine = np.sin(np.pi / 6), np.cos(np.pi / 6)
    assert station["HHN"].dtype == np.float32
    assert station["HHN"][()] == pytest.approx(cosine * one - sine * two, rel=1e-6, abs=0.1)
    assert station["HHE"][()] == pytest.approx(sine * one + cosine * two, rel=1e-6, abs=0.1)
    assert station["HHE"].attrs["rotated_from"] == "HH1,HH2"


def test_integers_on_request_are_rounded_and_no_float_data(make: Any) -> None:
    report, file = make(raw(), ROW, orientations=axes(30.0, 120.0), dtype="int32")
    assert {item.dtype for item in file[EVID][STATION].values()} == {np.dtype(np.int32)}
    assert (report.float_kept, report.float_rounded, report.turned) == (0, 0, 2)


def test_a_gap_of_one_is_a_gap_of_all_that_are_made_of_it(make: Any) -> None:
    traces = raw()
    data = traces[0].data
    traces[0:1] = [
        trace(f"{STATION}.HH1", 0.0, data[:200]),
        trace(f"{STATION}.HH1", 2.5, data[250:]),
    ]
    report, file = make(traces, ROW, orientations=axes(30.0, 120.0), fill=7)
    station = file[EVID][STATION]
    assert [station[name].attrs["gaps"] for name in ("HHE", "HHN", "HHZ")] == [
        "100:50",
        "100:50",
        "",
    ]
    assert set(station["HHE"][100:150]) == {7}
    assert report.components.gap_s == pytest.approx(1.0)
    _, file = make(traces, ROW, orientations=axes(0.0, 90.0), overwrite=True)
    assert [file[EVID][STATION][name].attrs["gaps"] for name in ("HHE", "HHN")] == ["", "100:50"]


def test_east_and_north_of_the_archive_stay_as_they_are(make: Any) -> None:
    traces = [*three(STATION, 0.0, 600), *raw("12")]
    report, file = make(traces, ROW, orientations=axes(30.0, 120.0))
    for item in traces[:3]:
        stored = file[EVID][STATION][item.stats.channel]
        assert np.array_equal(stored[()], item.data[100:501])
    assert report.turned == 0


def test_another_station_of_the_table_gives_no_orientation(make: Any) -> None:
    lines = [line.replace("AAA", "BBB") for line in axes(0, 90)]
    _, file = make(raw(), ROW, orientations=lines)
    assert list(file[EVID][STATION]) == ["HHZ"]


@pytest.mark.parametrize(
    ("letters", "lines", "reason"),
    [
        ("1Z", axes(0, 90), "HH2: no data"),
        ("12Z", axes(10, 12), "their orientations span 0.035 of what right angles do"),
        ("12", axes(0, 90, dip=5.0), "they are not level, and there is no Z"),
    ],
)
def test_what_cannot_be_turned_is_refused_and_a_vertical_stays(
    make: Any, letters: str, lines: list[str], reason: str
) -> None:
    report, file = make(raw(letters), ROW, orientations=lines)
    assert list(file[EVID][STATION]) == (["HHZ"] if "Z" in letters else [])
    assert report.components.refused == {f"cannot be turned to E and N: {reason}": 2}


def test_a_refused_horizontal_refuses_what_would_be_made_of_it(make: Any) -> None:
    traces = raw()
    traces[0] = trace(f"{STATION}.HH1", 0.0, noise(1, 1200), 200.0)
    report, _ = make(traces, ROW, orientations=axes(0, 90))
    reason = "cannot be turned to E and N: HH1: sampling rate 200 Hz, expected 100 Hz"
    assert report.components.refused == {reason: 2}


@pytest.mark.parametrize(("one", "two", "lost"), [(0.0, 90.0, 1), (30.0, 120.0, 2)])
def test_a_refused_part_of_a_horizontal_is_told_of_what_is_made_of_it(
    make: Any, one: float, two: float, lost: int
) -> None:
    traces = raw()
    traces[0].data = traces[0].data[:400]
    traces.append(trace(f"{STATION}.HH1", 4.01, noise(5, 100), 50.0))
    report, file = make(traces, ROW, orientations=axes(one, two))
    assert list(file[EVID][STATION]) == ["HHE", "HHN", "HHZ"]
    reason = "sampling rate 50 Hz, expected 100 Hz (HH1)"
    assert [str(item) for item in report.refusals] == [
        f"part of component {EVID}/{STATION}/{name}: {reason}" for name in ("HHE", "HHN")[-lost:]
    ]
    assert (report.wrong_rate, report.components.partial) == (lost, lost)


def test_a_refused_part_of_a_vertical_stays_one_when_the_others_are_turned(make: Any) -> None:
    traces = raw()
    traces[2].data = traces[2].data[:400]
    traces.append(trace(f"{STATION}.HHZ", 4.01, noise(5, 100), 50.0))
    tilted = ["X1 AAA 00 HH1 0 10", "X1 AAA 00 HH2 90 0"]
    for lines, names in ((axes(0.0, 90.0), ["HHZ"]), (tilted, ["HHN (HHZ)", "HHZ"])):
        report, _ = make(traces, ROW, orientations=lines, overwrite=True)
        told = [(item.name.rpartition("/")[2], item.reason) for item in report.refusals]
        assert [
            name + reason.removeprefix("sampling rate 50 Hz, expected 100 Hz")
            for name, reason in told
        ] == names


@pytest.mark.parametrize("turned", [True, False])
def test_a_refused_vertical_is_no_part_of_the_turning_and_is_told(make: Any, turned: bool) -> None:
    traces = raw("12" if turned else "1")
    traces.append(trace(f"{STATION}.HHZ", 0.0, noise(1, 1200), 200.0))
    report, file = make(traces, ROW, orientations=axes(0.0, 90.0))
    assert list(file[EVID][STATION]) == (["HHE", "HHN"] if turned else [])
    assert report.components.refused["sampling rate 200 Hz, expected 100 Hz"] == 1
    assert report.components.no_data == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_renamed_floats_keep_every_bit_and_their_type(make: Any, dtype: Any) -> None:
    data = (np.random.default_rng(1).normal(size=600) * 1e6).astype(dtype)
    traces = [*raw("2Z"), trace(f"{STATION}.HH1", 0.0, data)]
    for azimuth, sign in ((0.0, 1.0), (180.0, -1.0)):
        report, file = make(traces, ROW, orientations=axes(azimuth, 90.0), overwrite=True)
        stored = file[EVID][STATION]["HHN"]
        assert stored.dtype == dtype
        assert np.array_equal(stored[()], sign * data[100:501])
        assert (report.float_kept, report.turned) == (1, 2)


@pytest.mark.parametrize("fill", [0, -(2**31)])
def test_an_integer_without_a_negative_makes_its_component_float(make: Any, fill: int) -> None:
    data = noise(1, 600)
    data[[150, 151]] = [2**31 - 1, -(2**31) + 1]
    both = [trace(f"{STATION}.HH1", 0.0, data[:300]), trace(f"{STATION}.HH1", 3.5, data[350:])]
    lines = axes(180.0, 90.0)
    report, file = make([*both, *raw("2Z")], ROW, orientations=lines, fill=fill)
    stored = file[EVID][STATION]["HHN"]
    assert (stored.dtype, stored.attrs["gaps"], report.float_kept) == (np.int32, "200:50", 0)
    assert set(stored[200:250]) == {fill}
    assert np.array_equal(stored[:200], -data[100:300])
    data[151] = -(2**31)
    report, file = make([*both, *raw("2Z")], ROW, orientations=lines, fill=fill, overwrite=True)
    stored = file[EVID][STATION]["HHN"]
    assert (stored.dtype, report.float_kept) == (np.float64, 1)
    assert np.array_equal(stored[:200], -data[100:300].astype(np.float64))


def test_what_is_made_of_two_has_the_account_of_both(make: Any) -> None:
    """Samples that differ where segments overlap, and the largest shift against the grid."""
    traces = [*raw("1Z"), trace(f"{STATION}.HH2", 0.004, noise(1, 600))]
    traces.append(trace(f"{STATION}.HH1", 3.0, noise(9, 10)))
    report, file = make(traces, ROW, orientations=axes(30.0, 120.0))
    station = file[EVID][STATION]
    for name in ("HHE", "HHN"):
        assert station[name].attrs["subsample_offset_s"] == pytest.approx(0.004)
    assert (report.overlap_conflict_channels, report.overlap_conflict_samples) == (2, 20)


def test_what_the_window_lacks_is_what_the_better_clock_lacks() -> None:
    """HH1 begins 100.2 samples after the window, HH2 100.55: one more, and no sample less."""
    traces = [
        trace(f"{STATION}.HH1", 2.002, noise(1, 400)),
        trace(f"{STATION}.HH2", 2.0055, noise(2, 400)),
    ]
    for letters in ("12", "21"):
        # Which of the two is the first of a sum makes no difference.
        items = [
            trace(f"{STATION}.HH{letter}", (item.stats.starttime.ns - at(0)) / 1e9, item.data)
            for letter, item in zip(letters, traces, strict=True)
        ]
        rows = event(pick("Pg", 3.0), pick("Sg", 3.0035))
        chosen = Settings(range_s=2.0, orientations=axes(30.0, 120.0))  # type: ignore[arg-type]
        record = cut_station(MemoryArchive(items), plan_event(rows).stations[0], chosen).record
        assert record is not None
        assert {part.missing_s for part in record.components.values()} == {1.0}


def test_rates_before_are_those_of_all_that_a_component_is_made_of(make: Any) -> None:
    pytest.importorskip("scipy.signal")
    rates = {"1": 50.0, "2": 200.0, "Z": 100.0}
    traces = [
        trace(f"{STATION}.HH{letter}", 0.0, noise(number, round(6 * rate)), rate)
        for number, (letter, rate) in enumerate(rates.items())
    ]
    _, file = make(traces, ROW, orientations=axes(30.0, 120.0), resample_hz=100.0)
    told = [item.attrs.get("resampled_from_hz") for item in file[EVID][STATION].values()]
    assert told == ["50,200", "50,200", None]
    _, file = make(traces, ROW, orientations=axes(0.0, 90.0), resample_hz=100.0, overwrite=True)
    told = [item.attrs.get("resampled_from_hz") for item in file[EVID][STATION].values()]
    assert told == ["200", "50", None]
    assert {item.dtype for item in file[EVID][STATION].values()} == {
        np.dtype(np.float32), np.dtype(np.int32),
    }  # fmt: skip


def test_horizontals_without_a_vertical_are_turned_when_level(make: Any) -> None:
    report, file = make(raw("12"), ROW, orientations=axes(0, 90))
    assert list(file[EVID][STATION]) == ["HHE", "HHN"]
    assert report.components.no_data == 1


def test_testh5_turns_again(tmp_path: Path) -> None:
    chosen = Settings(range_s=2.0, orientations=axes(30.0, 120.0))  # type: ignore[arg-type]
    archive, out, events = MemoryArchive(raw()), tmp_path / "out.h5", catalog(ROW)
    makeh5(archive, out, events, settings=chosen, progress=False)
    assert testh5(out, events, index=archive, settings=chosen, progress=False).is_whole
    other = Settings(range_s=2.0, orientations=axes(31.0, 121.0))  # type: ignore[arg-type]
    report = testh5(out, events, index=archive, settings=other, progress=False)
    assert "samples differ" in str(report.findings[0])


TABLE = Orientations((("X1", "AAA", "", "HH1", 30.5, 0.0), ("X1", "AAA", "00", "HH2", 120.0, -1.5)))


@pytest.mark.parametrize(
    "text",
    [
        "# axes\nX1 AAA -- HH1 30.5 0\n\nX1\tAAA 00 HH2 120 -1.5\r\n",
        "X1,AAA,,HH1,30.5,0\nX1,AAA,00,HH2,120,-1.5\n",
        "station,network,channel,location,dip,azimuth,depth\n"
        "AAA,X1,HH1,,0,30.5,2\nAAA,X1,HH2,00,-1.5,120,2\n",
        "Net, Sta, Loc, Cha, Azimuth_deg, Dip_deg\nX1,AAA,--,HH1,390.5,0\nX1,AAA,00,HH2,120,-1.5\n",
    ],
)
def test_orientations_are_read_from_text_and_csv(tmp_path: Path, text: str) -> None:
    (tmp_path / "axes").write_text(text.replace("390.5", "30.5"))
    assert Orientations.read(tmp_path / "axes") == TABLE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no orientation: expected 'NET STA LOC CHA azimuth_deg dip_deg'"),
        ("X1 AAA 00 HH1 30.5", "5 words, expected 'NET STA LOC CHA azimuth_deg dip_deg'"),
        ("X1 AAA 00 HH1 north 0", "azimuth north: expected -360 to 360 degrees"),
        ("X1 AAA 00 HH1 30 95", "dip 95: expected -90 (up) to 90 degrees"),
        ("X1 A/A 00 HH1 30 0", "station code 'A/A': expected letters and digits"),
        ("net,sta,cha,azimuth\nX1,AAA,HH1,30", "location code '?'"),
        ("X1 AAA 00 HH1 30 0\nX1 AAA 00 HH1 31 0", "X1.AAA.00.HH1 has another orientation above"),
        ("X1 AAA 00 HH1 30 0\x00", "NUL bytes"),
    ],
)
def test_a_line_that_is_not_understood_refuses_the_file(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "axes").write_text(text)
    with pytest.raises(CatalogError) as caught:
        Orientations.read(tmp_path / "axes")
    assert str(caught.value).startswith(str(tmp_path / "axes"))
    assert words in str(caught.value)


def test_settings_carry_the_table_and_find_its_file_beside_their_own(tmp_path: Path) -> None:
    (tmp_path / "axes").write_text("\n".join(TABLE.to_rows()))
    (tmp_path / "set.toml").write_text('orientations = "axes"\n')
    made = Settings.from_toml(tmp_path / "set.toml")
    assert made.orientations == TABLE
    assert Settings.from_dict(made.to_dict()) == made
    (tmp_path / "again.toml").write_text(made.to_toml())
    assert Settings.from_toml(tmp_path / "again.toml") == made
    with pytest.raises(ValueError, match="expected letters of E N Z with them"):
        Settings(components="12Z", orientations=TABLE)
    with pytest.raises(ValueError, match="orientations 5: expected a file, or its lines"):
        Settings(orientations=5)  # type: ignore[arg-type]


def test_the_notes_of_a_component_break_no_reader() -> None:
    for name in (layout.ROTATED_FROM, layout.RESAMPLED_FROM, layout.SPLIT_OFF):
        assert "btime" not in name
        assert "dist" not in name
