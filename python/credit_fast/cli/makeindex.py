"""`credit-fast makeindex`: parse, call `makeindex`, print what it found."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from credit_fast.cli.terminal import output_console
from credit_fast.index import IndexReport, makeindex

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "makeindex"
HELP = "index an archive of miniSEED files"

DESCRIPTION = """\
Read the record headers of all miniSEED files below DATA and write them to an index, an SQLite
file in EarthScope's tsindex schema, which ObsPy, mseedindex and others can open too.

Every file is looked at, whatever its name: the content decides. Links are followed, and each
real file is taken once; names that begin with a dot are passed over unless given themselves.
What is damaged, cut short or no miniSEED is listed with file and byte offset, and everything
readable around it is indexed.

A second run works only on what changed: it passes over unchanged files, reads what growing ones
have gained, gives moved ones their new name, replaces changed ones, adds new ones, and lists files
of the index that are gone; --prune drops their rows. A file that was replaced by a link, or is
below a folder that was, is gone from there. While another makeindex is at work on the index, this
one waits for its end.
"""

EPILOG = """\
examples:
  credit-fast makeindex -r /data/2019 -o index.db
  credit-fast makeindex -r /data/2019 -r /data/2020 -r one.mseed -o index.db
  credit-fast makeindex -r /data -o index.db --pattern '*.mseed' --threads 4
  credit-fast makeindex -r /data -o index.db --prune
  credit-fast makeindex -r /data -o /data/index.db --relative
  credit-fast makeindex -r /data -o index.db --json > report.json

exit code:
  0  all files are indexed
  1  finished, but some files or parts of files are damaged, no miniSEED or gone (they are listed),
     or there was no file at all
  2  failed
"""

#: Problems printed on the terminal; the JSON report has up to a thousand of each file.
SHOWN_PROBLEMS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "-r",
        "--root",
        required=True,
        action="append",
        metavar="DATA",
        help="folder or file with miniSEED data; may be given several times",
    )
    parser.add_argument("-o", "--out", required=True, metavar="INDEX", help="index file")
    parser.add_argument("-t", "--threads", type=int, metavar="N", help="default: all cores")
    parser.add_argument(
        "--pattern", metavar="GLOB", help="only files in folders whose name matches, as '*.mseed'"
    )
    parser.add_argument(
        "--prune", action="store_true", help="drop the rows of files below DATA that are gone"
    )
    parser.add_argument(
        "--relative",
        action="store_const",
        const=True,
        help="name files relative to the folder of a new index: the archive can move with it",
    )
    parser.add_argument(
        "--hash", action="store_true", help="form the MD5 of each row, as mseedindex does"
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="no progress bar, no table, and no word while another run is waited for",
    )


def run(args: argparse.Namespace) -> int:
    """Make the index; exit code as the help text says."""
    report = makeindex(
        args.root,
        args.out,
        threads=args.threads,
        pattern=args.pattern,
        prune=args.prune,
        hash=args.hash,
        relative=args.relative,
        progress=not args.quiet,
    )
    if args.json:
        print(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    elif not args.quiet:
        _print_report(report, output_console())
    if not report.files_found:
        print(f"credit-fast {NAME}: no file found in {', '.join(args.root)}", file=sys.stderr)
    return 1 if report.problems or not report.files_found else 0


def _print_report(report: IndexReport, console: Console) -> None:
    table = Table(title=report.index, title_justify="left", show_header=False)
    span = "none"
    if report.starttime is not None:
        span = f"{report.starttime} to {report.endtime}"
    files = f"{report.files_found:,} found: {report.files_added:,} added, "
    files += f"{report.files_replaced:,} replaced, {report.files_unchanged:,} unchanged"
    for number, what in (
        (report.files_grown, "of the replaced grew"),
        (report.files_moved, "moved"),
        (report.files_touched, "touched"),
    ):
        if number:
            files += f"; {number:,} {what}"
    if report.files_vanished:
        files += f"; {report.files_vanished:,} vanished"
    if report.files_pruned:
        files += f", {report.files_pruned:,} of them dropped"
    if report.files_without_records:
        files += f"; {report.files_without_records:,} without a record"
    read = f"{report.records:,} in {report.bytes / 1e6:,.1f} MB, {report.seconds:.2f} s"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.problem_counts().items())
    for name, value in (
        ("files", files),
        ("records read", read),
        ("rows in the index", f"{report.rows:,}"),
        ("channels", f"{report.channels:,}"),
        ("time span", span),
        ("problems", kinds or "none"),
    ):
        table.add_row(name, value)
    console.print(table)
    for problem in report.problems[:SHOWN_PROBLEMS]:
        console.print(f"  {problem}", markup=False, highlight=False, soft_wrap=True)
    hidden = sum(problem.count for problem in report.problems[SHOWN_PROBLEMS:])
    if hidden > 0:
        console.print(f"  … and {hidden:,} more; --json prints up to a thousand of each file")
