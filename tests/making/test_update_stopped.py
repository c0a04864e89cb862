"""An update cuts only what has changed, and whatever stops it leaves the older data set."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from h5_compare import contents
from memory_archive import MemoryArchive, event, pick, three
from stopped_runs import (
    STATIONS,
    WHOLE,
    account,
    archive,
    killed_at,
    made,
    names,
    some_events,
    steps_of,
)

import credit_fast
from credit_fast.catalogs.model import Event
from credit_fast.errors import UnfinishedRunError
from credit_fast.making import job
from credit_fast.making.patched_file import PAGE, PatchedFile

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="fork and signals are POSIX"),
    pytest.mark.usefixtures("small_states"),
]


def test_update_cuts_events_again_whose_data_have_changed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, indexed: tuple[Path, Path]
) -> None:
    """A channel comes later: the events that it belongs to are cut again, no other."""
    index, folder = indexed
    rows = [
        event(pick("P", 3.0, "X1.AAA.00.HHZ"), evid="a"),
        event(pick("P", 3.0, "X1.CCC.00.HHZ"), evid="c"),
    ]
    assert made(tmp_path, rows, index).station_records.no_data == 1
    for item in three("X1.CCC.00", 0.0, 500):
        credit_fast.write(item, folder / item.id)
    credit_fast.makeindex(folder, index, progress=False)
    with pytest.raises(FileExistsError):
        made(tmp_path, rows, index)
    report = made(tmp_path, rows, index, update=True)
    assert (report.events_kept, report.station_records.no_data) == (1, 0)
    fresh = tmp_path_factory.mktemp("fresh")
    made(fresh, rows, index)
    assert contents(tmp_path / "out.h5") == contents(fresh / "out.h5")


def test_update_adds_new_events_and_cuts_no_other(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    expected = made(fresh, some_events(12))
    folder = tmp_path / "updated"
    folder.mkdir()
    made(folder, some_events(8))
    source = archive()
    with pytest.raises(FileExistsError, match="--update"):
        made(folder, some_events(12), source)
    report = made(folder, some_events(12), source, update=True)
    assert len(source.asked) == 4 * len(STATIONS)
    assert report.events_kept == 8
    assert contents(folder / "out.h5") == contents(fresh / "out.h5")
    told, other = account(report), account(expected)
    assert told.pop("events_kept") == 8
    assert other.pop("events_kept") == 0
    assert told == other


def test_update_cuts_events_again_whose_lines_have_changed(tmp_path: Path) -> None:
    events = some_events(6)
    made(tmp_path, events)
    events[2] = replace(events[2], picks=[*events[2].picks, pick("S", 4.0, "X1.AAA.00.HHZ")])
    source = archive()
    report = made(tmp_path, events, source, update=True)
    assert len(source.asked) == len(STATIONS)
    assert (report.events_kept, report.picks.total) == (5, 13)
    _, attributes, _ = contents(tmp_path / "out.h5")["event.00002/X1.AAA.00"]
    assert attributes["types"][1] == "P,S"


def test_update_keeps_events_that_the_catalogue_does_not_have(tmp_path: Path) -> None:
    made(tmp_path, some_events(5))
    report = made(tmp_path, some_events(3, first=5), update=True)
    assert report.events.total == report.events.partial == 8
    assert report.events_not_in_catalog == [f"event.{number:05d}" for number in range(5)]
    assert len([name for name in contents(tmp_path / "out.h5") if "/" not in name]) == 8
    # And the same again: nothing is left to be done.
    source = archive()
    assert made(tmp_path, some_events(8), source, update=True).events_kept == 8
    assert len(source.asked) == 0


def test_update_with_other_settings_is_refused(tmp_path: Path) -> None:
    made(tmp_path, some_events(2))
    before = (tmp_path / "out.h5").read_bytes()
    with pytest.raises(ValueError, match=r"by other settings: fill: it was 0, now it is 3"):
        made(tmp_path, some_events(2), fill=3, update=True)
    assert names(tmp_path) == WHOLE
    assert (tmp_path / "out.h5").read_bytes() == before


def before_and_after() -> tuple[list[Event], list[Event]]:
    """A catalogue, and another one: an event is changed, the last one refused, others are new."""
    before, after = some_events(8), some_events(16)
    after[2] = replace(after[2], picks=[*after[2].picks, pick("S", 4.0, "X1.AAA.00.HHZ")])
    after[7] = replace(after[7], picks=[pick("P", None)])
    return before, after


@pytest.mark.parametrize("restart", [False, True])
def test_an_update_that_is_killed_leaves_the_data_set_and_goes_on(
    tmp_path: Path, restart: bool
) -> None:
    before, after = before_and_after()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    made(fresh, after)
    expected = contents(fresh / "out.h5"), rows_of(fresh)
    trial = tmp_path / "trial"
    trial.mkdir()
    made(trial, before)
    last = steps_of(trial, after, update=True)
    assert last > 60
    # The last ones give the files their names.
    for step in (*range(3, last - 14, last // 12), *range(last - 14, last + 1)):
        folder = tmp_path / str(step)
        folder.mkdir()
        made(folder, before)
        old = (folder / "out.h5").read_bytes()
        assert killed_at(step, folder, after, update=True)
        if (folder / "out.h5.part").exists():
            assert (folder / "out.h5").read_bytes() == old
        made(folder, after, update=True, restart=restart)
        assert names(folder) == WHOLE
        assert (contents(folder / "out.h5"), rows_of(folder)) == expected
        told = json.loads((folder / "out.report.json").read_text())
        assert told["levels"]["events"]["total"] == 16
        assert told["size_bytes"] == (folder / "out.h5").stat().st_size


def test_an_update_that_removes_the_end_of_the_file_writes_over_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States after every record, a slow disk: what is written while a state waits stays."""
    monkeypatch.setattr(job, "_STATE_RECORDS", 1)
    monkeypatch.setattr(os, "fsync", lambda _: time.sleep(0.01))
    source = MemoryArchive(three("X1.AAA.00", -10.0, 100_000))
    held: list[int] = []
    next_state = PatchedFile.next_state

    def counted(file: PatchedFile) -> dict[int, bytes]:
        pages = next_state(file)
        held.append(sum(map(len, pages.values())))
        return pages

    monkeypatch.setattr(PatchedFile, "next_state", counted)

    def one(number: int, seconds: float) -> Event:
        codes = "X1.AAA.00.HHZ"
        picks = [pick("P", 3.0, codes), pick("S", 3.0 + seconds, codes)]
        return event(*picks, evid=f"event.{number:05d}")

    longer = [one(10 + number, 300.0) for number in range(4)]
    before = [one(0, 100.0), one(1, 100.0)]
    after = [before[0], replace(before[1], picks=[pick("P", None)]), *longer]
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    made(fresh, after, source)
    made(tmp_path, before, source)
    held.clear()
    made(tmp_path, after, source, update=True)
    assert contents(tmp_path / "out.h5") == contents(fresh / "out.h5")
    # New samples do not go where old ones were: all of that would have to be held back.
    assert max(held) < 20 * PAGE < (fresh / "out.h5").stat().st_size / 4


def rows_of(folder: Path) -> list[str]:
    return sorted((folder / "out.csv").read_text().splitlines())


def test_without_its_lines_a_data_set_cannot_be_brought_up_to_date(tmp_path: Path) -> None:
    made(tmp_path, some_events(2))
    (tmp_path / "out.events.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match="cannot be brought up to date without"):
        made(tmp_path, some_events(2), update=True)
    assert "out.h5" in names(tmp_path)


def test_an_update_that_was_stopped_is_named_to_a_run_that_is_none(tmp_path: Path) -> None:
    before, after = before_and_after()
    made(tmp_path, before)
    assert killed_at(60, tmp_path, after, update=True)
    with pytest.raises(UnfinishedRunError, match=r"that run was an update \(--update\)"):
        made(tmp_path, after, overwrite=True)
    # What a cluster left beside it goes when all is done.
    (tmp_path / "out.h5.parts" / "run").mkdir(parents=True)
    made(tmp_path, after, update=True)
    assert names(tmp_path) == WHOLE
