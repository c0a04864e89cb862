"""Our index against that of EarthScope's `mseedindex` 3, row by row, and with ObsPy's client.

The databases are looked into by other processes only: two SQLite libraries in one process on one
file drop each other's locks. `DIFFERENCES` lists on purpose where our rows are not mseedindex's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("obspy")

import obspy
from mseed_files import (
    differences,
    from_obspy,
    from_ours,
    obspy_folder,
    obspy_test_files,
    shared_files,
    short_name,
)
from tsindex_rows import Rows, assert_rows_are_parts_of, dump, mseedindex, wrong_columns

import credit_fast


@dataclass(frozen=True)
class Difference:
    """Files whose rows are not mseedindex's: why, and what the columns are instead."""

    pattern: str
    reason: str
    instead: tuple[tuple[str, Any], ...]


# mseedindex makes an FDSN source identifier of the codes and takes it apart again; codes of
# other than three letters do not survive that.
CODES = "channel code of two letters, kept as it stands in the file"
DIFFERENCES = [
    Difference("*/agfa.mseed", CODES, (("channel", "ZH"),)),
    Difference("*/nan_float32.mseed", CODES, (("channel", ""),)),
    Difference("*/nan_float64.mseed", CODES, (("channel", ""),)),
    Difference("*/D1360930.203.mseed", CODES, (("channel", "cp"),)),
    Difference(
        "*/gecko_non_ascii_header.ms",
        "location of a byte that is no ASCII and an A: what is legible is kept, as ObsPy does",
        (("location", "A"),),
    ),
]

# Time goes back inside these: our rows end there, those of mseedindex do not.
GOING_BACK = [
    "*/testdata-oneseries-mixedlengths-mixedorder.mseed?",
    "*/time_jump.mseed",
    "*/mseed_data_offset_0.mseed",
    "*/qualityflags.mseed",
    "*/2015282_225051_0ae4c_1_1.msd",
    "*/2015282_225051_0ae4c_1_2.msd",
]

# mseedindex ends without an error at the first damage; we go on behind it.
GIVEN_UP = ["*/infinite-loop.mseed"]

# Files that mseedindex stops at, with its words. We index them; ObsPy says what is in them.
REFUSED = {
    "*/SC.202305230113.0001.seed": "No miniSEED data",
    "*/fullseed_EE_VSU": "No miniSEED data",
    "*/RJOB.BW.EHZ.D.300806.0000.fullseed": "No miniSEED data",
    "*/blockette008.mseed": "No miniSEED data",
    "*/brokenlastrecord.mseed": "No miniSEED data",
    "*/fullseed.mseed": "No miniSEED data",
    "*/fullseed_dataquality_?.mseed": "No miniSEED data",
    "*/microsecond_wrap.mseed": "out of range",
    "*/single_record_plus_noise_record.mseed": "No miniSEED data",
    "*/various_noise_records.mseed": "No miniSEED data",
    "*/arclink_full.seed": "No miniSEED data",
}

WAVEFORMS = shared_files("waveforms")
ODD = shared_files("oddities") + obspy_test_files()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Rows | str]:
    """Rows that mseedindex writes for each file on its own, or its error text."""
    command = mseedindex()
    folder = tmp_path_factory.mktemp("mseedindex")

    def run(numbered: tuple[int, Path]) -> Path | str:
        number, file = numbered
        database = folder / f"{number}.db"
        done = subprocess.run(
            [command, "-sqlite", str(database), str(file)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return database if done.returncode == 0 else done.stderr

    files = WAVEFORMS + ODD
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(run, enumerate(files)))
    databases = [answer for answer in answers if isinstance(answer, Path)]
    rows = iter(dump(databases))
    return {
        file: answer if isinstance(answer, str) else next(rows)
        for file, answer in zip(files, answers, strict=True)
    }


@pytest.fixture(scope="module")
def ours(build_index: Callable[[Iterable[Path]], Path]) -> dict[str, Rows]:
    """Our rows of all files in one index, by file name."""
    [rows] = dump([build_index(WAVEFORMS + ODD)])
    by_file: dict[str, Rows] = {}
    for row in rows:
        by_file.setdefault(row["filename"], []).append(row)
    return by_file


@pytest.mark.parametrize(
    "folder",
    sorted(
        {
            file.relative_to(file.parents[-1]).as_posix().split("waveforms/")[1].split("/")[0]
            for file in WAVEFORMS
        }
    ),
)
def test_rows_of_real_archives_equal_mseedindexs(
    theirs: dict[Path, Rows | str], ours: dict[str, Rows], folder: str
) -> None:
    files = [file for file in WAVEFORMS if f"/waveforms/{folder}/" in file.as_posix()]
    wrong: list[str] = []
    for file in files:
        expected = theirs[file]
        assert not isinstance(expected, str), expected
        found = wrong_columns(ours.get(str(file.resolve()), []), expected)
        wrong += [f"{file.name}: {text}" for text in found]
    assert not wrong, f"{len(wrong)} differences:\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("file", ODD, ids=short_name)
def test_rows_of_odd_files_equal_mseedindexs(
    theirs: dict[Path, Rows | str], ours: dict[str, Rows], file: Path
) -> None:
    name = short_name(file)
    mine = ours.get(str(file.resolve()), [])
    expected = theirs[file]
    refusal = [words for pattern, words in REFUSED.items() if fnmatch(name, pattern)]
    if refusal:
        assert isinstance(expected, str), "mseedindex reads it now: take it off the table"
        assert refusal[0] in expected
        assert_rows_cover_what_obspy_reads(mine, file)
        return
    assert not isinstance(expected, str), expected
    if any(fnmatch(name, pattern) for pattern in GIVEN_UP):
        assert wrong_columns(mine[: len(expected)], expected) == []
        assert len(mine) > len(expected)
        return
    if any(fnmatch(name, pattern) for pattern in GOING_BACK):
        assert len(mine) > len(expected)
        assert all(row["timeindex"].endswith("latest=>1") for row in mine)
        assert_rows_are_parts_of(mine, expected)
        return
    entry = next((entry for entry in DIFFERENCES if fnmatch(name, entry.pattern)), None)
    if entry is not None:
        assert wrong_columns(mine, expected), f"no longer different: {entry.reason}"
        expected = [{**row, **dict(entry.instead)} for row in expected]
    assert wrong_columns(mine, expected) == []


def assert_rows_cover_what_obspy_reads(rows: Rows, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = obspy.read(str(file), format="MSEED")
    ids = {".".join(row[c] for c in ("network", "station", "location", "channel")) for row in rows}
    assert ids == {trace.id for trace in stream}
    for id_ in ids:
        traces = [trace for trace in stream if trace.id == id_]
        mine = [r for r in rows if id_.split(".")[1] == r["station"] and r["channel"] in id_]
        earliest = min(obspy.UTCDateTime(row["starttime"]) for row in mine)
        latest = max(obspy.UTCDateTime(row["endtime"]) for row in mine)
        assert earliest == min(trace.stats.starttime for trace in traces)
        assert abs(latest - max(trace.stats.endtime for trace in traces)) < 1e-6


def test_tables_name_only_files_that_exist() -> None:
    if not WAVEFORMS:
        pytest.skip("real data not found: set CREDIT_FAST_DATA to its folder")
    names = [short_name(file) for file in ODD]
    patterns = [entry.pattern for entry in DIFFERENCES] + GIVEN_UP + GOING_BACK + list(REFUSED)
    assert [p for p in patterns if not any(fnmatch(name, p) for name in names)] == []


def test_bookkeeping_columns_are_filled(ours: dict[str, Rows], tmp_path: Path) -> None:
    index = tmp_path / "index.db"
    file = WAVEFORMS[0] if WAVEFORMS else ODD[0]
    credit_fast.makeindex(str(file), str(index), progress=False)
    columns = ["hash", "filemodtime", "updated", "scanned"]
    [rows] = dump([index], columns)
    assert rows
    for row in rows:
        assert row["hash"] == "" or row["hash"] is None or len(row["hash"]) == 32
        for column in columns[1:]:
            assert obspy.UTCDateTime(row[column]).year >= 2000
            assert len(row[column]) == 19


SCHEMA = """
import json, sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
info = lambda table: [row[1:3] for row in database.execute(f"pragma table_info({table})")]
indexes = {}
for row in database.execute("pragma index_list(tsindex)").fetchall():
    columns = database.execute(f"pragma index_info({row[1]})").fetchall()
    indexes[row[1]] = [column[2] for column in columns]
summary = []
if info("tsindex_summary"):
    summary = database.execute("select * from tsindex_summary order by 1,2,3,4").fetchall()
rows = database.execute(
    "select network, station, location, channel, min(starttime), max(endtime) "
    "from tsindex group by 1,2,3,4 order by 1,2,3,4").fetchall()
print(json.dumps([info("tsindex"), indexes, info("tsindex_summary"), summary, rows]))
"""


def schema(database: Path) -> list[Any]:
    """Columns and indexes of the tables of an index, and its summary, read elsewhere."""
    done = subprocess.run(
        [sys.executable, "-c", SCHEMA, str(database)], capture_output=True, text=True, check=True
    )
    answer: list[Any] = json.loads(done.stdout)
    return answer


def test_schema_equals_mseedindexs(tmp_path: Path) -> None:
    file = str(ODD[0])
    credit_fast.makeindex(file, str(tmp_path / "ours.db"), progress=False)
    subprocess.run([mseedindex(), "-sqlite", str(tmp_path / "theirs.db"), file], check=True)
    mine, other = schema(tmp_path / "ours.db"), schema(tmp_path / "theirs.db")
    assert mine[0] == other[0]
    own = mine[1].pop("credit_fast_slow_idx")
    assert own == ["network", "station", "location", "channel"]
    assert mine[1] == other[1]


def test_summary_has_the_extent_of_every_channel(
    build_index: Callable[[Iterable[Path]], Path],
) -> None:
    files = [file for file in WAVEFORMS if "usgs" in str(file)] or ODD[:5]
    _, _, columns, summary, rows = schema(build_index(files))
    assert [name for name, _ in columns] == [
        "network",
        "station",
        "location",
        "channel",
        "earliest",
        "latest",
        "updt",
    ]
    assert [row[:6] for row in summary] == rows


OBSPY_CLIENT = """
import pickle, sys
from obspy.clients.filesystem.tsindex import Client
index, requests, out = sys.argv[1:]
client = Client(index)
answers = []
with open(requests, "rb") as stream:
    for request in pickle.load(stream):
        answers.append(client.get_waveforms(*request))
with open(out, "wb") as stream:
    pickle.dump(answers, stream)
"""


def test_obspys_tsindex_client_gets_the_same_samples_from_our_index(
    build_index: Callable[[Iterable[Path]], Path], tmp_path: Path
) -> None:
    pytest.importorskip("sqlalchemy")
    import pickle

    files = [f for f in WAVEFORMS if "ghana" in str(f) or "anmo-2025" in str(f)]
    if not files:
        pytest.skip("real data not found: set CREDIT_FAST_DATA to its folder")
    index = build_index(files)
    ghana, anmo = obspy.UTCDateTime("2012-10-09T12:10:00"), obspy.UTCDateTime("2025-05-02T23:59:50")
    requests = [
        ("GH", "AKOS", "*", "HHZ", ghana, ghana + 60),
        ("GH", "*", "*", "HHN", ghana + 1000.5, ghana + 1003.25),
        ("GH", "WEIJ,SHAI", "*", "HH?", ghana + 2000, ghana + 2100),
        ("IU", "ANMO", "00", "BHZ", anmo, anmo + 20),
        ("IU", "ANMO", "00", "BH?", anmo - 7200, anmo - 7000),
        ("IU", "NONE", "00", "BHZ", anmo, anmo + 20),
    ]
    (tmp_path / "requests").write_bytes(pickle.dumps(requests))
    subprocess.run(
        [
            sys.executable,
            "-c",
            OBSPY_CLIENT,
            str(index),
            str(tmp_path / "requests"),
            str(tmp_path / "answers"),
        ],
        check=True,
    )
    answers = pickle.loads((tmp_path / "answers").read_bytes())
    client = credit_fast.Client(str(index))
    for request, theirs in zip(requests, answers, strict=True):
        ours = client.get_waveforms(*request)
        assert differences(from_ours(ours), from_obspy(theirs.sort()), tolerance_ns=3_000) == []
    assert sum(map(len, answers)) >= 17


@pytest.fixture
def bundled() -> Path:
    """The index of 2018 that ObsPy carries for its own tests; its file names are relative."""
    folder = obspy_folder()
    assert folder is not None
    return folder / "clients/filesystem/tests/data/tsindex_data/timeseries.sqlite"


@pytest.mark.parametrize(
    ("id_", "file"),
    [
        ("IU.ANMO.10.BHZ", "IU/2018/001/IU.ANMO.10.BHZ.2018.001_first_minute.mseed"),
        ("IU.COLA.10.BHZ", "IU/2018/001/IU.COLA.10.BHZ.2018.001_first_minute.mseed"),
        ("CU.TGUH.00.BHZ", "CU/2018/001/CU.TGUH.00.BHZ.2018.001_first_minute.mseed"),
    ],
)
def test_our_client_opens_the_index_that_obspy_carries(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, id_: str, file: str
) -> None:
    monkeypatch.chdir(tmp_path)  # so that only the folder of the index can explain success
    before = sorted(bundled.parent.iterdir())
    client = credit_fast.Client(str(bundled))
    whole = obspy.read(str(bundled.parent / file), format="MSEED")
    start, end = whole[0].stats.starttime + 10.01, whole[0].stats.starttime + 30
    network, station, location, channel = id_.split(".")
    stream = client.get_waveforms(network, station, location, channel, start, end)
    found = from_ours(stream)
    assert differences(found, from_obspy(whole.slice(start, end)), tolerance_ns=1) == []
    assert sorted(bundled.parent.iterdir()) == before, "opening must leave nothing behind"


def test_relative_file_names_are_looked_for_in_the_working_directory_next(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(bundled, tmp_path / "copy.sqlite")
    monkeypatch.chdir(bundled.parent)
    start = obspy.UTCDateTime("2018-01-01T00:00:10")
    client = credit_fast.Client(str(tmp_path / "copy.sqlite"))
    [trace] = client.get_waveforms("IU", "ANMO", "10", "BHZ", start, start + 1)
    assert trace.stats.npts == 41


def test_our_client_opens_an_index_of_mseedindex(
    build_index: Callable[[Iterable[Path]], Path], tmp_path: Path
) -> None:
    files = [file for file in WAVEFORMS if "ghana" in str(file)]
    if not files:
        pytest.skip("real data not found: set CREDIT_FAST_DATA to its folder")
    index = tmp_path / "theirs.db"
    for file in files:
        subprocess.run([mseedindex(), "-sqlite", str(index), str(file)], check=True)
    start = obspy.UTCDateTime("2012-10-09T12:20:00.003")
    request = ("GH", "*", "*", "HH?", start, start + 1800.25)
    theirs = credit_fast.Client(str(index)).get_waveforms(*request)
    mine = credit_fast.Client(str(build_index(files))).get_waveforms(*request)
    assert len(mine) == 18
    assert differences(from_ours(theirs), from_ours(mine)) == []
    assert all(np.any(trace.data != 0) for trace in mine)
