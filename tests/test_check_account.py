"""testh5 on account and table beside a data set: planted errors are found, each by place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from check_cases import EVID, STATION, TABLE, check, small_archive, two_events
from memory_archive import catalog, event, pick
from table_cases import make_all

from credit_fast.catalogs.model import Catalog


@pytest.fixture
def events() -> Catalog:
    """Two events and a duplicate; a row too far away, one of a station without data."""
    found = two_events()
    found.events[0].picks.append(pick("P", 3.0, "X1.NIL.00.HHZ"))
    found.events[0].picks.append(pick("S", 9000.0))
    found.events.append(event(pick("P", 3.0), evid="second", line=9))
    return found


@pytest.fixture
def made(tmp_path: Path, events: Catalog) -> Path:
    """The data set with account and table."""
    make_all(tmp_path / "out.h5", small_archive(), events, TABLE, range_s=2.0)
    return tmp_path / "out.h5"


def of_beside(path: Path, events: Catalog, **options: Any) -> list[str]:
    """The findings about account and table."""
    report = check(path, events, **options)
    return [str(item) for item in report.findings if item.level in ("account", "table")]


def change_account(made: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = made.with_suffix(".report.json")
    account = json.loads(path.read_text())
    change(account)
    path.write_text(json.dumps(account))


def change_table(made: Path, old: str, new: str) -> None:
    path = made.with_suffix(".csv")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_whole_account_and_table_have_no_findings(made: Path, events: Catalog) -> None:
    report = check(made, events)
    assert [item for item in report.findings if item.level in ("account", "table")] == []
    assert (report.account, report.table) == (
        str(made.with_suffix(".report.json")),
        str(made.with_suffix(".csv")),
    )
    assert report.table_rows == 6
    assert "table compared with the file" in str(report)
    assert report.to_dict()["table_rows"] == 6


def test_without_them_nothing_is_said(made: Path, events: Catalog) -> None:
    made.with_suffix(".report.json").unlink()
    made.with_suffix(".csv").unlink()
    report = check(made, events)
    assert (report.account, report.table, report.table_rows) == (None, None, 0)
    assert "compared with the file" not in str(report)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("in_file", "events"), "events in the file: 3, the file has 2"),
        (("in_file", "station records"), "station records in the file: 6, the file has 5"),
        (("in_file", "components"), "components in the file: 13, the file has 12"),
        (("in_file", "picks_by_phase", "Sg"), "pick rows of Sg in the file: 5, it has 4"),
        (("levels", "components", "written"), "components: total 18, but written"),
        (("levels", "station records", "total"), "station records, total: 7, the catalogue has 6"),
        (("levels", "events", "partial"), "events written or partial: 3, with a waveform"),
        (("picks_by_phase", "Sg", "total"), "picks of Sg, total: 3, the catalogue has 2"),
        (("picks_by_phase", "P", "written"), "picks: written 8, the phases have 9"),
        (("size_bytes",), "size in bytes: "),
    ],
)
def test_each_count_that_is_wrong_is_a_finding(
    made: Path, events: Catalog, keys: tuple[str, ...], expected: str
) -> None:
    def change(account: dict[str, Any]) -> None:
        for key in keys[:-1]:
            account = account[key]
        account[keys[-1]] += 1

    change_account(made, change)
    findings = of_beside(made, events)
    assert any(expected in text for text in findings), findings
    assert all(text.startswith(f"different account {made.with_suffix('')}") for text in findings)


def test_a_fate_that_the_file_contradicts_is_a_finding(made: Path, events: Catalog) -> None:
    """Sums agree, but two picks were moved from written to partial."""

    def change(account: dict[str, Any]) -> None:
        for tally in (account["levels"]["picks"], account["picks_by_phase"]["Pg"]):
            tally["written"] -= 2
            tally["partial"] += 2

    change_account(made, change)
    findings = of_beside(made, events)
    assert len(findings) == 2
    assert "picks written: Pg: 0, by the times in the file 2" in findings[0]
    assert "picks partial: Pg: 2, by the times in the file 0" in findings[1]


def test_rows_without_a_time_give_room_for_themselves_and_no_more(tmp_path: Path) -> None:
    """An amplitude is one such row: one pick more than the times of the file may be written."""
    rows = [pick("Sg", 5.0), pick("Sg", 5.5, row_type="AMPLITUD")]
    rows += [pick("Sg", 5.0, f"X1.{code}.00.HHZ") for code in ("NIL", "NIX")]
    only = catalog(event(*rows))
    made = tmp_path / "out.h5"
    make_all(made, small_archive(), only, TABLE, range_s=2.0)
    assert of_beside(made, only) == []

    def change(account: dict[str, Any]) -> None:
        for tally in (account["levels"]["picks"], account["picks_by_phase"]["Sg"]):
            tally["written"] += 1
            tally["no_data"] -= 1

    change_account(made, change)
    (found,) = of_beside(made, only)
    told = (
        "picks written: Sg: 3, by the times in the file 1 and at most 1 rows without a time there"
    )
    assert told in found


def test_what_was_taken_from_the_file_is_missed(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        del file["second"]["X1.BBB."]
        del file[EVID][STATION]["HHN"]
    findings = of_beside(made, events)
    assert any("station records in the file: 5, the file has 4" in text for text in findings)
    assert any("components in the file: 12, the file has 8" in text for text in findings)
    assert any("/second/X1.BBB.: the file has no such record" in text for text in findings)
    (found,) = [text for text in findings if f"/{EVID}/{STATION}:" in text]
    assert "trace_components is ENZ, of the file it is EZ" in found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (",100.0,651,", ",100.0,652,", "trace_npts is 652, of the file it is 651"),
        (",200.0,", ",201.0,", "is 201.0, of the file it is 200.0"),
        (
            "T13:22:12.000000Z",
            "T13:22:12.000001Z",
            "trace_start_time is 2012-03-01T13:22:12.000001",
        ),
        (",'00,", ",00,", "station_location_code is 00, of the file it is '00"),
        (",104.0,", ",105.0,", "station_longitude_deg is 105.0"),
        (",written,", ",no data,", "trace_fate is no data, the record has a waveform"),
        (",no data,", ",written,", "trace_fate is written, the record has no waveform"),
        (f"{EVID}/{STATION}", f"{EVID}/X1.XXX.", "/X1.XXX.: the file has no such record"),
        (f"{EVID}/{STATION}", f"second/{STATION}", "an earlier row has the same record"),
        (f"{EVID}/{STATION}", "", "has no trace_name"),
        ("trace_fate,", "trace_fat,", "no column 'trace_fate'"),
    ],
)
def test_each_cell_that_is_wrong_is_a_finding(
    made: Path, events: Catalog, old: str, new: str, expected: str
) -> None:
    change_table(made, old, new)
    findings = of_beside(made, events)
    assert any(expected in text for text in findings), findings
    assert all(str(made.with_suffix("")) in text or "no row" in text for text in findings)


def test_a_row_that_is_not_there_is_missing(made: Path, events: Catalog) -> None:
    path = made.with_suffix(".csv")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]))
    findings = of_beside(made, events)
    assert f"missing table /{EVID}/{STATION}: the table has no row" in findings
    assert any("station records, written" in text for text in findings)


def test_a_cut_row_is_named_by_its_line(made: Path, events: Catalog) -> None:
    path = made.with_suffix(".csv")
    path.write_text(path.read_text()[:-20])
    assert any("line 7: " in text and "expected" in text for text in of_beside(made, events))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"levels": 3}', "\udcff"])
def test_what_is_no_account_is_unreadable(made: Path, events: Catalog, text: str) -> None:
    made.with_suffix(".report.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    findings = of_beside(made, events)
    assert len(findings) == 1
    assert findings[0].startswith("unreadable account")


def test_files_are_taken_by_name_and_must_be_there(made: Path, events: Catalog) -> None:
    other = made.with_name("other.json")
    made.with_suffix(".report.json").rename(other)
    report = check(made, events, report=other)
    assert report.account == str(other)
    with pytest.raises(FileNotFoundError, match="no such account file"):
        check(made, events, report=made.with_name("none.json"))
    with pytest.raises(FileNotFoundError, match="no such table file"):
        check(made, events, table=made.with_name("none.csv"))
    with pytest.raises(ValueError, match="is an input"):
        check(made, events, report=other, stats=other)


def test_a_csv_file_of_another_kind_is_left_alone(made: Path, events: Catalog) -> None:
    made.with_suffix(".csv").write_text("name,value\na,1\n")
    assert check(made, events).table is None
