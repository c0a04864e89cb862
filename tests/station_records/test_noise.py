"""Windows without picks: drawn by a seed, far from picks, counted by themselves, and checked."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from check_cases import alone
from memory_archive import MemoryArchive, at, catalog, event, noise, pick, stations, three, trace

from credit_fast import Client, makeindex, write
from credit_fast.check import testh5
from credit_fast.hdf5 import layout, open_dataset
from credit_fast.making import makeh5
from credit_fast.station_records import Settings
from credit_fast.station_records.noise import CLEAR_S, is_noise_id, noise_plans
from credit_fast.station_records.selection import Selection
from credit_fast.waveform import Stream

STATION = "X1.AAA.00"
HOUR = 360_000
ROW = event(pick("Pg", 1800.0), pick("Sn", 1900.0, "X1.AAA.10.HHZ"))
CHOSEN = Settings(range_s=5.0, noise=8)


def archive() -> MemoryArchive:
    """An hour of one station, a minute of another, a band that would not do, one component."""
    return MemoryArchive(
        [
            *three(STATION, 0.0, HOUR),
            *three("X1.BBB.", 0.0, 6000, band="BH"),
            *three("X1.CCC.", 0.0, HOUR, band="LH"),
            trace("X1.DDD.00.HHZ", 0.0, noise(1, HOUR)),
        ]
    )


def windows(source: Any, chosen: Settings, *events: Any) -> list[tuple[str, str, float, float]]:
    plans = noise_plans(catalog(*events or (ROW,)), Selection(chosen, stations(STATION)), source)
    found = []
    for plan in plans:
        window = plan.stations[0].window(chosen) or (0, 0)
        seconds = [(time_ns - at(0)) / 1e9 for time_ns in window]
        found.append((plan.event.event_id, plan.stations[0].station_id, seconds[0], seconds[1]))
    return found


def apart(found: list[tuple[str, str, float, float]]) -> bool:
    """Whether no two windows of a station, under any location, share a time."""
    ordered = sorted((name.rpartition(".")[0], first, last) for _, name, first, last in found)
    return all(
        name != other or last < first for (name, _, last), (other, first, _) in pairwise(ordered)
    )


def test_windows_lie_in_the_data_and_far_from_picks_under_any_location() -> None:
    found = windows(archive(), Settings(range_s=5.0, noise=100))
    assert len(found) == 100
    assert {name for _, name, _, _ in found} == {STATION, "X1.BBB."}
    for evid, name, first, last in found:
        assert is_noise_id(evid)
        assert -0.01 <= first < last <= (3600 if name == STATION else 60)
        if name == STATION:
            assert last < 1800.0 - CLEAR_S or first > 1900.0 + CLEAR_S
    assert len({evid for evid, *_ in found}) == 100
    assert apart(found)


def test_windows_of_a_station_lie_apart_and_fewer_come_when_there_is_no_room(
    tmp_path: Path,
) -> None:
    source = MemoryArchive([*three(STATION, 0.0, 3201), *three("X1.AAA.10", 0.0, 3201)])
    found = windows(source, Settings(range_s=5.0, noise=200), event())
    assert len(found) == 2  # of 32 seconds; the first two leave no room for a third
    assert apart(found)
    report = makeh5(
        source, tmp_path / "o.h5", catalog(event()), settings=Settings(range_s=5.0, noise=200),
        progress=False,
    )  # fmt: skip
    notes = {name: (count, remark) for name, count, remark in report.notes()}
    assert notes["windows of noise that were not found"] == (198, "of 200 asked for")
    assert report.noise.total == report.noise.written == 2


@pytest.mark.parametrize("late_s", [0.0, 0.009, 0.02])
def test_a_window_that_begins_two_samples_late_is_not_whole(late_s: float) -> None:
    source = MemoryArchive([trace(f"{STATION}.HH{c}", late_s, noise(1, 1001)) for c in "ENZ"])
    found = windows(source, CHOSEN, event())
    assert [(first, last) for _, _, first, last in found] == [(0.0, 10.0)] * (late_s < 0.01)
    ends = MemoryArchive([trace(f"{STATION}.HH{c}", -late_s, noise(1, 1001)) for c in "ENZ"])
    assert len(windows(ends, CHOSEN, event())) == (late_s < 0.01)


def test_little_data_in_a_long_time_are_found() -> None:
    """Minutes that are hours apart; years, where one component lacks all but one of them."""

    def stretch(first_s: float, letters: str) -> list[Any]:
        return [trace(f"{STATION}.HH{c}", first_s, noise(1, 6001)) for c in letters]

    rare = [*stretch(0, "ENZ"), *stretch(20_000, "ENZ")]
    assert len(windows(MemoryArchive(rare), Settings(range_s=5.0, noise=5), event())) == 5
    chosen = Settings(range_s=5.0, noise=3)
    for whole_s, other_s in ((0, 10**8), (10**8, 0)):
        source = MemoryArchive([*stretch(whole_s, "ENZ"), *stretch(other_s, "EN")])
        assert len(windows(source, chosen, event())) == 3


def test_the_seed_decides() -> None:
    first, again = (windows(archive(), Settings(noise=5, range_s=5.0)) for _ in range(2))
    other = windows(archive(), Settings(noise=5, range_s=5.0, noise_seed=1))
    assert first == again != other


def test_windows_with_gaps_or_another_rate_are_not_taken() -> None:
    holes = [trace(f"{STATION}.HHZ", first, noise(first, 2000)) for first in range(0, 600, 21)]
    source = MemoryArchive([*three(STATION, 0.0, 60_000)[:2], *holes])
    found = windows(source, Settings(range_s=5.0, noise=20), event())
    assert found
    for _, _, first, last in found:
        assert first // 21 == last // 21
        assert last % 21 <= 20
    slow = MemoryArchive([trace(f"{STATION}.HH{c}", 0, noise(1, 9000), 50.0) for c in "ENZ"])
    assert windows(slow, CHOSEN, event()) == []
    mixed = MemoryArchive([*slow.traces[:1], *three(STATION, 0, 18_000)[1:]])
    assert windows(mixed, Settings(range_s=5.0, noise=3, rate_hz=None), event()) == []
    assert len(windows(mixed, Settings(range_s=5.0, noise=3, resample_hz=100), event())) == 3
    assert len(windows(slow, Settings(range_s=5.0, noise=3, rate_hz=None), event())) == 3
    assert len(windows(slow, Settings(range_s=5.0, noise=3, resample_hz=100), event())) == 3


def test_listed_bands_are_taken_in_their_order() -> None:
    source = MemoryArchive([*three(STATION, 0, 9000), *three(STATION, 0, 9000, band="BH")])
    chosen = Settings(range_s=5.0, noise=3, channels="BH?,HH?")  # type: ignore[arg-type]
    plans = noise_plans(catalog(event()), Selection(chosen), source)
    assert {tuple(plan.stations[0].bands) for plan in plans} == {("BH",)}
    plans = noise_plans(catalog(event()), Selection(Settings(range_s=5.0, noise=3)), source)
    assert {tuple(plan.stations[0].bands) for plan in plans} == {("HH",)}


def components_of(path: Path) -> set[tuple[str, ...]]:
    with h5py.File(path) as file:
        return {
            tuple(station) for name in file if is_noise_id(name) for station in file[name].values()
        }


def test_the_band_that_was_drawn_is_the_one_that_is_cut(tmp_path: Path) -> None:
    source = MemoryArchive([trace(f"{STATION}.BHZ", 0, noise(9, 9001)), *three(STATION, 0, 9001)])
    chosen = Settings(range_s=5.0, noise=3, channels="BH?,HH?")  # type: ignore[arg-type]
    out = tmp_path / "o.h5"
    makeh5(source, out, catalog(event()), settings=chosen, progress=False)
    assert components_of(out) == {("HHE", "HHN", "HHZ")}
    report = testh5(out, catalog(event()), index=source, settings=chosen, progress=False)
    assert [str(item) for item in report.findings] == []


ONE_TWO = ("X1 AAA 00 HH1 30 0", "X1 AAA 00 HH2 120 0")


@pytest.mark.parametrize(
    ("axes", "there", "components", "found"),
    [
        (ONE_TWO, "12Z", "ENZ", True),
        (ONE_TWO, "12", "EN", True),
        (ONE_TWO, "12", "ENZ", False),
        (ONE_TWO, "1Z", "ENZ", False),
        (ONE_TWO, "12EZ", "ENZ", False),  # an E of its own: nothing is turned
        (ONE_TWO, "12Z", "Z", True),
        ((*ONE_TWO, "X1 AAA 00 HHZ 0 -80"), "12", "EN", False),
        (("X1 AAA 00 HH1 30 10", "X1 AAA 00 HH2 120 0"), "12", "EN", False),
        (("X1 AAA 00 HH1 30 10", "X1 AAA 00 HH2 120 0"), "12Z", "EN", True),
        (("X1 AAA 00 HH1 30 0", "X1 AAA 00 HH2 30 0"), "12Z", "ENZ", False),
    ],
)
def test_stations_whose_components_can_be_made_by_turning_are_drawn(
    tmp_path: Path, axes: tuple[str, ...], there: str, components: str, found: bool
) -> None:
    source = MemoryArchive([trace(f"{STATION}.HH{c}", 0, noise(1, 9001)) for c in there])
    chosen = Settings(range_s=5.0, noise=3, orientations=axes, components=components)  # type: ignore[arg-type]
    report = makeh5(source, tmp_path / "o.h5", catalog(event()), settings=chosen, progress=False)
    assert report.noise.total == report.noise.written == 3 * found
    wanted = {tuple(f"HH{letter}" for letter in components)} if found else set()
    assert components_of(tmp_path / "o.h5") == wanted


def test_a_station_is_drawn_before_and_after_it_got_other_channels() -> None:
    early = [trace(f"{STATION}.HH{c}", 0, noise(1, 30_000)) for c in "12Z"]
    source = MemoryArchive([*early, *three(STATION, 400, 30_000)])
    turned = Settings(range_s=5.0, noise=20, orientations=ONE_TWO)  # type: ignore[arg-type]
    starts = [first for _, _, first, _ in windows(source, turned, event())]
    assert len(starts) == 20
    assert min(starts) < 300 and max(starts) > 400
    assert min(first for _, _, first, _ in windows(source, CHOSEN, event())) >= 400


def test_an_index_says_what_is_whole_over_the_borders_of_its_files(tmp_path: Path) -> None:
    """A second file begins a second before the first one ends, with the same samples."""
    for number, item in enumerate(three(STATION, 0, 1201)):
        for name, part in (("a", item.data[:700]), ("b", item.data[600:])):
            first_s = 0.0 if name == "a" else 6.0
            piece = trace(item.id, first_s, part)
            write(Stream([piece]), tmp_path / f"{name}{number}.mseed")
    index = tmp_path / "index.db"
    makeindex(tmp_path, index)
    assert len(windows(Client(index), CHOSEN, event())) == 1


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Any]:
    """A data set of one event and eight windows of noise."""
    events = catalog(ROW)
    out = tmp_path / "out.h5"
    report = makeh5(archive(), out, events, stations(STATION), settings=CHOSEN, progress=False)
    assert (report.events.total, report.station_records.total) == (1, 2)
    assert report.noise.to_dict()["written"] == report.noise.total == 8
    assert report.levels["noise"].agrees
    assert not report.refusals
    return out, events


def test_each_window_is_an_event_that_known_readers_can_read(made: tuple[Path, Any]) -> None:
    with h5py.File(made[0]) as file:
        names = [name for name in file if is_noise_id(name)]
        assert len(names) == 8
        for name in names:
            attrs = dict(file[name].attrs)
            assert (attrs["type"], attrs["depth"], math.isnan(attrs["mag"])) == ("noise", -1, True)
            [station_id] = file[name]
            is_known = station_id == STATION
            assert (attrs["lon"], attrs["lat"]) == (104.0, 29.0) or not is_known
            station = file[name][station_id]
            assert station.attrs["types"] == ""
            last = sorted(key for key in station.attrs if "dist" in key)[-1]
            assert float(station.attrs[last]) == layout.UNKNOWN_DISTANCE_KM
            assert len(station) == 3
            assert {len(item) for item in station.values()} == {1001}
    with open_dataset(made[0]) as dataset:
        record = next(iter(dataset.event(names[0]).stations.values()))
        assert (record.picks, record.types, record.distance_km) == ({}, [], None)


@pytest.mark.parametrize("with_archive", [False, True])
def test_testh5_finds_it_whole(made: tuple[Path, Any], with_archive: bool) -> None:
    source = archive() if with_archive else None
    table = stations(STATION)
    report = testh5(*made, stations=table, index=source, settings=CHOSEN, progress=False)
    found = [item for item in report.findings if "noise." in item.place]
    assert found == []
    assert report.expected["event"] == report.found["event"] == 9
    if with_archive:
        assert report.compared_records == 10


def test_testh5_sees_what_is_wrong_with_noise(made: tuple[Path, Any]) -> None:
    with h5py.File(made[0], "r+") as file:
        names = [name for name in file if is_noise_id(name)]
        [first] = file[names[0]].values()
        first["HHZ" if "HHZ" in first else "BHZ"][10:20] = np.arange(10)
        file[names[1]].attrs["type"] = "eq"
        near = next(name for name in names[2:] if STATION in file[name])
        file[near].attrs["time"] = layout.format_time(at(1800.0))
        del file[names[-1]][next(iter(file[names[-1]]))]
    report = testh5(*made, index=archive(), settings=CHOSEN, progress=False)
    texts = [str(item) for item in report.findings]
    assert any(names[0] in text and "10 of 1001 samples differ" in text for text in texts)
    assert any(names[1] in text and "type is eq" in text for text in texts)
    assert any(near in text and "a pick of its station is near" in text for text in texts)
    assert any(names[-1] in text and "no such event" in text for text in texts)


def test_testh5_sees_windows_that_overlap(made: tuple[Path, Any]) -> None:
    with h5py.File(made[0], "r+") as file:
        own = sorted(name for name in file if is_noise_id(name) and STATION in file[name])
        time_ns = layout.parse_time(file[own[0]].attrs["time"])
        file[own[1]].attrs["time"] = layout.format_time(time_ns + 10 * 10**9)
    report = testh5(*made, settings=CHOSEN, progress=False)
    texts = [str(item) for item in report.findings if "overlaps" in item.text]
    assert len(texts) == 1
    assert own[1] in texts[0] and "another window of noise of its station" in texts[0]


def test_without_the_settings_noise_is_nothing_of_the_catalogue(made: tuple[Path, Any]) -> None:
    alone(made[0])
    report = testh5(*made, progress=False)
    extra = [item for item in report.findings if "the catalogue has no such event" in item.text]
    assert len(extra) == 8


def test_windows_that_are_not_found_are_told(tmp_path: Path) -> None:
    source = MemoryArchive(three(STATION, 1795.0, 1001))  # all of it is near a pick
    report = makeh5(source, tmp_path / "o.h5", catalog(ROW), settings=CHOSEN, progress=False)
    notes = {name: (count, remark) for name, count, remark in report.notes()}
    assert notes["windows of noise that were not found"] == (8, "of 8 asked for")
    assert report.noise.total == 0


def test_an_archive_that_cannot_say_what_it_has_is_refused(tmp_path: Path) -> None:
    class Deaf:
        get_waveforms = MemoryArchive([]).get_waveforms

    with pytest.raises(TypeError, match="Deaf cannot say when it has data"):
        makeh5(Deaf(), tmp_path / "o.h5", catalog(ROW), settings=CHOSEN, progress=False)
    assert not list(tmp_path.iterdir())
