"""Turned components against ObsPy's `rotate2zne`, which has the sign conventions of SEED."""

from __future__ import annotations

import numpy as np
import pytest
from memory_archive import MemoryArchive, event, noise, pick, trace

from credit_fast.station_records import Settings
from credit_fast.station_records.cut import cut_station
from credit_fast.station_records.plan import plan_event

STATION = "X1.AAA.00"


@pytest.mark.parametrize("seed", range(12))
def test_any_axes_give_what_obspy_gives(seed: int) -> None:
    rotate = pytest.importorskip("obspy.signal.rotate")
    random = np.random.default_rng(seed)
    azimuth = float(random.uniform(-180, 360))
    directions = [
        (azimuth, float(random.uniform(-15, 15))),
        (azimuth + float(random.choice([90, 270])) + float(random.uniform(-20, 20)), 2.0),
        (float(random.uniform(0, 360)), float(random.choice([-90, 90, -80, -88]))),
    ]
    traces = [
        trace(f"{STATION}.HH{letter}", 0.0, noise(number, 600))
        for number, letter in enumerate("12Z")
    ]
    lines = [
        f"X1 AAA 00 HH{letter} {direction[0] % 360} {direction[1]}"
        for letter, direction in zip("12Z", directions, strict=True)
    ]
    chosen = Settings(range_s=2.0, orientations=lines, dtype="float64")  # type: ignore[arg-type]
    plan = plan_event(event(pick("Pg", 3.0))).stations[0]
    record = cut_station(MemoryArchive(traces), plan, chosen).record
    assert record is not None
    given = [
        value
        for item, direction in zip(traces, directions, strict=True)
        for value in (item.data[100:501].astype(float), *direction)
    ]
    theirs = dict(zip("ZNE", rotate.rotate2zne(*given), strict=True))
    for letter, samples in theirs.items():
        ours = record.components[f"HH{letter}"].data
        assert ours == pytest.approx(samples, rel=1e-9, abs=1e-3)
