"""The README's commands and Python run as they stand, in an empty folder, in their order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# The demo's archive has faults, which is what exit code 1 says.
ALLOWED = {"makeindex": {1}, "makeh5": {1}, "testh5": {1}, "demo": {0}, "plot": {0}, "export": {0}}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_every_block_of_the_readme_runs(name: str, repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the demo draws pictures")
    text = (repository / name).read_text(encoding="utf-8")
    shell, python = blocks(text, "bash"), blocks(text, "python")
    assert shell and python
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for line in "".join(shell).splitlines():
        result = subprocess.run(
            line.split(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": path},
        )
        assert result.returncode in ALLOWED[line.split()[1]], result.stdout + result.stderr
    for code in python:
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        assert "XX.CF01.00.HHZ" in result.stdout


def test_both_readmes_show_the_same_commands(repository: Path) -> None:
    english, chinese = (
        (repository / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")
    )
    for language in ("bash", "text"):
        shown = [re.sub(r"#.*", "", block) for block in blocks(english, language)]
        assert [re.sub(r"#.*", "", block) for block in blocks(chinese, language)] == shown
    assert re.findall(r"\]\((docs/[^)]+)\)", english) == re.findall(r"\]\((docs/[^)]+)\)", chinese)
