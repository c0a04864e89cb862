"""Damaged data sets: the check of account and table, and the export, end in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from check_cases import TABLE, small_archive, two_events
from table_cases import make_all

NUMBERS = 60
# One file after the other from a number on; prints the number before, a word after.
FUZZ = """
import random, sys
from pathlib import Path
from check_cases import check, two_events
from credit_fast.errors import DatasetError
from credit_fast.export import export_seisbench
path, folder, first, end = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])
whole, events = path.read_bytes(), two_events()
beside = {"report": path.with_suffix(".report.json"), "table": path.with_suffix(".csv")}
for number in range(first, end):
    print(number, end=" ", flush=True)
    chance = random.Random(number)
    data = bytearray(whole)
    for _ in range(chance.choice((1, 3, 20))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    copy = folder / "damaged.h5"
    copy.write_bytes(data)
    try:
        report = check(copy, events, **beside)
        assert len(str(report).splitlines()) < 200
        made = export_seisbench(copy, folder / "sb", overwrite=True, progress=False)
        assert made.agrees
        str(report).encode(), str(made).encode()
        print("exported", flush=True)
    except DatasetError as error:
        assert len(str(error).splitlines()) == 1
        print("refused", flush=True)
"""


def test_a_damaged_byte_never_ends_check_or_export(tmp_path: Path) -> None:
    make_all(tmp_path / "out.h5", small_archive(), two_events(), TABLE, range_s=2.0)
    first, crashes, done = 0, 0, 0
    while first < NUMBERS:
        words = [str(tmp_path / "out.h5"), str(tmp_path), str(first), str(NUMBERS)]
        run = subprocess.run(
            [sys.executable, "-c", FUZZ, *words],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        lines = run.stdout.splitlines()
        done += sum(line.endswith(("exported", "refused")) for line in lines)
        if run.returncode == 0:
            break
        # The HDF5 library itself may crash on a file, by a signal; a traceback is ours.
        assert run.returncode < 0, f"number {lines[-1]}: {run.stderr}"
        crashes += 1
        first = int(lines[-1].split(" ", 1)[0]) + 1
    assert crashes <= 1
    assert done == NUMBERS - crashes
