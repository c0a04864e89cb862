"""Traces → miniSEED files. The core encodes; here stands which samples go into which encoding."""

from __future__ import annotations

import io
import operator
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from credit_fast import _core
from credit_fast.output_file import naming_output, written_path
from credit_fast.waveform import Stream, Trace

__all__ = ["write"]

#: By the type of the samples: the encodings that hold them, the one that is chosen first.
_ENCODINGS = {
    "int16": ("INT16", "STEIM2", "STEIM1", "INT32"),
    "int32": ("STEIM2", "STEIM1", "INT32", "INT16"),
    "float32": ("FLOAT32",),
    "float64": ("FLOAT64",),
    "uint8": ("TEXT",),
}

#: Codes and other names that ObsPy takes.
_NAMES: dict[Any, str] = {
    0: "TEXT", 1: "INT16", 3: "INT32", 4: "FLOAT32", 5: "FLOAT64", 10: "STEIM1", 11: "STEIM2",
    "ASCII": "TEXT",
}  # fmt: skip

#: Quality letters of miniSEED 2 as publication versions of miniSEED 3 (libmseed's numbers).
_VERSIONS = {"R": 1, "D": 2, "Q": 3, "M": 4}


def write(
    stream: Stream | Trace,
    filename: str | os.PathLike[str] | IO[bytes],
    format: str = "MSEED",
    *,
    encoding: str | int | None = None,
    reclen: int | None = None,
    fallback: bool = False,
    sequence_number: int | None = None,
) -> None:
    """Write traces as a miniSEED file.

    Parameters
    ----------
    stream
        A stream or a trace. A masked trace is written as the stretches between its gaps; traces
        without samples are passed over with a warning.
    filename
        File name, or a binary file that is open for writing. A file appears under its name only
        when it is whole, and replaces an older one then.
    format
        "MSEED" (miniSEED 2) or "MSEED3"; upper and lower case are one.
    encoding
        "STEIM1", "STEIM2", "INT16", "INT32", "FLOAT32", "FLOAT64", "TEXT" ("ASCII"), or its
        number in the format. None chooses by the type of the samples: int32 is STEIM2, or STEIM1
        where a difference needs more than 30 bits; int16 is INT16, float32 FLOAT32, float64
        FLOAT64, characters (`S1`) TEXT. Other integers that fit are taken as int32.
    reclen
        Length of the records in bytes, 4096 unless said otherwise: a power of two from 128 to
        131072. For MSEED3 the longest length, any up to 10485760; records are as long as needed.
    fallback
        Where a value does not fit the encoding asked for, take the next one that holds it for
        the whole trace (STEIM2, STEIM1; INT16, INT32) instead of raising.
    sequence_number
        Number of the first record of each trace, 1 unless said otherwise; MSEED only.

    Raises
    ------
    TypeError
        The samples are of a type that the format or the encoding does not hold; `stream` or
        `filename` is something else than said above.
    ValueError
        A value, a code, a time or an option is outside of what the format holds, or there are no
        samples at all. The message names the trace.
    OSError
        The file cannot be written; an older one is as it was.

    Notes
    -----
    The quality letter is that of `stats.mseed.dataquality`, else D; MSEED3 has a number for it,
    `stats.mseed.publication_version` if there is one, else R 1, D 2, Q 3, M 4, else 0 (unknown).
    miniSEED 2 holds microseconds, so that nanoseconds are rounded; miniSEED 3 holds them.

    There is no `byteorder`: miniSEED 2 is written big-endian, and miniSEED 3 has one order only.
    """
    if isinstance(stream, Trace):
        stream = Stream(stream)
    if not isinstance(stream, Stream):
        raise TypeError(f"{type(stream).__name__}: expected a credit_fast Stream or Trace")
    version_3 = _is_version_3(format)
    if version_3 and sequence_number is not None:
        raise ValueError("sequence_number: miniSEED 3 has none, leave it out")
    name = None if encoding is None else _encoding_name(encoding)
    options: dict[str, Any] = {"reclen": 4096 if reclen is None else _count("reclen", reclen)}
    if sequence_number is not None:
        options["sequence"] = _count("sequence_number", sequence_number)
    parts = list(_contiguous(stream))
    if not parts:
        raise ValueError("nothing to write: the stream has no samples")
    records = (_encode(part, version_3, name, fallback, options) for part in parts)
    if hasattr(filename, "write"):
        _write_all(filename, records)
    else:
        with (
            written_path(filename) as (place, mode),
            naming_output(filename),
            place.open(mode + "b") as file,
        ):
            for record in records:
                file.write(record)


def _is_version_3(format: str) -> bool:
    if not isinstance(format, str) or format.upper() not in ("MSEED", "MSEED3"):
        raise ValueError(f"format {format!r}: expected MSEED or MSEED3")
    return format.upper() == "MSEED3"


def _count(name: str, value: int) -> int:
    """An option that is a whole number, not below 1."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} {value!r}: expected a whole number")
    count = operator.index(value)
    if count < 1:
        raise ValueError(f"{name} {count}: expected 1 or more")
    return count


def _encoding_name(encoding: str | int) -> str:
    if isinstance(encoding, bool) or not isinstance(encoding, str | int | np.integer):
        raise TypeError(f"encoding {encoding!r}: expected a name or its number in the format")
    wanted = encoding.upper() if isinstance(encoding, str) else int(encoding)
    name = _NAMES.get(wanted, wanted)
    known = sorted({name for names in _ENCODINGS.values() for name in names})
    if name not in known:
        raise ValueError(f"encoding {encoding!r}: expected one of {', '.join(known)}")
    return str(name)


def _write_all(file: Any, records: Iterable[bytes]) -> None:
    """Write to the caller's file, but only when all could be encoded."""
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{file!r} is open for text: expected a file that is open for bytes")
    for record in list(records):
        file.write(record)


def _contiguous(stream: Stream) -> Iterator[Trace]:
    """The traces, or the stretches between masked samples."""
    for trace in stream:
        parts = [trace]
        if isinstance(trace.data, np.ma.MaskedArray):
            parts = trace.split().traces
        if not any(len(part) for part in parts):
            warnings.warn(f"{trace.id} has no samples and is not written", stacklevel=3)
        yield from (part for part in parts if len(part))


def _encode(
    trace: Trace, version_3: bool, encoding: str | None, fallback: bool, options: dict[str, Any]
) -> bytes:
    stats = trace.stats
    place = f"{trace.id} from {stats.starttime}"
    samples = _samples(trace.data, place)
    allowed = _ENCODINGS[samples.dtype.name]
    if encoding is None:
        encoding, fallback = allowed[0], True
    elif encoding not in allowed:
        raise TypeError(
            f"{place}: samples of type {trace.data.dtype}: expected {_types_of(encoding)} for "
            f"{encoding}, or one of the encodings {', '.join(allowed)}"
        )
    arguments = (stats.network, stats.station, stats.location, stats.channel, stats._start_ns,
                 stats.sampling_rate, samples, encoding)  # fmt: skip
    mseed = stats.get("mseed")
    mseed = mseed if isinstance(mseed, Mapping) else {}
    quality = str(mseed.get("dataquality") or mseed.get("quality") or "").upper()
    try:
        if not version_3:
            quality = quality or "D"
            return _core.encode_mseed2(*arguments, quality=quality, fallback=fallback, **options)
        version = _publication_version(mseed, quality)
        return _core.encode_mseed3(*arguments, version=version, fallback=fallback, **options)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{place}: {error}") from None


def _publication_version(mseed: Mapping[str, Any], quality: str) -> int:
    version = mseed.get("publication_version")
    version = _VERSIONS.get(quality, 0) if version is None else int(version)
    if not 0 <= version <= 255:
        raise ValueError(f"publication version {version}: expected 0 to 255")
    return version


def _samples(data: npt.NDArray[Any], place: str) -> npt.NDArray[Any]:
    """The samples in one of the types of the core: contiguous, in the machine's byte order."""
    kind, size = data.dtype.kind, data.dtype.itemsize
    if data.dtype == np.dtype("S1"):
        return np.ascontiguousarray(data).view(np.uint8)
    if kind == "f" and size <= 8:
        return np.ascontiguousarray(data, np.float64 if size == 8 else np.float32)
    if kind not in "iu":
        raise TypeError(
            f"{place}: samples of type {data.dtype}: expected integers, float32, float64, or "
            "characters (S1)"
        )
    if np.can_cast(data.dtype, np.int16):
        return np.ascontiguousarray(data, np.int16)
    if not np.can_cast(data.dtype, np.int32):
        _check_range(data, place)
    return np.ascontiguousarray(data, np.int32)


def _check_range(data: npt.NDArray[Any], place: str) -> None:
    """Refuse values beyond int32, naming the first of them."""
    limits = np.iinfo(np.int32)
    beyond = (data < limits.min) | (data > limits.max)
    if beyond.any():
        first = int(np.argmax(beyond))
        raise ValueError(
            f"{place}: sample {first} is {data[first]} ({data.dtype}): miniSEED holds integers "
            f"from {limits.min} to {limits.max}; scale the data or write them as float64"
        )


def _types_of(encoding: str) -> str:
    """The types of samples that an encoding holds."""
    types = [name for name, names in _ENCODINGS.items() if encoding in names]
    return " or ".join(types).replace("uint8", "characters (S1)")
