"""Which index files a client opens, and where the files of each have moved to."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from credit_fast import _core

__all__ = ["IndexPaths", "PathMap", "PathMaps", "no_index", "open_archive", "path_rule"]

IndexPaths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
PathMap = Mapping[str, str]
PathMaps = PathMap | Sequence[PathMap | None] | None


def open_archive(
    index: IndexPaths, path_map: PathMaps
) -> tuple[_core.Archive, list[str], list[dict[str, str]]]:
    """Open indexes as one archive; returns their paths and rules too, as they were understood."""
    named = [index] if isinstance(index, str | os.PathLike) else list(index)
    if not named:
        raise ValueError("no index: expected one or more index files")
    groups = [_found(os.fspath(name)) for name in named]
    maps = _maps(path_map, len(groups))
    paths = [path for group in groups for path in group]
    rules = [rule for group, rule in zip(groups, maps, strict=True) for _ in group]
    try:
        archive = _core.Archive(
            [(path, list(rule.items())) for path, rule in zip(paths, rules, strict=True)]
        )
    except FileNotFoundError as error:
        raise no_index(error) from None
    return archive, paths, rules


def no_index(error: FileNotFoundError) -> FileNotFoundError:
    """The same of an index, with a hint at what makes one."""
    text = "No such index file (credit-fast makeindex makes one)"
    return FileNotFoundError(error.errno, text, error.filename)


def _found(name: str) -> list[str]:
    """The files that a name with wildcards finds, sorted; any other name as it is."""
    if not glob.has_magic(name) or Path(name).exists():
        return [name]
    # Path.glob knows no absolute patterns.
    found = sorted(glob.glob(name))  # noqa: PTH207
    if not found:
        raise FileNotFoundError(2, "No index file has such a name", name)
    return found


def _maps(path_map: Any, number: int) -> list[dict[str, str]]:
    if path_map is None:
        return [{}] * number
    if isinstance(path_map, Mapping):
        return [path_rule(path_map)] * number
    rules = [path_rule(rule) for rule in path_map]
    if len(rules) != number:
        raise ValueError(f"{len(rules)} path maps: expected one for each of {number} indexes")
    return rules


def path_rule(rule: PathMap | None) -> dict[str, str]:
    """Pairs of a folder as the index names it and as it is called now, as texts."""
    return {os.fspath(old): os.fspath(new) for old, new in (rule or {}).items()}
