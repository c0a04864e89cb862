"""The historical encodings against libmseed, by pymseed and by ObsPy, on random payloads."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")
pytest.importorskip("pymseed")

import obspy
from made_records import with_payload
from mseed_files import Segment, differences, from_obspy, from_ours, from_pymseed

import credit_fast
from credit_fast.errors import DataWarning

#: Code: bytes a sample, kind of number, name.
ENCODINGS = {
    12: (3, "f4", "GEOSCOPE 24-BIT"),
    13: (2, "f4", "GEOSCOPE 16-BIT, 3-BIT EXPONENT"),
    14: (2, "f4", "GEOSCOPE 16-BIT, 4-BIT EXPONENT"),
    16: (2, "i4", "CDSN 16-BIT GAIN RANGED"),
    30: (2, "i4", "SRO"),
    32: (2, "i4", "DWWSSN"),
}

#: ObsPy's older libmseed takes little-endian samples of three bytes for big-endian ones.
OBSPY_IS_WRONG = (12, False)


def random_payload(code: int, npts: int, big_endian: bool) -> bytes:
    """Random bytes; for SRO only gains that exist."""
    width = ENCODINGS[code][0]
    payload = np.random.default_rng(code).integers(0, 256, npts * width, dtype=np.uint8)
    if code == 30:
        high = payload[0 if big_endian else 1 :: 2]
        high[:] = high % 16 + high // 16 % 11 * 16
    return payload.tobytes()


@pytest.mark.parametrize("big_endian", [True, False], ids=["big", "little"])
@pytest.mark.parametrize("code", ENCODINGS)
def test_random_samples_are_those_of_libmseed(tmp_path: Path, code: int, big_endian: bool) -> None:
    npts = 1300
    payload = random_payload(code, npts, big_endian)
    file = tmp_path / "made.mseed"
    file.write_bytes(with_payload(code, payload, npts, big_endian=big_endian))
    stream = credit_fast.read(file)
    ours = from_ours(stream)
    assert [segment.npts for segment in ours] == [npts]
    _, dtype, name = ENCODINGS[code]
    assert stream[0].data.dtype == np.dtype(dtype)
    assert stream[0].stats.mseed["encoding"] == name
    assert len(np.unique(ours[0].data)) > 500
    assert differences(ours, from_pymseed(file)) == []
    if (code, big_endian) == OBSPY_IS_WRONG:
        assert differences(ours, obspys(file)) != []
    else:
        assert differences(ours, obspys(file)) == []


def obspys(file: Path) -> list[Segment]:
    with warnings.catch_warnings():
        # ObsPy finds samples in another byte order than the header's worth a warning.
        warnings.simplefilter("ignore")
        return from_obspy(obspy.read(str(file), format="MSEED"))


def test_an_sro_gain_that_does_not_exist_ends_the_samples_and_is_said(tmp_path: Path) -> None:
    payload = bytearray(random_payload(30, 1000, True))
    payload[2 * 640] |= 0xF0
    file = tmp_path / "sro.mseed"
    file.write_bytes(with_payload(30, bytes(payload), 1000))
    with pytest.warns(DataWarning, match="SRO gain 15 after 640 samples: expected 0 to 10"):
        [trace] = credit_fast.read(file)
    assert trace.stats.npts == 640
    payload[2 * 640] &= 0x0F
    file.write_bytes(with_payload(30, bytes(payload), 1000))
    assert np.array_equal(trace.data, obspys(file)[0].data[:640])


@pytest.mark.parametrize("code", [15, 17, 18, 19, 31, 33])
def test_encodings_without_a_decoder_are_named_and_the_rest_is_read(code: int) -> None:
    good = with_payload(3, bytes(400), 100)
    odd = with_payload(code, bytes(400), 100, start="2012-03-02")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = credit_fast.read(good + odd)
    assert [trace.stats.npts for trace in stream] == [100]
    [warning] = caught
    assert f"encoding {code} (" in str(warning.message)
    assert "at byte 4096" in str(warning.message)
