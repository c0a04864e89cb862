"""The testh5 job: what may not be overwritten, the walk over catalogue and file, the order of it.

Collects every difference and goes on to the end, whatever is damaged. Repairs nothing. What a
group should hold is asked from `station_records.plan` and `hdf5.layout`, what it holds from
`hdf5.reader`, so writer and checker cannot drift apart unseen.
"""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import h5py

from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.check.account import AccountCheck, beside
from credit_fast.check.attributes import compare_attributes
from credit_fast.check.noise import read_noise_plan
from credit_fast.check.output import text_output
from credit_fast.check.report import DIFFERENT, EXTRA, MISSING, UNREADABLE, CheckReport
from credit_fast.check.samples import ArchiveCheck
from credit_fast.check.stations import check_station
from credit_fast.client import Client
from credit_fast.data_warnings import collected_warnings
from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout
from credit_fast.hdf5.nodes import LazyAttributes, child_of, members_of
from credit_fast.hdf5.reader import Dataset, open_dataset, read_station
from credit_fast.progress import work_progress
from credit_fast.station_records.cut import WaveformSource
from credit_fast.station_records.noise import Quiet, TakenWindows, is_noise_id
from credit_fast.station_records.plan import EventPlan, StationPlan, plan_events, plan_unpicked
from credit_fast.station_records.selection import Selection, is_choice
from credit_fast.station_records.settings import Settings
from credit_fast.stations import read_stations

__all__ = ["testh5"]

PathLike = str | os.PathLike[str]
_LOOKED_AT = 1000  # components, to tell who made the file


def testh5(
    path: PathLike,
    catalog: PathLike | Catalog,
    *,
    stats: PathLike | None = None,
    stations: PathLike | StationTable | None = None,
    index: PathLike | WaveformSource | None = None,
    range_s: float | None = None,
    settings: Settings | None = None,
    sample: int = 200,
    seed: int = 0,
    report: PathLike | None = None,
    table: PathLike | None = None,
    progress: bool = True,
) -> CheckReport:
    """Compare a CREDIT HDF5 file with its catalogue, and a sample of it with the archive.

    Files of the toolkit before makeh5 can be checked too: of a component only `btime` and `delta`
    are required, of an event and a pick what that toolkit wrote, and unknown attributes are no
    fault (the list is in `credit_fast.check.attributes`). In a file of makeh5 all attributes that
    it writes are required; it is one when any component has `waveform_length_sample`, `gaps` or
    `completeness`.

    Parameters
    ----------
    path, catalog
        The file, and the catalogue file (or what `read_catalog` returned) that it was made from.
    stats
        File for the complete text report. It is written beside and then renamed: replaced when it
        exists, never half there, and never one of the other files named here.
    stations
        Station file, or what `read_stations` returned: compares the coordinates too.
    index
        Index file, or an object with `get_waveforms`: `sample` station records, chosen by chance
        from `seed`, are cut again, by the rules of makeh5, and every sample, the start and the
        interval compared. What is damaged in the archive is listed in the report.
    range_s
        Seconds before the first and after the last pick that the file was made with. Without it a
        and without an account, a record is compared over the time that it covers and its picks, and
        one that was shortened looks whole.
    settings
        The settings that makeh5 was given, range included: the file is checked against all of
        them. Without them, against those that the account names, with `range_s` if that is given;
        without an account, against what makeh5 does unless it is told otherwise.
    report, table
        The account and the table that makeh5 wrote with the file: every count of the account, and
        every row of the table, is compared with what the file holds. By default
        `<stem>.report.json` and `<stem>.csv` beside the file, where they are.
    progress
        Show a bar on standard error when that is a terminal.

    Raises ValueError for an argument out of its range or a `stats` that is an input;
    FileNotFoundError, PermissionError, DatasetError, CatalogError, IndexFormatError when the check
    cannot be made, and OSError when `stats` cannot be written, all before the check starts.
    Whatever is wrong inside the file is a finding.
    """
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a folder: expected one data set, as a file of it")
    if sample < 0:
        raise ValueError(f"sample {sample}: expected 0 or more station records")
    if range_s is not None and not 0 <= range_s < 1e6:
        raise ValueError(f"range_s {range_s}: expected 0 to 1000000 seconds")
    if range_s is not None and settings is not None:
        raise ValueError("a range is one of the settings: give one or the other")
    if range_s is not None and index is None:
        raise ValueError("a range is for the comparison with the archive: it needs an index too")
    beside_it = beside(path)
    account_path = beside_it[0] if report is None else _existing(report, "account")
    table_path = beside_it[1] if table is None else _existing(table, "table")
    if stats is not None:
        inputs: list[object] = [path, catalog, stations, index, account_path, table_path]
        _check_stats(Path(stats), inputs)
    with text_output(stats) as write:
        if isinstance(catalog, str | os.PathLike):
            catalog = read_catalog(catalog, compact=True)
        events = catalog
        places = read_stations(stations) if isinstance(stations, str | os.PathLike) else stations
        source = Client(index) if isinstance(index, str | os.PathLike) else index
        found = CheckReport(os.fspath(path), str(events.path))
        account = None
        if account_path is not None or table_path is not None:
            account = AccountCheck(found, account_path, table_path)
            if account.year is not None and events.year is None:
                events = events.of_year(account.year)
            if settings is None and account.settings is not None:
                settings = account.settings
                if range_s is not None:
                    settings, range_s = replace(settings, range_s=range_s), None
        archive = None if source is None else ArchiveCheck(source, range_s, settings)
        selection = Selection(settings or Settings(), places)
        if source is not None:
            selection = Selection.of(selection.settings, places, source)
        chosen = _Chosen(sample if archive else 0, seed)
        _Job(path, events, places, archive, chosen, selection, found, account).run(progress)
        write(str(found))
    return found


testh5.__test__ = False  # type: ignore[attr-defined]  # its name looks like a test to pytest


def _existing(path: PathLike, what: str) -> Path:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{os.fspath(path)}: no such {what} file")
    return Path(path)


def _check_stats(stats: Path, inputs: list[object]) -> None:
    """No input may be overwritten, however it is spelled or linked."""
    for given in inputs:
        named = given.path if isinstance(given, Catalog | StationTable) else given
        if not isinstance(named, str | os.PathLike):
            continue
        path = Path(named)
        same = path.resolve() == stats.resolve()
        if same or (path.exists() and stats.exists() and stats.samefile(path)):
            raise ValueError(f"{stats} is an input: the report needs a name of its own")


def _is_of_makeh5(dataset: Dataset) -> bool:
    """Whether one of the first components has an attribute that the older toolkit never wrote."""
    return any(
        name in attrs
        for attrs in islice(_component_attributes(dataset), _LOOKED_AT)
        for name in (layout.NPTS, layout.GAPS, layout.COMPLETENESS)
    )


def _component_attributes(dataset: Dataset) -> Iterator[LazyAttributes]:
    for evid in dataset.events():
        with suppress(DatasetError, KeyError):  # what is damaged is told where it is checked
            event = child_of(dataset.root, evid)
            for name in members_of(event).names if isinstance(event, h5py.Group) else ():
                with suppress(DatasetError, KeyError):
                    station = child_of(event, name)
                    if isinstance(station, h5py.Group):
                        items = read_station(station, name).components.values()
                        yield from (item.attrs for item in items)


class _Chosen:
    """A fair sample of station records, taken while they pass (reservoir), fixed by the seed."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.records: list[tuple[str, StationPlan]] = []
        self._seen = 0
        self._random = random.Random(seed)

    def offer(self, evid: str, station: StationPlan) -> None:
        """Take the station record, or not."""
        self._seen += 1
        if len(self.records) < self.size:
            self.records.append((evid, station))
        elif self.size:
            number = self._random.randrange(self._seen)
            if number < self.size:
                self.records[number] = (evid, station)


class _Job:
    """One check: the catalogue's events in order, then what only the file has, then samples."""

    def __init__(
        self,
        path: PathLike,
        events: Catalog,
        table: StationTable | None,
        archive: ArchiveCheck | None,
        chosen: _Chosen,
        selection: Selection,
        report: CheckReport,
        account: AccountCheck | None,
    ) -> None:
        self.path = path
        self.events = events
        self.table = table
        self.archive = archive
        self.chosen = chosen
        self.selection = selection
        self.quiet = Quiet((events.whole or events) if selection.settings.noise else [])
        self.taken = TakenWindows()
        self.report = report
        self.is_new = False
        self.account = account

    def run(self, progress: bool) -> None:
        """Fill the report."""
        with collected_warnings() as damaged:
            self._run(progress)
        self.report.damaged_files = list(damaged)

    def _run(self, progress: bool) -> None:
        with open_dataset(self.path) as dataset, work_progress("events", shown=progress) as bar:
            self.is_new = _is_of_makeh5(dataset)
            names = dict.fromkeys(dataset.events())
            task = bar.add_task("testh5", total=len(self.events))
            known: set[str] = set()
            left_out: dict[str, str] = {}
            if self.account is not None:  # the catalogue may have got them meanwhile
                self.account.kept -= {event.event_id for event in self.events}
            for plan in plan_events(self.events, self.selection):
                if self.account is not None:
                    self.account.expect(plan)
                if is_choice(plan.refusal):
                    left_out[plan.event.event_id] = f"left out by choice: {plan.refusal}"
                else:
                    known.add(plan.event.event_id)
                    self._check_event(dataset.root, names, plan)
                bar.advance(task)
            for evid in names:
                if evid in known or self._is_noise(dataset.root, names, evid):
                    continue
                if self.account is not None and evid in self.account.kept:
                    self.report.events_kept += 1
                    continue
                text = left_out.get(evid, "the catalogue has no such event")
                self.report.add(EXTRA, "event", f"/{evid}", text)
            if self.account is not None:
                self.account.run(dataset)
            if self.archive is not None:
                task = bar.add_task("against the archive", total=len(self.chosen.records))
                for evid, station in self.chosen.records:
                    self.archive.compare(self.report, dataset, evid, station)
                    bar.advance(task)

    def _check_event(self, root: h5py.Group, listed: Collection[str], plan: EventPlan) -> None:
        report, evid = self.report, plan.event.event_id
        place = f"/{evid}"
        if plan.duplicate:
            report.duplicate_events += 1
            if "different" in str(plan.refusal):
                report.add(DIFFERENT, "event", place, str(plan.refusal))
            return
        report.expected["event"] += 1
        asked = [item for item in plan.stations if item.is_named and not is_choice(item.refusal)]
        self._expect(asked)
        if plan.refusal is not None:
            report.add(MISSING, "event", place, plan.refusal)
            return
        absent = f"no group, line {plan.event.line} of the catalogue"
        group = self._group(root, evid, "event", place, listed, absent)
        if group is None:
            return
        attrs = LazyAttributes(group)
        if attrs.problem is not None:
            report.add(UNREADABLE, "event", place, attrs.problem)
        for fault in compare_attributes(attrs, layout.event_attributes(plan.event)):
            report.add(fault.kind, "event", place, fault.text)
        members = members_of(group)
        if members.problem is not None:
            report.add(UNREADABLE, "event", place, members.problem)
        known = {station.station_id for station in asked}
        for name in members.names:
            if name in known:
                continue
            station = self._unpicked(plan, name)
            if station is None:
                text = "no pick names this station"
                report.add(EXTRA, "station record", f"{place}/{name}", text)
            else:
                asked.append(station)
                self._expect([station])
        for station in asked:
            self._check_station(group, members.names, evid, station)
        for station in plan.stations:
            # Where the archive has nothing of a station without picks, it has no group.
            if not station.is_named and station.station_id not in members.names:
                self.chosen.offer(evid, station)

    def _is_noise(self, root: h5py.Group, listed: Collection[str], evid: str) -> bool:
        """Whether a group is a window of noise by its name and the settings; then it is checked."""
        if not self.selection.settings.noise or not is_noise_id(evid):
            return False
        try:
            plan = read_noise_plan(child_of(root, evid), evid, self.selection)
        except (KeyError, ValueError):  # a DatasetError is one
            return False
        [station] = plan.stations
        window = station.window(self.selection.settings)
        codes = (station.network, station.station, station.location)
        if window is not None:
            if not self.quiet.is_clear(codes, window):
                self.report.add(DIFFERENT, "event", f"/{evid}", "a pick of its station is near")
            if not self.taken.is_free(codes, window):
                text = "another window of noise of its station overlaps it"
                self.report.add(DIFFERENT, "event", f"/{evid}", text)
            self.taken.take(codes, window)
        self._check_event(root, listed, plan)
        return True

    def _expect(self, stations: list[StationPlan]) -> None:
        expected = self.report.expected
        expected["station record"] += len(stations)
        expected["component"] += len(self.selection.settings.components) * len(stations)
        expected["pick"] += sum(row.asked for station in stations for row in station.rows)

    def _unpicked(self, plan: EventPlan, name: str) -> StationPlan | None:
        """The plan of a group that no pick names; None when it has no reason to be there."""
        codes = name.split(".")
        if not self.selection.settings.all_stations or len(codes) != 3:
            return None
        for station in plan.stations:
            if station.station_id == name:
                return None if station.rows else station
        if tuple(codes[:2]) in {(item.network, item.station) for item in plan.stations}:
            return None
        distance_km = self.selection.distance_km(plan.event, (codes[0], codes[1], codes[2]))
        if distance_km is None or self.selection.is_too_far(distance_km):
            return None
        known = (codes[0], codes[1], codes[2])
        return plan_unpicked(plan.event, known, distance_km, self.selection)

    def _check_station(
        self, event: h5py.Group, listed: Collection[str], evid: str, plan: StationPlan
    ) -> None:
        place = f"/{evid}/{plan.station_id}"
        if plan.refusal is not None:
            self.report.add(MISSING, "station record", place, plan.refusal)
            return
        group = self._group(event, plan.station_id, "station record", place, listed, "no group")
        if group is None:
            return
        record = read_station(group, plan.station_id)
        coordinates = None
        if self.table is not None:
            coordinates = self.table.get(plan.network, plan.station, plan.location)
        check_station(
            self.report,
            place,
            record,
            plan,
            coordinates=coordinates,
            has_table=self.table is not None,
            is_new=self.is_new,
            components=len(self.selection.settings.components),
        )
        if self.archive is not None:
            self.archive.see(record)
        self.chosen.offer(evid, plan)

    def _group(
        self,
        parent: h5py.Group,
        name: str,
        level: str,
        place: str,
        listed: Collection[str],
        absent: str,
    ) -> h5py.Group | None:
        """A group that was found, or None and a finding that says why not."""
        try:
            group = child_of(parent, name)
        except KeyError:
            if name in listed:
                self.report.add(UNREADABLE, level, place, "listed in its group, but not found")
            else:
                self.report.add(MISSING, level, place, absent)
            return None
        except DatasetError as error:
            self.report.add(UNREADABLE, level, place, str(error))
            return None
        if not isinstance(group, h5py.Group):
            self.report.add(UNREADABLE, level, place, "not a readable group")
            return None
        self.report.found[level] += 1
        return group
