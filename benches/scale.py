"""The material of the tasks at scale: many files, many rows, one large file, many indexes.

Plain data that can be sent to another process, and what makes it. A record is made once for each
channel, and its time written anew for each file. No rival is imported here.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt

from credit_fast._core import encode_mseed2

RECORD_BYTES = 512
#: Of all that is made here.
RATE_HZ = 100.0
#: How many indexes one client has.
NUMBERS_OF_INDEXES = (1, 3, 10, 30, 100)
#: Material by task; the other tasks need none of it.
NEEDS = {
    "small": {"small"},
    "rows": {"rows"},
    "memory": {"small", "rows", "large"},
    "several": {"months"},
    "border": {"months"},
    "touched": {"small"},
}
_START = datetime(2020, 1, 30, tzinfo=timezone.utc)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NS = 1_000_000_000
#: The month with data, and the one behind it.
_MONTH = 50

Row = tuple[str, str, str, str, str, str, str, int, int]


class NoRoomError(Exception):
    """The disk is too full; the text says what is needed."""


@dataclass(frozen=True)
class ManyFiles:
    """`groups` folders of `files` files, each with one record of each of `channels` channels.

    A file begins an hour behind the one before it; every folder has channels of its own.
    """

    folder: Path
    groups: int
    files: int
    channels: int

    @property
    def n_files(self) -> int:
        """Number of files."""
        return self.groups * self.files

    @property
    def n_rows(self) -> int:
        """Number of rows that an index of them has."""
        return self.n_files * self.channels

    @property
    def part(self) -> Path:
        """The folder of the first group, for programs that would take too long with all."""
        return self.folder / "000"

    def paths(self, group: int) -> list[Path]:
        """Files of a group, by time."""
        folder = self.folder / f"{group:03d}"
        return [folder / f"{number:05d}.mseed" for number in range(self.files)]

    def codes(self, group: int, channel: int) -> tuple[str, str, str, str]:
        """Network, station, location and channel."""
        return ("XX", f"{group:02d}{channel // 3:02d}", "00", f"HH{'ZNE'[channel % 3]}")

    def samples(self, group: int, channel: int) -> npt.NDArray[np.int32]:
        """Samples of each record of the channel, and a few that no longer fit into it."""
        seed = np.random.default_rng([20200130, group, channel])
        return seed.integers(-1000, 1000, 400).cumsum().astype(np.int32)

    def time(self, number: int) -> datetime:
        """First sample of the file of this number, in each group."""
        return _START + timedelta(hours=number)

    def rows(self) -> Iterator[Row]:
        """Rows of an index, by file and offset: codes, times, file, offset and bytes."""
        for group in range(self.groups):
            records = self._records(group)
            # Number of samples: bytes 30 and 31 of the header, big endian.
            counts = [int(n) for n in records[:, 30].astype(int) * 256 + records[:, 31]]
            lasts = [timedelta(seconds=(n - 1) / RATE_HZ) for n in counts]
            for number, path in enumerate(self.paths(group)):
                time = self.time(number).replace(tzinfo=None)
                for channel in range(self.channels):
                    ends = (time.isoformat(), (time + lasts[channel]).isoformat())
                    place = (str(path), channel * RECORD_BYTES, RECORD_BYTES)
                    yield (*self.codes(group, channel), *ends, *place)

    def _records(self, group: int) -> npt.NDArray[np.uint8]:
        records = [
            encode_mseed2(
                *self.codes(group, channel), nanoseconds(_START), RATE_HZ,
                self.samples(group, channel), "STEIM2", reclen=RECORD_BYTES,
            )[:RECORD_BYTES]
            for channel in range(self.channels)
        ]  # fmt: skip
        return np.frombuffer(bytearray(b"".join(records)), np.uint8).reshape(-1, RECORD_BYTES)

    def make(self) -> None:
        """Write all files."""
        for group in range(self.groups):
            records = self._records(group)
            (self.folder / f"{group:03d}").mkdir(parents=True)
            for number, path in enumerate(self.paths(group)):
                _set_time(records, self.time(number))
                path.write_bytes(records.tobytes())


@dataclass(frozen=True)
class Months:
    """A hundred indexes, one for each month, and windows in one of them and over a border.

    `files` are the last day of one month and the first of the next, with an hour of data each. All
    other rows of the indexes stand for day files that do not exist.
    """

    folder: Path
    channels: int
    codes: tuple[str, str, str, str]
    files: tuple[Path, Path]
    inside_ns: tuple[int, ...]
    over_ns: tuple[int, ...]

    def index(self, month: int) -> Path:
        """Index of a month."""
        return self.folder / f"{self.first_day(month):%Y-%m}.db"

    def first_day(self, month: int) -> datetime:
        """When a month begins."""
        return datetime(2015 + month // 12, month % 12 + 1, 1, tzinfo=timezone.utc)

    def data(self, month: int) -> Path | None:
        """The file with data of a month; None for most."""
        return {_MONTH: self.files[0], _MONTH + 1: self.files[1]}.get(month)

    def indexes(self, number: int) -> list[Path]:
        """As many indexes, the one with the windows in the middle of them."""
        first = _MONTH - number // 2
        return [self.index(month) for month in range(first, first + number)]

    def make(self) -> None:
        """Write both files; the indexes are made by who may open them."""
        self.folder.mkdir()
        npts = round(3600 * RATE_HZ)
        seed = np.random.default_rng(20190401)
        samples = seed.integers(-100, 100, 2 * npts).cumsum().astype(np.int32)
        border_ns = nanoseconds(self.first_day(_MONTH + 1))
        for half, path in enumerate(self.files):
            content = encode_mseed2(
                *self.codes, border_ns + (half - 1) * 3600 * _NS, RATE_HZ,
                samples[half * npts : (half + 1) * npts], "STEIM2", reclen=RECORD_BYTES,
            )  # fmt: skip
            path.write_bytes(content)


@dataclass(frozen=True)
class Scale:
    """All of it; what no chosen task needs is not on the disk."""

    small: ManyFiles
    rows: ManyFiles
    large: Path
    months: Months

    def make(self, needs: Collection[str], day_file: Path, large_bytes: int) -> None:
        """Write what is needed; `day_file` is what the large file is made of."""
        for name, files in (("small", self.small), ("rows", self.rows)):
            if name in needs:
                files.make()
        if "large" in needs:
            _make_large(self.large, day_file, large_bytes)
        if "months" in needs:
            self.months.make()


def plan_scale(scratch: Path, *, quick: bool) -> Scale:
    """Say what there is, and where; nothing is written."""
    small = ManyFiles(scratch / "small", *((2, 20) if quick else (50, 2000)), channels=1)
    rows = ManyFiles(scratch / "rows", *((2, 5) if quick else (50, 400)), channels=50)
    return Scale(small, rows, scratch / "large.mseed", _plan_months(scratch / "months", quick))


def check_room(folder: Path, needs: Collection[str], large_bytes: int, scale: Scale) -> None:
    """Raise NoRoomError when the disk has no room for files and indexes."""
    blocks = {
        "small": scale.small.n_files * 4096 + scale.small.n_rows * 2048,
        "rows": scale.rows.n_rows * (RECORD_BYTES + 4 * 1024),
        "large": large_bytes,
    }
    wanted = sum(size for name, size in blocks.items() if name in needs)
    free = shutil.disk_usage(folder).free
    if free < wanted * 1.2:
        raise NoRoomError(
            f"{free / 1e9:.1f} GB are free in the scratch folder, {wanted * 1.2 / 1e9:.1f} needed: "
            "name another by --scratch, or fewer tasks by --tasks"
        )


def indexes_text(number: int) -> str:
    """How many indexes, in words of a table."""
    return "1 index" if number == 1 else f"{number} indexes"


def nanoseconds(time: datetime) -> int:
    """Since 1970, exact to the microsecond."""
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def _plan_months(folder: Path, quick: bool) -> Months:
    codes = ("XX", "MON", "00", "HHZ")
    border = datetime(2015 + (_MONTH + 1) // 12, (_MONTH + 1) % 12 + 1, 1, tzinfo=timezone.utc)
    days = (border - timedelta(days=1), border)
    rng = random.Random(20190401)
    border_ns, step_ns = nanoseconds(border), round(_NS / RATE_HZ)
    return Months(
        folder,
        channels=2 if quick else 30,
        codes=codes,
        files=(
            folder / f"{'.'.join(codes)}.D.{days[0]:%Y.%j}",
            folder / f"{'.'.join(codes)}.D.{days[1]:%Y.%j}",
        ),
        inside_ns=tuple(border_ns - rng.randrange(6000, 360_000) * step_ns for _ in range(10)),
        over_ns=tuple(border_ns - rng.randrange(100, 2900) * step_ns for _ in range(10)),
    )


def _set_time(records: npt.NDArray[np.uint8], time: datetime) -> None:
    """Write the time of the first sample, on a whole second, into headers of miniSEED 2."""
    day = time.timetuple().tm_yday
    parts = [*divmod(time.year, 256), *divmod(day, 256), time.hour, time.minute, time.second]
    records[:, 20:27] = np.array(parts, np.uint8)


def _make_large(path: Path, day_file: Path, size: int) -> None:
    """One file of as many days as have the size, each with the bytes of the day file."""
    content = bytearray(day_file.read_bytes())
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    with path.open("wb") as stream:
        for number in range(max(2, size // len(content))):
            day = _START + timedelta(days=number)
            records[:, 20:24] = np.array(
                [*divmod(day.year, 256), *divmod(day.timetuple().tm_yday, 256)], np.uint8
            )
            stream.write(content)
