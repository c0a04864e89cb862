"""What bad input does to makeindex, read and Client: a line in a report, never the end of a run."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_files import (
    PNG,
    RECLEN,
    START_NS,
    TEXT,
    assert_good_is_whole,
    cut,
    garbage,
    made,
    mseed,
    npts_of_records,
    overwritten,
    problems_of,
    read,
    samples,
    sqlite,
)

import credit_fast
from credit_fast.errors import IndexFormatError, MiniSeedError

SECOND = 1_000_000_000


# --- files that are no miniSEED -----------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", TEXT, PNG, bytes(4096), garbage(5000)],
    ids=["empty", "text", "png", "zeros", "noise"],
)
def test_a_file_that_is_not_miniseed_is_one_line_of_the_report(
    archive: Path, index: Path, content: bytes
) -> None:
    bad = archive / "bad.mseed"
    bad.write_bytes(content)
    report = made(archive, index)
    [problem] = problems_of(report, bad)
    assert problem.kind == "not-mseed"
    assert problem.reason
    assert report.files_found == 2
    assert report.rows == 1
    assert_good_is_whole(index)


@pytest.mark.parametrize("content", [b"", TEXT, PNG], ids=["empty", "text", "png"])
def test_reading_what_is_not_miniseed_raises_naming_the_file(
    tmp_path: Path, content: bytes
) -> None:
    bad = tmp_path / "bad.mseed"
    bad.write_bytes(content)
    with pytest.raises(MiniSeedError, match=r"bad\.mseed"):
        credit_fast.read(str(bad))
    with pytest.raises(MiniSeedError):
        credit_fast.read(content)


def test_a_missing_file_and_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.mseed"):
        credit_fast.read(str(tmp_path / "none.mseed"))
    with pytest.raises(OSError, match=tmp_path.name):
        credit_fast.read(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes that have names")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        credit_fast.read(pipe)
    (found,) = credit_fast.inspect_files(pipe)
    assert [p.kind for p in found.problems] == ["unreadable"]
    assert "not a regular file" in found.problems[0].reason


def test_reading_an_index_as_data_says_that_it_is_none(archive: Path, index: Path) -> None:
    made(archive, index)
    with pytest.raises(MiniSeedError, match="not a miniSEED file"):
        credit_fast.read(index)


def test_a_folder_named_like_a_file_is_walked(archive: Path, index: Path) -> None:
    folder = archive / "XX.IN..BHZ.mseed"
    folder.mkdir()
    (folder / "inner").write_bytes(mseed(station="INNER"))
    report = made(archive, index)
    assert report.problems == []
    assert report.files_indexed == 2
    assert len(cut(index, "INNER")[0]) == 1


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file"
)
def test_an_unreadable_file_is_one_line_of_the_report(archive: Path, index: Path) -> None:
    bad = archive / "locked.mseed"
    bad.write_bytes(mseed())
    bad.chmod(0)
    [problem] = problems_of(made(archive, index), bad)
    assert problem.kind == "unreadable"
    assert_good_is_whole(index)
    with pytest.raises(PermissionError, match=r"locked\.mseed"):
        credit_fast.read(str(bad))


def test_a_link_to_nowhere_does_not_stop_the_run(archive: Path, index: Path) -> None:
    (archive / "dangling.mseed").symlink_to(archive / "nowhere.mseed")
    report = made(archive, index)
    assert {problem.kind for problem in report.problems} <= {"unreadable"}
    assert_good_is_whole(index)


def test_a_loop_of_links_ends_and_doubles_nothing(archive: Path, index: Path) -> None:
    (archive / "sub").mkdir()
    (archive / "sub" / "up").symlink_to(archive, target_is_directory=True)
    (archive / "self").symlink_to(archive / "self")
    report = made(archive, index)
    assert report.rows == 1
    assert_good_is_whole(index)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(archive: Path, index: Path) -> None:
    os.mkfifo(archive / "pipe.mseed")
    script = (
        "import sys, credit_fast\n"
        "report = credit_fast.makeindex(sys.argv[1], sys.argv[2], progress=False)\n"
        "print(report.rows)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(archive), str(index)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "1"


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "it's.mseed",
        "台站 数据.mseed",
        "with  spaces ",
        "hash#1",
        "hash#2#",
        "%41?x=1&y",
        '"q"',
        "*",
    ],
)
def test_any_file_name_is_indexed_and_read_back(archive: Path, index: Path, name: str) -> None:
    file = archive / name
    try:
        file.write_bytes(mseed(station="NAME"))
    except OSError:
        pytest.skip(f"this file system has no name {name!r}")
    for _ in range(2):
        report = made(archive, index)
        assert report.problems == []
    assert report.files_unchanged == 2
    stream, texts = cut(index, "NAME")
    assert texts == []
    assert np.array_equal(stream[0].data, samples())
    assert len(credit_fast.read(str(file))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_does_not_stop_the_run(archive: Path, index: Path) -> None:
    (archive / os.fsdecode(b"latin-\xe9.mseed")).write_bytes(mseed())
    made(archive, index)
    assert_good_is_whole(index)


def test_the_index_inside_the_archive_is_not_taken_for_data(archive: Path) -> None:
    index = archive / "index.db"
    made(archive, index)
    report = made(archive, index)
    assert report.problems == []
    assert report.files_found == 1


# --- damage inside a file -----------------------------------------------------------------------


def without_record(number: int) -> list[Any]:
    """The samples before and after one record."""
    counts = npts_of_records(mseed())
    first = sum(counts[:number])
    return [samples()[:first], samples()[first + counts[number] :]]


def _damage() -> dict[str, tuple[bytes, int, list[Any], set[str]]]:
    """Content, offset of the damage, samples that are left, kinds that may be reported."""
    good = mseed()
    at = 3 * RECLEN
    count = len(good) // RECLEN
    last = (count - 1) * RECLEN
    foreign = {"skipped", "corrupt"}
    left = samples()[: sum(npts_of_records(good)[:-1])]
    return {
        "cut in the last record": (good[: last + 200], last, [left], {"truncated"}),
        "one byte short": (good[:-1], last, [left], {"truncated"}),
        "header overwritten": (overwritten(good, at, garbage(48)), at, without_record(3), foreign),
        "record overwritten": (
            overwritten(good, at, garbage(RECLEN)),
            at,
            without_record(3),
            foreign,
        ),
        "zero block": (overwritten(good, at, bytes(RECLEN)), at, without_record(3), foreign),
        "noise between": (good[:at] + garbage(1024) + good[at:], at, [samples()], foreign),
        "odd noise between": (good[:at] + garbage(301) + good[at:], at, [samples()], foreign),
        "noise after": (good + garbage(300), len(good), [samples()], foreign | {"truncated"}),
        "text before": (TEXT + good, 0, [samples()], foreign),
        "zeros after": (good + bytes(2048), len(good), [samples()], foreign),
        "impossible day": (overwritten(good, at + 22, b"\x7f\xff"), at, without_record(3), foreign),
    }


NAMES = [
    "cut in the last record",
    "one byte short",
    "header overwritten",
    "record overwritten",
    "zero block",
    "noise between",
    "odd noise between",
    "noise after",
    "text before",
    "zeros after",
    "impossible day",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_around_damage_is_read_and_the_offset_said(tmp_path: Path, name: str) -> None:
    content, offset, left, _ = _damage()[name]
    file = tmp_path / "damaged.mseed"
    file.write_bytes(content)
    for source in (str(file), content):
        stream, texts = read(source)
        assert [trace.stats.npts for trace in stream] == [len(part) for part in left]
        for trace, part in zip(stream, left, strict=True):
            assert np.array_equal(trace.data, part)
        assert len(texts) == 1, texts
        assert str(offset) in texts[0]
        if source == str(file):
            assert "damaged.mseed" in texts[0]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_around_damage_is_indexed_and_the_offset_reported(
    archive: Path, index: Path, name: str
) -> None:
    content, offset, left, kinds = _damage()[name]
    file = archive / "damaged.mseed"
    file.write_bytes(content)
    report = made(archive, index)
    [problem] = problems_of(report, file)
    assert problem.kind in kinds
    assert problem.offset == offset
    assert str(offset) in str(problem)
    stream, texts = cut(index, "BAD")
    assert texts == []  # only good records are in the index
    assert [trace.stats.npts for trace in stream] == [len(part) for part in left]
    for trace, part in zip(stream, left, strict=True):
        assert np.array_equal(trace.data, part)
    assert_good_is_whole(index)


def test_two_damaged_places_are_two_warnings(tmp_path: Path) -> None:
    good = mseed()
    content = overwritten(good, 2 * RECLEN, bytes(RECLEN))
    content = overwritten(content, 6 * RECLEN, garbage(RECLEN))
    _, texts = read(content)
    assert len(texts) == 2
    assert str(2 * RECLEN) in texts[0]
    assert str(6 * RECLEN) in texts[1]


def test_a_steim_check_that_fails_is_said(archive: Path, index: Path) -> None:
    """The data bytes are wrong, the header is good: only decoding can tell."""
    at = 3 * RECLEN
    content = mseed()
    flipped = bytes([content[at + 200] ^ 0x10])
    file = archive / "flipped.mseed"
    file.write_bytes(overwritten(content, at + 200, flipped))
    stream, texts = read(str(file))
    assert len(texts) == 1
    said = re.search(r"flipped\.mseed at byte (\d+)", texts[0])
    assert said is not None, texts
    assert at <= int(said[1]) < at + RECLEN
    assert sum(trace.stats.npts for trace in stream) >= 4_000 - npts_of_records(content)[3]
    made(archive, index)
    _, texts = cut(index, "BAD")
    assert len(texts) == 1
    assert "flipped.mseed" in texts[0]


def test_a_crc_that_does_not_match_is_said(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "oddities" / "fdsn-miniseed3" / "reference-sinusoid-int16.mseed3"
    content = source.read_bytes()
    file = tmp_path / "crc.mseed3"
    file.write_bytes(overwritten(content, 100, bytes([content[100] ^ 1])))
    _, texts = read(str(file))
    assert len(texts) == 1
    assert "CRC" in texts[0]
    report = made(file, tmp_path / "index.db")
    assert [problem.kind for problem in report.problems] == ["integrity"]


def test_an_unknown_encoding_costs_only_its_record(archive: Path, index: Path) -> None:
    """Byte 52 of these records is the encoding in blockette 1000."""
    at = 3 * RECLEN
    content = mseed()
    assert content[48:50] == b"\x03\xe8"
    assert content[52] == 11
    file = archive / "unknown.mseed"
    file.write_bytes(overwritten(content, at + 52, b"\x63"))
    stream, texts = read(str(file))
    assert [trace.stats.npts for trace in stream] == [len(part) for part in without_record(3)]
    assert len(texts) == 1
    assert "99" in texts[0]
    assert str(at) in texts[0]
    made(archive, index)
    assert_good_is_whole(index)


def test_random_bytes_never_crash_the_reader() -> None:
    good = mseed()
    draw = np.random.default_rng(11)
    for _ in range(300):
        content = bytearray(good[: 4 * RECLEN])
        for place in draw.integers(0, len(content), draw.integers(1, 30)):
            content[place] = draw.integers(0, 256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                stream = credit_fast.read(bytes(content))
            except MiniSeedError:
                continue
        assert sum(trace.stats.npts for trace in stream) < 100_000


# --- files that change after they were indexed --------------------------------------------------


@pytest.fixture
def changing(archive: Path, index: Path) -> Path:
    """A file of XX.BAD..BHZ in an indexed archive, followed by 40 s of the same in `next.mseed`."""
    file = archive / "changing.mseed"
    file.write_bytes(mseed())
    after = mseed(data=samples(seed=2), start_ns=START_NS + 40 * SECOND)
    (archive / "next.mseed").write_bytes(after)
    made(archive, index)
    [trace], texts = cut(index, "BAD")
    assert texts == []
    assert trace.stats.npts == 8_000
    return file


def assert_only_the_next_file(index: Path, file: Path) -> None:
    stream, texts = cut(index, "BAD")
    assert texts
    assert all(file.name in text for text in texts)
    [trace] = [trace for trace in stream if trace.stats.starttime.ns == START_NS + 40 * SECOND]
    assert np.array_equal(trace.data, samples(seed=2))


def test_a_vanished_file_costs_only_its_part(changing: Path, index: Path) -> None:
    changing.unlink()
    assert_only_the_next_file(index, changing)
    assert len(cut(index, "BAD")[0]) == 1


def test_a_file_emptied_after_indexing_costs_only_its_part(changing: Path, index: Path) -> None:
    changing.write_bytes(b"")
    assert_only_the_next_file(index, changing)


def test_of_a_file_cut_after_indexing_the_rest_is_given(changing: Path, index: Path) -> None:
    content = changing.read_bytes()
    changing.write_bytes(content[: 4 * RECLEN + 100])
    assert_only_the_next_file(index, changing)
    stream, _ = cut(index, "BAD")
    first = sum(npts_of_records(content)[:4])
    assert np.array_equal(stream[0].data, samples()[:first])


def test_a_file_replaced_after_indexing_never_lends_its_data_to_another_channel(
    changing: Path, index: Path
) -> None:
    changing.write_bytes(mseed(channel="HHE", station="ELSE", data=samples(seed=9)))
    assert_only_the_next_file(index, changing)
    stream, _ = cut(index, "BAD")
    assert [trace.id for trace in stream] == ["XX.BAD..BHZ"]


def test_a_file_replaced_by_text_is_said(changing: Path, index: Path) -> None:
    changing.write_bytes(TEXT * 300)
    assert_only_the_next_file(index, changing)
    assert len(cut(index, "BAD")[0]) == 1


# --- the index itself ---------------------------------------------------------------------------


def test_a_missing_index_is_not_made_by_asking(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.db"):
        credit_fast.Client(str(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", TEXT * 50, PNG], ids=["empty", "text", "png"])
def test_what_is_not_sqlite_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "index.db"
    file.write_bytes(content)
    with pytest.raises(IndexFormatError, match=r"index\.db"):
        credit_fast.Client(str(file)).get_waveforms("*", "*", "*", "*", 0, 1)
    assert file.read_bytes() == content


def test_sqlite_without_tsindex_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    sqlite(file, "create table other (x)")
    with pytest.raises(IndexFormatError, match="tsindex"):
        credit_fast.Client(str(file)).get_waveforms("*", "*", "*", "*", 0, 1)


def test_makeindex_does_not_overwrite_what_is_no_index(archive: Path, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(TEXT * 50)
    with pytest.raises(IndexFormatError, match=r"notes\.txt"):
        made(archive, file)
    assert file.read_bytes() == TEXT * 50


def test_an_index_of_nothing_answers_with_nothing(tmp_path: Path, index: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    report = made(folder, index)
    assert (report.files_found, report.rows, report.channels) == (0, 0, 0)
    assert report.starttime is None
    assert report.endtime is None
    assert report.problems == []
    stream, texts = cut(index, "*")
    assert (len(stream), texts) == (0, [])


def test_a_missing_root_is_an_error_and_leaves_no_index(tmp_path: Path, index: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        made(tmp_path / "nowhere", index)
    assert not index.exists()


# --- very many records, very many problems ------------------------------------------------------


def test_a_stuck_clock_and_a_lot_of_gaps_take_no_time_to_speak_of(
    archive: Path, index: Path
) -> None:
    count, record = 40_000, mseed(data=np.arange(100, dtype=np.int32), station="STUCK")[:RECLEN]
    (archive / "stuck.mseed").write_bytes(record * count)
    gappy = bytearray(record.replace(b"STUCK", b"GAPPY") * count)
    for number in range(count):
        # Year, day of the year, hour, minute, second: a record every two seconds.
        minutes, second = divmod(2 * number, 60)
        hours, minute = divmod(minutes, 60)
        day, hour = divmod(hours, 24)
        moment = struct.pack(">HHBBB", 2020, 61 + day, hour, minute, second)
        gappy[number * RECLEN + 20 : number * RECLEN + 27] = moment
    (archive / "gappy.mseed").write_bytes(gappy)
    assert made(archive, index).problems == []
    client = credit_fast.Client(str(index))
    start = credit_fast.UTCDateTime(ns=START_NS)
    began = time.perf_counter()
    [trace] = client.get_waveforms("XX", "STUCK", "", "BHZ", start, start + 1)
    assert np.array_equal(trace.data, np.arange(100))
    assert len(client.get_waveforms("XX", "GAPPY", "", "BHZ", start, start + 2 * count)) == count
    # Comparing all with all takes minutes.
    assert time.perf_counter() - began < 20


def test_a_file_of_bad_records_is_a_thousand_lines_and_a_right_count(
    archive: Path, index: Path
) -> None:
    records = mseed(data=samples(400_000))
    damaged = bytearray(records)
    bad = range(1, len(records) // RECLEN, 2)
    for number in bad:
        damaged[number * RECLEN : number * RECLEN + 48] = b"\xee" * 48
    (archive / "damaged.mseed").write_bytes(damaged)
    for _ in range(2):
        report = made(archive, index)
        assert len(report.problems) == 1001
        assert sum(report.problem_counts().values()) == len(bad) > 1500
        assert report.problems[-1].count == len(bad) - 1000
        assert f"and {len(bad) - 1000} more" in str(report.problems[-1])
