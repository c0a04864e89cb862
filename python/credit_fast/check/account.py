"""The account and the table beside a data set, against what the file itself holds.

Counts the groups, waveforms and pick rows of the file and compares the counts with the account
(`<stem>.report.json`), and each row of the table (`<stem>.csv`) with the record that it names.
Knows neither archive nor windows: whether the account tells why something is missing is nothing
that a file can show.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from sys import intern
from typing import Any

from credit_fast.account.account_state import add_state
from credit_fast.account.accounting import (
    NO_DATA,
    PARTIAL,
    REFUSED,
    WRITTEN,
    MakeH5Report,
    sum_faults,
)
from credit_fast.account.files import OutputNames, is_table, lines_of
from credit_fast.account.table import FATE, read_table, row_of
from credit_fast.account.trace_row import Origin, TraceFacts, Waveform
from credit_fast.check.report import DIFFERENT, EXTRA, MISSING, UNREADABLE, CheckReport
from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout
from credit_fast.hdf5.reader import Dataset, EventRecord, StationRecord
from credit_fast.station_records.noise import is_noise_id
from credit_fast.station_records.plan import EventPlan
from credit_fast.station_records.settings import Settings

__all__ = ["AccountCheck", "beside"]

ACCOUNT, TABLE = "account", "table"  # levels of the findings
_LISTED = 4  # cells in one finding
_COMPLETENESS = re.compile(r"trace_(.)_completeness")
_ARRIVAL = re.compile(r"trace_(.+)_arrival_sample")
MAGNITUDE_TYPE = "source_magnitude_type"  # the file has it in the event's line, or nowhere
_WITH_WAVEFORM = (WRITTEN, PARTIAL)


def beside(path: str | os.PathLike[str]) -> tuple[Path | None, Path | None]:
    """Account and table that lie beside a data set: `out.report.json` and `out.csv` of `out.h5`.

    None for one that is not there; a CSV file whose first column is no `trace_name` is another
    thing.
    """
    names = OutputNames(Path(path))
    account = names.report if names.report.is_file() else None
    return account, names.table if names.table.is_file() and is_table(names.table) else None


class AccountCheck:
    """One check of a data set's account and table; `run` adds what it finds to the report.

    `expect` is told every event of the catalogue before. Either path may be None.

    `settings` are those that the account names, None without. `kept` are the ids of events that an
    update left in the file although its catalogue did not have them. `year` is the part of the
    catalogue that the data set was made of, None for all of it.
    """

    def __init__(self, report: CheckReport, account: Path | None, table: Path | None) -> None:
        self._report = report
        report.account = None if account is None else str(account)
        report.table = None if table is None else str(table)
        self._table = table
        self._path = account
        self._account = None if account is None else self._read_account(account)
        self.settings = self._read_settings()
        self.kept = self._read_kept()
        year = (self._account or {}).get("year")
        self.year = year if isinstance(year, int) else None
        letters = str((self._account or {}).get("components", layout.ORIENTATIONS))
        self._expected = MakeH5Report("", "", 0.0, None, letters)
        # Stations that no pick names are in no catalogue, and in the file only with data.
        self._at_least = self.settings is not None and self.settings.all_stations
        self._counted = _Counts()
        self._unlisted: dict[str, set[str]] = {}
        self._event: tuple[str, EventRecord | None] = ("", None)
        self._fates: Counter[str] = Counter()
        self._noise_fates: Counter[str] = Counter()

    def expect(self, plan: EventPlan) -> None:
        """Count an event of the catalogue, with all that it names."""
        named = [station for station in plan.stations if station.is_named]
        self._expected.expect(replace(plan, stations=named))

    def run(self, dataset: Dataset) -> None:
        """Walk the table, then what it did not name, and compare the counts."""
        self._expect_kept(OutputNames(Path(dataset.path)).events)
        if self._table is not None:
            self._walk_table(dataset, self._table)
        for evid in dataset.events():
            if evid not in self._unlisted:
                self._open(dataset, evid)
        if self._table is not None:
            for evid, names in self._unlisted.items():
                for name in sorted(names):
                    self._report.add(MISSING, TABLE, f"/{evid}/{name}", "the table has no row")
        if self._account is not None and self._path is not None:
            try:
                self._compare_account(self._account, Path(dataset.path).stat().st_size)
            except (KeyError, TypeError, AttributeError) as error:
                text = f"it is no account of makeh5: {type(error).__name__} {error}"
                self._report.add(UNREADABLE, ACCOUNT, str(self._path), text)

    # ---- the account

    def _read_account(self, path: Path) -> dict[str, Any] | None:
        try:
            account = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:  # no JSON, or no UTF-8
            self._report.add(UNREADABLE, ACCOUNT, str(path), f"it is no JSON: {error}")
            return None
        if not isinstance(account, dict):
            self._report.add(UNREADABLE, ACCOUNT, str(path), "it is no account of makeh5")
            return None
        return account

    def _read_settings(self) -> Settings | None:
        given = (self._account or {}).get("settings")
        if given is None:
            return None
        try:
            return Settings.from_dict(given)
        except (ValueError, TypeError) as error:
            self._report.add(UNREADABLE, ACCOUNT, str(self._path), str(error))
            return None

    def _read_kept(self) -> set[str]:
        given = (self._account or {}).get("events_not_in_catalog", [])
        return set(map(str, given)) if isinstance(given, list) else set()

    def _expect_kept(self, lines: Path) -> None:
        """Count what was said of the kept events when they were made: no catalogue has them."""
        if not self.kept:
            return
        missed = set(self.kept)
        try:
            for line in lines_of(lines):
                if line.get("id") in missed:
                    missed.remove(line["id"])
                    add_state(self._expected, line["account"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._report.add(UNREADABLE, ACCOUNT, str(lines), f"{type(error).__name__}: {error}")
        self._at_least |= bool(missed)

    def _compare_account(self, account: dict[str, Any], size_bytes: int) -> None:
        levels, phases, stored = account["levels"], account["picks_by_phase"], account["in_file"]
        for text in sum_faults(levels, phases):
            self._differs("sums", text)
        counted = self._counted
        for name, number in counted.nodes.items():
            self._same(f"{name} in the file", stored[name], number, "the file has")
        for phase in sorted(stored["picks_by_phase"].keys() | counted.rows.keys()):
            told = stored["picks_by_phase"].get(phase, 0)
            self._same(f"pick rows of {phase} in the file", told, counted.rows[phase], "it has")
        for name, number in counted.with_waveform.items():
            level = levels.get(name, {"written": 0, "partial": 0})
            told = level["written"] + level["partial"]
            self._same(f"{name} written or partial", told, number, "with a waveform the file has")
        for name, level in self._expected.levels.items():
            self._total(name, levels[name]["total"], level.total)
        for phase in sorted(phases.keys() | self._expected.picks_by_phase.keys()):
            tally = self._expected.picks_by_phase.get(phase)
            told = phases.get(phase, {"total": 0})["total"]
            self._total(f"picks of {phase}", told, tally.total if tally else 0)
        self._compare_fates(phases)
        if self._table is not None:
            names = {WRITTEN: "written", PARTIAL: "partial", NO_DATA: "no_data", REFUSED: "refused"}
            for fate, name in names.items():
                told = levels["station records"][name]
                self._same(f"station records, {fate}", told, self._fates[fate], "the table has")
                told = levels.get("noise", {name: 0})[name]
                self._same(f"noise, {fate}", told, self._noise_fates[fate], "the table has")
        self._same("size in bytes", account["size_bytes"], size_bytes, "the file has")

    def _compare_fates(self, phases: dict[str, Any]) -> None:
        """Picks with and without a real sample at their time, as far as the file has the time.

        Further rows of a phase, amplitudes and rows that were refused have none there: so many may
        be counted beyond those with a time.
        """
        counted = self._counted
        for part, timed in (("written", counted.on_samples), ("partial", counted.off_samples)):
            for phase, tally in sorted(phases.items()):
                if tally[part] < timed[phase]:
                    text = f"{phase}: {tally[part]}, by the times in the file {timed[phase]}"
                    self._differs(f"picks {part}", text)
            by_phase: Counter[str] = Counter()
            most: Counter[str] = Counter()
            for phase, tally in phases.items():
                by_phase[phase.partition(" ")[0]] += tally[part]
                most[phase.partition(" ")[0]] += timed[phase]
            for phase, number in sorted(by_phase.items()):
                if number > most[phase] + counted.untimed[phase]:
                    text = f"{phase}: {number}, by the times in the file {most[phase]}"
                    if counted.untimed[phase]:
                        text += f" and at most {counted.untimed[phase]} rows without a time there"
                    self._differs(f"picks {part}", text)

    def _same(self, what: str, told: object, number: int, words: str) -> None:
        if told != number:
            self._differs(what, f"{told}, {words} {number}")

    def _total(self, name: str, told: int, number: int) -> None:
        if not self._at_least or told < number:
            self._same(f"{name}, total", told, number, "the catalogue has")

    def _differs(self, what: str, text: str) -> None:
        self._report.add(DIFFERENT, ACCOUNT, f"{self._path} {what}", text)

    # ---- the table

    def _walk_table(self, dataset: Dataset, path: Path) -> None:
        try:
            with path.open(encoding="utf-8", newline="") as file:
                for line, row in read_table(file):
                    self._report.table_rows += 1
                    self._check_row(dataset, f"{path}:{line}", row)
        except (ValueError, KeyError) as error:  # no table, or no UTF-8
            text = f"no column {error}" if isinstance(error, KeyError) else str(error)
            self._report.add(UNREADABLE, TABLE, str(path), text)

    def _check_row(self, dataset: Dataset, place: str, row: dict[str, str]) -> None:
        name, fate = row["trace_name"], row[FATE[0]]
        is_noise = is_noise_id(name.partition("/")[0])
        (self._noise_fates if is_noise else self._fates)[fate] += 1
        if not name:
            # One without data has no group where no pick names its station; a row of the file that
            # no row of the table names is a finding of its own.
            if fate not in (REFUSED, NO_DATA):
                text = f"a record that is {fate or 'without fate'} has no trace_name"
                self._report.add(DIFFERENT, TABLE, place, text)
            return
        evid, _, station_id = name.rpartition("/")
        place = f"{place} /{name}"
        event = self._open(dataset, evid)
        record = None if event is None else event.stations.get(station_id)
        if event is None or record is None:
            self._report.add(EXTRA, TABLE, place, "the file has no such record")
            return
        if station_id not in self._unlisted[evid]:
            self._report.add(EXTRA, TABLE, place, "an earlier row has the same record")
        self._unlisted[evid].discard(station_id)
        try:
            facts = TraceFacts.of_stored(Origin.of_record(event), record)
            again = row_of(facts, *_shape(row))
        except ValueError as error:  # DatasetError is one
            self._report.add(UNREADABLE, TABLE, place, str(error))
            return
        texts = [
            f"{column} is {row[column] or 'empty'}, of the file it is "
            + (again.get(column) or "empty")
            for column in row
            if column not in FATE
            and not _same_cell(row[column], again.get(column, ""))
            and (again.get(column) or column != MAGNITUDE_TYPE)
        ]
        if (fate in _WITH_WAVEFORM) != (facts.waveform is not None):
            has = "no waveform" if facts.waveform is None else "a waveform"
            texts.append(f"{FATE[0]} is {fate or 'empty'}, the record has {has}")
        if fate in _WITH_WAVEFORM and (fate == PARTIAL) != _is_positive(row[FATE[2]]):
            texts.append(f"{FATE[0]} is {fate} with {FATE[2]} {row[FATE[2]] or 'empty'}")
        if texts:
            more = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
            self._report.add(DIFFERENT, TABLE, place, "; ".join(texts[:_LISTED]) + more)

    # ---- the file

    def _open(self, dataset: Dataset, evid: str) -> EventRecord | None:
        """An event of the file, counted when it is seen first; None when there is none to read."""
        if self._event[0] != evid:
            try:
                event = dataset.event(evid)
            except (KeyError, DatasetError):  # told where events are checked
                event = None
            self._event = (evid, event)
            if event is not None and evid not in self._unlisted:
                self._unlisted[evid] = {intern(name) for name in event.stations}
                self._counted.add(event)
        return self._event[1]


class _Counts:
    """What a file holds, counted event by event."""

    def __init__(self) -> None:
        self.nodes = {"events": 0, "station records": 0, "components": 0}
        self.with_waveform = {"events": 0, "station records": 0, "components": 0, "noise": 0}
        self.rows: Counter[str] = Counter()
        self.on_samples: Counter[str] = Counter()
        self.off_samples: Counter[str] = Counter()
        self.untimed: Counter[str] = Counter()

    def add(self, event: EventRecord) -> None:
        """Count an event with all of its stations."""
        self.nodes["events"] += 1
        self.nodes["station records"] += len(event.stations)
        has_waveform, is_noise = False, is_noise_id(event.evid)
        for record in event.stations.values():
            number = len(record.components) + len(record.undated)
            has_waveform |= number > 0
            self.nodes["components"] += number
            if is_noise:
                continue
            self.with_waveform["components"] += number
            self.with_waveform["station records"] += number > 0
            self.rows.update(map(layout.phase_of, record.types))
            if number:
                self._add_picks(record)
        self.with_waveform["noise" if is_noise else "events"] += has_waveform

    def _add_picks(self, record: StationRecord) -> None:
        try:
            waveform = Waveform.of_stored(record)
        except ValueError:  # its components differ: a finding of its own
            waveform = None
        timed: Counter[str] = Counter()
        for key, time in record.picks.items():
            phase = layout.phase_of(key)
            try:
                row_type = str(record.attrs.simple(f"{key}.phasetype", layout.TRAVTIME))
            except DatasetError:
                row_type = layout.TRAVTIME
            name = phase if row_type == layout.TRAVTIME else f"{phase} {row_type}"
            if waveform is not None:
                timed[phase] += 1
                real = waveform.has_sample_at(time.ns)
                (self.on_samples if real else self.off_samples)[name] += 1
        rows = Counter(map(layout.phase_of, record.types))
        self.untimed.update({phase: rows[phase] - timed[phase] for phase in rows})


def _shape(columns: Iterable[str]) -> tuple[str, list[str]]:
    """Component letters and phases that a table has columns for."""
    letters = "".join(found[1] for name in columns if (found := _COMPLETENESS.fullmatch(name)))
    phases = [found[1] for name in columns if (found := _ARRIVAL.fullmatch(name))]
    return letters, phases


def _same_cell(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-9)
    except ValueError:
        return False


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
