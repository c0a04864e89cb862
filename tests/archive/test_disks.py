"""Indexes on a disk of their own: one that is read-only, and one that becomes full."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_files import START_NS, mseed, samples

from credit_fast import makeindex

HEAD = """
import os, subprocess, sqlite3
import numpy as np
import credit_fast
from credit_fast import Client, makeindex
START = {start!r}
def window(index):
    [trace] = Client(index).get_waveforms("XX", "GOOD", "", "BHZ", START, START + 60)
    return trace.data
"""


def on_a_disk(folder: Path, size: str, script: str) -> str:
    """Run a script with a disk mounted at `disk` in its working folder; gives what it printed."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare: a disk of its own cannot be mounted")
    (folder / "disk").mkdir()
    (folder / "script.py").write_text(HEAD.format(start=START_NS / 1e9) + script)
    mount = f"mount -t tmpfs -o size={size} none disk || exit 99"
    result = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"{mount}\nexec {sys.executable} script.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if result.returncode == 99 or "unshare" in result.stderr:
        pytest.skip("a disk of its own cannot be mounted here")
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_an_index_on_a_read_only_disk_is_read_and_nothing_is_written(
    archive: Path, index: Path, tmp_path: Path
) -> None:
    makeindex(archive, index, relative=True, progress=False)
    script = """
import shutil
shutil.copytree("archive", "disk/archive")
shutil.copy2("index.db", "disk/index.db")
before = window("index.db")
subprocess.run(["mount", "-o", "remount,ro", "disk"], check=True)
try:
    open("disk/x", "w")
    raise SystemExit("the disk can be written to")
except OSError:
    pass
assert np.array_equal(window("disk/index.db"), before)
client = Client(["disk/index.db"])
assert client.get_nslc() == [("XX", "GOOD", "", "BHZ")]
assert client.cut([("XX", "GOOD", "", "BHZ", START)], 100, None).coverage.tolist() == [[1.0]]
assert credit_fast.index_info("disk/index.db").rows == 1
print(sorted(os.listdir("disk")), len(before))
"""
    printed = on_a_disk(tmp_path, "4m", script)
    assert printed == f"['archive', 'index.db'] {len(samples())}\n"


def test_a_full_disk_leaves_an_index_of_whole_files_and_the_next_run_goes_on(
    archive: Path, tmp_path: Path
) -> None:
    few = np.arange(20, dtype=np.int32)
    for number in range(3000):
        content = b"".join(
            mseed(channel, few, start_ns=START_NS + number * 10**9, station="MANY")
            for channel in ("BHN", "BHE")
        )
        (archive / f"{number:04d}").write_bytes(content)
    (archive / "good.mseed").rename(tmp_path / "good.mseed")
    script = """
makeindex("good.mseed", "disk/index.db", progress=False)
before = window("disk/index.db")
free = os.statvfs("disk").f_bavail * os.statvfs("disk").f_frsize
with open("disk/rest", "wb") as rest:
    rest.write(bytes(free - 700_000))
try:
    makeindex("archive", "disk/index.db", progress=False)
    raise SystemExit("the disk is not full")
except OSError as error:
    print(type(error).__name__, "index.db" in str(error))
assert np.array_equal(window("disk/index.db"), before)
with sqlite3.connect("disk/index.db") as database:
    [(state,)] = database.execute("pragma integrity_check")
    [(half,)] = database.execute(
        "select count(*) from (select 1 from tsindex group by filename having count(*)=1)")
    [(files,)] = database.execute("select count(*) from credit_fast_files")
database.close()
print(state, half, files < 3001)
os.unlink("disk/rest")
report = makeindex(["archive", "good.mseed"], "disk/index.db", progress=False)
print(report.rows, report.files_unchanged + report.files_added, report.files_replaced)
"""
    printed = on_a_disk(tmp_path, "16m", script).splitlines()
    assert printed == ["OSError True", "ok 1 True", "6001 3001 0"]
