"""Which index files a client opens, and where the files of each have moved to."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from credit_fast import _core

__all__ = [
    "IndexPaths",
    "PathMap",
    "PathMaps",
    "Substitution",
    "no_index",
    "open_archive",
    "path_rule",
]

IndexPaths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
PathMap = Mapping[str, str]
PathMaps = PathMap | Sequence[PathMap | None] | None


class Substitution:
    """A rule of ObsPy's client: whatever a regular expression finds in a name gives way to a text.

    The name is normalised before and after, with slashes; back-references in the text mean nothing,
    as its backslashes become slashes.

    Raises
    ------
    ValueError
        The pattern is no regular expression, or one of both is no text.
    """

    def __init__(self, pattern: str, replacement: str) -> None:
        if not isinstance(pattern, str) or not isinstance(replacement, str):
            raise ValueError(f"found {type(pattern).__name__} and {type(replacement).__name__}")
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        self._replacement = replacement.replace("\\", "/")

    def __call__(self, name: str) -> str:
        """The name of a file now."""
        normal = os.path.normpath(name).replace("\\", "/")
        return os.path.normpath(self._pattern.sub(self._replacement, normal))


def open_archive(
    index: IndexPaths, path_map: PathMaps | Substitution
) -> tuple[_core.Archive, list[str], Sequence[dict[str, str]] | Substitution]:
    """Open indexes as one archive; returns their paths and rules too, as they were understood."""
    given = [index] if isinstance(index, str | os.PathLike) else list(index)
    if not given:
        raise ValueError("no index: expected one or more index files")
    groups = [_found(os.fspath(name)) for name in given]
    paths = [path for group in groups for path in group]
    rules: list[dict[str, str]] | Substitution
    if isinstance(path_map, Substitution):
        rules = path_map
        named: list[Any] = [(path, path_map) for path in paths]
    else:
        maps = _maps(path_map, len(groups))
        rules = [rule for group, rule in zip(groups, maps, strict=True) for _ in group]
        named = [(path, list(rule.items())) for path, rule in zip(paths, rules, strict=True)]
    try:
        archive = _core.Archive(named)
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
    if path_map is None or isinstance(path_map, Mapping):
        return [path_rule(path_map)] * number
    if isinstance(path_map, str | bytes) or not isinstance(path_map, Iterable):
        raise _no_rule(path_map)
    rules = [path_rule(rule) for rule in path_map]
    if len(rules) != number:
        raise ValueError(f"{len(rules)} path maps: expected one for each of {number} indexes")
    return rules


def path_rule(rule: PathMap | None) -> dict[str, str]:
    """Pairs of a folder as the index names it and as it is called now, as texts.

    Raises
    ------
    ValueError
        It is no mapping of names to names.
    """
    if rule is None:
        return {}
    if not isinstance(rule, Mapping) or not all(
        isinstance(name, str | os.PathLike) for pair in rule.items() for name in pair
    ):
        raise _no_rule(rule)
    return {os.fspath(old): os.fspath(new) for old, new in rule.items()}


def _no_rule(found: Any) -> ValueError:
    return ValueError(
        f"path_map {found!r}: expected a mapping of folders as the index names them to what they "
        "are called now, or a list of these"
    )
