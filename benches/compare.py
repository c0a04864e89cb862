"""Compares credit_fast with ObsPy, pymseed, mseedindex and Squirrel: equal answers, then time.

Usage: python benches/compare.py [--quick]

Makes an archive, asks every rival for its answer to each task, stops with exit code 2 when two
answers differ, then times all rivals of a task in turn and writes benches/runs/<date>-<cpu>/.
What each rival does stands in `ours` and in the files `rival_*`.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from pathlib import Path

from answers import READERS, Answer, differences, spoil
from machine import cpu_slug, machine_facts, versions
from outcome import Result, Run, TaskResult, print_tables, without_paths, write_run
from page_cache import can_forget
from rich.console import Console
from rival_squirrel import squirrel_versions
from scale import NEEDS, NoRoomError, check_room, plan_scale
from setting import Setting, make_setting
from tasks import TASKS, Program, quantity, remarks
from workers import Measured, RivalError, Worker

RUNS = Path(__file__).resolve().parent / "runs"
_LISTED = 10


#: Of the one large file of the task memory.
_LARGE_BYTES = 4_000_000_000


class WrongAnswerError(Exception):
    """Rivals disagree, or credit_fast could not do a task: there is nothing to time."""


class Comparison:
    """The programs of the chosen tasks, each with its result."""

    def __init__(
        self,
        setting: Setting,
        programs: Mapping[str, Mapping[str, Program]],
        workers: Mapping[str, Worker],
    ) -> None:
        self.setting = setting
        self.programs = programs
        self.workers = workers
        self.tasks = [
            TaskResult(
                task,
                TASKS[task].title,
                TASKS[task].unit,
                [
                    Result(name, quantity(task, name, setting), program.is_floor)
                    for name, program in some.items()
                    if program.is_timed
                ],
            )
            for task, some in programs.items()
        ]

    def _ask(self, verb: str, task: str, name: str, *more: object) -> object:
        return self.workers[self.programs[task][name].family].ask(verb, task, name, *more)

    def check(self, spoiled: Sequence[str]) -> None:
        """Get all answers and compare them within groups; WrongAnswerError lists what differs."""
        wrong: list[str] = []
        for task in self.tasks:
            results = {result.rival: result for result in task.results}
            expected: dict[str, Answer] = {}
            for name, program in self.programs[task.name].items():
                result = results.get(name) or Result(name)
                try:
                    answer = self._answer(task.name, result)
                except RivalError as error:
                    result.failure = _failure(error)
                    if result.is_ours or not program.is_timed:
                        wrong.append(f"{task.name}: {name}: {error}")
                    continue
                if f"{task.name}/{name}" in spoiled:
                    spoil(answer)
                found = differences(expected.setdefault(program.group, answer), answer)
                wrong += [f"{task.name}: {name}: {text}" for text in found[:_LISTED]]
                if len(found) > _LISTED:
                    wrong.append(f"{task.name}: {name}: and {len(found) - _LISTED} more")
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
        try:
            answer = READERS[kind](path)
        except (OSError, sqlite3.Error) as error:
            raise RivalError(f"its {kind} cannot be read: {error}") from error
        if kind == "index":
            hashes = sum(bool(row["_hash"]) for row in answer.values())
            result.note = f"MD5 in {hashes} of {len(answer)} rows"
        return answer

    def time(self, budget_s: float, bounds: tuple[int, int]) -> None:
        """Time each task in rounds of all programs: as many as fit the budget, within bounds."""
        for task in self.tasks:
            ready = [result for result in task.results if not result.failure]
            most = min(bounds[1], TASKS[task.name].most)
            started = time.perf_counter()
            for number in range(most):
                if number >= bounds[0] and time.perf_counter() - started > budget_s:
                    break
                first = number % len(ready)
                for position, result in enumerate(ready[first:] + ready[:first]):
                    if not result.failure:
                        self._time_once(task.name, result, position)

    def _time_once(self, task: str, result: Result, position: int) -> None:
        try:
            measured = self._ask("time", task, result.rival)
        except RivalError as error:
            if result.is_ours:
                raise
            result.failure = _failure(error)
            result.seconds, result.positions, result.memory_bytes = [], [], []
            return
        assert isinstance(measured, Measured)
        result.seconds.append(measured.seconds)
        result.positions.append(position)
        result.note = measured.note or result.note
        if measured.memory_bytes is not None:
            result.memory_bytes.append(measured.memory_bytes)


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
    known = {f"{task}/{name}" for task in args.tasks for name in TASKS[task].programs}
    if unknown := set(args.spoil) - known:
        parser.error(f"--spoil {sorted(unknown)}: expected some of {sorted(known)}")
    console = Console(width=None if sys.stdout.isatty() else 140)
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-", dir=args.scratch))
        scratch = Path(name).resolve()  # indexes hold canonical paths
        facts = machine_facts(scratch)
        tasks, left_out = list(args.tasks), []
        if "cold" in tasks and not can_forget(scratch):
            tasks.remove("cold")
            left_out.append("cold: left out, as this file system keeps all files in memory.")
        programs = {
            task: {n: p for n, p in TASKS[task].programs.items() if p.family not in args.without}
            for task in tasks
        }
        needs = set().union(*(NEEDS.get(task, set()) for task in tasks))
        try:
            setting = _material(args, scratch, needs)
        except NoRoomError as error:
            parser.error(str(error))
        families = {p.family for some in programs.values() for p in some.values()}
        workers = {
            family: stack.enter_context(closing(Worker(family, scratch / f"{family}.log")))
            for family in sorted(
                families | {"ours"} | ({"ours_scale"} if "months" in needs else set())
            )
        }
        _prepare(workers["ours"], "master", setting)
        if "million" in tasks:
            _prepare(workers["ours"], "padded", setting)
        if "months" in needs:
            _prepare(workers["ours_scale"], "months", setting)
        comparison = Comparison(setting, programs, workers)
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
        versions=versions() | squirrel_versions(),
        remarks=(*remarks(tasks), md5_remark, *left_out),
        tasks=comparison.tasks,
    )
    print_tables(run, console)
    folder = _new_folder(args.out, f"{run.date}-{cpu_slug()}")
    write_run(run, folder)
    console.print(f"written: {folder.name}/raw.csv, summary.md, README.md")
    return 1 if any(r.failure for task in run.tasks for r in task.results) else 0


def _material(args: argparse.Namespace, scratch: Path, needs: set[str]) -> Setting:
    """Make the archive, and what else the tasks need; NoRoomError when it does not fit."""
    large_bytes = 1_000_000 if args.quick else _LARGE_BYTES
    scale = plan_scale(scratch, quick=args.quick)
    check_room(scratch, needs, large_bytes, scale)
    setting = make_setting(
        scratch,
        stations=args.stations or (2 if args.quick else 8),
        hours=args.hours or (4 if args.quick else 24),
        n_windows=10,
        n_many=100 if args.quick else 10_000,
        n_events=2 if args.quick else 3,
        padded_rows=2000 if args.quick else 1_000_000,
        scale=scale,
    )
    scale.make(needs, Path(setting.day.file), large_bytes)
    return setting


def _prepare(worker: Worker, what: str, setting: Setting) -> None:
    """Make what tasks start from; no program of anything."""
    worker.ask("prepare", what, "", setting)
    worker.ask("answer", what, "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Compare credit_fast with its rivals.")
    parser.add_argument("--quick", action="store_true", help="small archive, few repetitions")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), metavar="TASK",
                        help=f"some of: {' '.join(TASKS)}")  # fmt: skip
    families = sorted({p.family for task in TASKS.values() for p in task.programs.values()})
    parser.add_argument("--without", nargs="+", choices=families, default=[], metavar="FAMILY",
                        help=f"leave out, some of: {' '.join(families)}")  # fmt: skip
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
    words += ["--without", *args.without] if args.without else []
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
