"""Ctrl-C and SIGTERM to the installed command: in the imports, and while it works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from credit_fast.cli import main, makeh5

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
# In place of a module that the package needs: tells that it is being imported, and stays so.
SLOW_MODULE = """
import os, time
os.write(1, b"importing\\n")
time.sleep(60)
"""


@contextmanager
def started(folder: Path, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command as it was installed, running."""
    command = shutil.which("credit-fast", path=str(Path(sys.executable).parent))
    assert command is not None
    with subprocess.Popen(
        [command, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", WORDS)
def test_a_signal_during_the_imports_ends_the_command_in_a_line(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "numpy.py").write_text(SLOW_MODULE)
    with started(tmp_path, "demo", PYTHONPATH=str(tmp_path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (128 + number, f"credit-fast: {WORDS[number]}\n")


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text(SLOW_MODULE.replace("60", "0.3"))
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with started(tmp_path, "--version", PYTHONPATH=str(tmp_path)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "importing\n"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    finally:
        signal.signal(signal.SIGINT, old)
    # It goes on, until it misses what numpy would have.
    assert (process.returncode, "Error" in errors) == (1, True)


@pytest.mark.parametrize("words", [("makeindex", "-r", "data", "-o"), ("checkindex", "-i")])
@pytest.mark.parametrize("number", WORDS)
def test_a_command_that_is_stopped_says_so(
    tmp_path: Path, number: signal.Signals, words: tuple[str, ...]
) -> None:
    """It waits for a lock, as on a network disk that hangs; the index is not harmed."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "text").write_text("no seismogram")
    with started(tmp_path, "makeindex", "-r", "data", "-o", "i.db") as process:
        process.communicate(timeout=20)
    lock = "import sqlite3, time; c = sqlite3.connect('i.db'); c.execute('BEGIN EXCLUSIVE');"
    lock += "print('locked', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", lock], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "locked\n"
            with started(tmp_path, *words, "i.db") as process:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.communicate(timeout=2)
                process.send_signal(number)
                _, errors = process.communicate(timeout=20)
        finally:
            holder.kill()
    assert process.returncode == 128 + number
    assert errors == f"credit-fast {words[0]}: {WORDS[number]}\n"


def test_what_is_kept_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("3 events are done, and kept for the same command")

    monkeypatch.setattr(makeh5, "makeh5", stopped)
    assert main(["makeh5", "-i", "index.db", "-o", "out.h5", "-c", "events.pha"]) == 130
    assert capsys.readouterr().err == (
        "credit-fast makeh5: interrupted; 3 events are done, and kept for the same command\n"
    )
