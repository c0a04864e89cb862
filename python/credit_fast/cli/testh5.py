"""`credit-fast testh5`: parse, call `testh5`, print what it found. No comparison here."""

from __future__ import annotations

import argparse
import json

from credit_fast.check import testh5
from credit_fast.cli.terminal import output_console
from credit_fast.station_records import Settings

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "testh5"
HELP = "compare an HDF5 data set with its catalogue and archive"

DESCRIPTION = """\
Compare a data set that makeh5 made with the catalogue it was made from: every event with its
time and place, every station record, its number of components (0 to 3) and what they say of
themselves, every pick with its time and all its attributes; with -s the coordinates too.
Everything that is missing or different is listed, what the file has and the catalogue lacks, and
what is damaged in its groups and attributes. Nothing is repaired. A waveform that the archive does
not have is missing, too: the exit code tells a whole file from all others.

Samples are looked at only with -x: of each component of a sample (--sample N) of station records.
These are cut from the archive again and every sample is compared, over the window that makeh5 cut.
Without account and without -r that is not known: then over the time that the record covers and its
picks, where a record that was shortened looks whole.

Where makeh5's account (2019.report.json) and table (2019.csv) lie beside the file, every count of
the account and every row of the table is compared with what the file itself holds.

The options that makeh5 was given are taken from the account, too, so that what they leave out is
not missed. Where the account is lost, --config with the same file as makeh5 names them. Events that
an update kept although the catalogue does not have them are counted, and no fault.
"""

EPILOG = """\
examples:
  credit-fast testh5 -i 2019.h5 -o stats.txt -c events.pha
  credit-fast testh5 -i 2019.h5 -o stats.txt -c events.pha -s stations.loc
  credit-fast testh5 -i 2019.h5 -o stats.txt -c events.pha -x index.db -r 500 --sample 1000
  credit-fast testh5 -i 2019.h5 -c events.pha --report old.report.json --table old.csv
  credit-fast testh5 -i whole.h5 -o stats.txt -c events.pha -x index.db --config whole.toml
  credit-fast testh5 -i 2019.h5 -c events.pha --json > findings.json

exit code:
  0  the file is whole: all that the catalogue names is there, with three components each
  1  something is missing (also from the archive), different, damaged, or in the file only
  2  the check could not be made; or STATS cannot be written, or is one of the inputs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-i", "--input", required=True, help="HDF5 file to check")
    parser.add_argument("-o", "--out", metavar="STATS", help="text file for the complete list")
    parser.add_argument("-c", "--catalog", required=True, help="catalogue: events and picks")
    parser.add_argument("-s", "--stations", help="station file: compare coordinates too")
    parser.add_argument("-x", "--index", help="index of the archive: compare samples too")
    parser.add_argument(
        "-r",
        "--range",
        type=float,
        metavar="SECONDS",
        help="with -x: the range that makeh5 was given (default: that of the account)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="TOML file with all options that makeh5 was given (default: those of the account)",
    )
    parser.add_argument(
        "--sample",
        type=int,
        default=200,
        metavar="N",
        help="station records to compare with the archive (default: 200)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="chooses which records are compared (default: 0)"
    )
    parser.add_argument(
        "--report", metavar="FILE", help="account of makeh5 (default: that beside INPUT, if any)"
    )
    parser.add_argument(
        "--table", metavar="FILE", help="table of makeh5 (default: that beside INPUT, if any)"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no summary")


def run(args: argparse.Namespace) -> int:
    """Check the data set; exit code as the help text says."""
    report = testh5(
        args.input,
        args.catalog,
        stats=args.out,
        stations=args.stations,
        index=args.index,
        range_s=args.range,
        settings=None if args.config is None else Settings.from_toml(args.config),
        sample=args.sample,
        seed=args.seed,
        report=args.report,
        table=args.table,
        progress=not args.quiet,
    )
    if args.json:
        print(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    elif not args.quiet:
        report.print(output_console())
    return 0 if report.is_whole else 1
