"""EarthScope's mseedindex: the compiled program itself, without its Python wrapper's start."""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from setting import Setting, remove_index
from workers import Case, Maker


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


def _case(one_call: bool, setting: Setting) -> Case:
    command = str(program())
    path = setting.scratch / f"mseedindex-{'one' if one_call else 'each'}.db"
    calls = [setting.files] if one_call else [(file,) for file in setting.files]

    def run() -> None:
        for files in calls:
            arguments = [command, "-sqlite", str(path), *files]
            subprocess.run(arguments, check=True, capture_output=True)

    return Case(run, lambda _: ("index", path), lambda: remove_index(path))


CASES: dict[tuple[str, str], Maker] = {
    ("index", "mseedindex, one call"): partial(_case, True),
    ("index", "mseedindex, a call per file"): partial(_case, False),
}
