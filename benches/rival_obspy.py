"""How a user of ObsPy does each task, in the fastest documented way that gives the same answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import obspy
from answers import PICK_KEY, Answer, trace_piece
from obspy.clients.filesystem import sds, tsindex
from rival_mseedindex import program
from setting import (
    RANGE_S,
    RATE_HZ,
    WINDOW_S,
    Setting,
    StationRecord,
    Window,
    copy_of,
    month_windows,
    remove_index,
    training_windows,
)
from workers import Case, Maker

_FORMAT = "%Y/%m/%d %H:%M:%S.%f"


def _time(time_ns: int) -> Any:
    return obspy.UTCDateTime(ns=time_ns)


def _traces(stream: Any, prefix: str = "") -> Answer:
    return {
        f"{prefix}trace {n}": trace_piece(
            trace.id, trace.stats.starttime._ns, trace.stats.sampling_rate, trace.data
        )
        for n, trace in enumerate(stream)
    }


def _read(setting: Setting) -> Case:
    # The format is named, which saves ObsPy the guessing.
    return Case(lambda: obspy.read(setting.files[0], format="MSEED"), _traces)


def _indexer(setting: Setting) -> Case:
    path = setting.scratch / "obspy-indexer.db"
    command = str(program())

    def run() -> None:
        tsindex.Indexer(str(setting.data), database=str(path), index_cmd=command).run()

    return Case(run, lambda _: ("index", path), lambda: remove_index(path))


def _window_answer(streams: list[Any]) -> Answer:
    return {
        name: piece
        for n, stream in enumerate(streams)
        for name, piece in _traces(stream, f"window {n}, ").items()
    }


def _windows(cut: Callable[[Window], Any], setting: Setting) -> Case:
    return Case(lambda: [cut(window) for window in setting.windows], _window_answer)


def _window_by_client(open_client: Callable[[Setting], Any], setting: Setting) -> Case:
    client = open_client(setting)

    def cut(w: Window) -> Any:
        codes = (w.network, w.station, w.location, w.channel)
        return client.get_waveforms(*codes, _time(w.start_ns), _time(w.end_ns))

    return _windows(cut, setting)


def _window_of_file(setting: Setting) -> Case:
    def cut(w: Window) -> Any:
        start, end = _time(w.start_ns), _time(w.end_ns)
        return obspy.read(w.file, format="MSEED", starttime=start, endtime=end)

    return _windows(cut, setting)


def _day_by_sds(setting: Setting) -> Case:
    client, w = sds.Client(str(setting.data)), setting.day
    codes = (w.network, w.station, w.location, w.channel)
    ends = (_time(w.start_ns), _time(w.end_ns))
    return Case(lambda: client.get_waveforms(*codes, *ends), _traces)


def _month_windows(over: bool, setting: Setting) -> Case:
    """Windows out of the file of a month, or out of two files."""
    files = [str(file) for file in setting.scale.months.files]

    def cut(w: Window) -> Any:
        stream = obspy.Stream()
        for file in files if over else (w.file,):
            ends = {"starttime": _time(w.start_ns), "endtime": _time(w.end_ns)}
            stream += obspy.read(file, format="MSEED", **ends)
        return stream.merge(-1)

    windows = month_windows(setting, over)
    return Case(lambda: [cut(window) for window in windows], _window_answer)


def _tsindex(name: str, setting: Setting) -> Any:
    return tsindex.Client(str(copy_of(setting.index, name)))


def _cut_by_client(task: str, setting: Setting) -> Callable[[StationRecord], Any]:
    client = _tsindex(f"obspy-{task}", setting)

    def cut(r: StationRecord) -> Any:
        return client.get_waveforms(r.network, r.station, r.location, "HH?", *_ends(r))

    return cut


def _cut_from_files(record: StationRecord) -> Any:
    start, end = _ends(record)
    stream = obspy.Stream()
    for file in record.files:
        stream += obspy.read(file, format="MSEED", starttime=start, endtime=end)
    return stream


def _ends(record: StationRecord) -> tuple[Any, Any]:
    pick = _time(record.pick_ns)
    return pick - RANGE_S, pick + RANGE_S


def _hdf5(task: str, by_client: bool, setting: Setting) -> Case:
    cut = _cut_by_client(task, setting) if by_client else _cut_from_files
    records = setting.record if task == "record" else setting.dataset
    out = setting.scratch / f"obspy-{task}-{by_client}.h5"
    return Case(
        lambda: _write(out, cut, records),
        lambda _: ("hdf5", out),
        lambda: out.unlink(missing_ok=True),
    )


def _write(
    out: Path, cut: Callable[[StationRecord], Any], records: tuple[StationRecord, ...]
) -> None:
    """Write the layout record by record, with h5py's automatic chunks and gzip.

    What to write is handed over ready: no catalogue is read, nothing is checked.
    """
    with h5py.File(out, "w") as file:
        for record in records:
            event = file.require_group(record.event_id)
            if "time" not in event.attrs:
                _event_attributes(event, record)
            station = event.create_group(f"{record.network}.{record.station}.{record.location}")
            _pick_attributes(station, record)
            for trace in cut(record):
                dataset = station.create_dataset(
                    trace.stats.channel,
                    data=trace.data,
                    dtype="i4",
                    chunks=True,
                    compression="gzip",
                )
                dataset.attrs["delta"] = trace.stats.delta
                dataset.attrs["btime"] = trace.stats.starttime.strftime(_FORMAT)


def _training(setting: Setting) -> Case:
    """Training windows out of a data set file in the layout of `_write`, with h5py."""
    path = setting.scratch / "obspy-train.h5"
    _write(path, _cut_from_files, setting.dataset)
    npts = round(WINDOW_S * RATE_HZ) + 1
    file = h5py.File(path, "r")
    places = [
        (
            f"{r.event_id}/{r.network}.{r.station}.{r.location}",
            round((start_ns - r.pick_ns) / 1e9 * RATE_HZ + RANGE_S * RATE_HZ),
        )
        for r, start_ns in training_windows(setting)
    ]

    def run() -> Any:
        windows = np.empty((len(places), 3, npts), np.int32)
        for row, (name, first) in enumerate(places):
            station = file[name]
            for column, letter in enumerate("ZNE"):
                windows[row, column] = station[f"HH{letter}"][first : first + npts]
        return windows

    return Case(run, lambda windows: {f"window {n}": {"samples": w} for n, w in enumerate(windows)})


def _event_attributes(group: h5py.Group, record: StationRecord) -> None:
    token = record.event_line.split()
    group.attrs["time"] = _text(record.pick_ns - 10_000_000_000)
    group.attrs["lon"], group.attrs["lat"] = float(token[12]), float(token[13])
    group.attrs["depth"], group.attrs["mag"] = float(token[15]), float(token[18])
    group.attrs["type"] = token[2]
    group.attrs["strs"] = ",".join(token)


def _pick_attributes(group: h5py.Group, record: StationRecord) -> None:
    token = record.row.split()
    group.attrs["types"] = PICK_KEY
    group.attrs["lon"], group.attrs["lat"], group.attrs["elevation"] = 100.0, 25.0, 2000.0
    group.attrs[PICK_KEY] = _text(record.pick_ns)
    names = ("type", "phasetype", "recordtype", "magsource", "magtype", "mag")
    for name, value in zip(names, ("Pg", *token[3:4], *token[11:12], *token[20:23]), strict=True):
        group.attrs[f"{PICK_KEY}.{name}"] = value
    group.attrs[f"{PICK_KEY}.dist"] = float(token[24])
    group.attrs[f"{PICK_KEY}.distaz"] = token[24]
    group.attrs[f"{PICK_KEY}.RMS"], group.attrs[f"{PICK_KEY}.WT"] = token[27], token[28]
    group.attrs[f"{PICK_KEY}.strs"] = ",".join(token)


def _text(time_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=time_ns // 1000)
    return moment.strftime(_FORMAT)


CASES: dict[tuple[str, str], Maker] = {
    ("read", "obspy.read"): _read,
    ("day", "obspy.read"): _read,
    ("day", "ObsPy sds.Client"): _day_by_sds,
    ("several", "obspy.read(start, end)"): partial(_month_windows, False),
    ("border", "obspy.read(start, end), merged"): partial(_month_windows, True),
    ("index", "ObsPy tsindex.Indexer"): _indexer,
    ("window", "ObsPy tsindex.Client"): partial(
        _window_by_client, partial(_tsindex, "obspy-window")
    ),
    ("million", "ObsPy tsindex.Client"): partial(
        _window_by_client, lambda setting: tsindex.Client(str(setting.padded))
    ),
    ("window", "ObsPy sds.Client"): partial(
        _window_by_client, lambda setting: sds.Client(str(setting.data))
    ),
    ("window", "obspy.read(start, end)"): _window_of_file,
    ("train", "h5py, a gzip data set"): _training,
    ("record", "ObsPy tsindex.Client + h5py"): partial(_hdf5, "record", True),
    ("record", "obspy.read(start, end) + h5py"): partial(_hdf5, "record", False),
    ("dataset", "ObsPy tsindex.Client + h5py"): partial(_hdf5, "dataset", True),
    ("dataset", "obspy.read(start, end) + h5py"): partial(_hdf5, "dataset", False),
}
