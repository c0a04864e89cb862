"""Pyrocko's Squirrel, asked through `squirrel_program.py`, which runs in a Python of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from answers import Answer, trace_piece
from setting import Setting, Window
from workers import Case, Maker, Measured

_HERE = Path(__file__).resolve().parent
#: What `make bench-python` makes.
_PLACE = _HERE.parent / ".venvs" / "squirrel" / "bin" / "python"


def python() -> str:
    """The Python that has pyrocko; FileNotFoundError when there is none."""
    found = Path(os.environ.get("CREDIT_FAST_SQUIRREL", _PLACE))
    if not found.is_file():
        raise FileNotFoundError("no Python with pyrocko: `make bench-python` makes one")
    return str(found)


def squirrel_versions() -> dict[str, str]:
    """Versions of pyrocko and of the numpy that it runs with."""
    code = "from importlib.metadata import version as v; print(v('pyrocko'), v('numpy'), sep='\\n')"
    try:
        done = subprocess.run([python(), "-c", code], capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return {"pyrocko": "not installed"}
    pyrocko, numpy = done.stdout.split()
    return {"pyrocko": f"{pyrocko}, in a Python of its own with numpy {numpy}"}


class _Program:
    """The program of Squirrel, running; it ends with the pipe."""

    def __init__(self, scratch: Path) -> None:
        self._process = subprocess.Popen(
            [python(), str(_HERE / "squirrel_program.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(scratch),
        )

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Send a request and wait; RuntimeError when it failed there."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps({"do": do, **more}) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError("the program of Squirrel ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


def _environment(scratch: Path) -> dict[str, str]:
    """A home of its own: pyrocko writes settings and caches there."""
    home = scratch / "squirrel-home"
    home.mkdir(exist_ok=True)
    return {**os.environ, "HOME": str(home)}


def _scan(setting: Setting) -> Case:
    """`Squirrel.add` in a process that has imported pyrocko."""
    program, folder = _Program(setting.scratch), setting.scratch / "squirrel-scan"

    def run() -> Measured:
        told = program.ask("scan", folder=str(folder), data=str(setting.data))
        return Measured(told["seconds"])

    return Case(
        run,
        lambda _: ("squirrel", folder / "nuts.sqlite"),
        lambda: shutil.rmtree(folder, ignore_errors=True),
    )


def _scan_command(setting: Setting) -> Case:
    """`squirrel scan`, the command, in the environment that `squirrel init` makes."""
    folder, empty = setting.scratch / "squirrel-command", setting.scratch / "squirrel-init"
    environment = _environment(setting.scratch)
    command = str(Path(python()).with_name("squirrel"))

    def call(words: Sequence[str], place: Path) -> None:
        subprocess.run(
            [command, *words], cwd=place, env=environment, check=True, capture_output=True
        )

    def before() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(empty, folder)

    empty.mkdir()
    call(["init"], empty)
    return Case(
        lambda: call(["scan", "--add", str(setting.data)], folder),
        lambda _: ("squirrel", folder / ".squirrel" / "nuts.sqlite"),
        before,
    )


def _windows(how: str, windows: Sequence[Window], prefix: str, setting: Setting) -> Case:
    """Windows out of a selection of the archive whose database knows all files."""
    program = _Program(setting.scratch)
    name = f"squirrel-{how}-{len(windows)}"
    out = setting.scratch / f"{name}.npz"
    archive = {"folder": str(setting.scratch / name), "data": str(setting.data)}
    program.ask("open", **archive)
    asked = [
        {
            "codes": f"{w.network}.{w.station}.{w.location}.{w.channel}",
            "start_ns": w.start_ns,
            "end_ns": w.end_ns,
        }
        for w in windows
    ]

    def run() -> Measured:
        told = program.ask("windows", how=how, windows=asked, out=str(out), **archive)
        return Measured(told["seconds"], value=told["traces"])

    def answer(measured: Measured) -> Answer:
        found: Answer = {}
        with np.load(out) as arrays:
            for number, trace in enumerate(measured.value):
                start = prefix.format(trace["window"])
                place = sum(name.startswith(start) for name in found)
                # Times are floating point there, good to a microsecond.
                found[f"{start}trace {place}"] = trace_piece(
                    trace["id"],
                    round(trace["start_s"] * 1e6) * 1000,
                    round(1 / trace["delta_s"], 6),
                    arrays[f"{number}"],
                )
        return found

    return Case(run, answer)


def _of_the_task(how: str, setting: Setting) -> Case:
    return _windows(how, setting.windows, "window {}, ", setting)


CASES: dict[tuple[str, str], Maker] = {
    ("index", "Squirrel.add"): _scan,
    ("index", "squirrel scan, the command"): _scan_command,
    ("window", "Squirrel, nothing in memory"): partial(_of_the_task, "cold"),
    ("window", "Squirrel, asked again"): partial(_of_the_task, "again"),
    ("window", "Squirrel, opened anew"): partial(_of_the_task, "anew"),
    ("day", "Squirrel"): lambda setting: _windows("cold", [setting.day], "", setting),
}
