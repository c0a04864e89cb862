"""Runs of makeh5 that are killed at a chosen change of a file, and what is left of them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from h5_compare import contents
from memory_archive import MemoryArchive, catalog, event, pick, three

from credit_fast.account import MakeH5Report
from credit_fast.catalogs.model import Event
from credit_fast.making import makeh5

STATIONS = ("AAA", "BBB")
EVENTS = 12
FOREVER = 10**9


def some_events(count: int, first: int = 0) -> list[Event]:
    picks = [pick("P", 3.0, f"X1.{station}.00.HHZ") for station in STATIONS]
    return [event(*picks, evid=f"event.{number:05d}") for number in range(first, first + count)]


def archive(stations: tuple[str, ...] = STATIONS) -> MemoryArchive:
    traces = [item for station in stations for item in three(f"X1.{station}.00", 0.0, 500)]
    return MemoryArchive(traces)


def made(folder: Path, events: list[Event], source: Any = None, **options: Any) -> MakeH5Report:
    return makeh5(
        source or archive(), folder / "out.h5", catalog(*events),
        **{"range_s": 2.0, "threads": 2, "progress": False, **options},
    )  # fmt: skip


def account(report: MakeH5Report) -> dict[str, Any]:
    """The account without what differs from run to run."""
    told = report.to_dict()
    return {name: told[name] for name in told.keys() - {"path", "seconds", "size_bytes", "notes"}}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


WHOLE = ["out.csv", "out.events.jsonl", "out.h5", "out.report.json"]


def assert_is_same(folder: Path, report: MakeH5Report, expected: tuple[Path, Any]) -> None:
    assert names(folder) == WHOLE
    assert contents(folder / "out.h5") == contents(expected[0])
    assert account(report) == expected[1]
    lines = [
        (path / "out.events.jsonl").read_text().splitlines()[1:]
        for path in (folder, expected[0].parent)
    ]
    assert lines[0] == lines[1]
    told = json.loads((folder / "out.report.json").read_text())
    assert told["levels"] == report.to_dict()["levels"]


class Steps:
    """Ends the process, as kill -9 does, at the n-th change that it makes to a file."""

    def __init__(self, last: int) -> None:
        self.left = last

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            self.step()
            return function(*args, **options)

        return called


def steps_of(folder: Path, events: list[Event], **options: Any) -> int:
    """How many changes of files a run makes."""
    killed_at(FOREVER, folder, events, **options)
    steps = int((folder / "steps").read_text())
    (folder / "steps").unlink()
    return steps


def killed_at(step: int, folder: Path, events: list[Event], **options: Any) -> bool:
    """Run in a process of its own that dies at a step; False when it came to its end before."""
    child = os.fork()
    if child == 0:
        steps = Steps(step)
        for function in ("write", "fsync", "ftruncate", "truncate"):
            setattr(os, function, steps.before(getattr(os, function)))
        for method in ("replace", "unlink", "rename"):
            setattr(Path, method, steps.before(getattr(Path, method)))
        try:
            made(folder, events, **options)
            if step == FOREVER:
                (folder / "steps").write_text(str(step - steps.left))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
