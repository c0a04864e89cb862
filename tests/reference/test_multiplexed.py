"""Files in which channels take turns, and files out of order: few rows, and right answers for us,
for ObsPy's client and for mseedindex.
"""

from __future__ import annotations

import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")
pytest.importorskip("sqlalchemy")

import obspy
from obspy.clients.filesystem.tsindex import Client as ObspyClient

import credit_fast
from credit_fast import Client, UTCDateTime, _core

RECLEN = 512
RATE_HZ = 100.0
START = UTCDateTime("2021-06-30T22:30:00.123456")
CHANNELS = ["HHE", "HHN", "HHZ", "BHZ"]
HOURS = 3


def records(channel: str, seed: int) -> list[bytes]:
    """Three hours of one channel, with a gap of 7 s after the first."""
    draw = np.random.default_rng(seed)
    npts = int(HOURS * 3600 * RATE_HZ)
    data = draw.integers(-200, 200, npts).cumsum().astype(np.int32)
    first = int(3600 * RATE_HZ)
    whole = b"".join(
        _core.encode_mseed2("XX", "MUX", "00", channel, ns, RATE_HZ, part, "STEIM2", RECLEN)
        for ns, part in ((START.ns, data[:first]), (START.ns + 3607 * 10**9, data[first:]))
    )
    return [whole[at : at + RECLEN] for at in range(0, len(whole), RECLEN)]


def shuffled(turns: list[list[bytes]], seed: int) -> bytes:
    """Records of several channels, each in its order, taking turns at random."""
    draw = np.random.default_rng(seed)
    left = [list(reversed(turn)) for turn in turns]
    out = []
    while any(left):
        weights = np.array([len(turn) for turn in left], dtype=float)
        at = int(draw.choice(len(left), p=weights / weights.sum()))
        out += [left[at].pop() for _ in range(min(int(draw.integers(1, 3)), len(left[at])))]
    return b"".join(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a multiplexed file, one out of order, and one as they mostly are."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "plain").write_bytes(b"".join(records("LHZ", 9)))
    (folder / "multiplexed").write_bytes(
        shuffled([records(channel, seed) for seed, channel in enumerate(CHANNELS)], 1)
    )
    one = records("HNZ", 20)
    order = np.random.default_rng(3).permutation(len(one))
    (folder / "out-of-order").write_bytes(b"".join(one[at] for at in order))
    two = [records("HNE", 21), records("HNN", 22)]
    mixed = [[turn[at] for at in np.random.default_rng(4).permutation(len(turn))] for turn in two]
    (folder / "both").write_bytes(shuffled(mixed, 5))
    return folder


@pytest.fixture(scope="module")
def index(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "index.db"
    report = credit_fast.makeindex(folder, path, progress=False)
    assert report.problems == []
    # One row for each channel of each file.
    assert (report.rows, report.channels) == (8, 8)
    return path


ALL = [*CHANNELS, "LHZ", "HNZ", "HNE", "HNN"]


def whole(folder: Path, channel: str) -> obspy.Stream:
    stream = obspy.Stream()
    for file in folder.iterdir():
        stream += obspy.read(str(file), format="MSEED")
    chosen = stream.select(channel=channel)
    chosen.merge(-1)
    chosen.sort()
    return chosen


@pytest.mark.parametrize("channel", ALL)
def test_windows_are_those_of_the_whole_file(folder: Path, index: Path, channel: str) -> None:
    client = Client(index)
    expected = whole(folder, channel)
    assert len(expected) == 2
    draw = np.random.default_rng(7)
    windows = [(START - 5, START + HOURS * 3600 + 20)]
    for _ in range(40):
        start = START + float(draw.uniform(-20, HOURS * 3600))
        windows.append((start, start + float(draw.choice([0.5, 30, 1200]))))
    for start, end in windows:
        theirs = expected.slice(obspy.UTCDateTime(ns=start.ns), obspy.UTCDateTime(ns=end.ns))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ours = client.get_waveforms("XX", "MUX", "00", channel, start, end)
        assert len(ours) == len(theirs)
        for one, two in zip(ours, theirs, strict=True):
            assert one.stats.starttime.ns == two.stats.starttime.ns
            assert np.array_equal(one.data, two.data)


@pytest.mark.parametrize("channel", ALL)
def test_obspys_client_reads_the_index_rightly(folder: Path, index: Path, channel: str) -> None:
    theirs = ObspyClient(str(index))
    expected = whole(folder, channel)
    draw = np.random.default_rng(8)
    windows = [(START - 5, START + HOURS * 3600 + 20)]
    for _ in range(6):
        start = START + float(draw.uniform(0, HOURS * 3600 - 700))
        windows.append((start, start + float(draw.choice([30, 600]))))
    for start, end in windows:
        times = obspy.UTCDateTime(ns=start.ns), obspy.UTCDateTime(ns=end.ns)
        found = theirs.get_waveforms("XX", "MUX", "00", channel, *times)
        found.merge(-1)
        found.sort()
        cut = expected.slice(*times)
        assert {trace.id for trace in found} == {f"XX.MUX.00.{channel}"}
        assert len(found) == len(cut)
        for one, two in zip(found, cut, strict=True):
            # Where a window ends between two records, ObsPy's client may lose the sample there.
            assert abs(one.stats.npts - two.stats.npts) <= 1
            same = two.slice(one.stats.starttime, one.stats.endtime)
            assert np.array_equal(one.data, same.data)


def test_obspys_client_lists_what_is_there(index: Path) -> None:
    theirs, ours = ObspyClient(str(index)), Client(index)
    assert theirs.get_nslc() == ours.get_nslc()
    # Around the gap: over the whole file ObsPy's client recurses once for each record, to death.
    times = obspy.UTCDateTime(ns=(START + 3500).ns), obspy.UTCDateTime(ns=(START + 3700).ns)
    found = theirs.get_availability_percentage("XX", "MUX", "00", "HHZ", *times)
    assert found == pytest.approx((1 - 7 / 200, 1), abs=1e-4)
    percentage, gaps = ours.get_availability_percentage("XX", "MUX", "00", "HHZ", *times)
    assert (percentage, gaps) == pytest.approx(found, abs=1e-4)


def test_the_index_stays_small(folder: Path, index: Path) -> None:
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert index.stat().st_size < 0.15 * size
    with sqlite3.connect(f"file:{index}?mode=ro", uri=True) as database:
        [(kind,)] = database.execute("select type from sqlite_master where name='tsindex'")
        [(parts,)] = database.execute("select count(*) from tsindex")
    assert kind == "view"
    assert parts > 5000
    assert credit_fast.index_info(index).rows == 8


def test_an_index_is_a_plain_table_until_it_holds_such_a_file(folder: Path, tmp_path: Path) -> None:
    index, archive = tmp_path / "index.db", tmp_path / "archive"
    archive.mkdir()
    (archive / "plain").write_bytes((folder / "plain").read_bytes())
    credit_fast.makeindex(archive, index, progress=False)
    client = Client(index)
    end = START + 60
    before = client.get_waveforms("XX", "MUX", "00", "*", START, end)

    def kind() -> str:
        with sqlite3.connect(index) as database:
            [(kind,)] = database.execute("select type from sqlite_master where name='tsindex'")
        database.close()
        return str(kind)

    assert kind() == "table"
    (archive / "multiplexed").write_bytes((folder / "multiplexed").read_bytes())
    report = credit_fast.makeindex(archive, index, progress=False)
    assert (report.files_unchanged, report.files_added, report.rows) == (1, 1, 5)
    assert kind() == "view"
    # The open client sees it.
    after = client.get_waveforms("XX", "MUX", "00", "*", START, end)
    assert [trace.id for trace in after] == sorted(
        f"XX.MUX.00.{channel}" for channel in [*CHANNELS, "LHZ"]
    )
    assert np.array_equal(after.select(channel="LHZ")[0].data, before[0].data)
    # It is unchanged, changed, and gone.
    assert credit_fast.makeindex(archive, index, progress=False).files_unchanged == 2
    content = (archive / "multiplexed").read_bytes()
    (archive / "multiplexed").write_bytes(content[: len(content) // 2 // RECLEN * RECLEN])
    report = credit_fast.makeindex(archive, index, progress=False)
    assert (report.files_replaced, report.rows) == (1, 5)
    (archive / "multiplexed").write_bytes(content)
    report = credit_fast.makeindex(archive, index, progress=False)
    assert (report.files_replaced, report.files_grown, report.rows) == (1, 0, 5)
    (archive / "multiplexed").unlink()
    report = credit_fast.makeindex(archive, index, prune=True, progress=False)
    assert (report.files_pruned, report.rows) == (1, 1)
