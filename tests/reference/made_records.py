"""Records that no writer at hand makes: bytes of a good record with another payload or header.

Asserts nothing and holds no expected value.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast import UTCDateTime, _core

RECLEN = 512
#: Places in a record of `encode_mseed2`: blockettes 1000 and 1001, then the payload.
ACTIVITY_AT, NPTS_AT, RATE_AT, DATA_OFFSET_AT, FIRST_BLOCKETTE_AT = 36, 30, 32, 44, 46
ENCODING_AT, ORDER_AT, PAYLOAD_AT = 52, 53, 64


@dataclass(frozen=True)
class Channel:
    """What stands in the header of each record of a channel."""

    channel: str = "HHZ"
    station: str = "AAA"
    rate_hz: float = 100.0
    encoding: str = "STEIM2"
    reclen: int = RECLEN
    quality: str = "D"

    def records(self, start: Any, data: npt.NDArray[Any]) -> bytes:
        """Write the samples as miniSEED 2 records, by our own writer."""
        return _core.encode_mseed2(
            "XX",
            self.station,
            "",
            self.channel,
            UTCDateTime(start).ns,
            self.rate_hz,
            data,
            self.encoding,
            reclen=self.reclen,
            quality=self.quality,
        )


def with_payload(
    code: int, payload: bytes, npts: int, *, big_endian: bool = True, start: str = "2012-03-01"
) -> bytes:
    """One record of 4096 bytes with this payload under this encoding code."""
    made = Channel(encoding="INT32", reclen=4096)
    record = bytearray(made.records(start, np.zeros(1, np.int32)))
    struct.pack_into(">H", record, NPTS_AT, npts)
    record[ENCODING_AT], record[ORDER_AT] = code, int(big_endian)
    record[PAYLOAD_AT : PAYLOAD_AT + len(payload)] = payload
    return bytes(record)


def log_record(start: str, text: bytes, *, channel: str = "HHZ", rate_hz: int = 100) -> bytes:
    """One text record: of a channel that has waveforms too, or of a log."""
    made = Channel(channel=channel, encoding="INT32")
    record = bytearray(made.records(start, np.zeros(1, np.int32)))
    struct.pack_into(">Hhh", record, NPTS_AT, len(text), rate_hz, 1)
    record[ENCODING_AT] = 0
    record[PAYLOAD_AT : PAYLOAD_AT + len(text)] = text
    return bytes(record)


def without_samples(start: str, blockette: int, body: bytes, *, channel: str = "HHZ") -> bytes:
    """One record that has a blockette (200 detection, 300 calibration, …) and no samples."""
    made = Channel(channel=channel, encoding="INT32")
    record = bytearray(made.records(start, np.zeros(1, np.int32)))
    struct.pack_into(">Hhh", record, NPTS_AT, 0, 0, 0)
    struct.pack_into(">H", record, DATA_OFFSET_AT, 0)
    record[39] = 3
    struct.pack_into(">H", record, 58, PAYLOAD_AT)
    struct.pack_into(">HH", record, PAYLOAD_AT, blockette, 0)
    record[PAYLOAD_AT + 4 : PAYLOAD_AT + 4 + len(body)] = body
    return bytes(record)


def flagged(records: bytes, bits: int) -> bytes:
    """The same records with bits of the activity flags set."""
    changed = bytearray(records)
    for at in range(0, len(changed), RECLEN):
        changed[at + ACTIVITY_AT] |= bits
    return bytes(changed)


def opaque_record(start: str, payload: bytes, *, channel: str = "HHZ") -> bytes:
    """One miniSEED 3 record of encoding 100, with its right CRC."""
    at = UTCDateTime(start)
    codes = "_".join(channel)
    identifier = f"FDSN:XX_AAA__{codes}".encode()
    clock = (at.year, at.julday, at.hour, at.minute, at.second)
    fixed = struct.pack("<2sBBIHHBBBB", b"MS", 3, 0, at.ns % 10**9, *clock, 100)
    sizes = struct.pack("<BBHI", 1, len(identifier), 0, len(payload))
    record = fixed + struct.pack("<dII", 0.0, 1, 0) + sizes + identifier + payload
    return record[:28] + struct.pack("<I", crc32c(record)) + record[32:]


def crc32c(data: bytes) -> int:
    """CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def split(data: bytes) -> list[bytes]:
    """Whole records of a file of good ones, each with its own length."""
    records = []
    while data:
        if data.startswith(b"MS\x03"):
            identifier, extra, payload = struct.unpack_from("<xBHI", data, 32)
            length = 40 + identifier + extra + payload
        else:
            order = ">" if struct.unpack_from(">H", data, 20)[0] < 2100 else "<"
            at = struct.unpack_from(order + "H", data, FIRST_BLOCKETTE_AT)[0]
            while struct.unpack_from(order + "H", data, at)[0] != 1000:
                at = struct.unpack_from(order + "H", data, at + 2)[0]
            length = 1 << data[at + 6]
        records.append(data[:length])
        data = data[length:]
    return records
