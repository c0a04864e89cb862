"""Fixtures that all tests share: where the real data is, makeh5 on an archive in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest
from memory_archive import MemoryArchive, catalog, stations

from credit_fast.account import MakeH5Report
from credit_fast.making import makeh5

REPOSITORY = Path(__file__).resolve().parent.parent


def _shared_data() -> Path | None:
    """Folder of real data: $CREDIT_FAST_DATA, else `shared/data` beside the repository."""
    named = os.environ.get("CREDIT_FAST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real seismograms, catalogues and stations; skips when they are not on this machine."""
    folder = _shared_data()
    if folder is None:
        pytest.skip("real data not found: set CREDIT_FAST_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The clone that the tests belong to."""
    return REPOSITORY


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
