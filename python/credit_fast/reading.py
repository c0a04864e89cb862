"""Whole files without an index, and answers of the core as streams.

No sample is touched here: the core decodes, `waveform` holds and merges.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from credit_fast import _core
from credit_fast.errors import (
    DataWarning,
    MiniSeedError,
    Problem,
    UnsupportedEncodingError,
    check_threads,
)
from credit_fast.waveform import Stream
from credit_fast.waveform.trace import Trace

__all__ = ["read", "stream_of"]


def stream_of(answer: Any, stacklevel: int) -> Stream:
    """Traces of an answer of the core; each problem becomes a warning."""
    segments, problems = answer
    traces = []
    for net, sta, loc, cha, start_ns, rate_hz, data, quality, encoding, records in segments:
        samples = data.view("S1") if encoding == "text" else data
        trace = Trace._from_parts(net, sta, loc, cha, start_ns, rate_hz, samples)
        trace.stats["mseed"] = {
            "dataquality": quality,
            "encoding": encoding.upper(),
            "number_of_records": records,
        }
        traces.append(trace)
    for fields in problems:
        warnings.warn(DataWarning(str(Problem._from_core(fields))), stacklevel=stacklevel + 1)
    return Stream(traces)


def read(
    path_or_bytes: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    threads: int | None = None,
) -> Stream:
    """Read one miniSEED file, or miniSEED bytes, without an index.

    Parameters
    ----------
    path_or_bytes
        A file name, or the bytes themselves. miniSEED 2 and 3, mixed record lengths, channels
        and rates; the headers of a full SEED volume are passed over.
    threads
        Threads that decode, one a core by default. A gapless run of a million samples or less
        keeps one busy.

    Returns
    -------
    Stream
        One trace for each gapless run of records of a channel, channels in the order in which
        the file names them first, like ``obspy.read``. A record that begins within half a
        sample of the expected time continues a trace (libmseed's rule). Text (a log) is a trace
        of its own, dtype ``S1``; opaque records are passed over.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The file cannot be read.
    MiniSeedError
        There is no miniSEED record in it at all.
    UnsupportedEncodingError
        All of its samples are in encodings that are not decoded; the message names one.
    ValueError
        `threads` is below 1.

    Warns
    -----
    DataWarning
        For each damaged, unsupported or foreign part, with file and byte offset; the rest of
        the file is returned.
    """
    check_threads(threads)
    if isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
        answer = _core.read_bytes(bytes(path_or_bytes), threads)
    else:
        answer = _core.read_file(os.fspath(path_or_bytes), threads)
    if not answer[0]:
        _raise_if_unreadable([Problem._from_core(fields) for fields in answer[1]])
    return stream_of(answer, stacklevel=2)


def _raise_if_unreadable(problems: list[Problem]) -> None:
    """Nothing came out of a file: an exception where that is no empty answer but a failure."""
    for problem in problems:
        if problem.kind == "not-mseed":
            raise MiniSeedError(str(problem), path=problem.path, offset=problem.offset)
        if problem.kind == "unsupported":
            raise UnsupportedEncodingError(str(problem), path=problem.path, offset=problem.offset)
