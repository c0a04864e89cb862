"""The comparison of benches/: its summary is complete, and a wrong answer stops it."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("obspy")
pytest.importorskip("pymseed")
pytest.importorskip("mseedindex")
pytest.importorskip("sqlalchemy")

COMPARE = Path(__file__).resolve().parent.parent / "benches" / "compare.py"
TINY = ["--quick", "--stations", "2", "--hours", "0.6", "--repetitions", "2"]
TINY += ["--without", "rival_squirrel"]
#: Programs of each task, without Squirrel, which has a Python of its own that no test needs.
RIVALS = {
    "read": {
        "credit_fast.read",
        "credit_fast.read, 1 thread",
        "obspy.read",
        "pymseed, unpack_data",
        "pymseed, record_list",
    },
    "day": {
        "credit_fast.Client.get_waveforms",
        "credit_fast.read",
        "obspy.read",
        "ObsPy sds.Client",
    },
    "index": {
        "credit_fast.makeindex",
        "credit_fast.makeindex, 1 thread",
        "credit-fast makeindex, the command",
        "mseedindex, one call",
        "mseedindex, a call per file",
        "ObsPy tsindex.Indexer",
        "the bytes alone",
        "the bytes alone, 1 thread",
    },
    "cold": {"credit_fast.makeindex", "the bytes alone", "the bytes alone, 1 thread"},
    "small": {
        "credit_fast.makeindex",
        "credit_fast.makeindex, 1 thread",
        "credit_fast.makeindex, a part",
        "mseedindex, a part",
    },
    "rows": {
        "credit_fast.makeindex",
        "SQLite alone",
        "SQLite alone, its SQL indexes last",
        "credit_fast.makeindex, a part",
        "mseedindex, a part",
    },
    "memory": {
        "credit-fast makeindex, a large file",
        "mseedindex, a large file",
        "credit-fast makeindex, many files",
        "credit-fast makeindex, many rows",
        "Python with credit_fast imported",
    },
    "window": {
        "credit_fast.Client",
        "credit_fast.Client, opened anew",
        "ObsPy tsindex.Client",
        "ObsPy sds.Client",
        "obspy.read(start, end)",
    },
    "million": {"credit_fast.Client", "ObsPy tsindex.Client"},
    "several": {
        "credit_fast.Client, 1 index",
        "credit_fast.Client, 3 indexes",
        "credit_fast.Client, 10 indexes",
        "credit_fast.Client, 30 indexes",
        "credit_fast.Client, 100 indexes",
        "obspy.read(start, end)",
    },
    "border": {
        "credit_fast.Client, 3 indexes",
        "credit_fast.Client, 10 indexes",
        "credit_fast.Client, 30 indexes",
        "credit_fast.Client, 100 indexes",
        "obspy.read(start, end), merged",
    },
    "many": {
        "credit_fast.Client, bulk",
        "credit_fast.Client, bulk, 1 thread",
        "credit_fast.Client, one by one",
        "credit_fast.Client, cut",
    },
    "touched": {"credit_fast.Client, one by one", "credit_fast.Client, bulk"},
    "train": {"credit_fast.WindowDataset", "h5py, a gzip data set"},
    "record": {
        "credit_fast.makeh5",
        "ObsPy tsindex.Client + h5py",
        "obspy.read(start, end) + h5py",
    },
    "dataset": {
        "credit_fast.makeh5",
        "credit_fast.makeh5, 1 thread",
        "ObsPy tsindex.Client + h5py",
        "obspy.read(start, end) + h5py",
    },
    "metadata": {"credit_fast", "h5py"},
    "compression": {
        "credit_fast.makeh5, gzip",
        "credit_fast.makeh5, gzip:4",
        "credit_fast.makeh5, gzip:6",
        "credit_fast.makeh5, gzip:9",
        "credit_fast.makeh5, lzf",
        "credit_fast.makeh5, none",
        "h5py, the toolkit's layout",
    },
    "reread": {
        "credit_fast.Dataset.waveforms",
        "h5py",
        "h5py, the toolkit's layout",
        "credit_fast, the toolkit's layout",
    },
}
#: What is no rival, but a part of the work: its ratio may be below 1.
FLOORS = ("the bytes alone", "SQLite alone", "Python with")


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the comparison on a tiny archive; everything it writes is in `folder`."""
    scratch = folder / "scratch"
    scratch.mkdir()
    command = [sys.executable, str(COMPARE), *TINY, *arguments]
    command += ["--out", str(folder / "runs"), "--scratch", str(scratch)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_summary_has_a_row_with_times_for_every_rival_and_names_no_path(tmp_path: Path) -> None:
    done = compare(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "runs").iterdir()
    assert {path.name for path in folder.iterdir()} == {"raw.csv", "summary.md", "README.md"}

    summary = (folder / "summary.md").read_text()
    sections = dict(re.findall(r"^## (\w+): (.*?)(?=^## )", summary, re.MULTILINE | re.DOTALL))
    # A scratch folder in memory, as some machines have, cannot be made cold.
    rivals = {task: RIVALS[task] for task in RIVALS if f"{task}: left out" not in summary}
    assert sections.keys() == rivals.keys() >= RIVALS.keys() - {"cold"}
    for task, section in sections.items():
        rows = re.findall(
            r"^\| ([^|]+) \| ([\d.]+) \| [\d.]+ \| [\d.]+ \| ([\d.]+) \| ([^|]*) \| ([^|]*) \|",
            section,
            re.M,
        )
        assert {name for name, *_ in rows} == rivals[task]
        ratios = [float(ratio) for name, _, ratio, *_ in rows if not name.startswith(FLOORS)]
        assert min(ratios) == 1
        if task in ("small", "rows"):
            assert all(re.fullmatch(r"[\d.]+ (files|rows)/s", rate) for *_, rate, _ in rows)
        if task == "memory":
            peaks = {name: int(memory) for name, *_, memory in rows}
            assert 0 < peaks["mseedindex, a large file"] < peaks["Python with credit_fast imported"]

    with (folder / "raw.csv").open() as stream:
        raw = [(row["task"], row["rival"]) for row in csv.DictReader(stream)]
    assert sorted(raw) == sorted(2 * [(task, name) for task in rivals for name in rivals[task]])

    texts = "".join(path.read_text() for path in folder.iterdir())
    for private in (str(tmp_path), str(COMPARE.parent.parent), str(Path.home()), sys.prefix):
        assert private not in texts
    readme = (folder / "README.md").read_text()
    for fact in ("python benches/compare.py --quick --stations 2", "CPU", "kernel", "obspy: 1."):
        assert fact in readme
    assert not any((tmp_path / "scratch").iterdir())


def test_planted_wrong_answers_stop_the_run_and_are_named(tmp_path: Path) -> None:
    spoiled = [
        "read/pymseed, record_list",
        "index/mseedindex, one call",
        "window/ObsPy sds.Client",
        "record/obspy.read(start, end) + h5py",
        "small/credit_fast.makeindex",
        "rows/SQLite alone",
        "several/credit_fast.Client, 30 indexes",
        "touched/credit_fast.Client, bulk",
    ]
    tasks = [name.split("/")[0] for name in spoiled]
    done = compare(tmp_path, "--tasks", *tasks, "--spoil", *spoiled)
    assert done.returncode == 2
    wrong = done.stderr.splitlines()[1:]
    assert [line.split(": ")[:2] for line in wrong] == [name.split("/") for name in spoiled]
    assert re.search(r"trace 0, samples: 1 differ, first number 215999: -?\d+, expected", wrong[0])
    assert not (tmp_path / "runs").exists()


def test_an_unknown_answer_to_spoil_is_refused(tmp_path: Path) -> None:
    done = compare(tmp_path, "--spoil", "read/nobody")
    assert done.returncode == 2
    assert "read/nobody" in done.stderr
