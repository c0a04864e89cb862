"""The export to SeisBench: a folder with `metadata.csv` and `waveforms.hdf5`.

Traces lie in blocks of one length class, training set apart from test set, one HDF5 chunk for each
trace: reading a trace reads nothing else. The format is that of SeisBench's documentation; what
the cells say comes from `account.trace_row`. docs/decisions/0015-table-and-export.md.
"""

from __future__ import annotations

import csv
import json
import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Any, TextIO

import h5py
import numpy as np
import numpy.typing as npt

from credit_fast._core import compress_chunks
from credit_fast.account.table import PHASES
from credit_fast.account.trace_row import TraceFacts, Waveform
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.data_warnings import collected_warnings
from credit_fast.errors import DatasetError, check_threads
from credit_fast.export.folder import check_folder, check_inputs, whole_folder
from credit_fast.export.records import ArchiveRecords, Candidate, DatasetRecords, PathLike
from credit_fast.export.report import ExportReport
from credit_fast.export.splits import check_fractions, split_events
from credit_fast.hdf5 import layout
from credit_fast.hdf5.part_file import part_file
from credit_fast.interrupt import noted_signals
from credit_fast.output_file import left_parts
from credit_fast.progress import work_progress
from credit_fast.station_records.cut import WaveformSource
from credit_fast.station_records.settings import Settings

__all__ = ["export_seisbench"]

METADATA, WAVEFORMS, REPORT = "metadata.csv", "waveforms.hdf5", "export.report.json"
_FILES = (METADATA, WAVEFORMS, REPORT)
SAMPLE_TYPES = ("as-is", "float32", "float64")
COMPONENTS = "ZNE"
#: Samples that wait for their block to fill, over all blocks; beyond it the largest is written.
WAITING_BYTES = 1 << 28
# Length classes of blocks, as SeisBench's own writer makes them: padding is at most a fifth.
_SHORTEST, _GROWTH = 100, 1.2
_LARGEST_CHUNK = (1 << 32) - 1  # bytes, of HDF5
_QUANTITIES = {"H": "velocity", "L": "velocity", "P": "velocity", "N": "acceleration"}

Array = npt.NDArray[Any]


def export_seisbench(
    source: PathLike | WaveformSource,
    out: PathLike,
    *,
    catalog: PathLike | Catalog | None = None,
    stations: PathLike | StationTable | None = None,
    settings: Settings | None = None,
    rate_hz: float | None = None,
    components: str = COMPONENTS,
    split: tuple[float, ...] = (0.8, 0.1, 0.1),
    seed: int = 0,
    rows_per_block: int = 64,
    sample_type: str = "as-is",
    compression_level: int | None = 4,
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> ExportReport:
    """Export a data set, or the windows of a catalogue from an archive, to SeisBench's format.

    Every station record with a waveform becomes one trace of shape (components, samples); an
    absent component is zeros, and `trace_completeness` below 1. An arrival gets a sample number
    where a component of the trace has a real sample at its time. Memory does not grow with the
    number of traces. From the same records the same folder results, whichever way they come.

    Parameters
    ----------
    source
        HDF5 file of makeh5 (or of the toolkit before it); with `catalog` an index file, or an
        object with `get_waveforms`.
    out
        The folder to make. It appears under this name only when it is whole.
    catalog, stations, settings
        With an index: what makeh5 takes, windows of noise too. ValueError for one of them without
        a catalogue. To deal out events, records are cut of each until one has a waveform, so
        that some are cut twice.
    rate_hz
        Leave out traces of another sampling rate; None takes all.
    components
        Orientation letters of the traces, in their order.
    split, seed
        Shares of train, dev and test. Events that have a waveform are dealt out, never records of
        one event; the same events, shares and seed give the same sets.
    rows_per_block
        Traces in one block, at most.
    sample_type
        `as-is`, `float32` or `float64`: SeisBench's augmentations work on floats, and counts beyond
        16,777,216 are no float32.
    compression_level
        gzip level with shuffle, 1 to 9; None stores samples as they are.
    threads
        Threads that cut and compress; default: all cores.
    overwrite
        Replace an existing `out`, if there is nothing in it but an export, with its report.

    Raises
    ------
    FileExistsError, NotADirectoryError
        `out` cannot be replaced.
    ValueError
        An argument out of its range, or an input lies in `out`.
    TypeError
        `settings` ask for windows of noise, or for all stations, and the archive cannot say what
        it has.
    DatasetError
        No record can be exported: SeisBench opens no empty data set. Nothing is left behind.
    FileNotFoundError, CatalogError, IndexFormatError
        An input is missing or unusable as a whole.
    OSError
        The folder could not be written; an older one is untouched.
    KeyboardInterrupt, SystemExit
        Ctrl-C or SIGTERM, when called from the main thread; nothing is left behind, and an older
        folder keeps its name.
    """
    started = time.monotonic()
    target = Path(out).resolve()
    check_threads(threads)
    check_fractions(split)
    _check_form(components, rows_per_block, sample_type, compression_level)
    check_folder(target, overwrite=overwrite, names=_FILES, proof=REPORT)
    check_inputs(target, [source, catalog, stations])
    threads = threads or os.cpu_count() or 1
    records: DatasetRecords | ArchiveRecords
    if catalog is not None:
        settings = settings or Settings()
        records = ArchiveRecords(source, catalog, stations, settings, threads)
    elif not isinstance(source, str | os.PathLike) or stations is not None or settings is not None:
        raise ValueError("an archive, a station file and settings need a catalogue")
    else:
        records = DatasetRecords(source)
    report = ExportReport(str(target), records.source, "seisbench", split, seed, components)
    report.left_parts = [str(path) for path in left_parts(target)]
    with (
        records,
        noted_signals() as noted,
        collected_warnings() as damaged,
        whole_folder(
            target, overwrite=overwrite, names=_FILES, proof=REPORT, last_check=noted
        ) as folder,
        ThreadPoolExecutor(threads, thread_name_prefix="compress") as pool,
    ):
        with part_file(folder / WAVEFORMS, False, noted) as file:
            with (
                (folder / "rows").open("w+", encoding="utf-8") as rows,
                work_progress("events", shown=progress) as bar,
            ):
                task = bar.add_task("sets", total=len(records))
                with_waveform = set()
                for event_id in records.with_waveform():
                    noted()
                    if event_id is not None:
                        with_waveform.add(event_id)
                    bar.advance(task)
                job = _Job(report, split_events(with_waveform, split, seed), sample_type, rate_hz)
                job.blocks = _Blocks(file, rows_per_block, compression_level, pool)
                task = bar.add_task("export", total=len(records))
                for event in records.events():
                    for candidate in event:
                        noted()
                        job.take(candidate, rows)
                    bar.advance(task)
                job.blocks.finish()
                if not report.traces:
                    reasons = "; ".join(f"{n} x {reason}" for reason, n in report.left_out.items())
                    raise DatasetError(
                        f"{records.source}: none of {report.records} station records can be "
                        f"exported ({reasons or 'there is none'})"
                    )
                job.write_metadata(rows, folder / METADATA)
            (folder / "rows").unlink()
            _write_data_format(file, components, job)
        report.problems += [*records.problems, *damaged]
        report.notes = records.notes
        report.blocks = job.blocks.number
        report.size_bytes = sum(path.stat().st_size for path in folder.iterdir())
        report.seconds = time.monotonic() - started
        text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
        (folder / REPORT).write_text(text + "\n", encoding="utf-8", errors="replace")
    return report


def _check_form(
    components: str, rows_per_block: int, sample_type: str, compression_level: int | None
) -> None:
    known = layout.SEED_ORIENTATIONS
    if not components or len(set(components)) < len(components) or set(components) - {*known}:
        raise ValueError(
            f"components {components!r}: expected letters of {' '.join(known)}, each once"
        )
    if not 1 <= rows_per_block <= 1_000_000:
        raise ValueError(f"rows_per_block {rows_per_block}: expected 1 to 1000000")
    if sample_type not in SAMPLE_TYPES:
        raise ValueError(f"sample_type {sample_type!r}: expected one of {', '.join(SAMPLE_TYPES)}")
    if compression_level is not None and not 1 <= compression_level <= 9:
        raise ValueError(f"compression_level {compression_level}: expected 1 to 9, or None")


@dataclass(slots=True)
class _Block:
    """Traces that wait to be written together; their names are given already."""

    number: int
    traces: list[Array] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        return sum(trace.nbytes for trace in self.traces)


class _Blocks:
    """Collects traces of one kind into blocks of the file."""

    def __init__(
        self, file: h5py.File, rows: int, level: int | None, pool: ThreadPoolExecutor
    ) -> None:
        self.number = 0
        self._data = file.create_group("data")
        self._rows = rows
        self._level = level
        self._pool = pool
        self._open: dict[tuple[object, ...], _Block] = {}
        self._waiting_bytes = 0

    def add(self, kind: tuple[object, ...], trace: Array) -> str:
        """Take a trace, shape (C, W); returns its address in the file."""
        block = self._open.get(kind)
        if block is None:
            block = self._open[kind] = _Block(self.number)
            self.number += 1
        address = f"{_block_name(block)}${len(block.traces)},:{trace.shape[0]},:{trace.shape[1]}"
        block.traces.append(trace)
        self._waiting_bytes += trace.nbytes
        if len(block.traces) >= self._rows:
            self._write(kind)
        while self._waiting_bytes > WAITING_BYTES:
            self._write(max(self._open, key=lambda kind: self._open[kind].nbytes))
        return address

    def finish(self) -> None:
        """Write what still waits."""
        for kind in list(self._open):
            self._write(kind)

    def _write(self, kind: tuple[object, ...]) -> None:
        block = self._open.pop(kind)
        self._waiting_bytes -= block.nbytes
        first = block.traces[0]
        width = max(trace.shape[1] for trace in block.traces)
        chunk = (1, first.shape[0], width)
        packed = self._level is not None
        dataset = self._data.create_dataset(
            _block_name(block),
            shape=(len(block.traces), *chunk[1:]),
            dtype=first.dtype.newbyteorder("<"),
            chunks=chunk,
            shuffle=packed,
            compression="gzip" if packed else None,
            compression_opts=self._level,
        )
        for row, data in enumerate(self._pool.map(self._chunk, block.traces, repeat(width))):
            dataset.id.write_direct_chunk((row, 0, 0), data)

    def _chunk(self, trace: Array, width: int) -> bytes:
        padded = np.zeros((trace.shape[0], width), dtype=trace.dtype.newbyteorder("<"))
        padded[:, : trace.shape[1]] = trace
        flat = padded.ravel()
        if self._level is None:
            return flat.tobytes()
        return compress_chunks([flat], self._level, True)[0]


def _block_name(block: _Block) -> str:
    return f"bucket{block.number}"


class _Job:
    """One export: sorts records into blocks, keeps their rows for the table."""

    def __init__(
        self,
        report: ExportReport,
        splits: dict[str, str],
        sample_type: str,
        rate_hz: float | None,
    ) -> None:
        self.report = report
        self.rates: Counter[float] = Counter()
        self.quantities: Counter[str] = Counter()
        self.blocks: _Blocks
        self._splits = splits
        self._sample_type = sample_type
        self._rate_hz = rate_hz
        self._last_event = ""
        self._phases: dict[str, None] = {}

    def take(self, candidate: Candidate, rows: TextIO) -> None:
        """Export a record, or count it as left out."""
        facts = candidate.facts
        if facts is None or facts.waveform is None:
            reason = candidate.reason
            self.report.leave_out(candidate.name, reason, is_problem=candidate.is_problem)
            return
        waveform = facts.waveform
        split = self._splits.get(candidate.event_id)
        if split is None:
            reason = "its event had no waveform when the events were dealt out"
            self.report.leave_out(candidate.name, reason, is_problem=True)
            return
        names = _chosen(waveform.gaps, self.report.components)
        if not names:
            has = " ".join(waveform.gaps)
            reason = f"none of the components {self.report.components} (has {has})"
            self.report.leave_out(candidate.name, reason)
            return
        if self._rate_hz is not None and not math.isclose(
            waveform.rate_hz, self._rate_hz, rel_tol=1e-4
        ):
            reason = f"sampling rate {waveform.rate_hz:.9g} Hz, expected {self._rate_hz:.9g} Hz"
            self.report.leave_out(candidate.name, reason)
            return
        try:
            trace = self._trace(candidate, names)
        except DatasetError as error:
            self.report.leave_out(candidate.name, str(error), is_problem=True)
            return
        if trace.nbytes > _LARGEST_CHUNK:
            self.report.leave_out(candidate.name, "a trace of more than 4 GiB")
            return
        # Cells, counts and labels are of what the trace holds, not of other bands and letters.
        waveform = waveform.only(names.values())
        facts = replace(facts, waveform=waveform)
        kind = (split, trace.dtype.str, round(waveform.rate_hz, 6), _length_class(trace.shape[1]))
        address = self.blocks.add(kind, trace)
        self._count(facts, waveform, split)
        self._write_row(facts, address, split, rows)

    def _trace(self, candidate: Candidate, names: dict[str, str]) -> Array:
        """The samples, shape (C, W); zeros where there is no component."""
        found = candidate.read()
        arrays = {letter: found[name] for letter, name in names.items()}
        kind = np.result_type(*(array.dtype for array in arrays.values()))
        if self._sample_type != "as-is":
            kind = np.dtype(self._sample_type)
        npts = len(next(iter(arrays.values())))
        trace = np.zeros((len(self.report.components), npts), dtype=kind.newbyteorder("="))
        for row, letter in enumerate(self.report.components):
            if letter in arrays:
                trace[row] = arrays[letter]
        return trace

    def _count(self, facts: TraceFacts, waveform: Waveform, split: str) -> None:
        report = self.report
        report.records += 1
        report.traces += 1
        report.traces_by_split[split] += 1
        if facts.origin.event_id != self._last_event:
            self._last_event = facts.origin.event_id
            report.events_by_split[split] += 1
        report.incomplete_traces += facts.completeness(report.components) < 1
        self.rates[waveform.rate_hz] += 1
        self.quantities.update(
            {_QUANTITIES[name[1]]: 1 for name in waveform.gaps if name[1:2] in _QUANTITIES}
        )

    def _write_row(self, facts: TraceFacts, address: str, split: str, rows: TextIO) -> None:
        cells = facts.cells(self.report.components)
        cells = {"trace_name": address, "split": split} | {
            name: text for name, text in cells.items() if name != "trace_name"
        }
        cells["trace_name_original"] = facts.name
        phases = {}
        for phase in facts.arrivals:
            phases[phase] = facts.arrival_cells(phase, real_only=True)
            has_label = bool(phases[phase][f"trace_{phase}_arrival_sample"])
            (self.report.labels if has_label else self.report.labels_left_out)[phase] += 1
        self._phases.update(dict.fromkeys(phases))
        json.dump([cells, phases], rows)
        rows.write("\n")

    def write_metadata(self, rows: TextIO, path: Path) -> None:
        """The table of all rows, with columns for the phases that occur."""
        known = [phase for phase in PHASES if phase in self._phases]
        phases = [*known, *sorted(self._phases.keys() - set(known))]
        rows.seek(0)
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            columns: list[str] = []
            for line in rows:
                cells, found = json.loads(line)
                for phase in phases:
                    cells.update(found.get(phase) or dict.fromkeys(_phase_columns(phase), ""))
                if not columns:
                    columns = list(cells)
                    table.writerow(columns)
                table.writerow(cells[name] for name in columns)


def _phase_columns(phase: str) -> Sequence[str]:
    names = ("arrival_sample", "status", "polarity")
    return (*(f"trace_{phase}_{name}" for name in names), f"path_{phase}_travel_s")


def _chosen(names: Iterable[str], components: str) -> dict[str, str]:
    """Component name of each letter that is there, of the one band that has the most of them."""
    by_band: dict[str, dict[str, str]] = {}
    for name in names:
        if name[-1:] in components:
            by_band.setdefault(name[:-1], {})[name[-1]] = name
    order = {band: number for number, band in enumerate(layout.BAND_ORDER)}
    best = min(
        by_band,
        key=lambda band: (-len(by_band[band]), order.get(band, len(order)), band),
        default=None,
    )
    return {} if best is None else by_band[best]


def _length_class(npts: int) -> int:
    return 0 if npts < _SHORTEST else int(math.log(npts / _SHORTEST, _GROWTH)) + 1


def _write_data_format(file: h5py.File, components: str, job: _Job) -> None:
    group = file.create_group("data_format")
    group["dimension_order"] = "CW"
    group["component_order"] = components
    if len(job.rates) == 1:  # else the column `trace_sampling_rate_hz` has them
        group["sampling_rate"] = next(iter(job.rates))
    if job.quantities:
        group["measurement"] = "/".join(sorted(job.quantities))
    group["unit"] = "counts"
    group["instrument_response"] = "not restituted"
