"""A small whole data set, its archive and catalogue, and testh5 in few words.

No test and no rule of its own: what a finding should be is said by the tests.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from memory_archive import MemoryArchive, catalog, event, noise, pick, stations, three, trace

from credit_fast.account.files import OutputNames
from credit_fast.catalogs.model import Catalog
from credit_fast.check import CheckReport, testh5
from credit_fast.making import makeh5

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"
TABLE = stations(STATION)
RANGE_S = 2.0


def small_archive() -> MemoryArchive:
    """Two stations, one with an overlap and a gap."""
    data = noise(9, 900)
    return MemoryArchive(
        [
            *three(STATION, 0.0, 900),
            trace("X1.BBB..BHZ", 0.0, data[:300]),
            trace("X1.BBB..BHZ", 2.0, data[100:300] + 1),
            trace("X1.BBB..BHZ", 4.5, data[450:]),
            *three("X1.BBB.", 0.0, 900, band="BH")[:2],
        ]
    )


def two_events() -> Catalog:
    """Two events at both stations; some rows without time or repeated."""
    rows = [
        pick("Pg", 3.0),
        pick("Sg", 5.0),
        pick("Sn", None),
        pick("Sg", 5.5, row_type="AMPLITUD"),
        pick("P", 3.0, "X1.BBB..BHZ"),
    ]
    return catalog(event(*rows), event(*copy.deepcopy(rows), evid="second"))


def make(path: Path, archive: MemoryArchive, events: Catalog, **options: Any) -> Path:
    """A data set of that archive and catalogue, alone: nothing else says what is in it."""
    makeh5(archive, path, events, TABLE, range_s=RANGE_S, progress=False, **options)
    alone(path)
    return path


def alone(path: Path) -> None:
    """Remove what lies beside a data set."""
    for beside in OutputNames(path).beside:
        beside.unlink(missing_ok=True)


def check(path: Path, events: Catalog, **options: Any) -> CheckReport:
    """The report of testh5, without a bar."""
    return testh5(path, events, progress=False, **options)


def found(report: CheckReport) -> list[tuple[str, str]]:
    """Kind and level of each finding."""
    return [(item.kind, item.level) for item in report.findings]
