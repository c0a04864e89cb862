"""`credit-fast testh5` as a user runs it: what it refuses, and what it compares on request."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from memory_archive import three
from running import command

from credit_fast import makeh5, makeindex
from credit_fast._core import encode_mseed2

CATALOG = """\
#EVENT X1.1 eq 2012 03 01 061 13 22 11 000000 LOC 104.5 29.5 DEP 4 MAG ML 0.5
PHASE X1.1 eq TRAVTIME X1 AAA 00 HHZ Pg ttime 3.0 V 2012 03 01 061 13 22 14 000000 \
MAGSOURCE MAGTYPE MAG DISTAZ 12.5 301.5 LOC_RMSWT RMS WT
"""
CHECK = ("testh5", "-i", "out.h5", "-c", "events.pha")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a data set and all that it was made from."""
    (tmp_path / "data").mkdir()
    for item in three("X1.AAA.00", 0.0, 900):
        codes = (item.stats.network, item.stats.station, item.stats.location, item.stats.channel)
        record = encode_mseed2(*codes, item.stats.starttime.ns, 100.0, item.data, "STEIM2")
        (tmp_path / "data" / f"{item.stats.channel}.mseed").write_bytes(record)
    index, events, places = (tmp_path / name for name in ("index.db", "events.pha", "sta.loc"))
    makeindex([str(tmp_path / "data")], str(index), progress=False)
    events.write_text(CATALOG)
    places.write_text("X1 AAA 00 104.0 29.0 350\n")
    makeh5(index, tmp_path / "out.h5", events, places, range_s=2.0, progress=False)
    return tmp_path


def test_all_that_can_be_compared_is_whole(folder: Path) -> None:
    words = ("-s", "sta.loc", "-x", "index.db", "-r", "2", "-o", "stats.txt")
    checked = command(folder, *CHECK, *words)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "samples compared with the archive: 1203" in (folder / "stats.txt").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("-o", "./data/../events.pha"),
        ("-o", "out.h5"),
        ("-o", "index.db", "-x", "index.db"),
        ("-o", "sta.loc", "-s", "sta.loc"),
        ("-o", "no/folder/stats.txt"),
        ("--sample", "-5"),
        ("-r", "2"),
    ],
)
def test_what_cannot_be_done_ends_with_two_and_changes_nothing(
    folder: Path, words: tuple[str, ...]
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    checked = command(folder, *CHECK, *words)
    assert (checked.returncode, len(checked.stderr.splitlines())) == (2, 1)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_changed_polarity_or_place_ends_with_one(folder: Path) -> None:
    (folder / "sta.loc").write_text("X1 AAA 00 104.0 29.5 350\n")
    assert command(folder, *CHECK).returncode == 0
    checked = command(folder, *CHECK, "-s", "sta.loc")
    assert checked.returncode == 1
    assert "lat is 29.0" in checked.stdout
    with h5py.File(folder / "out.h5", "a") as file:
        file["X1.1"]["X1.AAA.00"].attrs["TRAVTIME.Pg.RMS"] = "0.1"
    assert command(folder, *CHECK).returncode == 1


def test_account_and_table_are_named_or_found_beside(folder: Path) -> None:
    made = command(folder, "makeh5", "-i", "index.db", "-o", "b.h5", "-c", "events.pha", "--json")
    (folder / "account.json").write_text(made.stdout)
    (folder / "t.csv").write_text("trace_name,trace_fate,trace_fate_reason,trace_missing_s\n")
    words = ("testh5", "-i", "b.h5", "-c", "events.pha")
    checked = command(folder, *words, "--report", "account.json")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "account compared with the file: account.json" in checked.stdout
    checked = command(folder, *words, "--table", "t.csv")
    assert checked.returncode == 1
    assert "missing table /X1.1/X1.AAA.00: the table has no row" in checked.stdout
    (folder / "b.report.json").write_text(made.stdout.replace('"size_bytes": ', '"size_bytes": 1'))
    checked = command(folder, *words)
    assert checked.returncode == 1
    assert "different account b.report.json size in bytes" in checked.stdout
    assert command(folder, *words, "--table", "none.csv").returncode == 2
