"""What benches/ measures memory and cold files with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHES = Path(__file__).resolve().parent.parent / "benches"


def told(code: str, *arguments: str) -> Any:
    """What a few lines say that run beside the files of benches/."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=BENCHES, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def peak(*command: str) -> dict[str, Any]:
    words = [sys.executable, "-I", "-S", str(BENCHES / "peak.py"), *command]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_file_is_in_memory_until_it_is_forgotten(tmp_path: Path) -> None:
    if not told(
        "import json, sys, page_cache, pathlib;"
        "print(json.dumps(page_cache.can_forget(pathlib.Path(sys.argv[1]))))",
        str(tmp_path),
    ):
        pytest.skip("this file system keeps its files in memory")
    file = tmp_path / "file"
    file.write_bytes(bytes(5_000_000))
    before, after, again = told(
        "import json, sys, page_cache, pathlib; name = sys.argv[1];"
        "before = page_cache.resident_bytes(name); page_cache.forget([name]);"
        "after = page_cache.resident_bytes(name); pathlib.Path(name).read_bytes();"
        "print(json.dumps([before, after, page_cache.resident_bytes(name)]))",
        str(file),
    )
    assert after == 0
    assert before == again
    assert 5_000_000 <= before < 5_100_000


def test_a_file_that_stays_in_memory_is_not_called_cold(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(100_000))
    code = (
        "import json, os, sys, page_cache;"
        "os.posix_fadvise = lambda *_: None; os.POSIX_FADV_DONTNEED = 4; name = sys.argv[1]\n"
        "try: page_cache.forget([name])\n"
        "except OSError as error: print(json.dumps(str(error)))\n"
    )
    assert "of 100000 bytes of a file stay in memory" in told(code, str(file))


def test_the_peak_of_memory_is_that_of_the_command_alone() -> None:
    large = peak(sys.executable, "-S", "-c", "b'x' * 300_000_000")
    small = peak(sys.executable, "-S", "-c", "pass")
    assert 300e6 < large["memory_bytes"] < 400e6
    assert 0 < small["memory_bytes"] < 60e6
    assert large["exit_code"] == small["exit_code"] == 0


def test_a_command_that_fails_is_told() -> None:
    assert peak(sys.executable, "-S", "-c", "raise SystemExit(3)")["exit_code"] == 3
