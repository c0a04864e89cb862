"""Compares credit_fast with ObsPy, pymseed and mseedindex: equal answers first, then time.

Usage: python benches/compare.py [--quick]

Makes an archive, asks every rival for its answer to each task, stops with exit code 2 when two
answers differ, then times all rivals of a task in turn and writes benches/runs/<date>-<cpu>/.
What each rival does stands in `ours` and in the files `rival_*`.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from answers import Answer, differences, hdf5_answer, index_answer, spoil
from machine import cpu_slug, machine_facts, versions
from outcome import Result, Run, TaskResult, print_tables, without_paths, write_run
from rich.console import Console
from setting import RANGE_S, WINDOW_S, Setting, make_setting, training_windows
from workers import RivalError, Worker

RUNS = Path(__file__).resolve().parent / "runs"
_LISTED = 10


@dataclass(frozen=True)
class Task:
    """What is compared: a title, the unit of the times, and each rival with its family."""

    title: str
    unit: str
    rivals: dict[str, str]


TASKS = {
    "read": Task(
        "read a whole day file",
        "file",
        {
            "credit_fast.read": "ours",
            "credit_fast.read, 1 thread": "ours",
            "obspy.read": "rival_obspy",
            "pymseed, unpack_data": "rival_pymseed",
            "pymseed, record_list": "rival_pymseed",
        },
    ),
    "index": Task(
        "index the archive",
        "archive",
        {
            "credit_fast.makeindex": "ours",
            "credit_fast.makeindex, 1 thread": "ours",
            "mseedindex, one call": "rival_mseedindex",
            "mseedindex, a call per file": "rival_mseedindex",
            "ObsPy tsindex.Indexer": "rival_obspy",
        },
    ),
    "window": Task(
        f"cut {WINDOW_S} s of one channel",
        "window",
        {
            "credit_fast.Client": "ours",
            "ObsPy tsindex.Client": "rival_obspy",
            "ObsPy sds.Client": "rival_obspy",
            "obspy.read(start, end)": "rival_obspy",
        },
    ),
    "million": Task(
        f"cut {WINDOW_S} s of one channel, by an index of a million rows",
        "window",
        {"credit_fast.Client": "ours", "ObsPy tsindex.Client": "rival_obspy"},
    ),
    "many": Task(
        f"cut many windows of {WINDOW_S} s",
        "window",
        {
            "credit_fast.Client, bulk": "ours",
            "credit_fast.Client, bulk, 1 thread": "ours",
            "credit_fast.Client, one by one": "ours",
            "credit_fast.Client, cut": "ours",
        },
    ),
    "train": Task(
        f"training windows of 3 x {WINDOW_S} s",
        "window",
        {"credit_fast.WindowDataset": "ours", "h5py, a gzip data set": "rival_obspy"},
    ),
    "record": Task(
        f"one station record, 3 x {2 * RANGE_S} s, into a new HDF5 file",
        "file",
        {
            "credit_fast.makeh5": "ours",
            "ObsPy tsindex.Client + h5py": "rival_obspy",
            "obspy.read(start, end) + h5py": "rival_obspy",
        },
    ),
    "dataset": Task(
        f"many station records, 3 x {2 * RANGE_S} s each, into a new HDF5 file",
        "record",
        {
            "credit_fast.makeh5": "ours",
            "credit_fast.makeh5, 1 thread": "ours",
            "ObsPy tsindex.Client + h5py": "rival_obspy",
            "obspy.read(start, end) + h5py": "rival_obspy",
        },
    ),
}

REMARKS = (
    "index: credit_fast and ObsPy's Indexer also write `tsindex_summary`; mseedindex does not. "
    "The notes tell who fills in the MD5 of the data: it means hashing every byte. The columns "
    "hash, filemodtime, updated and scanned are not compared.",
    "index: mseedindex is called without its Python wrapper, also by ObsPy's Indexer (5 at once).",
    "window: the clients are open before the clock starts. ObsPy's sds.Client and obspy.read need "
    "no index; they go through the whole day file.",
    "million: the index of the archive and a million rows of day files that do not exist, a "
    "thousand of them for each channel that is asked for (2000 rows in all with --quick).",
    "many: `cut` writes int32 into one array; the others make a Stream of each window.",
    "train: WindowDataset cuts from the raw archive, in batches of 64 on one thread, and forms the "
    "labels; the other side reads the same windows from a file that holds 1000 s around each pick, "
    "as the task dataset writes it, and forms nothing.",
    "record, dataset: tsindex.Client calls obspy.read for every data record, which costs more than "
    "going through the day file; so both ways to cut are shown.",
    "record, dataset: makeh5 reads catalogue and station file, accounts for every pick, and waits "
    "until the file is on the disk (fsync); the other side gets times and tokens ready, checks "
    "nothing and does not wait. makeh5 shuffles bytes and deflates whole traces at level 4; the "
    "other side lets h5py choose chunks (`chunks=True, compression='gzip'`).",
)


class WrongAnswerError(Exception):
    """Rivals disagree, or credit_fast could not do a task: there is nothing to time."""


class Comparison:
    """The rivals of the chosen tasks, each with its result."""

    def __init__(self, setting: Setting, names: Sequence[str], workers: dict[str, Worker]) -> None:
        self.setting = setting
        self.workers = workers
        units = {
            "window": len(setting.windows),
            "million": len(setting.windows),
            "many": len(setting.many),
            "train": len(training_windows(setting)),
            "dataset": len(setting.dataset),
        }
        self.tasks = [
            TaskResult(
                name,
                TASKS[name].title,
                units.get(name, 1),
                TASKS[name].unit,
                [Result(rival) for rival in TASKS[name].rivals],
            )
            for name in names
        ]

    def _ask(self, verb: str, task: str, rival: str, *more: object) -> object:
        return self.workers[TASKS[task].rivals[rival]].ask(verb, task, rival, *more)

    def check(self, spoiled: Sequence[str]) -> None:
        """Get all answers and compare them with ours; WrongAnswerError lists what differs."""
        wrong: list[str] = []
        for task in self.tasks:
            ours: Answer | None = None
            for result in task.results:
                try:
                    answer = self._answer(task.name, result)
                except RivalError as error:
                    result.failure = _failure(error)
                    if result.is_ours:
                        wrong.append(f"{task.name}: {result.rival}: {error}")
                    continue
                if f"{task.name}/{result.rival}" in spoiled:
                    spoil(answer)
                ours = answer if ours is None else ours
                found = differences(ours, answer)
                wrong += [f"{task.name}: {result.rival}: {text}" for text in found[:_LISTED]]
                if len(found) > _LISTED:
                    wrong.append(f"{task.name}: {result.rival}: and {len(found) - _LISTED} more")
        if wrong:
            raise WrongAnswerError("\n".join(wrong))

    def _answer(self, task: str, result: Result) -> Answer:
        self._ask("prepare", task, result.rival, self.setting)
        value = self._ask("answer", task, result.rival)
        if isinstance(value, dict):
            return value
        assert isinstance(value, tuple)
        kind, path = value
        # SQLite may keep part of an index in a file beside it.
        parts = (path, path.with_name(f"{path.name}-wal"))
        result.size_bytes = sum(part.stat().st_size for part in parts if part.exists())
        if kind == "hdf5":
            return hdf5_answer(path)
        answer = index_answer(path)
        hashes = sum(bool(row["_hash"]) for row in answer.values())
        result.note = f"MD5 in {hashes} of {len(answer)} rows"
        return answer

    def time(self, budget_s: float, bounds: tuple[int, int]) -> None:
        """Time each task in rounds of all rivals: as many as fit the budget, within bounds."""
        for task in self.tasks:
            ready = [result for result in task.results if not result.failure]
            started = time.perf_counter()
            for number in range(bounds[1]):
                if number >= bounds[0] and time.perf_counter() - started > budget_s:
                    break
                first = number % len(ready)
                for position, result in enumerate(ready[first:] + ready[:first]):
                    if not result.failure:
                        self._time_once(task.name, result, position)

    def _time_once(self, task: str, result: Result, position: int) -> None:
        try:
            seconds = self._ask("time", task, result.rival)
        except RivalError as error:
            if result.is_ours:
                raise
            result.failure = _failure(error)
            result.seconds, result.positions = [], []
            return
        assert isinstance(seconds, float)
        result.seconds.append(seconds)
        result.positions.append(position)


def _failure(error: RivalError) -> str:
    return f"did not run: {without_paths(str(error))[:200]}"


def _md5_remark(setting: Setting) -> str:
    """What the checksums alone cost, for those who do not compare like with like."""
    started = time.perf_counter()
    for file in setting.files:
        hashlib.md5(Path(file).read_bytes(), usedforsecurity=False)
    milliseconds = (time.perf_counter() - started) * 1e3
    return (
        f"index: MD5 over all bytes of the archive, alone, takes {milliseconds:.0f} ms here "
        "(hashlib, one thread)."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; 0 all well, 1 a rival did not run, 2 answers differ."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if (args.stations or 2) < 2 or (args.hours or 1) < 0.5 or (args.repetitions or 1) < 1:
        parser.error("expected at least 2 stations, 0.5 hours and 1 repetition")
    known = {f"{task}/{rival}" for task in args.tasks for rival in TASKS[task].rivals}
    if unknown := set(args.spoil) - known:
        parser.error(f"--spoil {sorted(unknown)}: expected some of {sorted(known)}")
    console = Console(width=None if sys.stdout.isatty() else 120)
    facts: dict[str, str] = {}
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-", dir=args.scratch))
        scratch = Path(name).resolve()  # indexes hold canonical paths
        facts = machine_facts(scratch)
        setting = make_setting(
            scratch,
            stations=args.stations or (2 if args.quick else 4),
            hours=args.hours or (4 if args.quick else 24),
            n_windows=10,
            n_many=100 if args.quick else 10_000,
            n_events=2 if args.quick else 6,
            padded_rows=2000 if args.quick else 1_000_000,
        )
        families = {f for task in args.tasks for f in TASKS[task].rivals.values()}
        workers = {
            family: stack.enter_context(closing(Worker(family, scratch / f"{family}.log")))
            for family in sorted(families)
        }
        workers["ours"].ask("prepare", "master", "", setting)
        workers["ours"].ask("answer", "master", "")
        if "million" in args.tasks:
            workers["ours"].ask("prepare", "padded", "", setting)
            workers["ours"].ask("answer", "padded", "")
        comparison = Comparison(setting, args.tasks, workers)
        try:
            comparison.check(args.spoil)
            md5_remark = _md5_remark(setting)
            n = args.repetitions
            bounds = (n, n) if n else (3, 5) if args.quick else (5, 21)
            comparison.time(2.0 if args.quick else 20.0, bounds)
        except (WrongAnswerError, RivalError) as error:
            print(f"Nothing is written: answers are wrong or missing.\n{error}", file=sys.stderr)
            return 2
    run = Run(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        command=_command(args),
        archive=setting.text,
        machine=facts,
        versions=versions(),
        remarks=(*REMARKS, md5_remark),
        tasks=comparison.tasks,
    )
    print_tables(run, console)
    folder = _new_folder(args.out, f"{run.date}-{cpu_slug()}")
    write_run(run, folder)
    console.print(f"written: {folder.name}/raw.csv, summary.md, README.md")
    return 1 if any(r.failure for task in run.tasks for r in task.results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Compare credit_fast with its rivals.")
    parser.add_argument("--quick", action="store_true", help="small archive, few repetitions")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), metavar="TASK",
                        help=f"some of: {' '.join(TASKS)}")  # fmt: skip
    parser.add_argument("--stations", type=int, help="stations of the archive, 2 or more")
    parser.add_argument("--hours", type=float, help="length of the archive, 0.5 or more")
    parser.add_argument("--repetitions", type=int, help="rounds of each task")
    parser.add_argument("--out", type=Path, default=RUNS, help="where the run's folder is made")
    parser.add_argument("--scratch", help="where the archive is made (default: temporary folder)")
    parser.add_argument(
        "--spoil",
        nargs="+",
        default=[],
        metavar="TASK/RIVAL",
        help="plant a wrong value in that answer: the run must end with exit code 2",
    )
    return parser


def _command(args: argparse.Namespace) -> str:
    """The command as it can be given again; folders are left out."""
    words = ["python", "benches/compare.py"]
    words += ["--quick"] if args.quick else []
    for name in ("stations", "hours", "repetitions"):
        value = getattr(args, name)
        words += [f"--{name}", f"{value:g}"] if value is not None else []
    words += ["--tasks", *args.tasks] if args.tasks != list(TASKS) else []
    return shlex.join(words)


def _new_folder(parent: Path, name: str) -> Path:
    """A folder that is not there yet: an earlier run of the day stays."""
    folder, number = parent / name, 2
    while folder.exists():
        folder, number = parent / f"{name}-{number}", number + 1
    return folder


if __name__ == "__main__":
    sys.exit(main())
