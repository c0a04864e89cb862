"""testh5: its report file, its arguments, and the comparison with the archive by range and rate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from check_cases import (
    EVID,
    RANGE_S,
    STATION,
    check,
    found,
    make,
    small_archive,
    two_events,
)
from memory_archive import MemoryArchive, catalog, event, noise, pick, trace

from credit_fast.catalogs.model import Catalog


@pytest.fixture
def events() -> Catalog:
    """Two events at two stations."""
    return two_events()


@pytest.fixture
def made(tmp_path: Path, events: Catalog) -> Path:
    """A whole data set."""
    return make(tmp_path / "out.h5", small_archive(), events)


@pytest.mark.parametrize("which", ["out.h5", "events.pha", "stations.loc", "index.db"])
@pytest.mark.parametrize("spelling", ["same", "dots", "symlink", "hard link"])
def test_an_input_is_never_overwritten(tmp_path: Path, which: str, spelling: str) -> None:
    names = ["out.h5", "events.pha", "stations.loc", "index.db"]
    files = [tmp_path / name for name in names]
    for file in files:
        file.write_text(f"precious {file.name}")
    stats = tmp_path / which
    if spelling == "dots":
        (tmp_path / "sub").mkdir()
        stats = tmp_path / "sub" / ".." / which
    elif spelling == "symlink":
        stats = tmp_path / "link.txt"
        stats.symlink_to(which)
    elif spelling == "hard link":
        stats = tmp_path / "link.txt"
        os.link(tmp_path / which, stats)
    with pytest.raises(ValueError, match="is an input"):
        check(files[0], files[1], stations=files[2], index=files[3], stats=stats)  # type: ignore[arg-type]
    assert [file.read_text() for file in files] == [f"precious {name}" for name in names]


def test_the_file_of_a_catalogue_in_memory_is_an_input_too(
    made: Path, events: Catalog, tmp_path: Path
) -> None:
    events.path = str(tmp_path / "events.pha")
    Path(events.path).write_text("precious")
    with pytest.raises(ValueError, match="is an input"):
        check(made, events, stats=events.path)


class _Untouched:
    """A catalogue that nobody may ask for anything but its name."""

    path = "events.pha"

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the check started: {name}")


def test_a_report_that_cannot_be_written_is_found_before_the_check(
    made: Path, tmp_path: Path
) -> None:
    untouched: Any = _Untouched()
    with pytest.raises(FileNotFoundError, match="no such folder"):
        check(made, untouched, stats=tmp_path / "no" / "stats.txt")
    with pytest.raises(IsADirectoryError):
        check(made, untouched, stats=tmp_path)
    with pytest.raises(OSError, match="stats"):
        check(made, untouched, stats="/proc/self/stats.txt")


def test_a_check_that_fails_leaves_the_older_report(made: Path, tmp_path: Path) -> None:
    stats = tmp_path / "stats.txt"
    stats.write_text("older")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        check(made, tmp_path / "no catalogue", stats=stats)  # type: ignore[arg-type]
    assert stats.read_text() == "older"
    assert sorted(tmp_path.iterdir()) == before


def test_the_report_replaces_an_older_one_and_leaves_nothing_else(
    made: Path, events: Catalog, tmp_path: Path
) -> None:
    stats = tmp_path / "stats.txt"
    stats.write_text("older " * 10_000)
    (tmp_path / "link.txt").symlink_to("stats.txt")
    before = sorted(tmp_path.iterdir())
    report = check(made, events, stats=tmp_path / "link.txt")
    assert stats.read_text() == str(report)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "options", [{"sample": -5}, {"range_s": -1.0}, {"range_s": float("nan")}, {"range_s": 5.0}]
)
def test_arguments_out_of_range_are_refused(
    made: Path, events: Catalog, options: dict[str, Any]
) -> None:
    archive = None if options.get("range_s") == 5.0 else small_archive()
    with pytest.raises(ValueError, match=r"sample|range"):
        check(made, events, index=archive, **options)


def shorten(path: Path, first: int, last: int) -> None:
    """Cut all components of a station of the first event, with attributes that fit."""
    with h5py.File(path, "a") as file:
        station = file[EVID][STATION]
        for name in ("HHE", "HHN", "HHZ"):
            attrs, data = dict(station[name].attrs), station[name][first:last]
            del station[name]
            dataset = station.create_dataset(name, data=data)
            dataset.attrs.update(attrs)
            dataset.attrs["waveform_length_sample"] = len(data)
            seconds = 12.0 + first / 100
            dataset.attrs["btime"] = f"2012/03/01 13:22:{seconds:09.6f}"


@pytest.mark.parametrize(("first", "last"), [(10, 651), (0, 640)])
def test_a_shortened_record_is_found_with_the_range(
    made: Path, events: Catalog, first: int, last: int
) -> None:
    shorten(made, first, last)
    assert check(made, events, index=small_archive()).is_whole
    report = check(made, events, index=small_archive(), range_s=RANGE_S)
    assert found(report) == [("different", "samples")]
    assert report.findings[0].place == f"/{EVID}/{STATION}"


def test_a_whole_file_is_whole_with_its_range(made: Path, events: Catalog) -> None:
    report = check(made, events, index=small_archive(), range_s=RANGE_S)
    assert report.findings == []
    assert report.compared_records == 4


def test_components_between_each_others_samples_are_no_difference(tmp_path: Path) -> None:
    # 0.9 samples apart over the start of the window: the later one has a sample just before.
    data = noise(3, 900)
    traces = [
        trace(f"{STATION}.HHE", 0.0045, data),
        trace(f"{STATION}.HHN", -0.0045, data),
        trace(f"{STATION}.HHZ", 0.0, data),
    ]
    events, archive = catalog(event(pick("P", 3.0))), MemoryArchive(traces)
    path = make(tmp_path / "a.h5", archive, events)
    assert check(path, events, index=archive).findings == []
    assert check(path, events, index=archive, range_s=RANGE_S).findings == []


@pytest.fixture
def slow() -> MemoryArchive:
    """Two stations at 40 Hz."""
    return MemoryArchive(
        [
            trace(f"{station}.HH{letter}", 0.0, noise(number, 400), 40.0)
            for station in (STATION, "X1.BBB.")
            for number, letter in enumerate("ENZ")
        ]
    )


def test_a_file_of_another_rate_is_compared(tmp_path: Path, slow: MemoryArchive) -> None:
    events = catalog(event(pick("P", 3.0), pick("P", 3.0, "X1.BBB..HHZ")))
    path = make(tmp_path / "slow.h5", slow, events, rate_hz=None)
    for range_s in (None, RANGE_S):
        report = check(path, events, index=slow, range_s=range_s)
        assert (report.findings, report.compared_samples) == ([], 6 * 161)
    with h5py.File(path, "a") as file:
        for name in ("HHE", "HHN", "HHZ"):
            del file[EVID]["X1.BBB."][name]
        file[EVID][STATION]["HHE"][7] += 1
    for range_s in (None, RANGE_S):
        texts = [item.text for item in check(path, events, index=slow, range_s=range_s).findings]
        assert "no waveform, but the archive has samples at the picks" in texts
        assert "HHE: 1 of 161 samples differ" in texts


def test_a_rate_that_makeh5_refused_is_not_missed(tmp_path: Path, slow: MemoryArchive) -> None:
    archive = MemoryArchive([*slow.traces[:3], *small_archive().traces[3:]])
    events = catalog(event(pick("P", 3.0), pick("P", 3.0, "X1.BBB..BHZ")))
    path = make(tmp_path / "fast.h5", archive, events)
    assert found(check(path, events, index=archive)) == [("missing", "component")]


def test_another_type_than_the_archive_gives_is_different(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        station = file[EVID][STATION]
        attrs, data = dict(station["HHE"].attrs), station["HHE"][()]
        del station["HHE"]
        station.create_dataset("HHE", data=data.astype(np.float64)).attrs.update(attrs)
    assert check(made, events).is_whole
    report = check(made, events, index=small_archive())
    assert found(report) == [("different", "samples")]
    assert report.findings[0].text == "HHE: samples are float64, of the archive they are int32"
