"""Fixtures that all tests share: where the real data is, and scratch archives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
