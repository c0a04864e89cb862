"""Run the command as a user does, in a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

START = "import sys; from credit_fast.cli import main; sys.exit(main())"


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `credit-fast` with these words in the folder."""
    return subprocess.run(
        [sys.executable, "-c", START, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
