"""The command `credit-fast`: one file for each of its verbs; each parses, calls, prints."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import traceback
from collections.abc import Sequence

from credit_fast import __version__
from credit_fast.cli import checkindex, demo, export, info, inspect, makeh5, makeindex, plot, testh5
from credit_fast.errors import CreditFastError

__all__ = ["build_parser", "main"]

COMMANDS = (makeindex, checkindex, info, makeh5, testh5, export, plot, inspect, demo)

DESCRIPTION = """\
Windows and data sets from archives of raw seismograms.

A first run, from miniSEED files and a catalogue to an HDF5 data set:

  credit-fast makeindex -r DATA -o index.db
  credit-fast makeh5 -i index.db -o out.h5 -c CATALOGUE -s STATIONS
  credit-fast testh5 -i out.h5 -o stats.txt -c CATALOGUE
  credit-fast plot -i out.h5 -o event.png
  credit-fast export --to seisbench -i out.h5 -o DIR

`credit-fast inspect FILE` shows what a miniSEED file holds, and what is wrong with it;
`credit-fast info -i INDEX` does so for an index, and `credit-fast checkindex -i INDEX` says whether
the index still fits the archive.
No data at hand? `credit-fast demo` makes some and shows the whole chain.
"""

EPILOG = """\
exit code: 0 all well, 1 finished with problems (they are listed), 2 failed.
`credit-fast COMMAND --help` explains a command, with examples.
"""

#: What a shell gives for a process that Ctrl-C, or SIGTERM, ended.
INTERRUPTED = 130
TERMINATED = 143


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command and all of its verbs."""
    parser = argparse.ArgumentParser(
        prog="credit-fast",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"credit-fast {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        # No abbreviations: `--overwrit` must not replace a file.
        sub = commands.add_parser(command.NAME, help=command.HELP, allow_abbrev=False)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run, parser=sub)
    return parser


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; a word that no command knows ends with a hint at what was meant."""
    args, unknown = build_parser().parse_known_args(argv)
    if unknown:
        known = [name for action in args.parser._actions for name in action.option_strings]
        near = difflib.get_close_matches(unknown[0].partition("=")[0], known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    args = _parse(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away: end quietly, and keep Python from
        # complaining when it flushes the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as interrupt:
        words = "; ".join(["interrupted", *map(str, interrupt.args)])
        print(f"credit-fast {args.command}: {words}", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as stop:
        if stop.code == TERMINATED:
            print(f"credit-fast {args.command}: terminated", file=sys.stderr)
        raise
    except (CreditFastError, OSError, ValueError) as error:
        print(f"credit-fast {args.command}: {error}", file=sys.stderr)
        return 2
    except Exception:
        # A fault of ours: all of it is shown, and the code is not that of a finished run.
        traceback.print_exc()
        return 2
    return code
