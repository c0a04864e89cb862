"""How credit_fast does each task. Only this file imports it for timing."""

from __future__ import annotations

from functools import partial

from answers import Answer, trace_piece
from setting import RANGE_S, Setting, Window, copy_of, remove_index
from workers import Case, Maker

import credit_fast


def _traces(stream: credit_fast.Stream, prefix: str = "") -> Answer:
    return {
        f"{prefix}trace {n}": trace_piece(
            trace.id, trace.stats.starttime.ns, trace.stats.sampling_rate, trace.data
        )
        for n, trace in enumerate(stream)
    }


def _master_index(setting: Setting) -> Case:
    """Make the finished index that the tasks with windows start from; no rival of anything."""
    return Case(
        lambda: credit_fast.makeindex(setting.data, setting.index, progress=False),
        lambda _: ("index", setting.index),
    )


def _read(threads: int | None, setting: Setting) -> Case:
    return Case(lambda: credit_fast.read(setting.files[0], threads=threads), _traces)


def _index(threads: int | None, setting: Setting) -> Case:
    path = setting.scratch / f"ours-{threads}.db"
    return Case(
        lambda: credit_fast.makeindex(setting.data, path, threads=threads, progress=False),
        lambda _: ("index", path),
        lambda: remove_index(path),
    )


def _window(setting: Setting) -> Case:
    client = credit_fast.Client(copy_of(setting.index, "ours-window"))

    def cut(w: Window) -> credit_fast.Stream:
        start, end = credit_fast.UTCDateTime(ns=w.start_ns), credit_fast.UTCDateTime(ns=w.end_ns)
        return client.get_waveforms(w.network, w.station, w.location, w.channel, start, end)

    def answer(streams: list[credit_fast.Stream]) -> Answer:
        return {
            name: piece
            for n, stream in enumerate(streams)
            for name, piece in _traces(stream, f"window {n}, ").items()
        }

    return Case(lambda: [cut(window) for window in setting.windows], answer)


def _hdf5(task: str, threads: int | None, setting: Setting) -> Case:
    index = copy_of(setting.index, f"ours-{task}-{threads}")
    catalog = setting.record_catalog if task == "record" else setting.dataset_catalog
    out = setting.scratch / f"ours-{task}-{threads}.h5"

    def run() -> None:
        credit_fast.makeh5(
            index, out, catalog, setting.stations, range_s=RANGE_S, threads=threads, progress=False
        )

    return Case(run, lambda _: ("hdf5", out), lambda: out.unlink(missing_ok=True))


CASES: dict[tuple[str, str], Maker] = {
    ("master", ""): _master_index,
    ("read", "credit_fast.read"): partial(_read, None),
    ("read", "credit_fast.read, 1 thread"): partial(_read, 1),
    ("index", "credit_fast.makeindex"): partial(_index, None),
    ("index", "credit_fast.makeindex, 1 thread"): partial(_index, 1),
    ("window", "credit_fast.Client"): _window,
    ("record", "credit_fast.makeh5"): partial(_hdf5, "record", None),
    ("dataset", "credit_fast.makeh5"): partial(_hdf5, "dataset", None),
    ("dataset", "credit_fast.makeh5, 1 thread"): partial(_hdf5, "dataset", 1),
}
