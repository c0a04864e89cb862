"""The command `credit-fast`: one file for each of its verbs; each parses, calls, prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from credit_fast import __version__
from credit_fast.cli import demo, makeh5, makeindex, plot, testh5
from credit_fast.errors import CreditFastError

__all__ = ["build_parser", "main"]

COMMANDS = (makeindex, makeh5, testh5, plot, demo)

DESCRIPTION = """\
Windows and data sets from archives of raw seismograms.

A first run, from miniSEED files and a catalogue to an HDF5 data set:

  credit-fast makeindex -r DATA -o index.db
  credit-fast makeh5 -i index.db -o out.h5 -c CATALOGUE -s STATIONS
  credit-fast testh5 -i out.h5 -o stats.txt -c CATALOGUE
  credit-fast plot -i out.h5 -o event.png

No data at hand? `credit-fast demo` makes some and shows the whole chain.
"""

EPILOG = """\
exit code: 0 all well, 1 finished with problems (they are listed), 2 failed.
`credit-fast COMMAND --help` explains a command, with examples.
"""

#: What a shell gives for a process that Ctrl-C ended.
INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command and all of its verbs."""
    parser = argparse.ArgumentParser(
        prog="credit-fast",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"credit-fast {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away: end quietly, and keep Python from
        # complaining when it flushes the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"credit-fast {args.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (CreditFastError, OSError, ValueError) as error:
        print(f"credit-fast {args.command}: {error}", file=sys.stderr)
        return 2
    return code
