"""One process for each family of rivals, asked over a pipe; the clock runs inside it.

Two SQLite libraries in one process on one file drop each other's locks, so credit_fast and ObsPy
never share a process. What is timed stands in `ours` and `rivals`.
"""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from answers import Answer
from setting import Setting

#: Where an answer is a file that the asking process opens, so that no rival judges itself.
FileAnswer = tuple[str, Path]


@dataclass(frozen=True)
class Case:
    """`before` (not timed), `run` (timed), `answer` of what `run` returned (not timed)."""

    run: Callable[[], Any]
    answer: Callable[[Any], Answer | FileAnswer]
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Measured:
    """What one run cost. A run that returns one has measured itself, as in a process of its own."""

    seconds: float
    #: Most resident memory, or the growth of it: the task says which.
    memory_bytes: int | None = None
    #: What else there is to tell of the run.
    note: str = ""
    #: What the run found, for the answer; it is not sent along.
    value: Any = None


#: A function of the setting that imports what it needs and makes a case ready, untimed.
Maker = Callable[[Setting], Case]


def run_for_peak(words: list[str]) -> Measured:
    """Run a command in a process of its own: its time, and the most memory that it had.

    CalledProcessError when it fails.
    """
    program = Path(__file__).resolve().with_name("peak.py")
    launcher = [sys.executable, "-I", "-S", str(program), *words]
    done = subprocess.run(launcher, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    if told["exit_code"]:
        raise subprocess.CalledProcessError(told["exit_code"], words[0])
    return Measured(told["seconds"], told["memory_bytes"])


class RivalError(Exception):
    """A rival could not be run; the text says why."""


class Worker:
    """A process that holds the cases of one family, ready to run."""

    def __init__(self, module: str, log: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, module, log))
        self._process.start()
        theirs.close()

    def ask(self, verb: str, *arguments: Any) -> Any:
        """Send one request and wait; RivalError when it failed there."""
        try:
            self._pipe.send((verb, arguments))
            good, value = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise RivalError(f"its process ended: {error!r}") from error
        if not good:
            raise RivalError(value)
        return value

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def _serve(pipe: Connection[Any, Any], family: str, log: Path) -> None:
    """Answer requests until the pipe is closed; what rivals print goes to the log."""
    # A spawned process would spawn in its turn: the pool of ObsPy's Indexer then starts five new
    # interpreters, which costs it seconds that its users do not pay. Back to the system's default.
    multiprocessing.set_start_method(multiprocessing.get_all_start_methods()[0], force=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    makers: dict[tuple[str, str], Maker] = {}
    cases: dict[tuple[str, str], Case] = {}
    while True:
        try:
            verb, arguments = pipe.recv()
        except EOFError:
            return
        try:
            if verb == "prepare":
                makers = makers or importlib.import_module(family).CASES
                task, rival, setting = arguments
                cases[task, rival] = makers[task, rival](setting)
                value: Any = None
            elif verb == "answer":
                value = _answer(cases[arguments])
            else:
                value = _measure(cases[arguments])
            pipe.send((True, value))
        except Exception as error:
            pipe.send((False, f"{type(error).__name__}: {error}"))


def _answer(case: Case) -> Answer | FileAnswer:
    case.before()
    return case.answer(case.run())


def _measure(case: Case) -> Measured:
    case.before()
    gc.collect()
    started = time.perf_counter()
    result = case.run()
    seconds = time.perf_counter() - started
    if isinstance(result, Measured):
        return replace(result, value=None)
    del result  # freeing is nobody's task, so it is outside the clock for all
    return Measured(seconds)
