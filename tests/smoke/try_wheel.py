"""Install a wheel in a new environment of every Python ≥ 3.10 found here, and try it.

Usage: python tests/smoke/try_wheel.py WHEEL

Not collected by pytest: `make wheel` runs it. Pythons are looked for on PATH and among those
that pyenv keeps. Exit code 0 when all of them pass.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 10)
NEWEST_MINOR = 20

#: The main job in small, with what the wheel and its run-time needs bring, and nothing else.
SMOKE = """
import sys, tempfile
from pathlib import Path

import numpy as np

import credit_fast
from credit_fast import _core

assert "obspy" not in sys.modules and "matplotlib" not in sys.modules
folder = Path(tempfile.mkdtemp())
samples = np.cumsum(np.arange(6000) % 7 - 3).astype(np.int32)
start = credit_fast.UTCDateTime("2020-01-31T12:39:09")
for channel in ("HHE", "HHN", "HHZ"):
    record = _core.encode_mseed2("XX", "AAA", "", channel, start.ns, 100.0, samples, "STEIM2")
    (folder / channel).write_bytes(record)
report = credit_fast.makeindex(folder, folder / "index.db", progress=False)
assert (report.files_added, report.channels, report.problems) == (3, 3, []), report
client = credit_fast.Client(folder / "index.db")
stream = client.get_waveforms("XX", "AAA", "--", "HH?", start + 10, start + 20)
assert len(stream) == 3 and all((t.data == samples[1000:2001]).all() for t in stream), stream
(folder / "catalogue").write_text(
    "#EVENT XX.202001312039.0001 eq 2020 01 31 031 12 39 09 000000 LOC 98.0 24.5 DEP 10 MAG ML 1\\n"
    "PHASE XX.202001312039.0001 eq TRAVTIME XX AAA -- HHZ Pg ttime 20.0 V 2020 01 31 031 12 39 29"
    " 000000 MAGSOURCE MAGTYPE MAG DISTAZ 79.9 111.5 LOC_RMSWT RMS WT\\n"
)
credit_fast.makeh5(
    folder / "index.db", folder / "out.h5", folder / "catalogue", range_s=5, progress=False
)
found = credit_fast.testh5(folder / "out.h5", folder / "catalogue", progress=False)
print(credit_fast.__version__, "numpy", np.__version__, "h5py ok", found is not None)
"""


def pythons() -> list[Path]:
    """Interpreters of version 3.10 or later, one for each version."""
    candidates = [shutil.which(f"python3.{minor}") for minor in range(10, NEWEST_MINOR)]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates += [str(p) for p in sorted((root / "versions").glob("*/bin/python"))]
    found: dict[tuple[int, int], Path] = {}
    for name in filter(None, [*candidates, sys.executable]):
        asked = subprocess.run(
            [name, "-c", "import sys, json; print(json.dumps(sys.version_info[:2]))"],
            capture_output=True,
            text=True,
        )
        if asked.returncode == 0:
            major, minor = json.loads(asked.stdout)
            if (major, minor) >= OLDEST:
                found.setdefault((major, minor), Path(name))
    return [found[version] for version in sorted(found)]


def try_one(python: Path, wheel: Path, extra: list[str]) -> subprocess.CompletedProcess[str]:
    """Install the wheel in a new environment and run the smoke test in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        subprocess.run([python, "-m", "venv", environment], check=True)
        inside = environment / "bin" / "python"
        subprocess.run(
            [
                inside,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                wheel,
                *extra,
            ],
            check=True,
        )
        return subprocess.run(
            [inside, "-c", SMOKE], cwd=folder, capture_output=True, text=True, check=False
        )


def main() -> int:
    """Try the wheel everywhere; the oldest Python also with numpy 1.26."""
    wheel = Path(sys.argv[1]).resolve()
    trials: list[tuple[Path, list[str]]] = [(python, []) for python in pythons()]
    trials.append((trials[0][0], ["numpy==1.26.*"]))
    failed = 0
    for python, extra in trials:
        result = try_one(python, wheel, extra)
        name = " ".join([str(python), *extra])
        print("ok    " if result.returncode == 0 else "FAILED", name, result.stdout.strip())
        if result.returncode != 0:
            failed += 1
            print(result.stderr)
    print(f"{len(trials) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
