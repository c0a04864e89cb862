"""Whether the tools found what is wrong with a synthetic archive: all of it, and nothing else.

Compares reports with the planted faults. Runs no tool, reads no file, prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from credit_fast.account.accounting import MakeH5Report
from credit_fast.check import CheckReport
from credit_fast.errors import Problem
from credit_fast.station_records.plan import NO_TIME
from credit_fast.synthetic.model import SyntheticArchive

__all__ = ["Verdict", "judge_cuts", "judge_reports"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One comparison: which tool, about what, what was planted and what the tool said."""

    tool: str
    subject: str
    planted: str
    found: str

    @property
    def agrees(self) -> bool:
        """Whether the tool said what was planted."""
        return self.planted == self.found


def judge_reports(
    archive: SyntheticArchive,
    index_problems: Sequence[Problem],
    data_set: MakeH5Report,
    check: CheckReport,
) -> list[Verdict]:
    """Compare what makeindex, makeh5 and testh5 reported with the faults of the archive."""
    return [
        _damaged_records(archive, index_problems),
        *_data_set(archive, data_set),
        *_check(archive, check),
    ]


def judge_cuts(archive: SyntheticArchive, n_traces: dict[str, int]) -> list[Verdict]:
    """Compare how many traces a cut around the gap and around the overlap gave, by fault kind."""
    expected = {"gap": "2 traces with the gap between", "overlap": "1 trace without a seam"}
    verdicts = []
    for kind, text in expected.items():
        if archive.faults_of(kind):
            same = n_traces.get(kind) == int(text[0])
            found = text if same else f"{n_traces.get(kind)} traces"
            verdicts.append(Verdict("get_waveforms", kind, text, found))
    return verdicts


def _listed(lines: Sequence[str]) -> str:
    return "; ".join(sorted(lines)) or "none"


def _damaged_records(archive: SyntheticArchive, problems: Sequence[Problem]) -> Verdict:
    planted = [
        f"{fault.path.name} at byte {fault.offset}"
        for fault in archive.faults_of("damaged_record")
        if fault.path is not None
    ]
    found = [f"{Path(problem.path).name} at byte {problem.offset}" for problem in problems]
    return Verdict("makeindex", "damaged records", _listed(planted), _listed(found))


def _gapped_channels(archive: SyntheticArchive) -> str:
    """A lost record leaves a gap like any other."""
    faults = archive.faults_of("gap") + archive.faults_of("damaged_record")
    return str(len({(fault.source_id, fault.event_id) for fault in faults}))


def _data_set(archive: SyntheticArchive, report: MakeH5Report) -> Iterator[Verdict]:
    lost = [f.source_id for f in archive.faults_of("station_without_coordinates")]
    without = _listed(list(report.stations_without_coordinates))
    timeless = str(len(archive.faults_of("pick_without_time")))
    silent = str(len(archive.faults_of("station_without_data")))
    tool = "makeh5"
    yield Verdict(
        tool, "channels with a gap", _gapped_channels(archive), str(report.channels_with_gaps)
    )
    yield Verdict(tool, "overlaps that disagree", "0", str(report.overlap_conflict_channels))
    yield Verdict(tool, "picks without time", timeless, str(report.picks_without_time))
    yield Verdict(tool, "stations without coordinates", _listed(lost), without)
    yield Verdict(tool, "station records without data", silent, str(report.station_records.no_data))
    others = [str(r) for r in report.refusals if r.reason != NO_TIME]
    others += [str(p) for p in report.catalog_problems + report.station_problems]
    yield Verdict(tool, "anything else", "none", _listed(others + report.damaged_files))


def _check(archive: SyntheticArchive, report: CheckReport) -> Iterator[Verdict]:
    planted = [
        f"missing component /{fault.event_id}/{fault.source_id}"
        for fault in archive.faults_of("station_without_data")
    ]
    found = [f"{item.kind} {item.level} {item.place}" for item in report.findings]
    gapped = str(report.components_with_gaps)
    yield Verdict("testh5", "components with a gap", _gapped_channels(archive), gapped)
    yield Verdict("testh5", "findings", _listed(planted), _listed(found))
