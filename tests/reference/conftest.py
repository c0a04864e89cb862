"""Fixtures of the tests against ObsPy, pymseed and mseedindex. Skips when one is not installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import credit_fast


@pytest.fixture(scope="session")
def build_index(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Iterable[Path]], Path]:
    """Make an index of the given roots in a scratch folder and give its path."""

    def build(roots: Iterable[Path]) -> Path:
        index = tmp_path_factory.mktemp("index") / "index.db"
        credit_fast.makeindex([str(root) for root in roots], str(index), progress=False)
        return index

    return build
