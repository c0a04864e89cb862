"""The fixtures of the tests of runs that are stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from stopped_runs import (
    EVENTS,
    account,
    archive,
    made,
    some_events,
)

import credit_fast
from credit_fast.making import job


@pytest.fixture
def small_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """States after every second event; a killed process needs no disk that has caught up."""
    monkeypatch.setattr(job, "_STATE_RECORDS", 4)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Index and folder of an archive with a file for each channel."""
    folder = tmp_path_factory.mktemp("archive")
    for item in archive().traces:
        credit_fast.write(item, folder / item.id)
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, index, progress=False)
    return index, folder


@pytest.fixture
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A data set that nothing stopped, and its account."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder / "out.h5", account(made(folder, some_events(EVENTS)))
