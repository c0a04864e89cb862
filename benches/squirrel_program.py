"""What pyrocko's Squirrel does in the comparison, in a Python of its own.

Pyrocko may want another numpy than credit_fast has, so this is a program: requests and answers are
lines of JSON, arrays go through files. It imports nothing of the comparison and nothing of
credit_fast. Each request is timed here, without the pipe.

`scan`: a new database, an empty selection, the archive added to it. `open`: the same from a
database that knows all files. `windows`: cut windows of the selection that is open, in the way that
`how` says: `cold` makes Squirrel forget before each what it keeps in memory, `again` asks for each
a second time and times that, `anew` makes a selection for each.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from pyrocko.squirrel import Squirrel
from pyrocko.squirrel.database import close_database

Request = dict[str, Any]


class Selection:
    """The selection that is open, if any."""

    def __init__(self) -> None:
        self.squirrel: Any = None

    def close(self) -> None:
        """Close the database, as the end of a script does."""
        if self.squirrel is not None:
            close_database(self.squirrel.get_database())
            self.squirrel = None

    def open(self, request: Request) -> None:
        """Add the archive to a new selection; files that the database knows are not read."""
        folder = Path(request["folder"])
        folder.mkdir(exist_ok=True)
        self.squirrel = Squirrel(
            env=str(folder), database=str(folder / "nuts.sqlite"), cache_path=str(folder / "cache")
        )
        self.squirrel.add(request["data"], check=False)

    def cut(self, window: Request) -> list[Any]:
        """Traces of one window, both ends included."""
        traces: list[Any] = self.squirrel.get_waveforms(
            codes=window["codes"],
            tmin=window["start_ns"] / 1e9,
            tmax=window["end_ns"] / 1e9,
            include_last=True,
        )
        return traces


def scan(selection: Selection, request: Request) -> dict[str, Any]:
    """Index the archive into a database that is not there yet."""
    selection.close()
    started = time.perf_counter()
    selection.open(request)
    seconds = time.perf_counter() - started
    selection.close()
    return {"seconds": seconds}


def prepare(selection: Selection, request: Request) -> dict[str, Any]:
    """Open a selection; not timed."""
    selection.close()
    selection.open(request)
    return {"seconds": 0.0}


def windows(selection: Selection, request: Request) -> dict[str, Any]:
    """Cut windows, and save their samples."""
    seconds, arrays = 0.0, {}
    told: list[dict[str, Any]] = []
    for number, window in enumerate(request["windows"]):
        if request["how"] == "anew":
            selection.close()
        else:
            selection.squirrel.clear_accessor()
        if request["how"] == "again":
            selection.cut(window)
        started = time.perf_counter()
        if request["how"] == "anew":
            selection.open(request)
        traces = selection.cut(window)
        seconds += time.perf_counter() - started
        for trace in traces:
            arrays[f"{len(told)}"] = trace.ydata
            told.append(
                {
                    "window": number,
                    "id": ".".join(trace.nslc_id),
                    "start_s": trace.tmin,
                    "delta_s": trace.deltat,
                }
            )
    np.savez(request["out"], **arrays)
    return {"seconds": seconds, "traces": told}


VERBS = {"scan": scan, "open": prepare, "windows": windows}


def main() -> None:
    """Answer requests until there are no more."""
    selection = Selection()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = VERBS[request["do"]](selection, request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
