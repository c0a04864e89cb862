"""The account of a makeh5 run: what became of every event, station record, component and pick.

Counts, their text, table and JSON forms. Every thing of the catalogue is expected once and then
has exactly one fate, so total = written + partial + no data + refused on every level:

- component: one of those asked for (three) of the asked band. Partial: it lacks samples of the
  asked window.
- station record: partial when even its best component lacks samples of the asked window; refused
  when it has no waveform, although the archive has data, for a reason.
- pick: written when some component has a real sample at its time; partial when its station has a
  waveform that does not cover it. Without a waveform what its station record is: no data, or
  refused for the record's reason. A pick without a usable time is refused.
- event: written when all its station records are (one without picks and without data is none of
  them); partial when at least one has a waveform. When none has: refused for the reason of its
  first refused record, else no data.

What was left out by choice (a phase, a station or an event that was not asked for) is refused, too,
but no problem, and its reason never that of an event of which something was asked.

Windows of noise are counted by themselves, as they are nothing of the catalogue.

Gap seconds are seconds of the asked windows without a sample, summed over what is partial: of a
component its own; of a station record those of its best component; of an event those of its
station records, where one without any waveform lacks its whole window.

No HDF5 and no archive belongs here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from credit_fast.errors import Problem
from credit_fast.hdf5.layout import ORIENTATIONS, RESAMPLED_FROM, ROTATED_FROM, TRAVTIME, phase_of
from credit_fast.station_records.cut import StationCut
from credit_fast.station_records.plan import NO_TIME, EventPlan, PickRow
from credit_fast.station_records.record import WRONG_RATE
from credit_fast.station_records.selection import is_choice

__all__ = ["MakeH5Report", "Refusal", "Tally"]

WRITTEN, PARTIAL, NO_DATA, REFUSED = "written", "partial", "no data", "refused"
EVENT_REFUSED, RECORD_REFUSED = "event refused", "station record refused"
_LISTED = 20
#: Why samples were left out for others of the same times, and how the account says it.
_LEFT_OUT = {"identical": "identical", "version": "by version", "scan": "by scan"}
_LINE_KEPT = ("moved-pick", "warning")  # kinds of catalogue problems that cost no line


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that was refused: its level (event, station record, component, pick) and why."""

    level: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.level} {self.name}: {self.reason}"


@dataclass(slots=True)
class Tally:
    """Fates on one level; `gap_s` are the seconds that the partial ones lack."""

    total: int = 0
    written: int = 0
    partial: int = 0
    no_data: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    gap_s: float = 0.0

    def add(self, fate: str, reason: str = "", gap_s: float = 0.0) -> None:
        """Count one fate; `total` is not touched: it was known before."""
        if fate == WRITTEN:
            self.written += 1
        elif fate == PARTIAL:
            self.partial += 1
            self.gap_s += gap_s
        elif fate == NO_DATA:
            self.no_data += 1
        else:
            self.refused[reason] += 1

    @property
    def n_refused(self) -> int:
        """Number refused for any reason."""
        return sum(self.refused.values())

    @property
    def agrees(self) -> bool:
        """Whether total = written + partial + no data + refused."""
        return self.total == self.written + self.partial + self.no_data + self.n_refused

    def to_dict(self) -> dict[str, Any]:
        """The counts for JSON."""
        return {
            "total": self.total,
            "written": self.written,
            "partial": self.partial,
            "no_data": self.no_data,
            "refused": self.n_refused,
            "refused_by_reason": dict(self.refused),
            "gap_s": round(self.gap_s, 6),
        }


@dataclass(frozen=True, slots=True)
class RecordFate:
    """What became of one station record; `gap_s` are the seconds of its window without samples.

    `left_out`: it was not asked for, or no pick names it, and nothing of its event is missing.
    `is_noise`: it is a window without picks, and no part of an event.
    """

    fate: str
    gap_s: float = 0.0
    reason: str = ""
    left_out: bool = False
    is_noise: bool = False


@dataclass(slots=True)
class MakeH5Report:
    """What `makeh5` did; `str()` is the table in plain text, `to_dict()` the JSON form.

    `picks_by_phase` keeps amplitude and polarity rows apart from arrivals: `Sg`, `Sg AMPLITUD`.

    `event_groups`, `station_groups`, `waveforms` and `rows_by_phase` count what the file has, noise
    too: groups with or without a waveform, components, and pick rows by the phase under which a
    station lists them.

    `failed_records` counts the records that failed their own check, once for each station record
    that they would be part of. `events_waiting` are those for which a file could not be read that
    the index names, or that the machine lacked something for: the same command does them again.
    `events_kept` are those that were there before, unchanged; `events_not_in_catalog` the ids of
    those among them that the catalogue does not have: the totals have them too.

    Overlaps: `overlap_conflict_samples` are those of which the earlier segment was kept, as nothing
    else decides; `overlap_decided_samples`, by reason, those that the archive left out.

    `damage` holds the archive's warnings, with the file's name, and how many station records met
    each;
    `catalog_problems` and `station_problems` the refused lines of those files,
    `catalog_warnings` the catalogue's lines that were kept although something is odd.
    """

    path: str
    catalog: str
    range_s: float
    rate_hz: float | None
    orientations: str = ORIENTATIONS
    events: Tally = field(default_factory=Tally)
    station_records: Tally = field(default_factory=Tally)
    components: Tally = field(default_factory=Tally)
    picks: Tally = field(default_factory=Tally)
    picks_by_phase: dict[str, Tally] = field(default_factory=dict)
    noise: Tally = field(default_factory=Tally)
    noise_asked: int = 0
    phases_asked: tuple[str, ...] = ()
    event_groups: int = 0
    station_groups: int = 0
    waveforms: int = 0
    rows_by_phase: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    duplicate_events: int = 0
    stations_without_coordinates: Counter[str] = field(default_factory=Counter)
    unplaced_stations: list[str] = field(default_factory=list)
    stations_without_channel: int = 0
    other_orientations: Counter[str] = field(default_factory=Counter)
    records_with_other_orientations: int = 0
    picks_without_time: int = 0
    repeated_picks: int = 0
    channels_with_gaps: int = 0
    failed_channels: int = 0
    failed_records: int = 0
    overlap_conflict_channels: int = 0
    overlap_conflict_samples: int = 0
    overlap_decided_channels: int = 0
    overlap_decided_samples: Counter[str] = field(default_factory=Counter)
    float_kept: int = 0
    float_whole: int = 0
    float_rounded: int = 0
    turned: int = 0
    resampled: int = 0
    wrong_rate: int = 0
    events_waiting: int = 0
    damage: Counter[str] = field(default_factory=Counter)
    events_kept: int = 0
    events_not_in_catalog: list[str] = field(default_factory=list)
    catalog_problems: list[Problem] = field(default_factory=list)
    catalog_warnings: list[Problem] = field(default_factory=list)
    station_problems: list[Problem] = field(default_factory=list)
    size_bytes: int = 0
    seconds: float = 0.0

    @property
    def levels(self) -> dict[str, Tally]:
        """The levels by name, from events down to picks; windows of noise when there are any."""
        levels = {
            "events": self.events,
            "station records": self.station_records,
            "components": self.components,
            "picks": self.picks,
        }
        return levels | {"noise": self.noise} if self.noise_asked else levels

    @property
    def damaged_files(self) -> list[str]:
        """The archive's warnings, each once."""
        return list(self.damage)

    @property
    def has_problems(self) -> bool:
        """Whether anything was refused or damaged, or not one waveform was found.

        Missing data alone is no problem: it is what archives are like.
        """
        nothing = self.events.total > 0 and not (self.components.written or self.components.partial)
        return bool(
            self.refusals
            or self.damage
            or self.events_waiting
            or self.catalog_problems
            or self.station_problems
            or nothing
        )

    def for_one_event(self) -> MakeH5Report:
        """An empty account by the same settings."""
        return MakeH5Report(self.path, self.catalog, self.range_s, self.rate_hz, self.orientations)

    def take_catalog_problems(self, problems: list[Problem]) -> None:
        """Sort a catalogue's problems into refused lines and kept ones.

        A repeated event id is neither: that event is counted by itself.
        """
        self.catalog_warnings = [item for item in problems if item.kind in _LINE_KEPT]
        left_out = (*_LINE_KEPT, "duplicate-event")
        self.catalog_problems = [item for item in problems if item.kind not in left_out]

    def expect(self, plan: EventPlan) -> None:
        """Add an event and all that it names to the totals."""
        if plan.is_noise:
            self.noise.total += 1
            return
        self.events.total += 1
        self.duplicate_events += plan.duplicate
        for station in plan.stations:
            self.station_records.total += 1
            self.components.total += len(self.orientations)
            for row in station.rows:
                for tally in self._pick_tallies(row):
                    tally.total += 1

    def refuse_event(self, plan: EventPlan) -> None:
        """Count an event that gets no group, with all that it names."""
        reason = "duplicate event id" if plan.duplicate else str(plan.refusal)
        name = plan.event.event_id or f"of line {plan.event.line}"
        self._refuse(self.events, "event", name, reason, str(plan.refusal))
        for station in plan.stations:
            self.station_records.add(REFUSED, EVENT_REFUSED)
            for _ in self.orientations:
                self.components.add(REFUSED, EVENT_REFUSED)
            for row in station.rows:
                self._count_pick(row, REFUSED, EVENT_REFUSED if row.asked else str(row.refusal))

    def count_event(self, records: list[RecordFate]) -> None:
        """Count an event by what became of each of its station records that were asked for."""
        self.event_groups += 1
        if any(record.is_noise for record in records):
            return
        records = [record for record in records if not record.left_out]
        fates = {record.fate for record in records}
        if fates == {WRITTEN}:
            self.events.add(WRITTEN)
        elif fates & {WRITTEN, PARTIAL}:
            self.events.add(PARTIAL, gap_s=sum(record.gap_s for record in records))
        else:
            reasons = (record.reason for record in records if record.fate == REFUSED)
            reason = next(reasons, None)
            self.events.add(NO_DATA if reason is None else REFUSED, reason or "")

    def count_station(self, evid: str, cut: StationCut, *, coordinates: bool) -> RecordFate:
        """Count a station record, its components and picks; returns what became of it."""
        name = f"{evid}/{cut.plan.station_id}"
        if cut.has_group:
            self.station_groups += 1
            self.rows_by_phase.update(map(phase_of, cut.plan.keys))
        if cut.record is not None:
            self.waveforms += len(cut.record.components)
        self.stations_without_channel += cut.any_band
        self.records_with_other_orientations += bool(cut.others)
        self.other_orientations.update(cut.others)
        if not coordinates and not is_choice(cut.plan.refusal):
            self.stations_without_coordinates[cut.plan.station_id] += 1
        if not cut.plan.is_noise:
            self._count_components(name, cut)
            for row in cut.plan.rows:
                self._count_station_pick(name, row, cut)
        self.failed_channels += len(cut.failed_records)
        self.failed_records += sum(cut.failed_records.values())
        self.damage.update(list(cut.problems))
        for reasons in cut.overlaps.values():
            self.overlap_decided_channels += 1
            self.overlap_decided_samples.update(reasons)
        return self._count_record(name, cut)

    def _count_record(self, name: str, cut: StationCut) -> RecordFate:
        """Count a station record, one of noise on a level of its own."""
        is_noise = cut.plan.is_noise
        tally, level = (
            (self.noise, "noise") if is_noise else (self.station_records, "station record")
        )
        if cut.record is not None and cut.has_waveform:
            gap_s = min(part.missing_s for part in cut.record.components.values())
            fate = PARTIAL if gap_s > 0 else WRITTEN
            tally.add(fate, gap_s=gap_s)
            return RecordFate(fate, gap_s, is_noise=is_noise)
        gap_s = 0.0 if cut.window_ns is None else (cut.window_ns[1] - cut.window_ns[0]) / 1e9
        if cut.refusal is not None:
            self._refuse(tally, level, name, cut.refusal)
            left_out = is_choice(cut.plan.refusal)
            return RecordFate(REFUSED, gap_s, cut.refusal, left_out, is_noise)
        tally.add(NO_DATA)
        return RecordFate(NO_DATA, gap_s, left_out=not cut.plan.rows, is_noise=is_noise)

    def _count_components(self, name: str, cut: StationCut) -> None:
        components = cut.record.components if cut.record is not None else {}
        refused = cut.record.refused if cut.record is not None else {}
        self.wrong_rate += sum(reason.startswith(WRONG_RATE) for reason in refused.values())
        for channel in cut.expected:
            component = components.get(channel)
            reason = refused.get(channel, None if refused else cut.refusal)
            if component is None and reason is None:
                self.components.add(NO_DATA)
            elif component is None:
                self._refuse(self.components, "component", f"{name}/{channel}", str(reason))
            else:
                fate = PARTIAL if component.missing_s > 0 else WRITTEN
                self.components.add(fate, gap_s=component.missing_s)
                self.channels_with_gaps += bool(component.gaps)
                self.overlap_conflict_channels += component.conflicts > 0
                self.overlap_conflict_samples += component.conflicts
                self.float_kept += component.float_data == "kept"
                self.float_whole += component.float_data == "whole"
                self.float_rounded += component.float_data == "rounded"
                self.turned += ROTATED_FROM in component.notes
                self.resampled += RESAMPLED_FROM in component.notes
                if reason is not None:
                    part = Refusal("part of component", f"{name}/{channel}", reason)
                    self.refusals.append(part)

    def _count_station_pick(self, name: str, row: PickRow, cut: StationCut) -> None:
        self.picks_without_time += row.refusal == NO_TIME
        self.repeated_picks += row.extra > 0
        if not row.asked:
            self._count_pick(row, REFUSED, str(row.refusal))
        elif cut.plan.refusal is not None:
            self._count_pick(row, REFUSED, RECORD_REFUSED)
        elif row.refusal is not None or row.data_ns is None:
            self._count_pick(row, REFUSED, str(row.refusal))
            place = f"{name} {row.pick.key} (line {row.pick.line})"
            self.refusals.append(Refusal("pick", place, str(row.refusal)))
        elif cut.record is None or not cut.has_waveform:
            self._count_pick(row, NO_DATA if cut.refusal is None else REFUSED, cut.refusal or "")
        else:
            real = cut.record.has_sample_at(row.data_ns)
            self._count_pick(row, WRITTEN if real else PARTIAL)

    def _pick_tallies(self, row: PickRow) -> tuple[Tally, Tally]:
        phase, row_type = row.pick.phase, row.pick.row_type
        name = phase if row_type == TRAVTIME else f"{phase} {row_type}"
        return self.picks, self.picks_by_phase.setdefault(name, Tally())

    def _count_pick(self, row: PickRow, fate: str, reason: str = "") -> None:
        for tally in self._pick_tallies(row):
            tally.add(fate, reason)

    def _refuse(
        self, tally: Tally, level: str, name: str, reason: str, detail: str | None = None
    ) -> None:
        tally.add(REFUSED, reason)
        if not is_choice(reason):
            self.refusals.append(Refusal(level, name, detail or reason))

    def disagreements(self) -> list[str]:
        """Which sums do not agree, in words; none in a whole account."""
        tallies = {name: tally.to_dict() for name, tally in self.levels.items()}
        phases = {phase: tally.to_dict() for phase, tally in self.picks_by_phase.items()}
        return sum_faults(tallies, phases)

    def notes(self) -> Iterator[tuple[str, int, str]]:
        """Name, count and remark of each row below the four levels."""
        number = self.noise_asked - self.noise.total
        yield "windows of noise that were not found", number, f"of {self.noise_asked} asked for"
        phases = {name.split()[0] for name in self.picks_by_phase}
        lacking = [phase for phase in self.phases_asked if phase not in phases]
        remark = f"{' '.join(lacking)}; the catalogue has {' '.join(sorted(phases)) or 'none'}"
        yield "phases asked for that no pick has", len(lacking), remark
        yield "duplicate events", self.duplicate_events, "first kept, others refused"
        without = self.stations_without_coordinates
        remark = f"in {sum(without.values())} station records"
        yield "stations without coordinates", len(without), remark
        number = len(self.unplaced_stations)
        yield "archive stations without coordinates", number, "never near an event"
        yield "records whose picks name no channel", self.stations_without_channel, "one band taken"
        remark = f"{' '.join(sorted(self.other_orientations))}: see --components, --orientations"
        number = self.records_with_other_orientations
        yield "records with other orientations only in the archive", number, remark
        yield "picks without time", self.picks_without_time, "their other fields are kept"
        yield "same phase again at a station", self.repeated_picks, "kept as extra rows"
        yield "channels with gaps", self.channels_with_gaps, "filled; see attribute gaps"
        remark = f"{self.failed_records} in all, each a gap"
        yield "channels with records that failed their check", self.failed_channels, remark
        remark = f"{self.overlap_conflict_samples} samples differ; earlier kept"
        yield "channels with overlap conflicts", self.overlap_conflict_channels, remark
        reasons = self.overlap_decided_samples
        remark = ", ".join(
            f"{reasons[reason]} {words}" for reason, words in _LEFT_OUT.items() if reasons[reason]
        )
        yield "channels with samples left out for others", self.overlap_decided_channels, remark
        kinds = (self.float_kept, self.float_whole, self.float_rounded)
        words = ("kept as floats", "whole: int32", "rounded")
        remark = ", ".join(f"{n} {word}" for n, word in zip(kinds, words, strict=True) if n)
        yield "channels of float data", sum(kinds), remark
        yield "channels turned by orientations", self.turned, "see attribute rotated_from"
        yield "channels resampled", self.resampled, "see attribute resampled_from_hz"
        yield "channels with a wrong sampling rate", self.wrong_rate, "refused, whole or in part"
        remark = "something could not be read: run the same command again when it can"
        yield "events that wait for data", self.events_waiting, remark
        yield "events kept from the data set as it was", self.events_kept, ""
        yield "of them not in the catalogue", len(self.events_not_in_catalog), ""
        yield "damaged files", len(self.damage), ""
        yield "catalogue lines refused", len(self.catalog_problems), ""
        yield "catalogue lines kept with a warning", len(self.catalog_warnings), ""
        yield "station file lines refused", len(self.station_problems), ""

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "path": self.path,
            "catalog": self.catalog,
            "range_s": self.range_s,
            "rate_hz": self.rate_hz,
            "components": self.orientations,
            "has_problems": self.has_problems,
            "levels": {name: tally.to_dict() for name, tally in self.levels.items()},
            "disagreements": self.disagreements(),
            "in_file": {
                "events": self.event_groups,
                "station records": self.station_groups,
                "components": self.waveforms,
                "picks_by_phase": dict(sorted(self.rows_by_phase.items())),
            },
            "picks_by_phase": {
                phase: tally.to_dict() for phase, tally in sorted(self.picks_by_phase.items())
            },
            "notes": {name: count for name, count, _ in self.notes()},
            "noise_asked": self.noise_asked,
            "failed_records": self.failed_records,
            "overlap_conflict_samples": self.overlap_conflict_samples,
            "overlap_decided_samples": dict(self.overlap_decided_samples),
            "float_kept": self.float_kept,
            "float_whole": self.float_whole,
            "float_rounded": self.float_rounded,
            "other_orientations": dict(self.other_orientations),
            "stations_without_coordinates": sorted(self.stations_without_coordinates),
            "unplaced_stations": self.unplaced_stations,
            "refusals": [str(refusal) for refusal in self.refusals],
            "damaged_files": list(self.damage),
            "events_kept": self.events_kept,
            "events_not_in_catalog": self.events_not_in_catalog,
            "catalog_problems": [str(problem) for problem in self.catalog_problems],
            "catalog_warnings": [str(problem) for problem in self.catalog_warnings],
            "station_problems": [str(problem) for problem in self.station_problems],
            "size_bytes": self.size_bytes,
            "seconds": round(self.seconds, 3),
        }

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, tally in self.levels.items():
            yield _cells(name, tally, has_gaps=tally is not self.picks)
        for phase, tally in sorted(self.picks_by_phase.items()):
            yield _cells(f"  {phase or '(no phase)'}", tally, has_gaps=False)

    def _details(self) -> Iterator[str]:
        """Reasons with counts, then at most 20 lines of each list."""
        for name, tally in self.levels.items():
            for reason, count in tally.refused.most_common(_LISTED):
                yield f"refused {name}: {count} x {reason}"
        lists: list[tuple[str, list[Any]]] = [
            ("refused", self.refusals),
            ("damaged", list(self.damage)),
            ("catalogue", self.catalog_problems),
            ("catalogue, kept", self.catalog_warnings),
            ("stations", self.station_problems),
        ]
        for title, lines in lists:
            for line in lines[:_LISTED]:
                yield f"{title}: {line}"
            if len(lines) > _LISTED:
                yield f"{title}: ... and {len(lines) - _LISTED} more (all with --json)"

    def __str__(self) -> str:
        heads = ("", "total", "written", "partial", "gap s", "no data", "refused")
        lines = [_plain_row(heads)]
        lines.extend(map(_plain_row, self._rows()))
        lines.append("")
        for name, count, remark in self.notes():
            lines.append(_note_line(name, count, remark))
        lines.extend(self._details())
        lines.append(self._closing())
        return "\n".join(lines)

    def print(self, console: Console) -> None:
        """The same account as a table for a terminal."""
        table = Table(title=f"{self.path}", title_justify="left")
        table.add_column("")
        for head in ("total", "written", "partial", "gap s", "no data", "refused"):
            table.add_column(head, justify="right")
        for row in self._rows():
            table.add_row(*row)
        console.print(table)
        lines = [_note_line(*note) for note in self.notes()]
        for line in (*lines, *self._details(), self._closing()):
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _closing(self) -> str:
        size = f"{self.size_bytes / 1e6:.1f} MB"
        if not self.seconds:
            return f"{self.path}: {size}, done before: nothing was cut"
        rate = self.events.total / self.seconds
        return f"{self.path}: {size} in {self.seconds:.1f} s ({rate:.1f} events/s)"


def sum_faults(
    levels: Mapping[str, Mapping[str, Any]], phases: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Sums that do not agree, of tallies as `Tally.to_dict` gives them: levels, and phases.

    total = written + partial + no data + refused, refused = all of its reasons, and the phases
    together are the picks.
    """
    faults = []
    parts = ("written", "partial", "no_data", "refused")
    for name, tally in (*levels.items(), *phases.items()):
        if tally["total"] != sum(tally[part] for part in parts):
            numbers = ", ".join(f"{part} {tally[part]}" for part in parts)
            faults.append(f"{name}: total {tally['total']}, but {numbers}")
        if tally["refused"] != sum(tally["refused_by_reason"].values()):
            by_reason = sum(tally["refused_by_reason"].values())
            faults.append(f"{name}: refused {tally['refused']}, by reason {by_reason}")
    for part in ("total", *parts):
        number = sum(tally[part] for tally in phases.values())
        if number != levels["picks"][part]:
            faults.append(f"picks: {part} {levels['picks'][part]}, the phases have {number}")
    return faults


def _cells(name: str, tally: Tally, has_gaps: bool) -> tuple[str, ...]:
    """One row of the table; of picks `has_gaps` is False: they have no length."""
    numbers = (tally.total, tally.written, tally.partial)
    gap = f"{tally.gap_s:.2f}" if tally.gap_s or (tally.partial and has_gaps) else ""
    rest = (tally.no_data, tally.n_refused)
    return (name, *map(str, numbers), gap, *map(str, rest))


def _note_line(name: str, count: int, remark: str) -> str:
    return f"{name:<52}{count:>7}  {remark if count else ''}".rstrip()


def _plain_row(cells: tuple[str, ...]) -> str:
    return (f"{cells[0]:<18}" + "".join(f"{cell:>10}" for cell in cells[1:])).rstrip()
