"""`credit-fast inspect`: parse, inspect the files, print what they hold."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from credit_fast.cli.terminal import output_console
from credit_fast.inspection import FileInspection, InspectedRecord, TimeBreak, inspect_files

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "inspect"
HELP = "show what miniSEED files hold, and what is wrong with them"

DESCRIPTION = """\
Read miniSEED files record by record, decode all samples, and show the traces, gaps, overlaps,
rates and encodings, and every problem with its byte offset, length and reason. After damage the
next true record is found, so that everything good is in the tables. Versions 2 and 3, mixed
record lengths and full SEED volumes are fine. A folder is walked as makeindex does it.
"""

EPILOG = """\
examples:
  credit-fast inspect day.mseed
  credit-fast inspect --records day.mseed | less
  credit-fast inspect /data/2019/XX --quiet; echo $?
  credit-fast inspect day.mseed --json | python -m json.tool

exit code:
  0  all files are well (gaps and overlaps are no fault of a file)
  1  finished, but some files or parts of files are damaged or no miniSEED (they are listed),
     or there was no file at all
  2  failed, as when a file does not exist; the others are inspected all the same
"""

#: A time with microseconds.
TIME_WIDTH = 27

#: Rows of a table on the terminal; the JSON report has all of them.
SHOWN_ROWS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="+", metavar="FILE", help="files or folders")
    parser.add_argument(
        "--records", action="store_true", help="a line for each record, in place of the tables"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--quiet", action="store_true", help="only the verdict on each file")


def run(args: argparse.Namespace) -> int:
    """Inspect the files; exit code as the help text says."""
    console = output_console()
    reports = []
    count, well = 0, True
    there, missing = _existing(args.files)
    for found in inspect_files(there, records=args.records):
        count += 1
        well &= not found.problems
        if args.json:
            reports.append(found.to_dict())
            continue
        if args.records:
            for record in found.record_list:
                _print(console, _record_line(record))
        if not args.quiet and not args.records:
            _print_tables(found, console)
        if not args.quiet:
            _print_problems(found, console)
        _print(console, f"{found.path}: {found.verdict}")
    if args.json:
        print(json.dumps(reports, indent=2, ensure_ascii=False))
    for error in missing:
        print(f"credit-fast {NAME}: {error.filename}: {error.strerror}", file=sys.stderr)
    if missing:
        return 2
    if not count:
        print(f"credit-fast {NAME}: no file found in {', '.join(args.files)}", file=sys.stderr)
    return 0 if well and count else 1


def _existing(names: list[str]) -> tuple[list[str], list[OSError]]:
    """The files and folders that are there, and what the system says of the others."""
    there, missing = [], []
    for name in names:
        try:
            Path(name).stat()
            there.append(name)
        except OSError as error:
            missing.append(error)
    return there, missing


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _rate(rate_hz: float) -> str:
    return f"{rate_hz:.10g}"


def _record_line(record: InspectedRecord) -> str:
    flags = ", ".join(record.flags) or "-"
    fault = f"  FAULT {record.fault}" if record.fault else ""
    return (
        f"{record.offset:>10} {record.length:>6} v{record.format} {record.version} "
        f"{record.id:<15} {record.starttime} {record.npts:>6} {_rate(record.rate_hz):>6} Hz "
        f"{record.encoding:<8} {flags}{fault}"
    )


def _print_tables(found: FileInspection, console: Console) -> None:
    if not found.records:
        return
    _print(console, found.path)
    table = Table(show_header=False)
    records = f"{found.records:,} in {found.bytes / 1e6:,.3f} MB"
    if found.records_without_samples:
        records += f"; {found.records_without_samples:,} without samples"
    if found.opaque_records:
        records += f"; {found.opaque_records:,} opaque, left as they are"
    if found.control_bytes:
        records += f"; {found.control_bytes:,} bytes of SEED control headers"
    for name, value in (
        ("records", records),
        ("samples", f"{found.samples:,}"),
        ("rates (Hz)", ", ".join(_rate(rate) for rate in found.rates_hz) or "none"),
        ("encodings", ", ".join(found.encodings) or "none"),
        ("gaps, overlaps", f"{len(found.gaps):,}, {len(found.overlaps):,}"),
        ("bytes skipped", f"{found.skipped_bytes:,}"),
        ("problems", f"{len(found.problems):,}"),
    ):
        table.add_row(name, value)
    console.print(table)
    _print_traces(found, console)
    _print_breaks(found.breaks, console)


def _print_traces(found: FileInspection, console: Console) -> None:
    if not found.traces:
        return
    times = Column("from, to", min_width=TIME_WIDTH, overflow="fold")
    columns = ("trace", times, "Hz", "samples", "records", "encoding")
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for trace in found.traces[:SHOWN_ROWS]:
        lengths = ", ".join(map(str, trace.record_lengths[:3]))
        more = " …" if len(trace.record_lengths) > 3 else ""
        table.add_row(
            f"{trace.id}\nversion {trace.format} {trace.version}",
            f"{trace.starttime}\n{trace.endtime}",
            _rate(trace.rate_hz),
            f"{trace.npts:,}",
            f"{trace.records:,}\nof {lengths}{more}",
            "\n".join(trace.encodings),
        )
    console.print(table)
    _print_hidden(len(found.traces), console)


def _print_breaks(breaks: list[TimeBreak], console: Console) -> None:
    if not breaks:
        return
    table = Table("channel", "last before, first behind", "samples", box=SIMPLE_HEAD)
    for item in breaks[:SHOWN_ROWS]:
        kind = "missing" if item.is_gap else "twice"
        seconds = abs(item.after - item.before)
        times = f"{item.before}\n{item.after}"
        table.add_row(item.id, times, f"{abs(item.samples):,} {kind}\n{seconds:,.6g} s")
    console.print(table)
    _print_hidden(len(breaks), console)


def _print_problems(found: FileInspection, console: Console) -> None:
    for problem in found.problems[:SHOWN_ROWS]:
        length = f" ({problem.length:,} bytes)" if problem.length else ""
        _print(console, f"  {problem}{length}")
    _print_hidden(len(found.problems), console)


def _print_hidden(rows: int, console: Console) -> None:
    if rows > SHOWN_ROWS:
        console.print(f"  … and {rows - SHOWN_ROWS:,} more; --json prints all of them")
