"""How a user of pymseed (EarthScope's binding of libmseed) reads a file: both documented ways."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from answers import Answer, trace_piece
from pymseed import MS3TraceList, sourceid2nslc
from setting import Setting
from workers import Case, Maker

Trace = tuple[str, int, float, Any]


def _unpacked(path: str) -> list[Trace]:
    with MS3TraceList.from_file(path, unpack_data=True) as traces:
        return [
            (trace.sourceid, segment.starttime, segment.samprate, segment.take_np_datasamples())
            for trace in traces
            for segment in trace
        ]


def _from_record_list(path: str) -> list[Trace]:
    with MS3TraceList.from_file(path, record_list=True) as traces:
        return [
            (
                trace.sourceid,
                segment.starttime,
                segment.samprate,
                segment.create_numpy_array_from_recordlist(),
            )
            for trace in traces
            for segment in trace
        ]


def _case(read: Callable[[str], list[Trace]], setting: Setting) -> Case:
    def answer(traces: list[Trace]) -> Answer:
        return {
            f"trace {n}": trace_piece(".".join(sourceid2nslc(name)), start_ns, rate_hz, samples)
            for n, (name, start_ns, rate_hz, samples) in enumerate(traces)
        }

    return Case(lambda: read(setting.files[0]), answer)


CASES: dict[tuple[str, str], Maker] = {
    ("read", "pymseed, unpack_data"): partial(_case, _unpacked),
    ("read", "pymseed, record_list"): partial(_case, _from_record_list),
}
