"""How credit_fast does each task. Only this file imports it for timing."""

from __future__ import annotations

from functools import partial
from typing import Any

from answers import Answer, trace_piece
from padding import pad_index
from setting import (
    RANGE_S,
    RATE_HZ,
    WINDOW_S,
    Setting,
    Window,
    copy_of,
    remove_index,
    training_windows,
)
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


def _index(threads: int | None, kind: str, setting: Setting) -> Case:
    path = setting.scratch / f"ours-{threads}-{kind}.db"
    return Case(
        lambda: credit_fast.makeindex(setting.data, path, threads=threads, progress=False),
        lambda _: (kind, path),
        lambda: remove_index(path),
    )


def _padded_index(setting: Setting) -> Case:
    """Make the index of a large archive around the finished one; no rival of anything."""
    return Case(lambda: pad_index(setting.index, setting.padded, setting.padded_rows), lambda _: {})


def cut(client: credit_fast.Client, w: Window) -> credit_fast.Stream:
    """One window by a client."""
    start, end = credit_fast.UTCDateTime(ns=w.start_ns), credit_fast.UTCDateTime(ns=w.end_ns)
    return client.get_waveforms(w.network, w.station, w.location, w.channel, start, end)


def window_answer(streams: list[credit_fast.Stream]) -> Answer:
    """Traces of all windows."""
    return {
        name: piece
        for n, stream in enumerate(streams)
        for name, piece in _traces(stream, f"window {n}, ").items()
    }


def _anew(setting: Setting) -> Case:
    """A client for each window, as a script that asks once."""
    index = copy_of(setting.index, "ours-anew")
    return Case(
        lambda: [cut(credit_fast.Client(index), window) for window in setting.windows],
        window_answer,
    )


def _day(setting: Setting) -> Case:
    client = credit_fast.Client(copy_of(setting.index, "ours-day"))
    return Case(lambda: cut(client, setting.day), _traces)


def _window(task: str, setting: Setting) -> Case:
    padded = task == "million"
    client = credit_fast.Client(
        setting.padded if padded else copy_of(setting.index, f"ours-{task}")
    )
    windows = setting.many if task == "many" else setting.windows
    return Case(lambda: [cut(client, window) for window in windows], window_answer)


def _bulk(threads: int | None, setting: Setting) -> Case:
    client = credit_fast.Client(copy_of(setting.index, f"ours-bulk-{threads}"))
    rows = [
        (w.network, w.station, w.location, w.channel,
         credit_fast.UTCDateTime(ns=w.start_ns), credit_fast.UTCDateTime(ns=w.end_ns))
        for w in setting.many
    ]  # fmt: skip
    return Case(
        lambda: client.get_waveforms_bulk(rows, grouped=True, threads=threads), window_answer
    )


def _array(setting: Setting) -> Case:
    """Windows of one rate into one array, as for training."""
    client = credit_fast.Client(copy_of(setting.index, "ours-array"))
    rows = [
        (w.network, w.station, w.location, w.channel, credit_fast.UTCDateTime(ns=w.start_ns))
        for w in setting.many
    ]
    npts = round(WINDOW_S * RATE_HZ) + 1

    def answer(windows: credit_fast.Windows) -> Answer:
        return {
            f"window {n}, trace 0": trace_piece(
                ".".join(row[:4]),
                int(windows.starttime_ns[n, 0]),
                float(windows.sampling_rate[n, 0]),
                windows.data[n, 0],
            )
            for n, row in enumerate(rows)
        }

    return Case(lambda: client.cut(rows, npts, components=None, dtype="int32"), answer)


def _training(setting: Setting) -> Case:
    """Batches of 64, as a loader asks for them."""
    client = credit_fast.Client(copy_of(setting.index, "ours-train"))
    npts = round(WINDOW_S * RATE_HZ) + 1
    picks = [
        credit_fast.Event(
            f"{n}", "eq", start_ns, 0.0, 0.0,
            picks=[credit_fast.Pick(r.network, r.station, r.location, "HHZ", "P", start_ns)],
        )
        for n, (r, start_ns) in enumerate(training_windows(setting))
    ]  # fmt: skip
    dataset = credit_fast.WindowDataset(client, picks, npts, dtype="int32", position=0)
    number = len(dataset)

    def run() -> list[Any]:
        batches = [range(at, min(at + 64, number)) for at in range(0, number, 64)]
        return [dataset.batch(batch) for batch in batches]

    def answer(batches: list[Any]) -> Answer:
        return {
            f"window {known['index']}": {"samples": samples}
            for data, _, metadata in batches
            for samples, known in zip(data, metadata, strict=True)
        }

    return Case(run, answer)


def _hdf5(task: str, threads: int | None, setting: Setting) -> Case:
    index = copy_of(setting.index, f"ours-{task}-{threads}")
    catalog = setting.record_catalog if task == "record" else setting.dataset_catalog
    out = setting.scratch / f"ours-{task}-{threads}.h5"

    def run() -> None:
        credit_fast.makeh5(
            index, out, catalog, setting.stations, range_s=RANGE_S, threads=threads, progress=False,
            overwrite=True,
        )  # fmt: skip

    return Case(run, lambda _: ("hdf5", out))


CASES: dict[tuple[str, str], Maker] = {
    ("master", ""): _master_index,
    ("read", "credit_fast.read"): partial(_read, None),
    ("read", "credit_fast.read, 1 thread"): partial(_read, 1),
    ("index", "credit_fast.makeindex"): partial(_index, None, "index"),
    ("index", "credit_fast.makeindex, 1 thread"): partial(_index, 1, "index"),
    ("index", "credit_fast.makeindex, its spans"): partial(_index, None, "spans"),
    ("index", "credit_fast.makeindex, its files"): partial(_index, None, "sizes"),
    ("padded", ""): _padded_index,
    ("window", "credit_fast.Client"): partial(_window, "window"),
    ("window", "credit_fast.Client, opened anew"): _anew,
    ("day", "credit_fast.Client.get_waveforms"): _day,
    ("day", "credit_fast.read"): lambda setting: _read(None, setting),
    ("million", "credit_fast.Client"): partial(_window, "million"),
    ("many", "credit_fast.Client, one by one"): partial(_window, "many"),
    ("many", "credit_fast.Client, bulk"): partial(_bulk, None),
    ("many", "credit_fast.Client, bulk, 1 thread"): partial(_bulk, 1),
    ("many", "credit_fast.Client, cut"): _array,
    ("train", "credit_fast.WindowDataset"): _training,
    ("record", "credit_fast.makeh5"): partial(_hdf5, "record", None),
    ("dataset", "credit_fast.makeh5"): partial(_hdf5, "dataset", None),
    ("dataset", "credit_fast.makeh5, 1 thread"): partial(_hdf5, "dataset", 1),
}
