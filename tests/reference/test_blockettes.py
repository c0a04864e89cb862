"""Broken chains of blockettes: every sample is read, the break is said once, and where ObsPy or
libmseed read such a record they give the same."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")
pytest.importorskip("pymseed")

import obspy
from made_records import FIRST_BLOCKETTE_AT, RECLEN, Channel
from mseed_files import Segment, differences, from_obspy, from_ours, from_pymseed
from obspy.core.util.obspy_types import ObsPyException
from pymseed import MiniSEEDError

import credit_fast
from credit_fast import UTCDateTime
from credit_fast.errors import DataWarning

# Without microseconds: behind a break blockette 1001 is lost.
START = UTCDateTime("2020-01-01T00:00:00.0123")
SAMPLES = np.random.default_rng(3).integers(-500, 500, 3000).astype(np.int32)

# Blockette 1000 stands at 48, 1001 at 56, the samples at 64. What, place of an offset, its value.
BREAKS = [
    ("first in the header", FIRST_BLOCKETTE_AT, 40),
    ("first past the record", FIRST_BLOCKETTE_AT, 9_999),
    ("first in the data", FIRST_BLOCKETTE_AT, 64),
    ("1000 points at itself", 50, 48),
    ("1000 points into itself", 50, 52),
    ("1000 points backwards", 50, 20),
    ("1000 points into the data", 50, 64),
    ("1000 points past the record", 50, 4_096),
    ("1001 points at 1000", 58, 48),
    ("1001 points at itself", 58, 56),
    ("1001 points into the data", 58, 100),
    ("1001 points past the record", 58, 65_535),
]


def broken(at: int, value: int) -> bytes:
    data = bytearray(Channel().records(START, SAMPLES))
    for record in range(0, len(data), RECLEN):
        struct.pack_into(">H", data, record + at, value)
    return bytes(data)


def reading_of(reader: str, file: Path) -> list[Segment] | None:
    """What another library makes of the file; None when it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if reader == "obspy":
                return from_obspy(obspy.read(str(file), format="MSEED"))
            return from_pymseed(file)
        except (ValueError, TypeError, struct.error, ObsPyException, MiniSEEDError):
            return None


def test_a_whole_chain_is_no_problem() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [trace] = credit_fast.read(broken(FIRST_BLOCKETTE_AT, 48))
    assert np.array_equal(trace.data, SAMPLES)


@pytest.mark.parametrize(("at", "value"), [b[1:] for b in BREAKS], ids=[b[0] for b in BREAKS])
def test_all_samples_are_read_and_the_break_is_said_once(
    tmp_path: Path, at: int, value: int
) -> None:
    file = tmp_path / "broken.mseed"
    file.write_bytes(broken(at, value))
    records = file.stat().st_size // RECLEN
    words = rf"byte 0: broken chain .* at {value}, as byte {at} .* in {records - 1} records behind"
    with pytest.warns(DataWarning, match=words) as caught:
        stream = credit_fast.read(file)
    assert len(caught) == 1
    [trace] = stream
    assert (trace.id, trace.stats.starttime) == ("XX.AAA..HHZ", START)
    assert np.array_equal(trace.data, SAMPLES)

    report = credit_fast.makeindex(str(file), str(tmp_path / "index.db"), progress=False)
    [problem] = report.problems
    assert (problem.kind, problem.offset, problem.length) == ("corrupt", 0, 0)
    client = credit_fast.Client(str(tmp_path / "index.db"))
    with pytest.warns(DataWarning, match="broken chain"):
        [cut] = client.get_waveforms("XX", "AAA", "", "HHZ", START + 10, START + 20)
    assert np.array_equal(cut.data, SAMPLES[1000:2001])

    for reader in ("obspy", "libmseed"):
        theirs = reading_of(reader, file)
        if theirs is not None:
            assert differences(from_ours(stream), theirs) == [], reader


def test_most_broken_chains_are_lost_to_the_others(tmp_path: Path) -> None:
    """So that the comparison above is known to compare something: libmseed 3 reads a few."""
    file = tmp_path / "broken.mseed"
    read = {"obspy": 0, "libmseed": 0}
    for _, at, value in BREAKS:
        file.write_bytes(broken(at, value))
        for reader in read:
            read[reader] += reading_of(reader, file) is not None
    assert read == {"obspy": 0, "libmseed": 7}
