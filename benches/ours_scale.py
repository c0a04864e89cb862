"""How credit_fast does the tasks at scale: many files and rows, many indexes, a cold disk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from ours import cut, window_answer
from padding import add_days, copy_emptied
from page_cache import forget
from scale import NUMBERS_OF_INDEXES, indexes_text
from setting import Setting, month_windows, remove_index
from workers import Case, Maker, Measured, run_for_peak

import credit_fast

_HERE = Path(__file__).resolve().parent


def _index(
    task: str, threads: int | None, folder: Callable[[Setting], Path], kind: str, setting: Setting
) -> Case:
    """Through Python, in this process."""
    data = folder(setting)
    part = "-part" if kind == "index" else ""
    path = setting.scratch / f"ours-{task}-{threads}{part}.db"
    return Case(
        lambda: credit_fast.makeindex(data, path, threads=threads, progress=False),
        lambda _: (kind, path),
        lambda: remove_index(path),
    )


def _cold(setting: Setting) -> Case:
    path = setting.scratch / "ours-cold.db"

    def before() -> None:
        remove_index(path)
        forget(setting.files)

    return Case(
        lambda: credit_fast.makeindex(setting.data, path, progress=False),
        lambda _: ("sizes", path),
        before,
    )


def program() -> str:
    """The command as it is installed; FileNotFoundError when it is not."""
    found = shutil.which("credit-fast", path=str(Path(sys.executable).parent))
    if found is None:
        raise FileNotFoundError("the command credit-fast is not installed beside this Python")
    return found


def _command(setting: Setting) -> Case:
    """As the command, with the start of Python."""
    path = setting.scratch / "ours-command.db"
    words = [program(), "makeindex", "-r", str(setting.data), "-o", str(path), "--quiet"]
    return Case(
        lambda: subprocess.run(words, check=True, capture_output=True),
        lambda _: ("index", path),
        lambda: remove_index(path),
    )


def _peak(name: str, data: Callable[[Setting], Path], kind: str, setting: Setting) -> Case:
    path = setting.scratch / f"ours-peak-{name}.db"
    words = [program(), "makeindex", "-r", str(data(setting)), "-o", str(path), "--quiet"]
    return Case(
        lambda: run_for_peak(words),
        lambda _: (kind, path),
        lambda: remove_index(path),
    )


def _peak_of_import(_: Setting) -> Case:
    words = [sys.executable, "-c", "import credit_fast"]
    return Case(lambda: run_for_peak(words), lambda _: {"import": {"exit code": 0}})


def _make_months(setting: Setting) -> Case:
    """Make the indexes of all months; no rival of anything."""
    months = setting.scale.months

    def run() -> None:
        emptied = months.folder / "emptied.db"
        for month in range(NUMBERS_OF_INDEXES[-1]):
            data, index = months.data(month), months.index(month)
            if data is not None:
                credit_fast.makeindex(data, index, progress=False)
            else:
                if not emptied.exists():
                    credit_fast.makeindex(months.files[0], months.folder / "one.db", progress=False)
                    copy_emptied(months.folder / "one.db", emptied)
                shutil.copy(emptied, index)
            first = months.first_day(month)
            days = [first + timedelta(days=number) for number in range(31)]
            days = [day for day in days if day.month == first.month]
            there = "" if data is None else data.name
            channels = [("XX", f"M{n:03d}", "00", "HHZ") for n in range(months.channels - 1)]
            its_own = [day for day in days if not there.endswith(f"{day:%Y.%j}")]
            add_days(index, {months.codes: its_own, **dict.fromkeys(channels, days)})

    return Case(run, lambda _: {})


def _several(over: bool, number: int, setting: Setting) -> Case:
    client = credit_fast.Client(setting.scale.months.indexes(number))
    windows = month_windows(setting, over)
    return Case(lambda: [cut(client, window) for window in windows], window_answer)


def _touched(bulk: bool, setting: Setting) -> Case:
    small, index = setting.scale.small, setting.scratch / f"ours-touched-{bulk}.db"
    credit_fast.makeindex(small.folder, index, progress=False)
    words = [sys.executable, str(_HERE / "touching.py"), str(index), "bulk" if bulk else "one"]
    words += [str(small.folder), str(small.groups), str(small.files)]

    def run() -> Measured:
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        memory, opened = told["memory_bytes"], told["open_files"]
        note = (
            f"resident {memory[0] / 1e6:.0f} MB after the first window, "
            f"{memory[len(memory) // 2] / 1e6:.0f} half way, {memory[-1] / 1e6:.0f} at the end; "
            f"open files {opened[0]}, at the end {opened[-1]}, never more than {max(opened)}"
        )
        found = {"number": told["number"], "sha256": told["sha256"]}
        return Measured(told["seconds"], max(memory) - memory[0], note, found)

    return Case(run, lambda measured: {"windows": measured.value})


CASES: dict[tuple[str, str], Maker] = {
    ("months", ""): _make_months,
    ("index", "credit-fast makeindex, the command"): _command,
    ("small", "credit_fast.makeindex"): partial(
        _index, "small", None, lambda setting: setting.scale.small.folder, "digest"
    ),
    ("small", "credit_fast.makeindex, 1 thread"): partial(
        _index, "small", 1, lambda setting: setting.scale.small.folder, "digest"
    ),
    ("small", "credit_fast.makeindex, a part"): partial(
        _index, "small", None, lambda setting: setting.scale.small.part, "index"
    ),
    ("rows", "credit_fast.makeindex"): partial(
        _index, "rows", None, lambda setting: setting.scale.rows.folder, "digest"
    ),
    ("rows", "credit_fast.makeindex, a part"): partial(
        _index, "rows", None, lambda setting: setting.scale.rows.part, "index"
    ),
    ("memory", "credit-fast makeindex, a large file"): partial(
        _peak, "large", lambda setting: setting.scale.large, "index"
    ),
    ("memory", "credit-fast makeindex, many files"): partial(
        _peak, "small", lambda setting: setting.scale.small.folder, "digest"
    ),
    ("memory", "credit-fast makeindex, many rows"): partial(
        _peak, "rows", lambda setting: setting.scale.rows.folder, "digest"
    ),
    ("memory", "Python with credit_fast imported"): _peak_of_import,
    ("cold", "credit_fast.makeindex"): _cold,
    **{
        (task, f"credit_fast.Client, {indexes_text(number)}"): partial(
            _several, task == "border", number
        )
        for task in ("several", "border")
        for number in NUMBERS_OF_INDEXES
    },
    ("touched", "credit_fast.Client, one by one"): partial(_touched, False),
    ("touched", "credit_fast.Client, bulk"): partial(_touched, True),
}
