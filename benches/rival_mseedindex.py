"""EarthScope's mseedindex: the compiled program itself, without its Python wrapper's start.

As its users run it: options as they are by default (it reads all records, sums up the MD5 of the
data, and looks for rows of the same file to replace), all files in one call, or a call for each.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from setting import Setting, remove_index
from workers import Case, Maker, run_for_peak


def program() -> Path:
    """Path of the compiled program; FileNotFoundError when it is not installed."""
    spec = find_spec("mseedindex")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (Path(folder) / "mseedindex").is_file():
            return Path(folder) / "mseedindex"
    found = shutil.which("mseedindex")
    if found is None:
        raise FileNotFoundError("mseedindex is not installed")
    return Path(found)


def _case(
    task: str, one_call: bool, files: Callable[[Setting], Sequence[str]], setting: Setting
) -> Case:
    command = str(program())
    path = setting.scratch / f"mseedindex-{task}-{'one' if one_call else 'each'}.db"
    names = files(setting)
    calls = [names] if one_call else [(file,) for file in names]

    def run() -> None:
        for some in calls:
            arguments = [command, "-sqlite", str(path), *some]
            subprocess.run(arguments, check=True, capture_output=True)

    return Case(run, lambda _: ("index", path), lambda: remove_index(path))


def _peak(setting: Setting) -> Case:
    path = setting.scratch / "mseedindex-peak.db"
    words = [str(program()), "-sqlite", str(path), str(setting.scale.large)]
    return Case(lambda: run_for_peak(words), lambda _: ("index", path), lambda: remove_index(path))


CASES: dict[tuple[str, str], Maker] = {
    ("index", "mseedindex, one call"): partial(_case, "index", True, lambda s: s.files),
    ("index", "mseedindex, a call per file"): partial(_case, "index", False, lambda s: s.files),
    ("small", "mseedindex, a part"): partial(
        _case, "small", True, lambda s: [str(path) for path in s.scale.small.paths(0)]
    ),
    ("rows", "mseedindex, a part"): partial(
        _case, "rows", True, lambda s: [str(path) for path in s.scale.rows.paths(0)]
    ),
    ("memory", "mseedindex, a large file"): _peak,
}
