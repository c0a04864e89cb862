"""A data set for each year, each a run of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from memory_archive import MemoryArchive, at, catalog, event, pick, stations, three

from credit_fast.catalogs.model import Event
from credit_fast.check import testh5
from credit_fast.hdf5 import open_dataset
from credit_fast.making import makeh5, makeh5_by_year
from credit_fast.making.journal import Journal
from credit_fast.station_records import Settings
from credit_fast.station_records.noise import CLEAR_S, is_noise_id
from credit_fast.times import UTCDateTime

STATION = "X1.AAA.00"

YEAR_NS = 366 * 86_400 * 10**9


def events() -> list[Event]:
    """Two of 2012, one of 2013."""
    rows = [event(pick("P", 3.0), evid=str(number)) for number in range(3)]
    later = replace(rows[2], time_ns=rows[2].time_ns + YEAR_NS)
    return [later, *rows[:2]]


def test_each_year_has_its_data_set(tmp_path: Path) -> None:
    archive = MemoryArchive(three("X1.AAA.00", 0.0, 700))
    options = {"range_s": 2.0, "progress": False}
    reports = makeh5_by_year(archive, tmp_path / "set", catalog(*events()), **options)
    assert {year: report.events.total for year, report in reports.items()} == {2012: 2, 2013: 1}
    for year, names in ((2012, ["0", "1"]), (2013, ["2"])):
        with h5py.File(tmp_path / "set" / f"{year}.h5") as file:
            assert sorted(file) == names
    # What is done is not done again, and accounted for; so it is after an update that had no work.
    makeh5_by_year(archive, tmp_path / "set", catalog(*events()), update=True, **options)
    archive.asked.clear()
    again = makeh5_by_year(archive, tmp_path / "set", catalog(*events()), **options)
    assert archive.asked == []
    assert {year: str(report.picks) for year, report in again.items()} == {
        year: str(report.picks) for year, report in reports.items()
    }
    assert again[2012].events_kept == 2


def test_a_year_that_got_another_event_is_the_only_one_that_is_brought_up_to_date(
    tmp_path: Path,
) -> None:
    archive = MemoryArchive(three("X1.AAA.00", 0.0, 700))
    options = {"range_s": 2.0, "progress": False}
    makeh5_by_year(archive, tmp_path, catalog(*events()), **options)
    archive.asked.clear()
    more = event(pick("P", 3.0), evid="new")
    reports = makeh5_by_year(archive, tmp_path, catalog(*events(), more), update=True, **options)
    assert len(archive.asked) == 1
    assert reports[2012].events.total == 3
    assert reports[2012].events_kept == 2
    assert reports[2013].events_kept == 1


def test_a_run_that_ended_with_nothing_left_but_its_journal_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = MemoryArchive(three("X1.AAA.00", 0.0, 700))
    options = {"range_s": 2.0, "progress": False}

    def killed(_: Journal) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            makeh5_by_year(archive, tmp_path, catalog(*events()), **options)
    assert (tmp_path / "2012.h5").exists()
    assert (tmp_path / "2012.h5.journal").exists()
    archive.asked.clear()
    reports = makeh5_by_year(archive, tmp_path, catalog(*events()), **options)
    assert archive.asked == []  # the pick of 2013's event is a year away
    assert {year: report.events.total for year, report in reports.items()} == {2012: 2, 2013: 1}
    assert not list(tmp_path.glob("*.journal"))


def test_an_event_that_moves_to_another_year_leaves_the_file_of_the_old_one(
    tmp_path: Path,
) -> None:
    archive = MemoryArchive(three("X1.AAA.00", 0.0, 700))
    options = {"range_s": 2.0, "progress": False}
    rows = events()
    makeh5_by_year(archive, tmp_path, catalog(*rows), **options)
    rows[1] = replace(rows[1], time_ns=rows[1].time_ns + YEAR_NS)
    makeh5_by_year(archive, tmp_path, catalog(*rows), update=True, **options)
    for year, names in ((2012, ["1"]), (2013, ["0", "2"])):
        with h5py.File(tmp_path / f"{year}.h5") as file:
            assert sorted(file) == names
        checked = testh5(tmp_path / f"{year}.h5", catalog(*rows), progress=False)
        assert not [item for item in checked.findings if item.kind == "extra"]


BORDER = UTCDateTime("2013-01-01")


def around_new_year() -> tuple[MemoryArchive, list[Event]]:
    """An hour before and after it; a pick in each, of an event of the other year's name."""
    start_s = (BORDER.ns - at(0)) / 1e9
    archive = MemoryArchive(three(STATION, start_s - 3600, 720_000))
    rows = []
    for evid, origin_s, pick_s in (("old", -3000.0, 1800.0), ("new", 3000.0, -1800.0)):
        row = event(pick("P", start_s + pick_s), evid=evid)
        rows.append(replace(row, time_ns=BORDER.ns + round(origin_s * 1e9)))
    return archive, rows


def test_noise_lies_in_its_year_and_keeps_clear_of_the_picks_of_all(tmp_path: Path) -> None:
    archive, rows = around_new_year()
    options = {"settings": Settings(range_s=5.0, noise=40), "progress": False}
    makeh5_by_year(archive, tmp_path, catalog(*rows), stations(STATION), **options)
    found = {}
    for year in (2012, 2013):
        with open_dataset(tmp_path / f"{year}.h5") as data:
            times = [(item.time.ns - BORDER.ns) / 1e9 for item in data if is_noise_id(item.evid)]
        found[year] = times
        assert len(times) == 40
        inside = [time - 5 >= -3600 and time + 5 < 0 for time in times]
        assert all(inside) if year == 2012 else not any(inside)
        assert all(abs(abs(time) - 1800) > CLEAR_S + 5 for time in times)
        checked = testh5(
            tmp_path / f"{year}.h5", catalog(*rows), stations=stations(STATION), progress=False
        )
        assert not [item for item in checked.findings if "pick of its station" in item.text]
        assert not [item for item in checked.findings if "no group" in item.text]
    assert {time + 3600 for time in found[2012]} != {*found[2013]}


def test_an_update_with_noise_needs_the_whole_catalogue(tmp_path: Path) -> None:
    archive, rows = around_new_year()
    out = tmp_path / "out.h5"
    options = {"settings": Settings(range_s=5.0, noise=60), "progress": False}
    makeh5(archive, out, catalog(rows[0]), stations(STATION), **options)
    before = out.read_bytes()
    with pytest.raises(ValueError, match=r"event old, which the catalogue .* whole catalogue"):
        makeh5(archive, out, catalog(rows[1]), stations(STATION), update=True, **options)
    assert out.read_bytes() == before
    makeh5(archive, out, catalog(*rows), stations(STATION), update=True, **options)
    with open_dataset(out) as data:
        times = [(item.time.ns - BORDER.ns) / 1e9 for item in data if is_noise_id(item.evid)]
    assert len(times) == 60
    assert all(abs(abs(time) - 1800) > CLEAR_S + 5 for time in times)
    assert testh5(out, catalog(*rows), stations=stations(STATION), progress=False).is_whole
