"""`credit-fast info`: parse, ask the index, print what it holds."""

from __future__ import annotations

import argparse
import json

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from credit_fast.cli.terminal import output_console
from credit_fast.index_info import IndexInfo, index_info

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "info"
HELP = "show what an index holds, and what was wrong with its files"

DESCRIPTION = """\
Show the channels of an index with their first and last sample, the number of rows and files, the
size of the data, and the problems that makeindex found in the files. No data file is opened. The
index is changed only where a program was killed while it wrote: what was half written is taken
back, as by every command but checkindex.
"""

EPILOG = """\
examples:
  credit-fast info -i index.db
  credit-fast info -i index.db --gaps
  credit-fast info -i 2019.db -i 2020.db --json > info.json
  credit-fast info -i '20*.db'

exit code:
  0  no file of the index had a problem
  1  some had (they are listed)
  2  failed, as when there is no index
"""

#: A time with microseconds.
TIME_WIDTH = 27

#: Rows of a table on the terminal; the JSON report has all of them.
SHOWN_ROWS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "-i",
        "--index",
        required=True,
        action="append",
        metavar="INDEX",
        help="index file; several, or a name with wildcards, are shown as one",
    )
    parser.add_argument(
        "--gaps", action="store_true", help="count the gaps of each channel (reads all rows)"
    )
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(args: argparse.Namespace) -> int:
    """Show the index; exit code as the help text says."""
    info = index_info(args.index, gaps=args.gaps)
    if args.json:
        print(json.dumps(info.to_dict(), indent=2, ensure_ascii=False))
    else:
        _print_info(info, output_console(), gaps=args.gaps)
    return 1 if info.problems else 0


def _print_info(info: IndexInfo, console: Console, *, gaps: bool) -> None:
    table = Table(title=", ".join(info.indexes), title_justify="left", show_header=False)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in info.problem_counts().items())
    span = "none"
    if info.channels:
        first = min(channel.starttime for channel in info.channels)
        span = f"{first} to {max(channel.endtime for channel in info.channels)}"
    for name, value in (
        ("rows", f"{info.rows:,} in {info.index_bytes / 1e6:,.1f} MB"),
        ("files", f"{info.files:,} with {info.data_bytes / 1e6:,.1f} MB of records"),
        ("channels", f"{len(info.channels):,}"),
        ("time span", span),
        ("problems", kinds or "none"),
    ):
        table.add_row(name, value)
    console.print(table)
    # Times and numbers are never cut: only the channel gives way in a narrow terminal.
    times = [
        Column(f"{name} sample", min_width=TIME_WIDTH, no_wrap=True) for name in ("first", "last")
    ]
    columns = [Column("channel", overflow="fold"), *times]
    if gaps:
        columns.append(Column("gaps", justify="right", no_wrap=True))
    channels = Table(*columns, box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for channel in info.channels[:SHOWN_ROWS]:
        row = [channel.id, str(channel.starttime), str(channel.endtime)]
        channels.add_row(*row, *([f"{channel.gaps:,}"] if gaps else []))
    if info.channels:
        console.print(channels)
    if len(info.channels) > SHOWN_ROWS:
        console.print(f"  … and {len(info.channels) - SHOWN_ROWS:,} more; --json prints all")
    for problem in info.problems[:SHOWN_ROWS]:
        console.print(f"  {problem}", markup=False, highlight=False, soft_wrap=True)
    hidden = sum(problem.count for problem in info.problems[SHOWN_ROWS:])
    if hidden:
        console.print(f"  … and {hidden:,} more problems; --json prints all")
