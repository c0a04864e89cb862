"""testh5 on damaged files: it goes on to the end, and says where."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from check_cases import EVID, STATION, check, found, make, small_archive, two_events

from credit_fast.catalogs.model import Catalog
from credit_fast.errors import DatasetError

FLIPS, CUTS = 150, 20

# One file after the other from a number on: prints the number before, the outcome after.
FUZZ = """
import random, signal, sys
from pathlib import Path
from check_cases import check, small_archive, two_events
from credit_fast.errors import DatasetError
path, copy, first, flips, cuts = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])
whole, events, archive = path.read_bytes(), two_events(), small_archive()
for number in range(first, flips + cuts):
    print(number, end=" ", flush=True)
    signal.alarm(20)
    chance = random.Random(number)
    data = bytearray(whole)
    if number < flips:
        for _ in range(chance.choice((1, 1, 2, 8, 32))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    else:
        del data[chance.randrange(len(data)):]
    copy.write_bytes(data)
    try:
        report = check(copy, events, index=archive, sample=1, stats=f"{copy}.txt")
        print("whole" if report.is_whole else "findings", flush=True)
    except DatasetError as error:
        print("refused" if len(str(error).splitlines()) == 1 else "refused in many lines")
"""


@pytest.fixture
def events() -> Catalog:
    """Two events at two stations."""
    return two_events()


@pytest.fixture
def made(tmp_path: Path, events: Catalog) -> Path:
    """A whole data set."""
    return make(tmp_path / "out.h5", small_archive(), events)


def test_a_flipped_bit_or_a_cut_never_ends_the_check(made: Path, tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    first, crashes = 0, 0
    while first < FLIPS + CUTS:
        words = [str(made), str(tmp_path / "damaged.h5"), str(first), str(FLIPS), str(CUTS)]
        run = subprocess.run(
            [sys.executable, "-c", FUZZ, *words],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        lines = run.stdout.splitlines()
        done = [line.split(" ", 1) for line in lines if not line.endswith(" ")]
        outcomes.update(outcome for _, outcome in done)
        if run.returncode == 0:
            break
        # The HDF5 library itself may crash on a file, by a signal, or walk for ever in a heap of
        # texts with a damaged length (2.0.0), until the alarm; a traceback is ours.
        assert run.returncode < 0, f"number {lines[-1]}: {run.stderr}"
        crashes += 1
        first = int(lines[-1].split(" ", 1)[0]) + 1
    assert crashes <= 2
    assert set(outcomes) == {"whole", "findings", "refused"}
    assert sum(outcomes.values()) == FLIPS + CUTS - crashes


@pytest.mark.parametrize("value", [np.array([1.0, 2.0]), np.zeros((2, 2)), h5py.Empty("f")])
@pytest.mark.parametrize(
    ("node", "name", "level"),
    [
        (EVID, "time", "event"),
        (EVID, "type", "event"),
        (f"{EVID}/{STATION}", "types", "station record"),
        (f"{EVID}/{STATION}", "lon", "station record"),
        (f"{EVID}/{STATION}", "Sg", "pick"),
        (f"{EVID}/{STATION}", "Sg.dist", "pick"),
        (f"{EVID}/{STATION}", "TRAVTIME.Pg.distaz", "pick"),
        (f"{EVID}/{STATION}/HHZ", "btime", "station record"),
        (f"{EVID}/{STATION}/HHZ", "delta", "station record"),
        (f"{EVID}/{STATION}/HHZ", "gaps", "station record"),
    ],
)
def test_an_attribute_that_is_no_text_or_number_is_unreadable(
    made: Path, events: Catalog, node: str, name: str, level: str, value: Any
) -> None:
    with h5py.File(made, "a") as file:
        file[node].attrs[name] = value
    report = check(made, events)
    assert ("unreadable", level) in found(report)
    assert report.found["event"] == 2
    assert all(item.place.startswith(f"/{EVID}") for item in report.findings)
    assert any(name in str(item) for item in report.findings)


def test_a_length_that_is_an_array_is_different(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        file[EVID][STATION]["HHZ"].attrs["waveform_length_sample"] = np.array([651, 651])
    report = check(made, events)
    assert found(report) == [("different", "component")]
    assert "an array of shape (2,)" in report.findings[0].text


@pytest.mark.parametrize("btime", ["9999/12/31 23:59:59.000000", "0001/01/01 00:00:00.000000"])
def test_a_begin_beyond_all_times_is_unreadable(made: Path, events: Catalog, btime: str) -> None:
    with h5py.File(made, "a") as file:
        file[EVID][STATION]["HHZ"].attrs["btime"] = btime
    report = check(made, events)
    assert ("unreadable", "station record") in found(report)
    assert "HHZ" in report.findings[0].text


def test_a_length_beyond_all_records_is_not_read(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        attrs = dict(file[EVID][STATION]["HHZ"].attrs)
        del file[EVID][STATION]["HHZ"]
        huge = file[EVID][STATION].create_dataset("HHZ", (1 << 45,), "i4", chunks=(1000,))
        huge.attrs.update(attrs)
    report = check(made, events, index=small_archive())
    assert any("claims 35184372088832 samples" in item.text for item in report.findings)


def test_names_that_are_no_text_are_listed_in_full(
    made: Path, events: Catalog, tmp_path: Path
) -> None:
    with h5py.File(made, "a") as file:
        file.create_group(b"bad\xff\x1b[2J\nname")
        file[EVID].create_group(b"X1.\xfe.00")
        file[EVID][STATION].attrs["Sg.strs"] = np.array(
            b"\xff\xfe", dtype=h5py.string_dtype("utf-8")
        )
    report = check(made, events, stats=tmp_path / "stats.txt")
    assert sorted(found(report)) == [
        ("different", "pick"),
        ("extra", "event"),
        ("extra", "station record"),
    ]
    text = (tmp_path / "stats.txt").read_text(encoding="utf-8")
    assert "extra event /bad\\udcff\\x1b[2J name: " in text
    json.dumps(report.to_dict(), ensure_ascii=False).encode("utf-8")


def test_a_damaged_group_costs_itself_alone(made: Path, events: Catalog) -> None:
    with h5py.File(made, "a") as file:
        address = h5py.h5o.get_info(file[EVID][STATION].id).addr
    data = bytearray(made.read_bytes())
    data[address : address + 4] = b"\xff\xff\xff\xff"
    made.write_bytes(data)
    report = check(made, events)
    assert found(report) == [("unreadable", "station record")]
    assert report.findings[0].place == f"/{EVID}/{STATION}"
    assert report.found["station record"] == 3


def test_a_root_that_cannot_be_listed_is_refused_in_one_line(made: Path, events: Catalog) -> None:
    data = made.read_bytes()
    where = data.index(b"HEAP")  # of the root group: the first in the file
    made.write_bytes(data[:where] + b"XXXX" + data[where + 4 :])
    with pytest.raises(DatasetError, match="cannot be listed") as caught:
        check(made, events)
    assert len(str(caught.value).splitlines()) == 1
