"""Run the command as a user does, in a folder."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
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


def on_terminal(folder: Path, width: int, *words: str) -> list[str]:
    """Lines that `credit-fast` with these words prints on a terminal of some width, without styles.

    The terminal itself does not break a line that is too long.
    """
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    line = [sys.executable, "-c", START, *words]
    with subprocess.Popen(
        line, cwd=folder, stdin=its, stdout=its, stderr=its, env={**environment, "TERM": "xterm"}
    ):
        os.close(its)
        shown = b""
        # At its end Linux gives an error, macOS nothing.
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:
            pass
        os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).splitlines()
