"""A small archive to be damaged, and a place for its index."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_files import mseed


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with one good file, `good.mseed`, of channel XX.GOOD..BHZ."""
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "good.mseed").write_bytes(mseed(station="GOOD"))
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Where a test writes its index; does not exist yet."""
    return tmp_path / "index.db"
