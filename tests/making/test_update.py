"""What an update leaves, removes and counts, and what testh5 says of the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from check_cases import STATION, TABLE
from h5_compare import contents
from memory_archive import MemoryArchive, catalog, event, pick, three
from table_cases import rows

from credit_fast.account import MakeH5Report
from credit_fast.check import testh5
from credit_fast.errors import DatasetError
from credit_fast.making import makeh5
from credit_fast.station_records import Settings
from credit_fast.station_records.noise import is_noise_id

CHOSEN = Settings(range_s=2.0, min_picks=1)
NOISE = replace(CHOSEN, noise=3)
FIRST = [event(pick("P", 900.0), evid=name) for name in ("one", "two", "three")]


def source() -> MemoryArchive:
    return MemoryArchive(three(STATION, 0.0, 200_000))


def made(
    out: Path, *events: object, update: bool = False, chosen: Settings = CHOSEN
) -> MakeH5Report:
    return makeh5(
        source(), out, catalog(*events), TABLE, settings=chosen, update=update, progress=False
    )


def events_of(out: Path) -> set[str]:
    return {name for name in contents(out) if "/" not in name}


def test_kept_events_are_told_and_no_fault_of_the_file(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    made(out, *FIRST)
    report = made(out, event(pick("P", 1500.0), evid="four"), update=True)
    assert report.events_not_in_catalog == ["one", "two", "three"]
    assert (report.events.total, report.disagreements()) == (4, [])
    account = json.loads((tmp_path / "out.report.json").read_text())
    assert account["events_not_in_catalog"] == ["one", "two", "three"]
    checked = testh5(
        out, catalog(event(pick("P", 1500.0), evid="four")), stations=TABLE, index=source(),
        progress=False,
    )  # fmt: skip
    assert checked.is_whole, str(checked)
    assert checked.events_kept == 3
    both = catalog(*FIRST, event(pick("P", 1500.0), evid="four"))
    union = testh5(out, both, stations=TABLE, progress=False)
    assert union.is_whole, str(union)
    assert "kept by an update, not in the catalogue: 3" in str(checked)


def test_a_total_that_kept_events_do_not_explain_is_a_finding(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    made(out, *FIRST)
    four = event(pick("P", 1500.0), evid="four")
    made(out, four, update=True)
    path = tmp_path / "out.report.json"
    account = json.loads(path.read_text())
    account["events_not_in_catalog"].remove("two")
    path.write_text(json.dumps(account))
    texts = [str(item) for item in testh5(out, catalog(four), progress=False).findings]
    assert any("events, total: 4, the catalogue has 3" in text for text in texts)
    assert any(text.startswith("extra event /two") for text in texts)


def test_windows_of_noise_that_are_drawn_no_more_are_removed(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    made(out, *FIRST, chosen=NOISE)
    before = {name for name in events_of(out) if is_noise_id(name)}
    more = [event(pick("P", second), evid=f"x{second}") for second in (300.0, 1500.0)]
    report = made(out, *FIRST, *more, update=True, chosen=NOISE)
    after = {name for name in events_of(out) if is_noise_id(name)}
    assert len(before) == len(after) == report.noise.total == report.noise.written == 3
    assert before != after
    assert report.events_not_in_catalog == []
    checked = testh5(out, catalog(*FIRST, *more), stations=TABLE, progress=False)
    assert checked.is_whole, str(checked)
    without = testh5(out, catalog(*FIRST, *more), progress=False)
    assert without.is_whole, str(without)


def test_an_event_of_the_catalogue_is_kept_whatever_its_id_looks_like(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    name = "noise.201203012222.0001"
    assert is_noise_id(name)
    first, other = (event(pick("P", 900.0), evid=evid) for evid in (name, "other"))
    for events, update in ([first], False), ([other], True):
        report = makeh5(
            source(), out, catalog(*events), TABLE, range_s=2.0, update=update, progress=False
        )
    assert report.events_not_in_catalog == [name]
    assert events_of(out) == {name, "other"}
    # So it is told when there is nothing to do, too.
    again = makeh5(source(), out, catalog(other), TABLE, range_s=2.0, keep=True, progress=False)
    assert again.events_not_in_catalog == [name]


@pytest.mark.parametrize("first", [False, True])
def test_an_event_stays_whose_id_another_one_has_that_is_left_out(
    tmp_path: Path, first: bool
) -> None:
    out = tmp_path / "out.h5"
    both = [event(pick("P", 900.0), pick("S", 905.0), evid="one"), event(evid="one")]
    events = both if first else both[::-1]
    chosen = {"settings": Settings(range_s=2.0, min_picks=2), "progress": False}
    for update in (False, True):
        makeh5(source(), out, catalog(*events), TABLE, update=update, **chosen)
        assert events_of(out) == {"one"}
        assert testh5(out, catalog(*events), stations=TABLE, progress=False).is_whole


def test_an_update_does_not_lose_coordinates_for_lack_of_the_station_file(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    made(out, *FIRST)
    before = contents(out)
    with pytest.raises(ValueError, match=r"was made with a station file: .*\(-s\)"):
        makeh5(source(), out, catalog(*FIRST), settings=CHOSEN, update=True, progress=False)
    assert contents(out) == before


def test_an_event_that_is_refused_now_leaves_the_file(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    made(out, *FIRST)
    changed = [FIRST[0], replace(FIRST[1], picks=[pick("P", None)]), FIRST[2]]
    report = made(out, *changed, update=True)
    assert report.events.refused.total() == 1
    assert events_of(out) & {"one", "two", "three"} == {"one", "three"}
    assert testh5(out, catalog(*changed), stations=TABLE, progress=False).is_whole


def test_the_row_of_a_refused_event_has_the_place_of_its_station(tmp_path: Path) -> None:
    made(tmp_path / "out.h5", *FIRST, FIRST[0])
    found = rows(tmp_path / "out.csv")
    [refused] = [row for row in found if row["trace_fate"] == "refused"]
    [whole] = [row for row in found if row["trace_name"].startswith("one/")]
    assert refused["trace_name"] == ""
    assert "duplicate event id" in refused["trace_fate_reason"]
    for name in whole:
        if name.startswith(("source_", "station_", "path_")):
            assert refused[name] == whole[name], name


@pytest.mark.parametrize("with_archive", [False, True])
def test_testh5_takes_the_settings_from_the_account(tmp_path: Path, with_archive: bool) -> None:
    out = tmp_path / "out.h5"
    events = catalog(event(pick("P", 900.0), pick("S", 905.0)), event(evid="few"))
    chosen = Settings(range_s=2.0, phases=("P",), min_picks=1)
    makeh5(source(), out, events, TABLE, settings=chosen, progress=False)
    archive = source() if with_archive else None
    assert testh5(out, events, index=archive, progress=False).is_whole
    if with_archive:  # the range is part of what is compared: another one is noticed
        other = testh5(out, events, index=archive, range_s=3.0, progress=False)
        assert [item.level for item in other.findings] == ["samples"]
    path = tmp_path / "out.report.json"
    account = json.loads(path.read_text())
    account["settings"]["phasis"] = 1
    path.write_text(json.dumps(account))
    texts = [str(item) for item in testh5(out, events, progress=False).findings]
    assert any("unreadable account" in text and "did you mean phases?" in text for text in texts)


def longer(table: bytes) -> bytes:
    return table.replace(b"X1", b"X1 ", 1)


def another_value(table: bytes) -> bytes:
    return table.replace(b",104.0,", b",140.0,", 1)


def sorted_anew(table: bytes) -> bytes:
    first, *rows = table.splitlines(keepends=True)
    return b"".join([first, *reversed(rows)])


def without_a_row(table: bytes) -> bytes:
    return b"".join(table.splitlines(keepends=True)[:-1])


@pytest.mark.parametrize("edit", [longer, another_value, sorted_anew, without_a_row])
def test_rows_are_not_copied_from_a_table_that_was_edited(
    tmp_path: Path, edit: Callable[[bytes], bytes]
) -> None:
    out, table = tmp_path / "out.h5", tmp_path / "out.csv"
    made(out, *FIRST)
    more = event(pick("P", 1500.0), evid="four")
    written = table.read_bytes()
    table.write_bytes(edit(written))
    assert table.read_bytes() != written
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DatasetError, match=r"out\.csv is not as makeh5 wrote it: .*--overwrite"):
        made(out, *FIRST, more, update=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    table.write_bytes(written)
    made(out, *FIRST, more, update=True)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    made(fresh / "out.h5", *FIRST, more)
    assert sorted(table.read_bytes().splitlines()) == sorted(
        (fresh / "out.csv").read_bytes().splitlines()
    )
    # And so after that update, whose rows are copies.
    table.write_bytes(edit(table.read_bytes()))
    with pytest.raises(DatasetError, match="is not as makeh5 wrote it"):
        made(out, *FIRST, update=True)


def test_an_edited_table_is_no_matter_where_nothing_is_copied(tmp_path: Path) -> None:
    out, table = tmp_path / "out.h5", tmp_path / "out.csv"
    made(out, *FIRST)
    edited = longer(table.read_bytes())
    table.write_bytes(edited)
    report = makeh5(
        source(), out, catalog(*FIRST), TABLE, settings=CHOSEN, keep=True, progress=False
    )
    assert report.events_kept == 3
    assert table.read_bytes() == edited
    makeh5(source(), out, catalog(*FIRST), TABLE, settings=CHOSEN, overwrite=True, progress=False)
    assert table.read_bytes() != edited
