"""Turn what criterion measured of the core into a table beside its raw numbers.

`make bench-core` runs criterion and then this. The estimates are medians of criterion's own
analysis; the ratio is against libmseed where it is there, else against copying the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from machine import cpu_slug, machine_facts

RUNS = Path(__file__).parent / "runs"
BASES = ("libmseed", "copy")


def measured(target: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """Median nanoseconds and what they are for (samples or bytes), by group and program."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for path in sorted(target.glob("**/new/benchmark.json")):
        about: dict[str, Any] = json.loads(path.read_text())
        estimates = json.loads(path.with_name("estimates.json").read_text())
        ((_, units),) = about["throughput"].items()
        group = found.setdefault(about["group_id"], {})
        group[about["function_id"]] = (estimates["median"]["point_estimate"], float(units))
    return found


def rows(found: dict[str, dict[str, tuple[float, float]]]) -> list[list[str]]:
    """Lines of the table: group, program, time, rate, ratio."""
    lines = []
    for group, programs in found.items():
        base = next((programs[name][0] for name in BASES if name in programs), None)
        unit = "GB/s" if group.startswith(("plain", "walk")) else "G samples/s"
        for name, (ns, units) in sorted(programs.items(), key=lambda item: item[1][0]):
            ratio = "" if base is None else f"{base / ns:.2f}"
            lines.append([group, name, f"{ns / 1e3:.4g}", f"{units / ns:.2f} {unit}", ratio])
    return lines


def main() -> None:
    """Write `core.csv` and `core.md` into the folder of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="criterion's folder")
    parser.add_argument("libmseed", type=Path, help="folder of libmseed's C files")
    arguments = parser.parse_args()
    run = RUNS / f"{date.today()}-{cpu_slug()}"
    header = (arguments.libmseed / "libmseed.h").read_text(encoding="utf-8", errors="replace")
    version = re.search(r'LIBMSEED_VERSION "([^"]+)"', header)
    lines = rows(measured(arguments.target))
    if not lines:
        parser.error(f"{arguments.target}: no measurements of criterion")
    run.mkdir(parents=True, exist_ok=True)
    head = ["group", "program", "median us", "rate", "ratio"]
    with (run / "core.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(lines)
    told = arguments.target / "notes.txt"
    notes = told.read_text().splitlines() if told.exists() else []
    text = [
        "# The core",
        "",
        "Made by `make bench-core`: criterion, one core, everything in memory; all samples of all",
        "programs were compared before anything was timed. `decode`: from bytes to samples in a",
        "buffer that is used again, headers parsed on both sides (libmseed: `msr3_parse` with",
        "`MSF_UNPACKDATA` and, for the CRC of miniSEED 3 that mseed-core looks at too,",
        "`MSF_VALIDATECRC`; one record structure used again). `payload`: the same without headers",
        "(libmseed: `ms_decode_data`). `plain`: against copying the same bytes, those of a series",
        "as long as in the other groups and those of one record of 4096 bytes; int16 becomes",
        "int32, so that twice the bytes of the copy are written. `pack`: against `msr3_pack`. The",
        "ratio is against libmseed or the copy: above 1 is faster.",
        "",
        "```text",
        *(f"{name}: {fact}" for name, fact in machine_facts(RUNS).items()),
        f"libmseed {version[1] if version else '?'}, compiled with -O2 as in the wheels of pymseed",
        "miniseed-rs 0.2.2, mseedio 0.1.0 (miniSEED 3 only; timed where its samples are right)",
        *notes,
        "```",
        "",
        f"| {' | '.join(head)} |",
        "| --- | --- | ---: | ---: | ---: |",
        *(f"| {' | '.join(line)} |" for line in lines),
        "",
    ]
    (run / "core.md").write_text("\n".join(text))


if __name__ == "__main__":
    main()
