"""What is compared: each task with its programs, and what is not alike in it. Runs nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from outcome import Quantity
from scale import NUMBERS_OF_INDEXES, indexes_text
from setting import COMPRESSIONS, COPIES, RANGE_S, WINDOW_S, Setting, training_windows


@dataclass(frozen=True)
class Program:
    """One program in a task: the module with its cases, and which answers must equal its own.

    Answers are compared within a group, with the first of it. What is not timed is there for its
    answer alone; a floor is a part of the work, done alone.
    """

    family: str
    group: str = ""
    is_timed: bool = True
    is_floor: bool = False


@dataclass(frozen=True)
class Task:
    """A title, the unit of the times, the programs, and the most repetitions."""

    title: str
    unit: str
    programs: dict[str, Program]
    most: int = 21


_OURS, _SCALE = Program("ours"), Program("ours_scale")
_STORAGE = Program("storage")
_OBSPY, _PYMSEED = Program("rival_obspy"), Program("rival_pymseed")
_MSEEDINDEX, _SQUIRREL = Program("rival_mseedindex"), Program("rival_squirrel")

TASKS = {
    "read": Task(
        "read a whole day file",
        "file",
        {
            "credit_fast.read": _OURS,
            "credit_fast.read, 1 thread": _OURS,
            "obspy.read": _OBSPY,
            "pymseed, unpack_data": _PYMSEED,
            "pymseed, record_list": _PYMSEED,
        },
    ),
    "day": Task(
        "a whole day of one channel",
        "day",
        {
            "credit_fast.Client.get_waveforms": _OURS,
            "credit_fast.read": _OURS,
            "obspy.read": _OBSPY,
            "ObsPy sds.Client": _OBSPY,
            "Squirrel": _SQUIRREL,
        },
    ),
    "index": Task(
        "index the archive",
        "archive",
        {
            "credit_fast.makeindex": _OURS,
            "credit_fast.makeindex, 1 thread": _OURS,
            "credit-fast makeindex, the command": _SCALE,
            "mseedindex, one call": _MSEEDINDEX,
            "mseedindex, a call per file": _MSEEDINDEX,
            "ObsPy tsindex.Indexer": _OBSPY,
            "credit_fast.makeindex, its spans": Program("ours", "spans", is_timed=False),
            "Squirrel.add": Program("rival_squirrel", "spans"),
            "squirrel scan, the command": Program("rival_squirrel", "spans"),
            "credit_fast.makeindex, its files": Program("ours", "sizes", is_timed=False),
            "the bytes alone": Program("plain", "sizes", is_floor=True),
            "the bytes alone, 1 thread": Program("plain", "sizes", is_floor=True),
        },
    ),
    "cold": Task(
        "index the archive, from the disk",
        "archive",
        {
            "credit_fast.makeindex": _SCALE,
            "the bytes alone, 1 thread": Program("plain", is_floor=True),
            "the bytes alone": Program("plain", is_floor=True),
        },
    ),
    "small": Task(
        "index many files of one record",
        "file",
        {
            "made": Program("made", "all", is_timed=False),
            "credit_fast.makeindex": Program("ours_scale", "all"),
            "credit_fast.makeindex, 1 thread": Program("ours_scale", "all"),
            "credit_fast.makeindex, a part": Program("ours_scale", "part"),
            "mseedindex, a part": Program("rival_mseedindex", "part"),
        },
        most=5,
    ),
    "rows": Task(
        "index files of many channels, a row for each record",
        "row",
        {
            "made": Program("made", "all", is_timed=False),
            "credit_fast.makeindex": Program("ours_scale", "all"),
            "SQLite alone": Program("plain", "all", is_floor=True),
            "SQLite alone, its SQL indexes last": Program("plain", "all", is_floor=True),
            "credit_fast.makeindex, a part": Program("ours_scale", "part"),
            "mseedindex, a part": Program("rival_mseedindex", "part"),
        },
        most=3,
    ),
    "memory": Task(
        "peak memory of indexing, as a command",
        "run",
        {
            "credit-fast makeindex, a large file": Program("ours_scale", "large"),
            "mseedindex, a large file": Program("rival_mseedindex", "large"),
            "made, many files": Program("made", "many files", is_timed=False),
            "credit-fast makeindex, many files": Program("ours_scale", "many files"),
            "made, many rows": Program("made", "many rows", is_timed=False),
            "credit-fast makeindex, many rows": Program("ours_scale", "many rows"),
            "Python with credit_fast imported": Program("ours_scale", "import", is_floor=True),
        },
        most=2,
    ),
    "window": Task(
        f"cut {WINDOW_S} s of one channel",
        "window",
        {
            "credit_fast.Client": _OURS,
            "credit_fast.Client, opened anew": _OURS,
            "ObsPy tsindex.Client": _OBSPY,
            "ObsPy sds.Client": _OBSPY,
            "obspy.read(start, end)": _OBSPY,
            "Squirrel, nothing in memory": _SQUIRREL,
            "Squirrel, asked again": _SQUIRREL,
            "Squirrel, opened anew": _SQUIRREL,
        },
    ),
    "million": Task(
        f"cut {WINDOW_S} s of one channel, by an index of a million rows",
        "window",
        {"credit_fast.Client": _OURS, "ObsPy tsindex.Client": _OBSPY},
    ),
    "several": Task(
        f"cut {WINDOW_S} s in one month, by a client of several indexes",
        "window",
        {
            **{f"credit_fast.Client, {indexes_text(n)}": _SCALE for n in NUMBERS_OF_INDEXES},
            "obspy.read(start, end)": _OBSPY,
        },
    ),
    "border": Task(
        f"cut {WINDOW_S} s over the border of two months, by a client of several indexes",
        "window",
        {
            **{f"credit_fast.Client, {indexes_text(n)}": _SCALE for n in NUMBERS_OF_INDEXES[1:]},
            "obspy.read(start, end), merged": _OBSPY,
        },
    ),
    "many": Task(
        f"cut many windows of {WINDOW_S} s",
        "window",
        {
            "credit_fast.Client, bulk": _OURS,
            "credit_fast.Client, bulk, 1 thread": _OURS,
            "credit_fast.Client, one by one": _OURS,
            "credit_fast.Client, cut": _OURS,
        },
    ),
    "touched": Task(
        "a window of each of many files, by one client",
        "window",
        {
            "made": Program("made", is_timed=False),
            "credit_fast.Client, one by one": _SCALE,
            "credit_fast.Client, bulk": _SCALE,
        },
        most=2,
    ),
    "train": Task(
        f"training windows of 3 x {WINDOW_S} s",
        "window",
        {"credit_fast.WindowDataset": _OURS, "h5py, a gzip data set": _OBSPY},
    ),
    "record": Task(
        f"one station record, 3 x {2 * RANGE_S} s, into a new HDF5 file",
        "file",
        {
            "credit_fast.makeh5": _OURS,
            "ObsPy tsindex.Client + h5py": _OBSPY,
            "obspy.read(start, end) + h5py": _OBSPY,
        },
    ),
    "dataset": Task(
        f"many station records, 3 x {2 * RANGE_S} s each, into a new HDF5 file",
        "record",
        {
            "credit_fast.makeh5": _OURS,
            "credit_fast.makeh5, 1 thread": _OURS,
            "ObsPy tsindex.Client + h5py": _OBSPY,
            "obspy.read(start, end) + h5py": _OBSPY,
        },
    ),
    "metadata": Task(
        "groups, datasets and attributes of station records of one pick, without samples",
        "record",
        {"credit_fast": _STORAGE, "h5py": _STORAGE},
    ),
    "compression": Task(
        f"many station records, 3 x {2 * RANGE_S} s each, into files of each compression",
        "record",
        {
            **{f"credit_fast.makeh5, {name}": _STORAGE for name in COMPRESSIONS},
            "h5py, the toolkit's layout": _STORAGE,
        },
    ),
    "reread": Task(
        f"station records of a data set, 3 x {2 * RANGE_S} s each, read back at random",
        "record",
        {
            "credit_fast.Dataset.waveforms": _STORAGE,
            "h5py": _STORAGE,
            "h5py, the toolkit's layout": _STORAGE,
            "credit_fast, the toolkit's layout": _STORAGE,
        },
    ),
}

#: What is not alike, by the tasks that it is about.
REMARKS = (
    (
        "index",
        "credit_fast and ObsPy's Indexer also write `tsindex_summary`; mseedindex does not. "
        "The notes tell who fills in the MD5 of the data: it means hashing every byte. The columns "
        "hash, filemodtime, updated and scanned are not compared.",
    ),
    (
        "index, small, rows",
        "mseedindex has its default options, and is called without its Python wrapper, also by "
        "ObsPy's Indexer (5 at once).",
    ),
    (
        "index",
        "Squirrel's database has a row for each MiB of a file and gapless span: codes, first and "
        "last sample, rate, and the place of the MiB. No version, quality, time index or bytes. "
        "Its spans are joined and compared with those of the index. `Squirrel.add` runs in a "
        "process that has imported pyrocko; the commands start Python and import.",
    ),
    (
        "index, cold",
        "The bytes alone: all files read from front to back into one buffer of a MiB, by one "
        "thread for each core, or by one, as `cat` does.",
    ),
    (
        "cold",
        "Before each run the kernel is told to forget all files, and asked whether it did. "
        "Folders, and the cache of a disk that the system is not told of, stay as they are.",
    ),
    (
        "small, rows",
        "`a part` is the first folder alone (of 50; of 2 with --quick), so that mseedindex ends in "
        "time; its ratio is for one file or row, and extrapolated. Its answers were compared with "
        "ours on the same part; ours on all files with what was made.",
    ),
    (
        "rows",
        "SQLite alone: the finished rows from one index into another, in one transaction, by the "
        "SQLite of Python; with the SQL indexes made before the rows, as makeindex has them, or "
        "after.",
    ),
    (
        "memory",
        "The most resident memory of a process, as the kernel tells it when it ends. Each line is "
        "another archive: ratios say nothing but for the large file, which both programs index.",
    ),
    (
        "window",
        "the clients are open before the clock starts, but where one is opened anew for each "
        "window. ObsPy's sds.Client and obspy.read need no index; they go through the whole day "
        "file.",
    ),
    (
        "window, day",
        "Squirrel reads a MiB at once and keeps it in memory: `nothing in memory` makes it forget "
        "before each window, outside the clock; `asked again` is the same window once more. All "
        "files are in its database, and in the memory of the system.",
    ),
    (
        "million",
        "the index of the archive and a million rows of day files that do not exist, a "
        "thousand of them for each channel that is asked for (2000 rows in all with --quick).",
    ),
    (
        "several, border",
        "an index for each month, with rows of 30 channels and all days (2 channels with --quick); "
        "the windows are in the middle ones. The clients are open, and warm. ObsPy reads the files "
        "that hold the windows.",
    ),
    ("many", "`cut` writes int32 into one array; the others make a Stream of each window."),
    (
        "touched",
        "in a process of its own, one second of each file; memory is the growth from the first "
        "window on.",
    ),
    (
        "train",
        "WindowDataset cuts from the raw archive, in batches of 64 on one thread, and forms the "
        "labels; the other side reads the same windows from a file that holds 1000 s around each "
        "pick, as the task dataset writes it, and forms nothing.",
    ),
    (
        "record, dataset",
        "tsindex.Client calls obspy.read for every data record, which costs more than "
        "going through the day file; so both ways to cut are shown.",
    ),
    (
        "record, dataset",
        "makeh5 reads catalogue and station file, accounts for every pick, and waits "
        "until the file is on the disk (fsync); the other side gets times and tokens ready, checks "
        "nothing and does not wait. makeh5 shuffles bytes and deflates whole traces at level 2; "
        "the other side lets h5py choose chunks (`chunks=True, compression='gzip'`).",
    ),
    (
        "metadata",
        "both write the same attributes of the same types into a file; credit_fast forms the "
        "values as well, h5py's calls (`create_group`, `create_dataset`, `attrs[...] =`) get them "
        "ready.",
    ),
    (
        "compression",
        "makeh5 reads and decodes the archive as well; h5py gets the samples ready, and the "
        "attributes that makeh5 wrote. The size is that of the file.",
    ),
    (
        "reread",
        "without a name behind it, the file is one of makeh5; the toolkit's layout is "
        "`chunks=True, compression='gzip'` without shuffle. Both open the file once for all "
        "records, and read no attribute.",
    ),
)


def remarks(names: Collection[str]) -> list[str]:
    """The remarks about some of the tasks."""
    return [
        f"{about}: {text}"
        for about, text in REMARKS
        if not set(about.split(", ")).isdisjoint(names)
    ]


def quantity(task: str, program: str, setting: Setting) -> Quantity:
    """How much a program does in one repetition of a task."""
    scale = setting.scale
    is_part = program.endswith("a part")
    if task in ("index", "cold"):
        return Quantity(1, setting.n_bytes / 1e6, "MB")
    if task in ("read", "day"):
        return Quantity(1, setting.day_samples / 1e6, "M samples")
    if task == "small":
        files = scale.small.files if is_part else scale.small.n_files
        return Quantity(files, files, "files")
    if task == "rows":
        rows = scale.rows.n_rows // (scale.rows.groups if is_part else 1)
        return Quantity(rows, rows, "rows")
    if task == "memory" and program.endswith("large file"):
        return Quantity(1, scale.large.stat().st_size / 1e6, "MB")
    units = {
        "window": len(setting.windows),
        "million": len(setting.windows),
        "several": len(scale.months.inside_ns),
        "border": len(scale.months.over_ns),
        "many": len(setting.many),
        "touched": scale.small.n_files,
        "train": len(training_windows(setting)),
        "dataset": len(setting.dataset),
        "metadata": len(setting.dataset) * COPIES,
        "compression": len(setting.dataset),
        "reread": len(setting.dataset),
    }
    return Quantity(units.get(task, 1))
