"""Archives drawn at random: records in files, and the order in which an index got to know them.

A seed gives one layout, always the same. Each sample of a layout has a value of its own, so that an
answer tells which record each of its samples is of; records that are there twice share theirs.
"""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import credit_fast
from credit_fast import UTCDateTime, _core

NS = 10**9
HOUR_NS = 3600 * NS
DAY_NS = 24 * HOUR_NS

#: Quality letters of miniSEED 2 by publication version.
QUALITIES = {1: "R", 2: "D", 3: "Q", 4: "M"}
RATES = ["1/10", "1/3", "1", "91/5", "20", "40", "125/2", "250/3", "100", "1000"]
DTYPES = {
    "STEIM1": np.dtype(np.int32),
    "STEIM2": np.dtype(np.int32),
    "INT32": np.dtype(np.int32),
    "FLOAT32": np.dtype(np.float32),
    "FLOAT64": np.dtype(np.float64),
}
IDS = ["XX.AAA..HHZ", "XX.AAA..HHN", "XX.AAA.00.HHZ", "XX.BB.10.BHE", "Y1.STAT..LH1"]


@dataclass(frozen=True, eq=False)
class Record:
    """One record as it was written: what its header says, and its samples."""

    id: str
    version: int
    start_ns: int
    rate: Fraction
    values: npt.NDArray[Any]
    data: bytes = field(repr=False)
    #: Number of the file, and of the record in it.
    file: int = 0
    place: int = 0
    #: The record that this is a part of, and how many samples before it are not.
    whole: Record | None = None
    skip: int = 0

    @property
    def codes(self) -> list[str]:
        """Network, station, location, channel."""
        return self.id.split(".")

    @property
    def is_miniseed3(self) -> bool:
        """Whether it is of miniSEED 3."""
        return self.data.startswith(b"MS\x03")


@dataclass(frozen=True)
class Layout:
    """Files as lists of records, and what was there of them at each run of makeindex."""

    seed: int
    files: list[list[Record]]
    #: For each run, the bytes of each file that were there.
    stages: list[list[int]]
    #: The index that each file is in.
    index_of: list[int]
    #: When each file was changed last, in seconds since 1970.
    changed_s: list[int]

    @property
    def records(self) -> list[Record]:
        """All of them, file after file."""
        return [record for file in self.files for record in file]

    def contents(self, file: int) -> bytes:
        """All bytes of a file."""
        return b"".join(record.data for record in self.files[file])

    def indexes(self, folder: Path) -> list[Path]:
        """Where the indexes are, in a folder of the layout's own."""
        return [folder / f"index{number}.db" for number in sorted(set(self.index_of))]

    def make(self, folder: Path, run: int, number: int) -> None:
        """Let the files of an index grow to what is there at a run, and index them."""
        if run < len(self.stages) and number in self.index_of:
            (folder / f"archive{number}").mkdir(parents=True, exist_ok=True)
            for file, index in enumerate(self.index_of):
                if index == number:
                    self.write(folder, file, run)
            index = folder / f"index{number}.db"
            credit_fast.makeindex(folder / f"archive{number}", index, progress=False)

    def write(self, folder: Path, file: int, run: int) -> None:
        """Let a file grow to what is there of it at a run."""
        grows = self._grows(file)
        if run in grows:
            path = folder / f"archive{self.index_of[file]}" / f"{file}.mseed"
            path.write_bytes(self.contents(file)[: self.stages[run][file]])
            changed_s = self.changed_s[file] - 60 * (grows[-1] - run)
            os.utime(path, (changed_s, changed_s))

    def _grows(self, file: int) -> list[int]:
        """The runs before which a file grew."""
        sizes = [0, *(sizes[file] for sizes in self.stages)]
        return [run for run in range(len(self.stages)) if sizes[run + 1] > sizes[run]]

    def newness(self, record: Record) -> tuple[int, ...]:
        """What decides between samples of the same time; more is newer."""
        run = self._grows(record.file)[-1]
        return record.version, run, self.index_of[record.file], self.changed_s[record.file]

    def table(self, ids: Sequence[str] = ()) -> str:
        """The records, a line each, for a message."""
        lines = [
            f"seed {self.seed}, runs {self.stages}, indexes {self.index_of}, "
            f"changed {self.changed_s}"
        ]
        lines += [
            f"file {r.file} record {r.place:2}: {r.id} version {r.version} {len(r.data)} bytes "
            f"miniSEED {3 if r.is_miniseed3 else 2} from {UTCDateTime(ns=r.start_ns)} "
            f"({r.start_ns}) {r.rate} Hz, {len(r.values)} {r.values.dtype} from {r.values[0]}"
            for r in self.records
            if not ids or r.id in ids
        ]
        return "\n".join(lines)


def one_record(
    id_: str,
    version: int,
    start_ns: int,
    rate: Fraction,
    values: npt.NDArray[Any],
    *,
    encoding: str,
    reclen: int,
    miniseed: int,
) -> Record:
    """A record with the first of the samples, as many as fit."""
    codes = id_.split(".")
    samples = values.astype(DTYPES[encoding])
    if miniseed == 2:
        data = _core.encode_mseed2(
            *codes, start_ns, float(rate), samples, encoding, reclen, quality=QUALITIES[version]
        )[:reclen]
        (npts,) = struct.unpack_from(">H", data, 30)
    else:
        data = _core.encode_mseed3(
            *codes, start_ns, float(rate), samples, encoding, reclen, version=version
        )
        (npts,) = struct.unpack_from("<I", data, 24)
        identifier, extra, payload = struct.unpack_from("<xBHI", data, 32)
        data = data[: 40 + identifier + extra + payload]
    return Record(id_, version, start_ns, rate, samples[:npts], data)


class _Drawing:
    """The random choices of one layout."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.value = self.random.randrange(1000)
        r = self.random
        # Since 2018: no leap second lies in it.
        self.base_ns = (
            r.randrange(17_600, 20_000) * DAY_NS + r.choice([0, r.randrange(24)]) * HOUR_NS
        )
        self.base_ns -= r.choice([0, r.randrange(10**10), r.randrange(2 * HOUR_NS)])

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def samples(self, count: int, widest: int) -> npt.NDArray[Any]:
        """Values that no other sample has, whole numbers that float32 holds."""
        made = []
        for _ in range(count):
            self.value += self.random.randint(1, widest)
            made.append(self.value)
        return np.array(made)

    def channel(self, id_: str) -> list[Record]:
        """The records of a channel in the order of time, but for what overlaps."""
        r = self.random
        rate = Fraction(r.choice(RATES))
        miniseed = r.choice([2, 2, 3])
        encoding = r.choice(list(DTYPES))
        reclen = r.choice([128, 256, 512, 4096])
        version = r.choice([1, 2, 2, 2, 3, 4])
        widest = r.choice([1, 30, 800])
        most = r.choice([1, 5, 40, 200])
        resolution_ns = r.choice([1000, 1000, 100_000]) if miniseed == 2 else r.choice([1, 1000])
        scatter = r.choice([0, 0, 0, 0.05, 0.24])
        drift = 0.0 if scatter or r.random() < 0.85 else r.choice([-0.3, -0.02, 0.02, 0.3])
        changing = r.choice([0, 0, 0.1])
        overlapping = self.chance(0.25)
        gaps = r.choice([0, 0.05, 0.3])
        cursor = Fraction(self.base_ns + r.randrange(10 ** r.randrange(1, 13)))
        made: list[Record] = []
        for _ in range(r.choice([1, r.randrange(2, 12), r.randrange(10, 60)])):
            if self.chance(changing):
                rate = r.choice([rate, Fraction(r.choice(RATES))])
                encoding = r.choice([encoding, r.choice(list(DTYPES))])
                version = r.choice([version, version, r.choice([1, 2, 3, 4])])
                reclen = r.choice([reclen, 128, 256, 512])
                if resolution_ns >= 1000:
                    miniseed = r.choice([2, 3])
            period = NS / rate
            moved = cursor + Fraction(r.uniform(-scatter, scatter)) * period
            start_ns = int(moved / resolution_ns) * resolution_ns
            if made:
                start_ns = _off_the_limit(made[-1], start_ns, resolution_ns)
            if not scatter and made and start_ns > moved:
                cursor = Fraction(start_ns)
            values = self.samples(r.randint(1, most), widest)
            record = one_record(
                id_, version, start_ns, rate, values,
                encoding=encoding, reclen=reclen, miniseed=miniseed,
            )  # fmt: skip
            made.append(record)
            cursor += (len(record.values) + Fraction(drift)) * period
            if self.chance(gaps):
                cursor += self.gap(period, overlapping and len(record.values))
        return made

    def gap(self, period: Fraction, back: int) -> Fraction:
        """A gap in nanoseconds; with `back` also one of up to that many samples backwards."""
        r = self.random
        near = Fraction(r.choice([30, 49, 50, 51, 70, 100, 101, 149, 150, 250]), 100)
        kinds = [
            near * period,
            -r.choice([Fraction(30, 100), Fraction(49, 100), Fraction(1, 2)]) * period,
            r.randint(1, 50) * period,
            Fraction(r.randint(1, 7200) * NS),
            Fraction(r.choice([HOUR_NS, DAY_NS, 3 * HOUR_NS])),
        ]
        if back:
            kinds += [-near * period, -r.randint(1, back) * period]
        return r.choice(kinds)

    def twice(self, records: list[Record]) -> list[Record]:
        """Some of the records again, perhaps written in another way."""
        again = []
        for record in records:
            encoding = self.random.choice(list(DTYPES))
            if not self.chance(0.2) or DTYPES[encoding] != record.values.dtype:
                continue
            version = self.random.choice([record.version, record.version, 1, 4])
            copy = one_record(
                record.id, version, record.start_ns, record.rate, record.values,
                encoding=encoding, reclen=self.random.choice([256, 512, 4096]), miniseed=2,
            )  # fmt: skip
            # A time that miniSEED 2 does not hold, or fewer samples: the record as it is.
            whole = record.start_ns % 1000 == 0 and len(copy.values) == len(record.values)
            again.append(copy if whole else record)
        return again

    def other(self, records: list[Record]) -> list[Record]:
        """Other samples of about the times of some neighbouring records."""
        r = self.random
        records = sorted(records, key=lambda record: record.start_ns)
        first = r.randrange(len(records))
        shift = Fraction(r.choice([0, 0, 10, 30, -30, 50, -50, 77, 100]), 100)
        version = r.choice([1, 2, 3, 4])
        made = []
        for record in records[first : first + r.randint(1, 12)]:
            encoding = "INT32" if record.values.dtype == np.int32 or self.chance(0.1) else "FLOAT64"
            rate = Fraction(r.choice(RATES)) if self.chance(0.03) else record.rate
            start_ns = int(record.start_ns + shift * NS / rate) // 1000 * 1000
            count = r.choice([len(record.values), r.randint(1, 2 * len(record.values))])
            other = one_record(
                record.id, version, start_ns, rate, self.samples(count, 30),
                encoding=encoding, reclen=r.choice([256, 512, 4096]), miniseed=r.choice([2, 3]),
            )  # fmt: skip
            made.append(other)
        return made

    def files(self, channels: list[list[Record]]) -> list[list[Record]]:
        """Put records into files."""
        r = self.random
        count = r.randint(1, 4)
        files: list[list[Record]] = [[] for _ in range(count)]
        how = r.choice(["time", "time", "channel", "turns", "hours"])
        for number, channel in enumerate(channels):
            starts = sorted(record.start_ns for record in channel)
            borders = sorted(r.choice(starts) for _ in range(count - 1))
            for record in channel:
                at = {
                    "time": sum(border <= record.start_ns for border in borders),
                    "channel": number % count,
                    "turns": r.randrange(count),
                    "hours": record.start_ns // HOUR_NS % count,
                }[how]
                files[at].append(record)
            if self.chance(0.3):
                for record in self.twice(channel):
                    file = r.choice(files)
                    file.insert(r.randint(0, len(file)), record)
            if self.chance(0.3):
                files.append(self.other(channel))
            if self.chance(0.1):
                r.choice(files).extend(self.other(channel))
        return [self.order(file) for file in files if file]

    def order(self, file: list[Record]) -> list[Record]:
        """The order of the records of a file, which come channel by channel."""
        r = self.random
        how = r.choice(["channels", "channels", "turns", "time", "time", "swaps", "any", "back"])
        if how == "time":
            return sorted(file, key=lambda record: record.start_ns)
        if how == "turns":
            ids = sorted({record.id for record in file})
            waiting = {id_: [record for record in file if record.id == id_] for id_ in ids}
            turns = [record.id for record in file]
            r.shuffle(turns)
            return [waiting[id_].pop(0) for id_ in turns]
        made = list(file)
        if how == "swaps":
            for _ in range(3):
                a, b = r.randrange(len(made)), r.randrange(len(made))
                made[a], made[b] = made[b], made[a]
        elif how == "any":
            r.shuffle(made)
        elif how == "back":
            made.reverse()
        return made

    def stages(self, files: list[list[Record]]) -> list[list[int]]:
        """How many bytes of each file are there at each run."""
        r = self.random
        stages = []
        whole = [sum(len(record.data) for record in file) for file in files]
        for _ in range(r.choice([0, 0, 0, 1, 2])):
            sizes = []
            for file, size in zip(files, whole, strict=True):
                records = r.randint(0, len(file))
                at = sum(len(record.data) for record in file[:records])
                torn = r.randrange(200) if self.chance(0.2) else 0
                sizes.append(r.choice([min(at + torn, size), at, 0, size]))
            stages.append(sizes)
        stages.append(whole)
        # A file that is there stays, and only grows.
        grown = [[0] * len(files)]
        for sizes in stages:
            grown.append([max(a, b) for a, b in zip(grown[-1], sizes, strict=True)])
        return grown[1:]


def _off_the_limit(before: Record, start_ns: int, resolution_ns: int) -> int:
    """A start that is not so near to where records cease to join that rounding decides.

    Half a sample exactly stays where all times are whole microseconds.
    """
    period = NS / before.rate
    distance = abs(start_ns - before.start_ns - len(before.values) * period) - period / 2
    exact = distance == 0 and resolution_ns >= 1000 and period % 2000 == 0
    if abs(distance) > 3000 or exact:
        return start_ns
    step = max(resolution_ns, 10_000)
    return start_ns + step


def draw_layout(seed: int) -> Layout:
    """The layout of a seed."""
    drawing = _Drawing(seed)
    r = drawing.random
    ids = r.sample(IDS, r.choice([1, 1, 2, 3]))
    files = drawing.files([drawing.channel(id_) for id_ in ids])
    placed = [
        [replace(record, file=number, place=place) for place, record in enumerate(file)]
        for number, file in enumerate(files)
    ]
    indexes = r.choice([1, 1, 1, 2])
    index_of = [r.randrange(indexes) for _ in placed]
    changed_s = [1_600_000_000 + r.randrange(3) for _ in placed]
    return Layout(seed, placed, drawing.stages(placed), index_of, changed_s)


def build(layouts: Sequence[tuple[Layout, Path]]) -> None:
    """Make the files and indexes of layouts, each in its folder, run after run.

    Times of scanning are whole seconds, and decide: each run begins in another one.
    """
    runs = max(len(layout.stages) for layout, _ in layouts)
    for run in range(runs):
        for number in range(2):
            for layout, folder in layouts:
                layout.make(folder, run, number)
            last_s = int(time.time())
            while int(time.time()) == last_s:
                time.sleep(0.02)


class WindowDrawing:
    """Windows whose ends stand at, near and between samples, records, gaps, hours, days."""

    def __init__(self, layout: Layout, question: str) -> None:
        self.random = random.Random(f"{layout.seed} {question}")
        self.records = layout.records
        self.ids = sorted({record.id for record in self.records})

    def time(self, id_: str, near_ns: int | None = None) -> int:
        """The end of a window, perhaps not far from another one."""
        r = self.random
        records = [record for record in self.records if record.id == id_]
        if near_ns is not None:
            records.sort(key=lambda record: abs(record.start_ns - near_ns))
            records = records[: r.choice([1, 3, 12])]
        record = r.choice(records)
        period = NS / record.rate
        number = r.choice([0, 1, r.randrange(len(record.values)), len(record.values) - 1])
        at = record.start_ns + number * period
        kind = r.randrange(12)
        if kind == 0:
            at = Fraction(record.start_ns // HOUR_NS * HOUR_NS + r.choice([0, HOUR_NS]))
        elif kind == 1:
            # Where the time index of a file may have an entry.
            at = Fraction(records[0].start_ns + r.randrange(4) * HOUR_NS)
        elif kind == 2:
            at = Fraction(record.start_ns // DAY_NS * DAY_NS + r.choice([0, DAY_NS]))
        part = r.choice([0, 0, 0, 50, -50, 50, 25, -30, 100, -100, 150, r.randrange(-200, 200)])
        at += Fraction(part, 100) * period
        return int(at) + r.choice([0, 0, 0, 0, 1, -1])

    def window(self, id_: str) -> tuple[int, int]:
        """Begin and end of a window."""
        r = self.random
        kind = r.randrange(14)
        a = self.time(id_)
        if kind == 0:
            return a, a
        if kind == 1:
            first = min(record.start_ns for record in self.records)
            a = first - r.choice([1, NS, HOUR_NS, 1000 * DAY_NS])
            return a - r.choice([0, 1, NS, DAY_NS]), a
        if kind == 2:
            last = max(record.start_ns for record in self.records)
            a = last + r.choice([HOUR_NS, 10 * HOUR_NS, 1000 * DAY_NS])
            return a, a + r.choice([0, 1, NS, DAY_NS])
        if kind == 3:
            return a - r.choice([NS, DAY_NS, 300 * DAY_NS]), a + r.choice(
                [NS, DAY_NS, 300 * DAY_NS]
            )
        b = self.time(id_, a)
        return min(a, b), max(a, b)
