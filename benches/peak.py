"""Run a command and tell the most memory that it had: `python -I -S peak.py COMMAND…`.

A program of its own and a small one: the kernel's figure for a child begins with what its parent
had when the child was made. Prints JSON: seconds, the peak of the resident memory in bytes, seconds
of CPU of its first thread (Linux; the last tenth of a second may be missing), and the exit code.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

#: What `ru_maxrss` counts in.
_UNIT = 1 if sys.platform == "darwin" else 1024


class FirstThread(threading.Thread):
    """Looks at the seconds of CPU of a process's first thread; None where nobody tells."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.seconds: float | None = None
        self._stat = Path(f"/proc/{process}/task/{process}/stat")

    def run(self) -> None:
        """Look until the process is gone."""
        with suppress(OSError):
            while True:
                # Behind the name, which may have spaces, the state comes first.
                fields = self._stat.read_text(encoding="ascii").rpartition(")")[2].split()
                ticks = int(fields[11]) + int(fields[12])
                # Of a process that ended, and is not gone yet, nothing is left.
                self.seconds = max(self.seconds or 0.0, ticks / os.sysconf("SC_CLK_TCK"))
                time.sleep(0.05)


def main(command: list[str]) -> None:
    """Run the command with its output thrown away."""
    null = os.open(os.devnull, os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)]
    # The output is kept for what is told below.
    output = os.dup(1)
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=streams)
    first_thread = FirstThread(child)
    first_thread.start()
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    told = {
        "seconds": seconds,
        "memory_bytes": usage.ru_maxrss * _UNIT,
        "first_thread_cpu_seconds": first_thread.seconds,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    os.write(output, json.dumps(told).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
