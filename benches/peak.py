"""Run a command and tell the most memory that it had: `python -I -S peak.py COMMAND…`.

A program of its own and a small one: the kernel's figure for a child begins with what its parent
had when the child was made. Prints JSON: seconds, the peak of the resident memory in bytes, and
the exit code.
"""

from __future__ import annotations

import json
import os
import sys
import time

#: What `ru_maxrss` counts in.
_UNIT = 1 if sys.platform == "darwin" else 1024


def main(command: list[str]) -> None:
    """Run the command with its output thrown away."""
    null = os.open(os.devnull, os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)]
    # The output is kept for what is told below.
    output = os.dup(1)
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=streams)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    told = {
        "seconds": seconds,
        "memory_bytes": usage.ru_maxrss * _UNIT,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    os.write(output, json.dumps(told).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
