"""A data set for each year, each a run of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from memory_archive import MemoryArchive, catalog, event, pick, three

from credit_fast.catalogs.model import Event
from credit_fast.making import makeh5_by_year
from credit_fast.making.journal import Journal

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
