"""The account of a part of a run as JSON, and accounts of parts added up.

A run that was stopped finds in its journal what the events before had counted. Only what events
count goes into it: what a catalogue or a station file says is known again when they are read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

from credit_fast.account.accounting import MakeH5Report, Refusal, Tally

__all__ = ["add_state", "as_state"]

#: What a report has of its inputs and of the run as a whole.
_NOT_OF_EVENTS = frozenset(
    {
        "path",
        "catalog",
        "settings",
        "range_s",
        "rate_hz",
        "orientations",
        "events_kept",
        "noise_asked",
        "phases_asked",
        "unplaced_stations",
        "events_not_in_catalog",
        "catalog_problems",
        "catalog_warnings",
        "station_problems",
        "size_bytes",
        "seconds",
    }
)


def as_state(report: MakeH5Report) -> dict[str, Any]:
    """All counts and lists of a report that are not empty, as JSON can hold them."""
    state = {}
    for name, value in _of_events(report):
        if isinstance(value, Tally):
            value = _tally_state(value)
        elif isinstance(value, dict) and not isinstance(value, Counter):
            value = {key: _tally_state(tally) for key, tally in value.items()}
        elif isinstance(value, list):
            value = [_line_state(line) for line in value]
        if value:
            state[name] = value
    return state


def add_state(report: MakeH5Report, state: dict[str, Any]) -> None:
    """Add to a report what `as_state` gave of another. KeyError for what no report has."""
    known = dict(_of_events(report))
    for name, value in state.items():
        mine = known[name]
        if isinstance(mine, Tally):
            _add_tally(mine, value)
        elif isinstance(mine, Counter):
            mine.update(value)
        elif isinstance(mine, dict):
            for key, tally in value.items():
                _add_tally(mine.setdefault(key, Tally()), tally)
        elif isinstance(mine, list):
            mine.extend(Refusal(*line) if isinstance(line, list) else line for line in value)
        else:
            setattr(report, name, mine + value)


def _of_events(report: MakeH5Report) -> list[tuple[str, Any]]:
    return [
        (field.name, getattr(report, field.name))
        for field in fields(report)
        if field.name not in _NOT_OF_EVENTS
    ]


def _tally_state(tally: Tally) -> dict[str, Any]:
    state = {field.name: getattr(tally, field.name) for field in fields(tally)}
    return {name: value for name, value in state.items() if value}


def _add_tally(tally: Tally, state: dict[str, Any]) -> None:
    for name, value in state.items():
        mine = getattr(tally, name)
        if isinstance(mine, Counter):
            mine.update(value)
        else:
            setattr(tally, name, mine + value)


def _line_state(line: Any) -> Any:
    return [line.level, line.name, line.reason] if isinstance(line, Refusal) else line
