"""makeh5 on a large catalogue: time, memory, both cores, and a kill -9 half way.

    python benches/large_dataset.py --scratch FOLDER --out benches/runs

Makes an archive of a day, a catalogue of events at all of its stations, and runs the commands:
makeindex, makeh5 that is killed half way and called again, testh5. Writes `large-dataset.json` and
says what was measured. It needs some 0.4 MB of room for a station record of 1,000 s.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from machine import cpu_slug, machine_facts, versions

from credit_fast import UTCDateTime
from credit_fast.synthetic import SyntheticArchive, make_archive

COMMAND = [sys.executable, "-c", "from credit_fast_start import main; raise SystemExit(main())"]


def write_catalog(archive: SyntheticArchive, path: Path, events: int) -> int:
    """A catalogue of events with P and S at every station; returns the number of records."""
    draw = random.Random(1)
    stations = [station for station in archive.stations if station.has_data]
    first, last = archive.start_ns + 600 * 10**9, archive.end_ns - 700 * 10**9
    with path.open("w", encoding="utf-8") as file:
        for number in range(events):
            origin = UTCDateTime(ns=draw.randrange(first, last))
            event_id = f"LD.{number:06d}"
            file.write(f"#EVENT {event_id} eq {_words(origin)} LOC 100.0 25.0 DEP 10 MAG ML 2.0\n")
            for station in stations:
                for phase, seconds in (("Pg", 8.0), ("Sg", 14.0)):
                    time_words = _words(origin + seconds + draw.random())
                    file.write(
                        f"PHASE {event_id} eq TRAVTIME {station.network} {station.station} "
                        f"{station.location or '--'} HHZ {phase} ttime {seconds} V "
                        f"{time_words} MAGSOURCE MAGTYPE MAG DISTAZ 50.0 10.0 LOC_RMSWT RMS WT\n"
                    )
    return events * len(stations)


def _words(moment: UTCDateTime) -> str:
    return moment.strftime("%Y %m %d %j %H %M %S %f")


def run(words: list[str]) -> dict[str, float]:
    """Run a command; seconds, seconds of CPU, and the most memory that it had, in bytes."""
    # By a small program: the kernel's figure of memory begins with that of whoever starts it.
    peak = [sys.executable, "-I", "-S", str(Path(__file__).with_name("peak.py"))]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run([*peak, *COMMAND, *words], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told: dict[str, float] = json.loads(result.stdout)
    if told.pop("exit_code") not in (0, 1):
        raise SystemExit(f"{words[0]} failed: {result.stderr}")
    told["cpu_seconds"] = sum(
        getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime")
    )
    return told


def run_and_kill(words: list[str], when: Callable[[], bool]) -> None:
    """Run a command, and kill it as soon as something is so."""
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not when():
            time.sleep(0.05)
        process.kill()


def finished(journal: Path) -> int:
    """Events that a run has finished, as its journal says."""
    if not journal.exists():
        return 0
    lines = journal.read_bytes().splitlines()
    states = [json.loads(line.partition(b" ")[2]) for line in lines[1:-1]]
    return max((state["done"] for state in states), default=0)


def main() -> None:
    """Run everything, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--stations", type=int, default=20)
    parser.add_argument("--range", type=float, default=500.0)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    folder: Path = args.scratch
    archive = make_archive(
        folder / "archive", stations=args.stations, days=1, events=4, faults=False
    )
    catalog, index, out = folder / "catalog.pha", folder / "index.db", folder / "out.h5"
    records = write_catalog(archive, catalog, args.events)
    told: dict[str, Any] = {
        "events": args.events,
        "records": records,
        "window_s": 2 * args.range + 6,
        "archive_bytes": archive.n_bytes,
        "machine": machine_facts(folder),
        "versions": versions(),
    }
    told["makeindex"] = run(["makeindex", "-r", str(archive.data), "-o", str(index), "--quiet"])
    words = ["makeh5", "-i", str(index), "-o", str(out), "-c", str(catalog), "--quiet"]
    words += ["-s", str(archive.station_file), "-r", str(args.range)]
    journal = out.with_name("out.h5.journal")
    run_and_kill(words, lambda: finished(journal) > args.events / 2)
    if out.exists():
        raise SystemExit("the run was over before it was killed: take more events")
    told["finished when killed"] = finished(journal)
    told["makeh5, again"] = run(words)
    account = json.loads(out.with_name("out.report.json").read_text(encoding="utf-8"))
    told["account"] = {name: account["levels"][name] for name in account["levels"]}
    told["bytes"] = out.stat().st_size
    left = args.events - told["finished when killed"]
    again = told["makeh5, again"]
    told["ms per record"] = again["seconds"] / (left * records / args.events) * 1e3
    told["of which one thread writes, ms of CPU"] = (
        again["first_thread_cpu_seconds"] / (left * records / args.events) * 1e3
    )
    told["cores busy"] = again["cpu_seconds"] / again["seconds"] / (os.cpu_count() or 1)
    told["testh5"] = run(["testh5", "-i", str(out), "-o", str(folder / "stats.txt"),
                          "-c", str(catalog), "-x", str(index), "--quiet"])  # fmt: skip
    says = (folder / "stats.txt").read_text(encoding="utf-8").replace(f"{folder}/", "")
    told["testh5 says"] = says.splitlines()[:12]
    text = json.dumps(told, indent=2)
    print(text)
    if args.out is not None:
        place = args.out / f"{date.today()}-{cpu_slug()}-large"
        place.mkdir(parents=True)
        (place / "large-dataset.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
