"""`credit-fast checkindex`: parse, call `check_index`, print what it found."""

from __future__ import annotations

import argparse
import json

from rich.console import Console
from rich.table import Table

from credit_fast.cli.terminal import output_console
from credit_fast.index_check import IndexCheck, check_index

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "checkindex"
HELP = "compare an index with its archive, and say what is wrong"

DESCRIPTION = """\
Compare an index with its archive and say what is wrong, each time with file, byte offset, what was
found, what was expected and what to do. Nothing is changed, neither the index nor the archive, and
nothing is repaired. An index of mseedindex or ObsPy will do.

Looked at are the index file itself and its tables, rows that cannot be right, that are there twice
or share bytes, and of each file whether it is there, is large enough, and has the size and time of
change that it had when it was scanned. No data file is opened. With -r, files of the archive that
the index does not know are listed too.

With --deep every file is scanned again, and what a scan gives is compared with what the index has,
column by column; so are check sums where the index has them. Without check sums, samples that
changed under the same headers are seen only where the fingerprint of a file looks, at its ends and
at three places between. It takes about as long as makeindex on a new index.
"""

EPILOG = """\
examples:
  credit-fast checkindex -i index.db
  credit-fast checkindex -i index.db -r /data/2019 -r /data/2020
  credit-fast checkindex -i index.db --deep --threads 4
  credit-fast checkindex -i index.db --path-map /data=/mnt/disk2/data
  credit-fast checkindex -i index.db --deep --json > report.json

exit code:
  0  nothing is wrong
  1  something is (it is listed)
  2  the check could not be made, as when there is no index
"""

#: Problems of each kind printed on the terminal; the JSON report has up to a thousand.
SHOWN_OF_KIND = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-i", "--index", required=True, metavar="INDEX", help="index file")
    parser.add_argument(
        "-r",
        "--root",
        action="append",
        metavar="DATA",
        help="folder or file whose files the index should know; may be given several times",
    )
    parser.add_argument(
        "--deep", action="store_true", help="scan every file again and compare (reads all data)"
    )
    parser.add_argument(
        "--pattern", metavar="GLOB", help="with -r: only files that match, as makeindex was told"
    )
    parser.add_argument(
        "--path-map",
        action="append",
        type=_pair,
        metavar="OLD=NEW",
        help="folder as the index names it, and as it is called now; may be given several times",
    )
    parser.add_argument("-t", "--threads", type=int, metavar="N", help="default: all cores")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no table")


def run(args: argparse.Namespace) -> int:
    """Check the index; exit code as the help text says."""
    report = check_index(
        args.index,
        args.root,
        deep=args.deep,
        path_map=dict(args.path_map or []),
        pattern=args.pattern,
        threads=args.threads,
        progress=not args.quiet,
    )
    if args.json:
        print(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    elif not args.quiet:
        _print_report(report, output_console())
    return 0 if report.is_right else 1


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: expected OLD=NEW")
    return old, new


def _print_report(report: IndexCheck, console: Console) -> None:
    table = Table(title=report.index, title_justify="left", show_header=False)
    counts = report.problem_counts()
    files = f"{report.files:,} of the index"
    if report.files_found:
        files += f"; {report.files_found:,} found below DATA"
    read = f"{report.bytes / 1e6:,.1f} MB" if report.deep else "none (--deep reads all of it)"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    for name, value in (
        ("files checked", files),
        ("rows checked", f"{report.rows:,}"),
        ("data read", read),
        ("time", f"{report.seconds:.2f} s"),
        ("problems", kinds or "none"),
    ):
        table.add_row(name, value)
    console.print(table)
    for kind, count in counts.items():
        told = [problem for problem in report.problems if problem.kind == kind][:SHOWN_OF_KIND]
        for problem in told:
            _print(console, f"  {kind}: {problem}")
        hidden = count - sum(problem.count for problem in told)
        if hidden:
            _print(console, f"  … and {hidden:,} more of kind {kind}; --json prints up to 1,000")
    for note in report.notes:
        _print(console, f"note: {note}")
    _print(console, f"{report.index}: " + ("wrong, see above" if counts else "nothing wrong"))


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
