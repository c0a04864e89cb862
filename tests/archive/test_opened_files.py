"""How few files are opened: on a network disk an open costs more than a read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bad_files import START_NS, made, mseed, samples
from opened_files import opened

import credit_fast
from credit_fast import Client, UTCDateTime

START = UTCDateTime(ns=START_NS)
FILES = 30
#: Samples and seconds of a file; its name does not tell its place in time.
NPTS = 400
SECONDS = NPTS / 100


def name(number: int) -> str:
    return f"{number * 7 % FILES:02d}.mseed"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder of thirty small files that follow each other in time."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(FILES):
        start_ns = (START + number * SECONDS).ns
        data = mseed(data=samples(NPTS, seed=number), start_ns=start_ns, station="MANY")
        (folder / name(number)).write_bytes(data)
    return folder


def test_opening_is_told(many: Path) -> None:
    """Holds the instrument itself."""
    with opened(many) as names:
        for _ in range(2):
            (many / "00.mseed").read_bytes()
        list(many.iterdir())
    assert names == ["00.mseed", "00.mseed", "."]


def test_a_second_run_opens_no_file_that_did_not_change(many: Path, index: Path) -> None:
    with opened(many) as names:
        made(many, index, threads=1)
    assert sorted(set(names) - {"."}) == sorted(name(number) for number in range(FILES))
    (many / "new.mseed").write_bytes(mseed(station="NEW"))
    with opened(many) as names:
        report = made(many, index)
    assert (report.files_unchanged, report.files_indexed) == (FILES, 1)
    assert set(names) == {".", "new.mseed"}


def test_a_file_that_is_named_is_added_without_looking_at_the_rest(many: Path, index: Path) -> None:
    made(many, index)
    (many / "new.mseed").write_bytes(mseed(station="NEW"))
    with opened(many) as names:
        report = made(many / "new.mseed", index)
    assert set(names) == {"new.mseed"}
    assert (report.files_found, report.rows, report.channels) == (1, FILES + 1, 2)


def test_a_window_opens_the_files_that_it_needs_and_each_once(many: Path, index: Path) -> None:
    made(many, index)
    client = Client(index)
    window = ("XX", "MANY", "*", "BH?", START + 10.5 * SECONDS, START + 12.5 * SECONDS)
    with opened(many) as names:
        [trace] = client.get_waveforms(*window)
        client.get_nslc()
        client.get_availability("XX", "MANY", "*", "*")
        client.get_waveforms("XX", "MANY", "*", "BHZ", START - 100, START - 10)
    assert trace.stats.npts == 2 * NPTS + 1
    assert names == [name(10), name(11), name(12)]


def test_many_windows_are_read_file_by_file_whatever_their_order(many: Path, index: Path) -> None:
    made(many, index)
    client = Client(index)
    rows = [
        ("XX", "MANY", "", "BHZ", START + number * SECONDS + 1, START + number * SECONDS + 2)
        for number in range(FILES)
        for _ in range(2)
    ]
    random.Random(4).shuffle(rows)
    with opened(many) as names:
        streams = client.get_waveforms_bulk(rows, grouped=True, threads=1)
    assert all(len(stream) == 1 for stream in streams)
    assert names == sorted(names)
    assert len(set(names)) == FILES
    with opened(many) as names:
        windows = client.cut([row[:5] for row in rows], 100, components=None, threads=1)
    assert windows.coverage.min() == 1
    assert names == sorted(names)
    assert len(set(names)) == FILES


def test_many_windows_open_each_file_once_and_their_threads_no_index(
    many: Path, index: Path
) -> None:
    made(many, index)
    client = Client(index)
    starts = [START + file * SECONDS + place for file in range(FILES) for place in (0.5, 1, 1.5, 2)]
    random.Random(4).shuffle(starts)
    cuts = [("XX", "MANY", "", "BHZ", start) for start in starts]
    bulk = [(*row, row[-1] + 1) for row in cuts]
    for threads in (1, 3):
        with opened(index.parent) as indexes, opened(many) as names:
            client.get_waveforms_bulk(bulk, threads=threads)
            client.cut(cuts, 100, components=None, threads=threads)
        assert indexes == []
        # Sixteen windows are what a thread takes at once: another one may be at the same file.
        borders = 0 if threads == 1 else 2 * (len(cuts) // 16)
        assert 2 * FILES <= len(names) <= 2 * FILES + borders


def test_a_whole_file_is_opened_once(many: Path) -> None:
    with opened(many) as names:
        credit_fast.read(many / name(3))
    assert names == [name(3)]
