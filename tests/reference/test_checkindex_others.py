"""checkindex on indexes of mseedindex, and on the one that ObsPy carries.

What these programs leave empty or fill by rules of their own is no fault; what is wrong is found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")

from made_records import Channel, flagged
from mseed_files import obspy_folder, obspy_test_files, shared_files, short_name
from tsindex_rows import mseedindex

from credit_fast import IndexCheck, UTCDateTime, check_index

NO_SUMMARY = ["no table tsindex_summary: questions with wildcards look at all rows"]
REMEDY = "update the index with the program that made it, or make a new one with makeindex"

# Where the rows of mseedindex are not those of the file; see test_index_mseedindex.py.
TRULY_DIFFERENT = {
    # It loses a location of which a byte is no ASCII: no reader finds the records by that row.
    "*/gecko_non_ascii_header.ms": "different-row",
    # It ends at the first damage: the records behind have no row.
    "*/infinite-loop.mseed": "missing-row",
}


def run_mseedindex(index: Path, files: Iterable[Path], *options: str) -> None:
    """Add files to an index, all at once."""
    command = [mseedindex(), "-sqlite", str(index), *options, *map(str, files)]
    subprocess.run(command, check=True, capture_output=True)


def execute(index: Path, script: str) -> None:
    """In another process: two SQLite libraries on one file drop each other's locks."""
    change = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])"
    subprocess.run([sys.executable, "-c", change, str(index), script], check=True)


def deep(index: Path, roots: object = None) -> IndexCheck:
    return check_index(index, roots, deep=True, progress=False)  # type: ignore[arg-type]


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """An index of mseedindex of one file with two rows, `data/a.mseed`."""
    data = tmp_path / "data"
    data.mkdir()
    samples = np.arange(500_000, dtype=np.int32) % 77
    start = "2020-03-01"
    records = Channel().records(start, samples) + Channel("HHE").records(start, samples)
    (data / "a.mseed").write_bytes(records)
    run_mseedindex(tmp_path / "index.db", [data / "a.mseed"])
    return tmp_path / "index.db"


@pytest.mark.parametrize("at_once", [True, False])
def test_real_data_have_nothing_wrong(tmp_path: Path, at_once: bool) -> None:
    """Given several files, mseedindex 3.0.8 ends the check sum of the first for each of them."""
    files = shared_files("waveforms")
    if not files:
        pytest.skip("real data not found: set CREDIT_FAST_DATA to its folder")
    files = files if at_once else files[::20]
    for some in [files] if at_once else [[file] for file in files]:
        run_mseedindex(tmp_path / "index.db", some)
    for report in (check_index(tmp_path / "index.db", progress=False), deep(tmp_path / "index.db")):
        assert (report.problems, report.notes) == ([], NO_SUMMARY)
        assert report.files == len(files)
    roots = {file.parent for file in files}
    assert {p.kind for p in deep(tmp_path / "index.db", list(roots)).problems} <= {"not-indexed"}


def test_odd_files_have_wrong_rows_only_where_mseedindex_is_wrong(tmp_path: Path) -> None:
    index = tmp_path / "index.db"
    for file in shared_files("oddities") + obspy_test_files():
        try:
            run_mseedindex(index, [file])
        except subprocess.CalledProcessError:
            continue  # Refused as a whole.
    report = deep(index)
    assert report.files > 20
    found = {short_name(Path(problem.path)): problem.kind for problem in report.problems}
    expected = {
        name: kind
        for name in found
        for pattern, kind in TRULY_DIFFERENT.items()
        if fnmatch(name, pattern)
    }
    assert found == expected
    assert len(found) == len(TRULY_DIFFERENT)


def test_channels_that_take_turns_and_records_out_of_order_are_nothing_wrong(
    tmp_path: Path,
) -> None:
    """mseedindex has a row for each turn, and goes on with it where time goes back."""
    samples = np.random.default_rng(1).integers(-500_000, 500_000, 5_000, dtype=np.int32)
    e, z = (Channel(code).records("2020-03-01", samples) for code in ("HHE", "HHZ"))
    turns = [whole[at : at + 512] for at in range(0, len(e), 512) for whole in (e, z)]
    assert len(turns) > 64
    (tmp_path / "turns").write_bytes(b"".join(turns))
    order = np.random.default_rng(2).permutation(len(turns) // 2)
    (tmp_path / "order").write_bytes(b"".join(turns[2 * at] for at in order))
    index = tmp_path / "index.db"
    files = [tmp_path / "turns", tmp_path / "order"]
    for file in files:
        run_mseedindex(index, [file])
    report = deep(index, files)
    assert (report.problems, report.rows) == ([], len(turns) + 1)
    execute(index, "UPDATE tsindex SET endtime='2020-03-01T01:23:20' WHERE filename LIKE '%order'")
    assert [problem.kind for problem in deep(index).problems] == ["different-row"]


@pytest.mark.parametrize("interval_s", [60, 86_400])
def test_a_time_index_of_other_intervals_is_nothing_wrong(one: Path, interval_s: int) -> None:
    other = one.with_name("other.db")
    run_mseedindex(other, [one.parent / "data" / "a.mseed"], "-si", str(interval_s))
    assert deep(other).problems == []


@pytest.mark.parametrize(("bits", "ours"), [(0x10, "00:00:01"), (0x20, "00:00:03")])
def test_an_end_behind_a_leap_second_that_only_a_flag_tells_of_is_nothing_wrong(
    tmp_path: Path, bits: int, ours: str
) -> None:
    """mseedindex does not look at the flag, and says 00:00:02.290."""
    channel = Channel(encoding="INT16", reclen=4096)
    records = channel.records("2018-12-31T23:59:58.3", np.arange(400, dtype=np.int32))
    assert len(records) == channel.reclen
    file = tmp_path / "leap.mseed"
    file.write_bytes(flagged(records[:512], bits) + records[512:])
    index = tmp_path / "index.db"
    run_mseedindex(index, [file])
    assert deep(index).problems == []
    # Any other second is wrong; ours is named.
    execute(index, "UPDATE tsindex SET endtime='2019-01-01T00:00:07.290000'")
    [problem] = deep(index).problems
    assert f"expected 2019-01-01T{ours}.290000" in problem.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("endtime='2020-03-01T01:23:20.990000'", "endtime 2020-03-01T01:23:20.990000, expected"),
        ("samplerate=99.9", "samplerate 99.9, expected 100"),
        ("channel='HHN'", "channel HHN, expected HHZ"),
        ("version=4", "version 4, expected 2"),
        (
            "timeindex=replace(timeindex,'1583020800.000000','1583020801.000000')",
            "timeindex 1583020801.000000=>0",
        ),
        ("timespans='[1583020800.000000:1583020900.000000]'", "timespans [1583020800.000000"),
    ],
)
def test_a_row_that_says_something_else_is_told(one: Path, change: str, words: str) -> None:
    assert deep(one).problems == []
    execute(one, f"UPDATE tsindex SET {change} WHERE byteoffset=0")
    problem = deep(one).problems[-1]
    assert (problem.kind, problem.offset) == ("different-row", 0)
    assert words in problem.reason
    assert problem.reason.endswith(REMEDY)


@pytest.mark.parametrize(
    "change",
    [
        "starttime='2020-03-01T00:00:00.000000',endtime=endtime||'Z'",
        "endtime='2020-03-01T01:23:19.990001'",
        "samplerate=100.0000001",
        "quality='D',version=NULL,format='MSEED2',hash=NULL",
        "timeindex=NULL,timespans=NULL,timerates=NULL",
        "updated=NULL,scanned='some day'",
    ],
)
def test_a_row_that_says_the_same_in_other_words_is_right(one: Path, change: str) -> None:
    execute(one, f"UPDATE tsindex SET {change}")
    assert deep(one).problems == []


def test_files_that_changed_and_are_gone_are_told(one: Path) -> None:
    file = one.parent / "data" / "a.mseed"
    content = file.read_bytes()
    modified_ns = file.stat().st_mtime_ns
    file.write_bytes(content[:-512])
    [problem] = check_index(one, progress=False).problems
    assert (problem.kind, problem.offset) == ("changed", len(content) - 512)
    assert f"expected at least {len(content)} as the index says" in problem.reason
    assert problem.reason.endswith(REMEDY)
    file.write_bytes(content)
    os.utime(file, ns=(0, modified_ns + 2_000_000_000))
    [problem] = deep(one).problems
    assert "as in filemodtime" in problem.reason
    os.utime(file, ns=(0, modified_ns))
    assert deep(one, file.parent).problems == []
    file.write_bytes(content[:-1] + b"\x01")
    os.utime(file, ns=(0, modified_ns))
    [problem] = deep(one).problems
    assert (problem.kind, problem.offset) == ("hash", len(content) // 2)
    file.rename(file.with_name("b.mseed"))
    report = check_index(one, file.parent, progress=False)
    assert [problem.kind for problem in report.problems] == ["vanished", "not-indexed"]


def test_a_summary_that_somebody_made_is_compared(one: Path) -> None:
    table = "CREATE TABLE tsindex_summary (network,station,location,channel,earliest,latest,updt);"
    execute(one, table)
    [problem] = check_index(one, progress=False).problems
    assert "tsindex_summary is empty: expected the 2 channels" in problem.reason
    extent = "min(starttime)||'.000000',max(endtime),'' FROM tsindex GROUP BY 1,2,3,4"
    fill = f"INSERT INTO tsindex_summary SELECT network,station,location,channel,{extent};"
    execute(one, fill)
    report = check_index(one, progress=False)
    assert (report.problems, report.notes) == ([], [])


def test_version_numbers_behind_a_file_name_are_understood(one: Path) -> None:
    execute(one, "UPDATE tsindex SET filename=filename||'#2'")
    assert deep(one, one.parent / "data").problems == []


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    """A copy of the index that ObsPy carries, and of its files; their names are relative."""
    folder = obspy_folder()
    assert folder is not None
    source = folder / "clients/filesystem/tests/data/tsindex_data"
    return Path(shutil.copytree(source, tmp_path / "bundled")) / "timeseries.sqlite"


def test_the_index_that_obspy_carries_is_right_but_for_the_times_of_its_files(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = deep(bundled, bundled.parent)
    assert [problem.kind for problem in report.problems] == ["changed"] * 3
    assert (report.files, report.files_found, report.rows) == (3, 3, 3)
    # As they were when it was made, by its column filemodtime.
    times = {"ANMO": "2018-08-24T16:31:39", "COLA": "2018-08-24T16:33:03"}
    times["TGUH"] = "2018-08-24T16:38:01"
    for file in bundled.parent.rglob("*.mseed"):
        [time] = [text for station, text in times.items() if station in file.name]
        os.utime(file, ns=(0, UTCDateTime(time).ns + 123_456_789))
    before = sorted(bundled.parent.iterdir())
    report = deep(bundled, bundled.parent)
    assert (report.problems, report.notes) == ([], NO_SUMMARY)
    assert sorted(bundled.parent.iterdir()) == before
