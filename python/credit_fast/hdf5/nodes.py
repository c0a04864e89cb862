"""Groups, datasets and attributes of an HDF5 file that may be damaged, read one thing at a time.

On damage h5py raises almost any kind of exception, and from almost any call; here all of them
become DatasetError, or a `problem` beside what could still be read. Knows HDF5, not the layout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import h5py
import numpy as np
from h5py import h5a, h5s, h5t

from credit_fast.errors import DatasetError

__all__ = [
    "LazyAttributes",
    "Members",
    "as_float",
    "child_of",
    "decoded",
    "encoded",
    "members_of",
    "one_line",
]

TEXT, FIXED_TEXT, FLOAT, INTEGER = "text", "text of fixed length", "float", "integer"
SIMPLE_FORMS = (TEXT, FIXED_TEXT, FLOAT, INTEGER)
#: Of one attribute: far more than any true one, far less than a damaged size can claim.
MAX_ATTRIBUTE_BYTES = 1 << 26
# What would end a line, move a terminal's cursor, or not go into UTF-8.
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True)
class Members:
    """Names of a group's members, sorted; `problem` says why some may be missing."""

    names: list[str]
    problem: str | None = None


def members_of(group: h5py.Group) -> Members:
    """The names in a group; bytes that are not UTF-8 become surrogates, as in file names."""
    found: list[bytes] = []
    problem = None
    try:
        group.id.links.iterate(found.append)
    except Exception as error:
        problem = f"its members cannot be listed: {one_line(error)}"
    return Members(sorted(map(decoded, found)), problem)


def child_of(group: h5py.Group, name: str) -> Any:
    """Member of a group: a group, dataset or named type.

    KeyError when there is no such name; DatasetError when there is one that cannot be opened
    (damage, a dangling link).
    """
    try:
        exists = group.id.links.exists(encoded(name))
        child = group[encoded(name)] if exists else None
    except Exception as error:
        raise DatasetError(f"{name} cannot be opened: {one_line(error)}") from error
    if not exists:
        raise KeyError(name)
    return child


class LazyAttributes(Mapping[str, Any]):
    """The attributes of a group or dataset, each read when it is first asked for.

    Values are Python's own (fixed-length strings become str too); an array stays one. DatasetError
    for one that is unreadable. `problem` says why names may be missing. A station has hundreds of
    attributes; most readers want a few.
    """

    def __init__(self, node: h5py.Group | h5py.Dataset) -> None:
        """Take the names; `node` must stay open."""
        self._node = node
        self._values: dict[str, Any] = {}
        self._forms: dict[str, str] = {}
        self._opened: tuple[str, h5a.AttrID] | None = None
        self.problem: str | None = None
        found: list[bytes] = []
        try:
            h5a.iterate(node.id, found.append)
        except Exception as error:
            self.problem = f"its attributes cannot be listed: {one_line(error)}"
        self._names = {decoded(name): name for name in found}

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            is_simple = self.form(name) in SIMPLE_FORMS
            look = _simple_value if is_simple else lambda _: self._node.attrs[self._names[name]]
            self._values[name] = self._guarded(name, look)
            self._opened = None
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def form(self, name: str) -> str:
        """How the file holds it: text, text of fixed length, float, integer, or other words.

        Ask before the value of an attribute that may be damaged: HDF5 itself can crash on reading
        one that a damaged byte has made a list of something.
        """
        if name not in self._forms:
            self._forms[name] = self._guarded(name, _form_of)
        return self._forms[name]

    def simple(self, name: str, default: Any = None) -> Any:
        """Its text or number, `default` without such a name; DatasetError for anything else."""
        if name not in self._names:
            return default
        form = self.form(name)
        if form not in SIMPLE_FORMS:
            raise DatasetError(f"attribute {name} is {form}")
        return self[name]

    def _guarded(self, name: str, look: Callable[[h5a.AttrID], _Seen]) -> _Seen:
        stored_name = self._names[name]
        try:
            # Mostly its form was looked at just before: opening it takes as long as reading it.
            if self._opened is None or self._opened[0] != name:
                attribute = h5a.open(self._node.id, stored_name)
                if attribute.get_storage_size() > MAX_ATTRIBUTE_BYTES:
                    raise ValueError(f"it claims {attribute.get_storage_size()} bytes")
                self._opened = name, attribute
            return look(self._opened[1])
        except Exception as error:
            place = self._node.name if self._node else "a closed file"
            reason = f"attribute {name} of {place} is unreadable: {one_line(error)}"
            raise DatasetError(reason) from error


def as_float(value: Any) -> float | None:
    """A finite number, or None for anything else (missing, NaN, an array, not a number)."""
    if isinstance(value, np.ndarray):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def one_line(message: object) -> str:
    """A message or a name of the file, in one line that every terminal and file can show."""
    text = message.args[0] if isinstance(message, KeyError) and message.args else message
    spaced = re.sub(r"[\t\r\n]+ *", " ", str(text))
    escaped = _NOT_TEXT.sub(lambda found: ascii(found.group())[1:-1], spaced)
    return escaped or type(message).__name__


def _form_of(attribute: h5a.AttrID) -> str:
    extent = attribute.get_space().get_simple_extent_type()
    if extent == h5s.NULL:
        return "empty"
    if extent != h5s.SCALAR:
        return f"an array of shape {attribute.shape}"
    kind = attribute.get_type()
    if isinstance(kind, h5t.TypeStringID):
        return TEXT if kind.is_variable_str() else FIXED_TEXT
    if isinstance(kind, h5t.TypeFloatID):
        return FLOAT
    return INTEGER if isinstance(kind, h5t.TypeIntegerID) else "neither text nor number"


def _simple_value(attribute: h5a.AttrID) -> str | float | int:
    """A text or number. h5py's own reading, made for any kind of value, takes twice as long."""
    kind = attribute.get_type()
    if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str():
        text = np.empty((), dtype=object)
        attribute.read(text)
        return bytes(text[()] or b"").decode("utf-8", "surrogateescape")
    number = np.empty((), dtype=kind.dtype)
    attribute.read(number)
    value: str | float | int | bytes = number.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def decoded(name: bytes) -> str:
    """A name of the file as text; bytes that are not UTF-8 become surrogates, as in file names."""
    return name.decode("utf-8", "surrogateescape")


def encoded(name: str) -> bytes:
    """The inverse of `decoded`."""
    return name.encode("utf-8", "surrogateescape")
