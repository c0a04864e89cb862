"""The phase report at work: a real catalogue against its original, and the price of a large one."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.phase_report import _PhaseReport


@pytest.mark.parametrize(("name", "events", "picks"), [("5", 5, 553), ("56", 56, 5601)])
def test_ridgecrest_is_read_whole(shared_data: Path, name: str, events: int, picks: int) -> None:
    path = shared_data / "catalogs" / "ridgecrest-2019-ci" / f"ridgecrest{name}.pha"
    catalog = read_catalog(path)
    assert (len(catalog), catalog.n_picks, catalog.problems) == (events, picks, [])
    assert catalog == _PhaseReport(str(path), fast=False).read()


def test_ridgecrest_equals_what_obspy_reads_from_the_original(shared_data: Path) -> None:
    obspy = pytest.importorskip("obspy")
    folder = shared_data / "catalogs" / "ridgecrest-2019-ci"
    theirs = obspy.read_events(str(folder / "events56.csz"))
    ours = read_catalog(folder / "ridgecrest56.pha")
    assert len(ours) == len(theirs)
    for event, other in zip(ours, theirs, strict=True):
        origin, magnitude = other.origins[0], other.magnitudes[0]
        assert event.time_ns == origin.time.ns
        assert event.longitude_deg == pytest.approx(origin.longitude, abs=6e-5)
        assert event.latitude_deg == pytest.approx(origin.latitude, abs=6e-5)
        assert event.depth_km == pytest.approx(origin.depth / 1000, abs=6e-3)
        assert event.magnitude == pytest.approx(magnitude.mag, abs=0.051)
        assert event.magnitude_type == magnitude.magnitude_type
        mine = sorted(
            (f"{pick.station_id}.{pick.channel}", pick.phase, pick.time_ns) for pick in event.picks
        )
        assert mine == sorted(
            (pick.waveform_id.get_seed_string(), pick.phase_hint, pick.time.ns)
            for pick in other.picks
        )
        for pick in event.picks:
            assert pick.time_ns is not None
            assert pick.travel_time_s == pytest.approx(
                (pick.time_ns - event.time_ns) / 1e9, abs=0.0051
            )


def _write_large(path: Path, n_events: int, n_picks: int) -> None:
    lines = []
    for i in range(n_events):
        event_id = f"YN.2012{i:08d}.0001"
        clock = f"2012 03 {1 + i % 28:02d} {61 + i % 28:03d} {i % 24:02d} {i % 60:02d}"
        lines.append(f"#EVENT {event_id} eq {clock} 05 000000 LOC 99.123 25.456 DEP 10 MAG ML 2.0")
        lines += [
            f"PHASE  {event_id} eq TRAVTIME X1 {53000 + j * 7 + i % 5} 00 BHZ {'PS'[j % 2]}g ttime "
            f"{j + i % 10}.{i % 100:02d} V {clock} {5 + j:02d} {i % 100:02d}0000 MAGSOURCE MAGTYPE "
            f"MAG DISTAZ {j * 10 + i % 9}.{i % 10} {i % 360}.0 LOC_RMSWT RMS WT"
            for j in range(n_picks)
        ]
    path.write_text("\n".join(lines))


def test_large_catalogue_costs_little_time_and_memory_per_row(tmp_path: Path) -> None:
    path = tmp_path / "large.pha"
    _write_large(path, 2000, 20)
    start = time.process_time()
    catalog = read_catalog(path)
    seconds = time.process_time() - start
    assert (len(catalog), catalog.n_picks, catalog.problems) == (2000, 40_000, [])
    # 2.1 million rows in a minute are 28 us a row; about 10 were measured on the full size.
    assert seconds / 42_000 < 28e-6
    del catalog
    tracemalloc.start()
    catalog = read_catalog(path)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(catalog) == 2000
    # 2.1 million rows in 4 GB are 1900 bytes a row; about 500 were measured.
    assert kept / 42_000 < 900
    assert peak / 42_000 < 1200
