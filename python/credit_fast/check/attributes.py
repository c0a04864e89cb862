"""Attributes of a group against what the layout writes for the catalogue: names, types, values.

What must be there is what the toolkit before makeh5 wrote too: of an event `time lat lon mag depth
type strs`, of a station `types`, and of a pick its time and `.type .phasetype .recordtype
.magsource .magtype .mag .strs .dist .distaz` with the two values of its row type. `.azimuth` is
required only in files of makeh5; the toolkit did not write it. Its text
forms are good: `distaz` in any spelling of the number, or as a number, and in `strs` the -1 and
-123 that it put in place of NONE. Attributes of other names are nobody's fault, unless a reader
would take them for a time, a distance or a part of a pick.

Yields differences; what is made of them is for others.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from credit_fast.check.report import DIFFERENT, EXTRA, MISSING, UNREADABLE
from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout
from credit_fast.hdf5.nodes import (
    FIXED_TEXT,
    FLOAT,
    INTEGER,
    TEXT,
    LazyAttributes,
    as_float,
)

__all__ = ["Difference", "compare_attributes", "extra_attributes"]

_TOLERANCE = 1e-6  # degrees, km, magnitudes: below what any catalogue states
_SHOWN = 60  # characters of a text in a finding
_TOOLKIT_NONE = ("-1", "-123")


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute that is not as it should be; `kind` as in a finding."""

    kind: str
    name: str
    text: str


def compare_attributes(
    attrs: LazyAttributes,
    expected: Iterable[tuple[str, layout.AttributeValue]],
    optional: Collection[str] = (),
) -> Iterator[Difference]:
    """What is missing, different or unreadable among `expected`, in its order.

    A name whose last part is in `optional` may be missing. When the names could not all be listed
    none is called missing.
    """
    for name, value in expected:
        if name not in attrs:
            if attrs.problem is None and name.rpartition(".")[2] not in optional:
                yield Difference(MISSING, name, f"no attribute {name}")
            continue
        try:
            stored, form = attrs.simple(name), attrs.form(name)
        except DatasetError as error:
            yield Difference(UNREADABLE, name, str(error))
            continue
        fault = _type_fault(name, form, value)
        if fault is not None:
            yield Difference(DIFFERENT, name, f"{name} is {fault}")
        elif not _same_value(name, stored, value):
            shown = _shown(str(stored), str(value))
            text = f"{name} is {shown[0]}, in the catalogue {shown[1]}"
            yield Difference(DIFFERENT, name, text)


def extra_attributes(
    attrs: LazyAttributes, expected: Collection[str], *, coordinates: bool
) -> Iterator[Difference]:
    """Attributes that a reader would take for part of the layout, and that nothing accounts for.

    `coordinates` says that longitude, latitude and elevation are accounted for in `expected`.
    """
    for name in attrs:
        if name in expected or (name in layout.STATION_NAMES and not coordinates):
            continue
        is_field = "." in name and name.rpartition(".")[2] in layout.PICK_FIELDS
        is_distance = layout.PICK_DISTANCE in name
        is_known = is_field or is_distance or name in layout.STATION_NAMES
        if is_known or layout.must_be_time(name) or _is_time(attrs, name):
            yield Difference(EXTRA, name, f"attribute {name} has no reason in the catalogue")


def _is_time(attrs: LazyAttributes, name: str) -> bool:
    try:
        if attrs.form(name) not in (TEXT, FIXED_TEXT):
            return False
        layout.parse_time(attrs[name])
    except ValueError:  # a DatasetError is one: damage of a name that means nothing
        return False
    return True


def _type_fault(name: str, form: str, value: layout.AttributeValue) -> str | None:
    """Why readers would get something else than they expect from an attribute of this form."""
    if name.endswith(f".{layout.PICK_DISTANCE_AGAIN}"):
        return None if form in (TEXT, FLOAT, INTEGER) else form
    if isinstance(value, str):
        return None if form == TEXT else f"{form}, expected text of variable length"
    return None if form == FLOAT else f"{form}, expected float"


def _same_value(name: str, stored: Any, value: layout.AttributeValue) -> bool:
    field = name.rpartition(".")[2]
    if isinstance(value, str) and field != layout.PICK_DISTANCE_AGAIN:
        if field == layout.PICK_STRS and stored != value:
            return _same_tokens(stored.split(","), value.split(","))
        return bool(stored == value)
    found, wanted = as_float(stored), float(value)
    if not math.isfinite(wanted):
        # An unknown magnitude has no one form among the programs that write this layout.
        return found is None or found <= -1
    return found is not None and abs(found - wanted) < _TOLERANCE


def _same_tokens(stored: list[str], wanted: list[str]) -> bool:
    return len(stored) == len(wanted) and all(
        found == token or (token == "NONE" and found in _TOOLKIT_NONE)
        for found, token in zip(stored, wanted, strict=True)
    )


def _shown(stored: str, wanted: str) -> tuple[str, str]:
    """Both texts; of long ones the part from a little before the first difference."""
    if max(len(stored), len(wanted)) <= _SHOWN:
        return stored or "empty", wanted or "empty"
    pairs = enumerate(zip(stored, wanted, strict=False))
    shorter = min(len(stored), len(wanted))
    differs = next((number for number, (one, other) in pairs if one != other), shorter)
    first = max(0, differs - _SHOWN // 4)
    cut = [text[first : first + _SHOWN] for text in (stored, wanted)]
    return f"...{cut[0]}...", f"...{cut[1]}..."
