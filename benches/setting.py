"""The material of the comparison: archive, windows, catalogues; equal for every rival.

Plain data that can be sent to another process, what makes it, and how a rival gets an index file
of its own. No rival is imported here.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scale import Scale

from credit_fast.synthetic import SyntheticArchive, make_archive
from credit_fast.times import UTCDateTime

RANGE_S = 500
WINDOW_S = 30
#: Of the archive.
RATE_HZ = 100.0
#: Of each event of the data set in the task metadata: one run must last long enough for the clock.
COPIES = 10
#: Compressions of a data set that are compared, the default first.
COMPRESSIONS = ("gzip", "gzip:4", "gzip:6", "gzip:9", "lzf", "none")
_NS = 1_000_000_000


@dataclass(frozen=True)
class Window:
    """A request: codes, first and last sample, and the day file that holds it all."""

    network: str
    station: str
    location: str
    channel: str
    start_ns: int
    end_ns: int
    file: str


@dataclass(frozen=True)
class StationRecord:
    """One station of one event: RANGE_S before and after its one pick; its files hold it all."""

    event_id: str
    event_line: str
    row: str
    network: str
    station: str
    location: str
    pick_ns: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """What every rival gets.

    `index` is a finished index, of which each takes its own copy; `padded` has `padded_rows` rows
    more, and is only read.
    """

    scratch: Path
    data: Path
    files: tuple[str, ...]
    index: Path
    stations: Path
    day: Window
    day_samples: int
    windows: tuple[Window, ...]
    many: tuple[Window, ...]
    padded: Path
    padded_rows: int
    record_catalog: Path
    record: tuple[StationRecord, ...]
    dataset_catalog: Path
    dataset: tuple[StationRecord, ...]
    scale: Scale
    n_samples: int
    n_bytes: int
    text: str


def training_windows(setting: Setting) -> list[tuple[StationRecord, int]]:
    """Records and first samples of training windows: every record, many places around its pick."""
    return [
        (record, record.pick_ns + (step - 10) * 20 * _NS)
        for step in range(20)
        for record in setting.dataset
    ]


def make_setting(
    scratch: Path,
    *,
    stations: int,
    hours: float,
    n_windows: int,
    n_many: int,
    n_events: int,
    padded_rows: int,
    scale: Scale,
) -> Setting:
    """Write archive and catalogues into `scratch`; the same arguments give the same bytes."""
    archive = make_archive(
        scratch / "archive", stations=stations, hours=hours, events=1, faults=False
    )
    # ObsPy's index client cannot ask for the empty location code: those stations are indexed and
    # read, and not asked for by window.
    named = [site.station_id for site in archive.stations if site.location]
    first_ns = archive.start_ns + RANGE_S * _NS
    last_ns = archive.end_ns - RANGE_S * _NS
    step_ns = (last_ns - first_ns) // max(1, n_events)
    # On whole seconds, so that every pick and both ends of each window are sample times.
    picks = [(first_ns + n * step_ns + step_ns // 2) // _NS * _NS for n in range(n_events)]
    dataset = tuple(
        _station_record(archive, number, pick_ns, site)
        for number, pick_ns in enumerate(picks)
        for site in named
    )
    record = dataset[:1]
    return Setting(
        scratch=scratch,
        data=archive.data,
        files=tuple(map(str, archive.files)),
        index=scratch / "master.db",
        stations=archive.station_file,
        day=_day_window(archive),
        day_samples=archive.n_samples // len(archive.files),
        windows=tuple(_windows(archive, n_windows)),
        many=tuple(_windows(archive, n_many)),
        padded=scratch / "padded.db",
        padded_rows=padded_rows,
        record_catalog=_write_catalog(scratch / "record.pha", record),
        record=record,
        dataset_catalog=_write_catalog(scratch / "dataset.pha", dataset),
        dataset=dataset,
        scale=scale,
        n_samples=archive.n_samples,
        n_bytes=archive.n_bytes,
        text=(
            f"{stations} stations x 3 components x {hours:g} h at {archive.rate_hz:g} Hz, "
            f"{len(archive.files)} day files of 512-byte Steim2 records, "
            f"{archive.n_bytes / 1e6:.1f} MB, {archive.n_samples / 1e6:.1f} million samples"
        ),
    )


def month_windows(setting: Setting, over: bool) -> list[Window]:
    """Windows in one month, or over the border of two; their file is the one they begin in."""
    months = setting.scale.months
    return [
        Window(*months.codes, start_ns, start_ns + WINDOW_S * _NS, str(months.files[0]))
        for start_ns in (months.over_ns if over else months.inside_ns)
    ]


def copy_of(index: Path, name: str) -> Path:
    """A copy of the index for one rival alone."""
    return Path(shutil.copy(index, index.with_name(f"{name}.db")))


def remove_index(path: Path) -> None:
    """Remove an index file and what SQLite keeps beside it."""
    for ending in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _day_window(archive: SyntheticArchive) -> Window:
    """All of the first file."""
    file = archive.files[0]
    network, station, location, channel = file.name.split(".")[:4]
    end_ns = min(archive.end_ns, archive.start_ns + 86_400 * _NS - round(_NS / archive.rate_hz))
    return Window(network, station, location, channel, archive.start_ns, end_ns, str(file))


def _windows(archive: SyntheticArchive, count: int) -> Iterable[Window]:
    """Windows at random places of random channels, both ends on a sample."""
    rng = random.Random(20200130)
    files = [path for path in archive.files if path.name.split(".")[2]]
    step_ns = round(_NS / archive.rate_hz)
    for _ in range(count):
        file = rng.choice(files)
        network, station, location, channel = file.name.split(".")[:4]
        day_ns = UTCDateTime(file.name.split(".D.")[1].replace(".", "-")).ns
        low_ns = max(archive.start_ns, day_ns)
        high_ns = min(archive.end_ns, day_ns + 86_400 * _NS - step_ns) - WINDOW_S * _NS
        start_ns = low_ns + rng.randrange((high_ns - low_ns) // step_ns + 1) * step_ns
        end_ns = start_ns + WINDOW_S * _NS
        yield Window(network, station, location, channel, start_ns, end_ns, str(file))


def _station_record(
    archive: SyntheticArchive, number: int, pick_ns: int, station_id: str
) -> StationRecord:
    network, station, location = station_id.split(".")
    origin_ns = pick_ns - 10 * _NS
    event_id = f"XX.{UTCDateTime(ns=origin_ns).strftime('%Y%m%d%H%M')}.{number + 1:04d}"
    return StationRecord(
        event_id=event_id,
        event_line=f"#EVENT {event_id} eq {_columns(origin_ns)} LOC  100.100   25.700 "
        "DEP       10 MAG   ML  2.0",
        row=f"PHASE  {event_id} eq TRAVTIME {network} {station} {location} HHZ Pg ttime 10.00 "
        f"V {_columns(pick_ns)} MAGSOURCE MAGTYPE MAG DISTAZ 60.0 90.0 LOC_RMSWT RMS WT",
        network=network,
        station=station,
        location=location,
        pick_ns=pick_ns,
        files=tuple(str(p) for p in archive.files if p.name.startswith(f"{station_id}.")),
    )


def _columns(time_ns: int) -> str:
    return UTCDateTime(ns=time_ns).strftime("%Y %m %d %j %H %M %S %f")


def _write_catalog(path: Path, records: Iterable[StationRecord]) -> Path:
    """Write the phase report of the records; stations of one event follow each other."""
    lines: list[str] = []
    for record in records:
        lines += [record.row] if record.event_line in lines else [record.event_line, record.row]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
