"""The fixture of the tests that run makeh5 on an archive in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest
from memory_archive import MemoryArchive, catalog, stations

from credit_fast.hdf5 import MakeH5Report, makeh5


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., tuple[MakeH5Report, h5py.File]]]:
    """Runs makeh5 on an archive in memory and opens what came out; every sum must agree."""
    files: list[h5py.File] = []

    def run(
        traces: list[Any],
        *events: Any,
        fail: dict[str, BaseException] | None = None,
        **options: Any,
    ) -> tuple[MakeH5Report, h5py.File]:
        options = {"range_s": 2.0, "stations": stations("X1.AAA.00"), "progress": False} | options
        archive = MemoryArchive(traces, fail)
        report = makeh5(archive, tmp_path / "out.h5", catalog(*events), **options)
        tallies = [*report.levels.values(), *report.picks_by_phase.values()]
        assert all(tally.agrees for tally in tallies)
        assert not list(tmp_path.glob("*.part"))
        files.append(h5py.File(tmp_path / "out.h5"))
        return report, files[-1]

    yield run
    for file in files:
        file.close()
