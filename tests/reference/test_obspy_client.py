"""`credit_fast.obspy.Client` in the place of ObsPy's own client of an index."""

from __future__ import annotations

import pickle
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from overlap_archive import (
    CODES as OVERLAP_CODES,
)
from overlap_archive import (
    ID,
    at,
    change_index,
    client_of,
    constant,
    counts,
    runs,
    scanned,
    write,
)
from tsindex_rows import mseedindex

import credit_fast
from credit_fast import _core
from credit_fast.obspy import Client

obspy = pytest.importorskip("obspy")
tsindex = pytest.importorskip("obspy.clients.filesystem.tsindex")

# ObsPy's own question to SQLAlchemy.
pytestmark = pytest.mark.filterwarnings("ignore:SELECT statement has a cartesian product")

START = obspy.UTCDateTime("2018-07-08T23:40:00")
RATE = 100.0
CODES = ("XX", "AAA", "00", "HHZ")


def write_days(folder: Path) -> None:
    """Two day files of two channels, a gap of 100 s in one of them."""
    noise = np.random.default_rng(1).integers(-9999, 9999, 240_000, dtype=np.int32)
    for channel, pieces in (("HHZ", [(0, 240_000)]), ("HHN", [(0, 100_000), (110_000, 240_000)])):
        for first, end in pieces:
            for a, b in ((first, min(end, 120_000)), (max(first, 120_000), end)):
                if a >= b:
                    continue
                start_ns = (START + a / RATE).ns
                records = _core.encode_mseed2(
                    *CODES[:3], channel, start_ns, RATE, noise[a:b], "STEIM2"
                )
                (folder / f"{channel}.{a}").write_bytes(records)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write_days(folder)
    path = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, path, progress=False)
    return path


@pytest.fixture
def theirs(index: Path, tmp_path: Path) -> Any:
    """ObsPy's client, on a copy: two SQLite libraries on one file drop each other's locks."""
    return tsindex.Client(str(shutil.copy(index, tmp_path / "copy.db")))


def content(stream: Any) -> list[tuple[Any, ...]]:
    return sorted((t.id, t.stats.starttime, t.stats.sampling_rate, t.data.tolist()) for t in stream)


def test_one_changed_import_line_gives_the_same_streams(index: Path, theirs: Any) -> None:
    ours = Client(str(index))
    for begin, end in ((0, 30), (600, 1800), (950, 1150), (1199, 1201), (5000, 6000)):
        window = (START + begin, START + end)
        a = ours.get_waveforms("XX", "*", "*", "HH?", *window)
        b = theirs.get_waveforms("XX", "*", "*", "HH?", *window)
        assert isinstance(a, obspy.Stream)
        assert content(a) == content(b)
    rows = [(*CODES, START, START + 10), ("XX", "AAA", "00", "HHN", START + 20, START + 30)]
    together = ours.get_waveforms_bulk(rows)
    assert content(together) == content(theirs.get_waveforms_bulk(rows))
    assert len(together) == 2
    assert [len(stream) for stream in ours.get_waveforms_bulk(rows, grouped=True)] == [1, 1]


def test_a_code_that_is_none_is_all_as_in_obspy(index: Path, theirs: Any) -> None:
    ours = Client(str(index))
    row = (None, "AAA", None, "HHZ", START, START + 1)
    [trace] = ours.get_waveforms(*row)
    assert content([trace]) == content(theirs.get_waveforms(*row))
    assert content(ours.get_waveforms_bulk([row])) == content([trace])


def test_a_window_of_no_duration_at_the_begin_of_a_file_has_its_sample(
    index: Path, theirs: Any
) -> None:
    midnight = START + 1200
    assert len(theirs.get_waveforms(*CODES, midnight, midnight)) == 0
    [trace] = Client(str(index)).get_waveforms(*CODES, midnight, midnight)
    assert (trace.stats.starttime, trace.stats.npts) == (midnight, 1)


def test_what_is_there_is_told_as_obspy_tells_it(index: Path, theirs: Any) -> None:
    ours = Client(str(index))
    assert ours.get_nslc() == theirs.get_nslc()
    assert ours.get_availability_extent() == theirs.get_availability_extent()
    assert ours.get_availability(channel="HHN") == theirs.get_availability(channel="HHN")
    window = (START + 100, START + 2000)
    # Theirs are not clipped to the window.
    assert theirs.get_availability(*CODES, *window) == ours.get_availability(*CODES)
    assert ours.get_availability(*CODES, *window) == [(*CODES, *window)]
    assert ours.has_data(*CODES, *window) is theirs.has_data(*CODES, *window) is True
    assert ours.has_data(*CODES, START - 100, START - 50) is False
    gappy = ("XX", "AAA", "00", "HHN", START + 900, START + 1200)
    fraction, gaps = ours.get_availability_percentage(*gappy)
    expected, their_gaps = theirs.get_availability_percentage(*gappy)
    assert gaps == their_gaps == 1
    # Theirs has no time for the last sample of a span.
    assert fraction == pytest.approx(expected, abs=2 / RATE / 300)
    assert fraction == pytest.approx(2 / 3)


def test_obspys_arguments_are_taken(index: Path) -> None:
    moved = Client(str(index), ("/no/such/", "/folder/"), False, "ERROR")
    again = pickle.loads(pickle.dumps(moved))
    assert len(again.get_waveforms(*CODES, START, START + 1)) == 1
    assert repr(again) == f"credit_fast.obspy.Client({str(index)!r})"
    assert len(again.get_waveforms_bulk([(*CODES, START, START + 1)], None)) == 1
    named = Client(database=str(index), datapath_replace=None, loglevel="DEBUG")
    assert len(named.get_waveforms_bulk(query_rows=[(*CODES, START, START + 1)], merge=-1)) == 1


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An archive that moved from `all` to `all2`, its index, and another of names below `all`."""
    root = tmp_path_factory.mktemp("moved").resolve()
    folder = root / "all"
    folder.mkdir()
    write_days(folder)
    credit_fast.makeindex(folder, root / "absolute.db", progress=False)
    shutil.copytree(folder, root / "elsewhere" / "below")
    credit_fast.makeindex(
        root / "elsewhere" / "below", root / "elsewhere" / "x.db", relative=True, progress=False
    )
    # Away from what its names are relative to.
    (root / "elsewhere" / "x.db").rename(root / "relative.db")
    folder.rename(root / "all2")
    return {"root": root, "absolute": root / "absolute.db", "relative": root / "relative.db"}


def test_datapath_replace_is_a_regular_expression_as_in_obspy(
    moved: dict[str, Any], tmp_path: Path
) -> None:
    root = moved["root"]
    for number, (which, rule) in enumerate(
        [
            ("relative", ("^", f"{root}/elsewhere/")),
            ("absolute", (f"{root}/all/", f"{root}/all2/")),
            ("absolute", ("/all/", "/all2/")),
            ("absolute", (f"^{root}/all/", f"{root}/all2/")),
            ("absolute", (rf"{root}/[a-z]+/", f"{root}/all2/")),
            ("absolute", (f"^{root}/all", f"{root}\\all2")),
            ("absolute", (r"/al(?=l/)(.)/", "/all2/")),
        ]
    ):
        copy = shutil.copy(moved[which], tmp_path / f"{number}.db")
        expected = tsindex.Client(str(copy), datapath_replace=rule)
        window = ("XX", "*", "*", "HHZ", START + 10, START + 20)
        [trace] = expected.get_waveforms(*window)
        assert trace.stats.npts == 1001
        ours = Client(str(moved[which]), datapath_replace=rule)
        assert content(ours.get_waveforms(*window)) == content([trace]), rule
        rows = [(*CODES, START + n, START + n + 1) for n in range(0, 2000, 100)]
        again = pickle.loads(pickle.dumps(ours))
        assert len(again.get_waveforms_bulk(rows, threads=2)) == 20


def test_datapath_replace_leaves_names_that_lead_to_files(
    index: Path, moved: dict[str, Any]
) -> None:
    """ObsPy's ends with an exception."""
    window = (*CODES, START, START + 1)
    assert len(Client(str(index), ("^", "/nowhere")).get_waveforms(*window)) == 1
    # An empty text takes away what was found, which ObsPy passes over: names are relative now.
    beside = shutil.copy(moved["absolute"], moved["root"] / "all2" / "index.db")
    assert len(Client(str(beside), (f"^{moved['root']}/all/", "")).get_waveforms(*window)) == 1
    with pytest.warns(credit_fast.DataWarning, match=r"No such file.*/nowhere/"):
        Client(str(moved["absolute"]), ("^", "/nowhere")).get_waveforms(*window)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("/all", "datapath_replace '/all'"),
        (("(", "x"), "'\\(' is no regular expression: missing"),
        (("a", Path("b")), "found str and PosixPath"),
        (("a", "b", "c"), "expected a pair of texts"),
        (5, "datapath_replace 5: "),
    ],
)
def test_a_datapath_replace_that_is_none_is_named(index: Path, rule: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Client(str(index), rule)
    with pytest.raises(ValueError, match="datapath_replace and path_map: expected one"):
        Client(str(index), ("a", "b"), path_map={"a": "b"})


def test_overlaps_are_decided_and_told_on_the_stream(tmp_path: Path) -> None:
    write(tmp_path / "data", "a", 0, constant(2, 1000))
    write(tmp_path / "data", "b", 500, constant(3, 1000), version=3)
    client_of(tmp_path / "data")
    ours = Client(str(tmp_path / "data.db"))
    row = (*OVERLAP_CODES, at(0), at(2000))
    stream = ours.get_waveforms(*row)
    [trace] = stream
    assert trace.data.tolist() == [2] * 500 + [3] * 1000
    expected = {ID: {"version": 500}}
    assert stream.overlaps == stream.copy().overlaps == expected
    assert ours.get_waveforms_bulk([row, row]).overlaps == {ID: {"version": 1000}}
    assert [s.overlaps for s in ours.get_waveforms_bulk([row], grouped=True)] == [expected]
    theirs = tsindex.Client(str(shutil.copy(tmp_path / "data.db", tmp_path / "copy.db")))
    both = ours.get_waveforms(*row, version="all")
    assert content(both) == content(theirs.get_waveforms(*row))
    assert len(both) == 2 and both.overlaps == {}
    assert len(ours.get_waveforms(*row, quality="D")[0]) == 1000


def test_rows_of_mseedindex_decide_like_our_own(tmp_path: Path) -> None:
    """With and without its column of versions, which older ones did not have."""
    index = tmp_path / "theirs.db"
    files = [
        write(tmp_path / "data", "a", 0, constant(2, 1000)),
        write(tmp_path / "data", "b", 500, constant(3, 1000), version=3),
        write(tmp_path / "data", "c", 1200, constant(4, 1000), changed=1_600_000_000),
    ]
    for file in files:
        subprocess.run([mseedindex(), "-sqlite", str(index), str(file)], check=True)
    scanned(index, a="2020-01-01T00:00:00", c="2020-01-01T00:00:00")
    best = [(0, 2, 500), (500, 3, 1000), (1500, 4, 700)]
    for change in ("version", "quality", "scanned"):
        client = credit_fast.Client(index)
        for _ in range(3):
            stream = client.get_waveforms(*OVERLAP_CODES, at(0), at(3000))
            assert runs(stream) == best
            assert counts(stream) == {ID: {"version": 800}}
            chosen = client.get_waveforms(*OVERLAP_CODES, at(0), at(3000), version=2)
            assert runs(chosen) == [(0, 2, 1000), (1200, 4, 1000)]
        if change != "quality":
            change_index(index, (f"ALTER TABLE tsindex RENAME {change} TO old_{change}",))
