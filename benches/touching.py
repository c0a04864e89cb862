"""Touch every file of an archive through one client, in a process of its own: what is left open?

Called by `ours_scale` with the index, whether to ask for many windows at once, and the shape of the
archive. Prints JSON: seconds, resident memory and open files on the way, a checksum of all samples.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

from made import TOUCHED_NPTS
from scale import RATE_HZ, ManyFiles

import credit_fast

#: Windows between two looks at the memory, and of one question when many are asked for.
_STEP = 1000


def main(index: str, bulk: str, folder: str, groups: str, files: str) -> None:
    """Ask for a window of each file."""
    small = ManyFiles(Path(folder), int(groups), int(files), channels=1)
    client = credit_fast.Client(index)
    length = timedelta(seconds=(TOUCHED_NPTS - 1) / RATE_HZ)
    asked = [
        (*small.codes(group, 0), small.time(number), small.time(number) + length)
        for group in range(small.groups)
        for number in range(small.files)
    ]
    digest = hashlib.sha256()
    client.get_waveforms(*asked[0])
    begun = (_resident_bytes(), _open_files())
    memory, opened, seconds = [], [], 0.0
    for at in range(0, len(asked), _STEP):
        some = asked[at : at + _STEP]
        started = time.perf_counter()
        if bulk == "bulk":
            streams = client.get_waveforms_bulk(some, grouped=True)
        else:
            streams = [client.get_waveforms(*row) for row in some]
        seconds += time.perf_counter() - started
        opened.append(_open_files())
        for stream in streams:
            for trace in stream:
                digest.update(trace.data.tobytes())
        del streams
        memory.append(_resident_bytes())
    told = {
        "seconds": seconds,
        "number": len(asked),
        "sha256": digest.hexdigest(),
        "memory_bytes": [begun[0], *memory],
        "open_files": [begun[1], *opened],
    }
    print(json.dumps(told))


def _resident_bytes() -> int:
    """Memory of this process; where the system does not tell, the most that it had."""
    told = Path("/proc/self/statm")
    if told.exists():
        return int(told.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir())) - 1  # the one that lists them


if __name__ == "__main__":
    main(*sys.argv[1:])
