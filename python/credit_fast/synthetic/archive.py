"""Writes a synthetic archive: day files in an SDS tree, the phase report, the station file.

The only room of `synthetic` that touches the disk. What the ground does is made in `source` and
`noise`, what is wrong in `faults`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from credit_fast._core import encode_mseed2
from credit_fast.output_file import naming_output
from credit_fast.synthetic import faults as wrong
from credit_fast.synthetic.model import (
    Fault,
    SyntheticArchive,
    SyntheticEvent,
    SyntheticStation,
)
from credit_fast.synthetic.noise import background
from credit_fast.synthetic.report import phase_report, station_file
from credit_fast.synthetic.source import draw_events, draw_stations, stream, wave_packet
from credit_fast.times import UTCDateTime, to_ns

__all__ = ["DEFAULT_SEED", "make_archive"]

DEFAULT_SEED = 20110310
RECORD_BYTES = 512
CHANNELS = ("HHE", "HHN", "HHZ")
# A 24-bit digitiser; also well inside what a Steim2 difference can hold after the first sample.
CLIP_COUNTS = float(2**23 - 1)
# No coda of a magnitude up to 5 lasts longer, so earlier events need not be made for a day.
LONGEST_WAVE_NS = 1_800_000_000_000
_NS = 1_000_000_000
_DAY_NS = 86_400 * _NS


@dataclass(frozen=True, slots=True)
class _Job:
    """One day file: samples first .. first + npts - 1, counted from the archive's start."""

    path: Path
    station: SyntheticStation
    channel: str
    day: int
    start_ns: int
    npts: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What all jobs share."""

    events: list[SyntheticEvent]
    faults: list[Fault]
    rate_hz: int
    seed: int

    @property
    def step_ns(self) -> int:
        return _NS // self.rate_hz


def make_archive(
    folder: str | os.PathLike[str],
    *,
    stations: int = 8,
    days: float = 2,
    events: int = 12,
    rate_hz: float = 100.0,
    seed: int = DEFAULT_SEED,
    start: object = "2020-01-30",
    hours: float | None = None,
    faults: bool = True,
    threads: int | None = None,
    on_file: Callable[[int, int], None] | None = None,
) -> SyntheticArchive:
    """Write a deterministic archive of raw seismograms with its catalogue and station file.

    The same arguments give the same bytes, whatever the number of threads.

    Parameters
    ----------
    folder
        Made if needed; must be empty. Gets `data/YEAR/NET/STA/CHA.D/...` (512-byte Steim2
        records), `catalog.pha` and `stations.loc`.
    stations, events
        How many; at most one event in 400 s.
    days, hours
        Length of the archive; `hours` goes before `days`.
    rate_hz
        Sampling rate: a whole even number that divides 10^9.
    seed
        Of everything that is drawn by lot.
    start
        Time of the first sample, on a whole second: anything that `credit_fast` takes as a time.
    faults
        Whether things are wrong on purpose; they are listed in the answer.
    threads
        How many threads make files; all processors by default.
    on_file
        Called with (files done, files in all) in the calling thread.

    Raises
    ------
    FileExistsError
        When the folder is not empty.
    ValueError
        When an argument is outside what is said above.
    """
    root = Path(folder)
    duration_s = round(hours * 3600 if hours is not None else days * 86400)
    start_ns = to_ns(start)
    rate = _check(stations, events, duration_s, rate_hz, start_ns)
    if seed < 0:
        raise ValueError(f"seed {seed}: expected 0 or more")
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty: a synthetic archive needs a new folder")
    sites, quakes, planned = _draw(stations, events, start_ns, duration_s, rate, seed, faults)
    data = root / "data"
    jobs = _jobs(data, [s for s in sites if s.has_data], start_ns, duration_s, rate)
    plan = _Plan(quakes, [f for f in planned if f.start_ns is not None], rate, seed)
    files, placed = _write_files(jobs, plan, threads or os.cpu_count() or 1, on_file)
    _write(root / "catalog.pha", phase_report(quakes).encode())
    _write(root / "stations.loc", station_file(sites).encode())
    return SyntheticArchive(
        folder=root,
        data=data,
        catalog=root / "catalog.pha",
        station_file=root / "stations.loc",
        files=tuple(files),
        stations=tuple(sites),
        events=tuple(quakes),
        faults=tuple(placed.get(f.kind, f) for f in planned),
        start_ns=start_ns,
        end_ns=start_ns + duration_s * _NS - _NS // rate,
        rate_hz=float(rate),
        n_samples=sum(job.npts for job in jobs),
        n_bytes=sum(path.stat().st_size for path in files),
    )


def _check(stations: int, events: int, duration_s: int, rate_hz: float, start_ns: int) -> int:
    if not 1 <= stations <= 99:
        raise ValueError(f"{stations} stations: expected 1 to 99")
    if events < 1:
        raise ValueError(f"{events} events: expected at least 1")
    if duration_s < 1:
        raise ValueError(f"{duration_s} s of data: expected at least 1 s")
    rate = round(rate_hz)
    if rate != rate_hz or rate < 2 or rate % 2 or _NS % rate:
        raise ValueError(f"rate {rate_hz} Hz: expected a whole even number that divides 10^9")
    if start_ns % _NS:
        raise ValueError(f"start {UTCDateTime(ns=start_ns)}: expected a whole second")
    return rate


def _draw(
    stations: int,
    events: int,
    start_ns: int,
    duration_s: int,
    rate: int,
    seed: int,
    faults: bool,
) -> tuple[list[SyntheticStation], list[SyntheticEvent], list[Fault]]:
    """Stations, events and faults; the faults in files have a time span but no place yet."""
    sites = draw_stations(stations, seed)
    if not faults:
        return sites, draw_events(events, sites, start_ns, duration_s, seed), []
    sites, in_stations = wrong.spoil_stations(sites)
    quakes = draw_events(events, sites, start_ns, duration_s, seed)
    in_files = wrong.waveform_faults(quakes, _NS // rate, start_ns)
    quakes, silent, in_catalog = wrong.spoil_catalog(quakes, sites, seed)
    return [*sites, silent], quakes, in_files + in_catalog + in_stations


def _jobs(
    data: Path, sites: list[SyntheticStation], start_ns: int, duration_s: int, rate: int
) -> list[_Job]:
    """One job for each station, channel and UTC day that the span touches."""
    end_ns = start_ns + duration_s * _NS
    jobs = []
    for day in range(start_ns // _DAY_NS, (end_ns - 1) // _DAY_NS + 1):
        begin_ns = max(start_ns, day * _DAY_NS)
        npts = (min(end_ns, (day + 1) * _DAY_NS) - begin_ns) // _NS * rate
        year, day_of_year = UTCDateTime(ns=begin_ns).strftime("%Y %j").split()
        for site in sites:
            for channel in CHANNELS:
                name = f"{site.station_id}.{channel}.D.{year}.{day_of_year}"
                path = data / year / site.network / site.station / f"{channel}.D" / name
                jobs.append(_Job(path, site, channel, day, begin_ns, npts))
    return jobs


def _write_files(
    jobs: list[_Job], plan: _Plan, threads: int, on_file: Callable[[int, int], None] | None
) -> tuple[list[Path], dict[str, Fault]]:
    """Write all day files; the paths in the order of the jobs, and the faults by kind."""
    for job in jobs:
        job.path.parent.mkdir(parents=True, exist_ok=True)
    # numpy and the encoder release the interpreter lock, so threads are enough.
    with ThreadPoolExecutor(max_workers=threads) as pool:
        running = {pool.submit(_write_day, job, plan): job for job in jobs}
        for done, future in enumerate(as_completed(running), start=1):
            future.result()
            if on_file is not None:
                on_file(done, len(jobs))
    results = {job.path: future.result() for future, job in running.items()}
    files: list[Path] = []
    placed: dict[str, Fault] = {}
    for job in jobs:
        paths, found = results[job.path]
        files += paths
        placed |= {fault.kind: fault for fault in found}
    return files, placed


def _write_day(job: _Job, plan: _Plan) -> tuple[list[Path], list[Fault]]:
    """Make, spoil and write one day file (two where the overlap lies)."""
    samples = _day_samples(job, plan)
    source_id = f"{job.station.station_id}.{job.channel}"
    last_ns = job.start_ns + (job.npts - 1) * plan.step_ns
    mine = {
        fault.kind: fault
        for fault in plan.faults
        if fault.source_id == source_id
        and fault.start_ns is not None
        and job.start_ns <= fault.start_ns <= last_ns
    }
    paths, placed = [job.path], []
    pieces = [(0, job.npts)]
    if "gap" in mine:
        first, stop = _span(mine["gap"], job, plan)
        pieces = [(0, first), (stop, job.npts)]
        placed.append(wrong.with_place(mine["gap"], job.path, None, None))
    content = bytearray()
    for first, stop in pieces:
        if stop > first:
            content += _encode(job, plan, samples, first, stop, len(content) // RECORD_BYTES + 1)
    if "damaged_record" in mine:
        wanted, _ = _span(mine["damaged_record"], job, plan)
        placed.append(_damage(content, mine["damaged_record"], wanted, job, plan))
    _write(job.path, content)
    if "overlap" in mine:
        first, stop = _span(mine["overlap"], job, plan)
        again = job.path.with_name(job.path.name + ".resent")
        _write(again, _encode(job, plan, samples, first, stop, 1))
        placed.append(wrong.with_place(mine["overlap"], again, None, None))
        paths.append(again)
    return paths, placed


def _day_samples(job: _Job, plan: _Plan) -> npt.NDArray[np.int32]:
    """Noise, offset and the waves of every event that reaches into the day, in whole counts."""
    component = CHANNELS.index(job.channel)
    first_s = (job.start_ns - job.day * _DAY_NS) // _NS
    # The offset of the digitiser: one value for each channel, the same on all days.
    offset = np.float32(stream(plan.seed, 7, job.station.index, component).uniform(-400, 400))
    waves = _waves(job, plan)
    samples = np.empty(job.npts, dtype=np.int32)
    for first, block in background(
        job.station, component, job.day, first_s, job.npts, plan.rate_hz, plan.seed
    ):
        block += offset
        stop = first + block.size
        for at, wave in waves:
            low, high = max(first, at), min(stop, at + wave.size)
            if low < high:
                block[low - first : high - first] += wave[low - at : high - at]
        np.rint(np.clip(block, -CLIP_COUNTS, CLIP_COUNTS, out=block), out=block)
        samples[first:stop] = block
    return samples


def _waves(job: _Job, plan: _Plan) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Wave packets that may reach into the file: number of the first sample, and counts."""
    end_ns = job.start_ns + job.npts * plan.step_ns
    found = []
    for event in plan.events:
        for arrival in event.arrivals:
            if arrival.station.index != job.station.index:
                continue
            if arrival.time_ns >= end_ns or arrival.time_ns < job.start_ns - LONGEST_WAVE_NS:
                continue
            wave = wave_packet(event, arrival, job.channel[-1], float(plan.rate_hz), plan.seed)
            # The first sample at or after the onset.
            found.append((-((job.start_ns - arrival.time_ns) // plan.step_ns), wave))
    return found


def _span(fault: Fault, job: _Job, plan: _Plan) -> tuple[int, int]:
    """First sample of a fault in the day file, and the one after its last, inside the file."""
    if fault.start_ns is None or fault.end_ns is None:
        raise ValueError(f"a {fault.kind} needs a time span")
    first = (fault.start_ns - job.start_ns) // plan.step_ns
    stop = (fault.end_ns - job.start_ns) // plan.step_ns + 1
    return first, min(stop, job.npts)


def _encode(
    job: _Job,
    plan: _Plan,
    samples: npt.NDArray[np.int32],
    first: int,
    stop: int,
    sequence: int,
) -> bytes:
    station = job.station
    return encode_mseed2(
        station.network,
        station.station,
        station.location,
        job.channel,
        job.start_ns + first * plan.step_ns,
        float(plan.rate_hz),
        samples[first:stop],
        "STEIM2",
        reclen=RECORD_BYTES,
        sequence=sequence,
    )


def _damage(content: bytearray, fault: Fault, wanted: int, job: _Job, plan: _Plan) -> Fault:
    """Overwrite the header of the record that holds sample `wanted`; nothing else moves."""
    records = np.frombuffer(bytes(content), np.uint8).reshape(-1, RECORD_BYTES)
    # Number of samples: bytes 30 and 31 of the fixed header, big endian (SEED manual, chapter 8).
    counts = records[:, 30].astype(np.int64) * 256 + records[:, 31]
    ends = np.cumsum(counts)
    record = int(np.searchsorted(ends, wanted, side="right"))
    offset = record * RECORD_BYTES
    # Bytes from 128 up: neither digits nor letters, so nothing that looks like a header.
    garbage = stream(plan.seed, 8).integers(128, 256, 64, dtype=np.uint8)
    content[offset : offset + garbage.size] = garbage.tobytes()
    first = int(ends[record] - counts[record])
    exact = Fault(
        kind=fault.kind,
        description=f"{fault.description} ({counts[record] / plan.rate_hz:g} s lost)",
        source_id=fault.source_id,
        event_id=fault.event_id,
        start_ns=job.start_ns + first * plan.step_ns,
        end_ns=job.start_ns + (int(ends[record]) - 1) * plan.step_ns,
    )
    return wrong.with_place(exact, job.path, offset, RECORD_BYTES)


def _write(path: Path, content: bytes | bytearray) -> None:
    with naming_output(path):
        path.write_bytes(content)
