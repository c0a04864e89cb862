"""Writing: which encoding is taken, what is refused and how, and that a file is whole or absent."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_fast
from credit_fast import Stream, Trace, UTCDateTime

START = UTCDateTime("2020-02-03T04:05:06.789012345Z")


def trace(data: Any, **stats: Any) -> Trace:
    codes = {"network": "XX", "station": "AAA", "location": "", "channel": "HHZ"}
    return Trace(data, {**codes, "starttime": START, "sampling_rate": 50.0, **stats})


def back(written: Trace | Stream, format: str = "MSEED", **options: Any) -> Stream:
    file = io.BytesIO()
    written.write(file, format, **options)
    return credit_fast.read(file.getvalue())


@pytest.mark.parametrize(
    ("dtype", "encoding"),
    [
        ("int8", "INT16"),
        ("uint8", "INT16"),
        ("int16", "INT16"),
        ("uint16", "STEIM2"),
        ("int32", "STEIM2"),
        (">i4", "STEIM2"),
        ("int64", "STEIM2"),
        ("uint64", "STEIM2"),
        ("float16", "FLOAT32"),
        ("float32", "FLOAT32"),
        (">f8", "FLOAT64"),
        ("float64", "FLOAT64"),
    ],
)
@pytest.mark.parametrize("format", ["MSEED", "mseed3"])
def test_the_type_of_the_samples_chooses_the_encoding(
    dtype: str, encoding: str, format: str
) -> None:
    data = (np.arange(100) % 50).astype(dtype)
    [found] = back(trace(data), format)
    assert found.stats.mseed.encoding == encoding
    assert np.array_equal(found.data, data)


@pytest.mark.parametrize("encoding", ["STEIM1", "steim2", "INT16", "Int32", 1, 3, 10, 11])
def test_an_encoding_is_asked_for_by_name_or_number(encoding: str | int) -> None:
    names = {1: "INT16", 3: "INT32", 10: "STEIM1", 11: "STEIM2"}
    name = encoding.upper() if isinstance(encoding, str) else names[encoding]
    for dtype in (np.int16, np.int32):
        [found] = back(trace(np.arange(700).astype(dtype)), encoding=encoding)
        assert found.stats.mseed.encoding == name
        assert np.array_equal(found.data, np.arange(700))


@pytest.mark.parametrize("format", ["MSEED", "MSEED3"])
def test_a_stream_that_was_read_comes_back_equal(format: str, tmp_path: Path) -> None:
    first = trace(np.arange(3000, dtype=np.int32) ** 2 % 1000, starttime=START.ns // 1000 / 1e6)
    second = trace(np.linspace(0, 1, 100), channel="HHN", sampling_rate=99.5)
    read = back(Stream([first, second]), format)
    read.write(tmp_path / "a", format)
    assert credit_fast.read(tmp_path / "a") == read


def test_a_difference_beyond_thirty_bits_is_steim1_unless_steim2_was_asked_for() -> None:
    written = trace(np.array([0, 5, 2**31 - 1, -(2**31)], np.int32))
    assert back(written)[0].stats.mseed.encoding == "STEIM1"
    text = r"XX\.AAA\.\.HHZ from 2020-02-03T04:05:06.*: sample 2 is 2147483647: its difference"
    with pytest.raises(ValueError, match=text):
        back(written, encoding="STEIM2")
    [found] = back(written, encoding="STEIM2", fallback=True)
    assert found.stats.mseed.encoding == "STEIM1"
    assert np.array_equal(found.data, written.data)


def test_a_value_beyond_sixteen_bits_is_int32_when_that_is_allowed() -> None:
    written = trace(np.array([1, 2, 40_000], np.int32))
    with pytest.raises(ValueError, match="sample 2 is 40000: expected -32768 to 32767"):
        back(written, encoding="INT16")
    [found] = back(written, encoding="INT16", fallback=True)
    assert found.stats.mseed.encoding == "INT32"


def test_int64_beyond_int32_is_refused_by_its_first_value() -> None:
    with pytest.raises(ValueError, match=r"XX\.AAA.*sample 1 is 2147483648 \(int64\)"):
        back(trace(np.array([0, 2**31, 2**40])))


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (np.zeros(3, np.float32), "STEIM2", "type float32: expected int16 or int32 for STEIM2"),
        (np.zeros(3, np.int32), "FLOAT64", "type int32: expected float64 for FLOAT64"),
        (np.zeros(3, np.float64), "FLOAT32", "one of the encodings FLOAT64"),
        (np.zeros(3, np.int32), "ASCII", r"expected characters \(S1\) for TEXT"),
        (np.zeros(3, bool), None, "type bool: expected integers"),
        (np.zeros(3, complex), None, "type complex128: expected integers"),
        (np.array(["a"]), None, "type <U1: expected integers"),
    ],
)
def test_samples_that_the_encoding_does_not_hold_are_refused(
    data: Any, encoding: str | None, text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        back(trace(data), encoding=encoding)


@pytest.mark.parametrize(
    ("stats", "options", "text"),
    [
        ({}, {"format": "SAC"}, "format 'SAC': expected MSEED or MSEED3"),
        ({}, {"encoding": "GSE2"}, "encoding 'GSE2': expected one of FLOAT32"),
        ({}, {"encoding": 99}, "encoding 99: expected one of"),
        ({}, {"reclen": 500}, r"XX\.AAA\.\.HHZ .*record length: expected a power of two"),
        ({}, {"reclen": -1}, "reclen -1: expected 1 or more"),
        ({}, {"sequence_number": 0}, "sequence_number 0: expected 1 or more"),
        ({}, {"sequence_number": 1_000_000}, "sequence number: expected 1 to 999999"),
        ({}, {"format": "MSEED3", "sequence_number": 2}, "miniSEED 3 has none"),
        ({"station": "TOOLONG"}, {}, r"XX\.TOOLONG\.\.HHZ .*at most 2, 5, 2 and 3"),
        ({"network": "中"}, {"format": "MSEED3"}, "printable ASCII"),
        ({"sampling_rate": 0.0}, {}, "sample rate: expected 1e-9 to 1e9 Hz"),
        ({"starttime": "2200-01-01"}, {}, "expected years from 1900 to 2100"),
        ({"mseed": {"dataquality": "X"}}, {}, "quality: expected one of D, R, Q, M"),
        ({"mseed": {"dataquality": "DD"}}, {}, 'quality "DD": expected one of D, R, Q, M'),
        ({"mseed": {"publication_version": 300}}, {"format": "MSEED3"}, "expected 0 to 255"),
    ],
)
def test_what_the_format_does_not_hold_is_a_value_error(
    stats: dict[str, Any], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        back(trace(np.arange(3, dtype=np.int32), **stats), **options)


@pytest.mark.parametrize(
    "options",
    [{"reclen": 512.0}, {"reclen": "512"}, {"reclen": True}, {"sequence_number": 1.5},
     {"encoding": True}, {"encoding": 1.0}, {"encoding": [1]}],
)  # fmt: skip
def test_options_of_another_type_are_a_type_error(options: dict[str, Any]) -> None:
    [(name, value)] = options.items()
    with pytest.raises(TypeError, match=re.escape(f"{name} {value!r}: expected a ")):
        back(trace(np.arange(3, dtype=np.int32)), **options)


def test_long_codes_are_written_in_version_3() -> None:
    written = trace(np.arange(9, dtype=np.int32), station="LONGNAME", network="XX2020")
    [found] = back(written, "MSEED3")
    assert (found.id, found.stats.starttime) == ("XX2020.LONGNAME..HHZ", START)


def test_a_masked_trace_is_written_as_its_stretches() -> None:
    data = np.ma.masked_array(np.arange(30, dtype=np.int32), np.arange(30) // 5 % 2 == 1)
    found = back(trace(data), "MSEED3")
    assert [t.data.tolist() for t in found] == [[*range(a, a + 5)] for a in (0, 10, 20)]
    assert [(t.stats.starttime - START) for t in found] == [0.0, 0.2, 0.4]
    whole = trace(np.ma.masked_array(np.arange(30, dtype=np.int32)))
    assert back(whole)[0].data.tolist() == list(range(30))


def test_traces_without_samples_are_passed_over_with_a_warning() -> None:
    empty = trace(np.zeros(0, np.int32), channel="HHE")
    with pytest.warns(UserWarning, match=r"XX\.AAA\.\.HHE has no samples") as caught:
        found = back(Stream([empty, trace(np.arange(3, dtype=np.int32))]))
    assert [t.stats.channel for t in found] == ["HHZ"]
    assert len(caught) == 1


def test_nothing_to_write_is_a_value_error_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to write"):
        credit_fast.write(Stream(), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_views_are_written_as_they_look() -> None:
    data = np.arange(1000, dtype=np.int32)
    for view in (data[::3], data[::-1], data[100:]):
        assert np.array_equal(back(trace(view))[0].data, view)


def test_a_failure_keeps_the_old_file_and_leaves_no_part(tmp_path: Path) -> None:
    out = tmp_path / "a.mseed"
    out.write_bytes(b"old")
    bad = trace(np.array([0, 2**40]), channel="HHN")
    with pytest.raises(ValueError, match="HHN"):
        Stream([trace(np.arange(9, dtype=np.int32)), bad]).write(out)
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]
    trace(np.arange(9, dtype=np.int32)).write(str(out))
    assert credit_fast.read(out)[0].data.tolist() == list(range(9))
    assert list(tmp_path.iterdir()) == [out]


def test_a_name_as_long_as_the_system_takes_is_written(tmp_path: Path) -> None:
    out = tmp_path / ("地" * 85)
    trace(np.arange(9, dtype=np.int32)).write(out)
    assert list(tmp_path.iterdir()) == [out]


def test_a_failure_writes_nothing_to_an_open_file() -> None:
    file = io.BytesIO()
    with pytest.raises(ValueError, match="2147483648"):
        Stream([trace(np.arange(9)), trace(np.array([0, 2**31]))]).write(file)
    assert file.getvalue() == b""


def test_bad_targets_are_told_as_what_they_are(tmp_path: Path) -> None:
    written = trace(np.arange(9, dtype=np.int32))
    with pytest.raises(FileNotFoundError, match="no such folder"):
        written.write(tmp_path / "none" / "a")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        written.write(tmp_path)
    with pytest.raises(TypeError, match="open for text"):
        written.write(io.StringIO())
    with pytest.raises(TypeError, match="list: expected a credit_fast Stream or Trace"):
        credit_fast.write([written], tmp_path / "a")  # type: ignore[arg-type]


def test_the_sequence_begins_anew_with_each_trace() -> None:
    file = io.BytesIO()
    written = Stream([trace(np.arange(9, dtype=np.int32), channel=c) for c in ("HHE", "HHN")])
    written.write(file, sequence_number=999_999, reclen=128)
    content = file.getvalue()
    assert [content[at : at + 6] for at in (0, 128)] == [b"999999", b"999999"]


@pytest.mark.parametrize("format", ["MSEED", "MSEED3"])
def test_text_comes_back(format: str) -> None:
    text = b"clock locked\r\n" * 100
    written = trace(np.frombuffer(text, "S1"), channel="LOG", sampling_rate=100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [found] = back(written, format, reclen=256)
    assert b"".join(found.data.tolist()) == text
