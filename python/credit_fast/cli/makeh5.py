"""`credit-fast makeh5`: parse, call `makeh5`, print its account. No rule of the data set here."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields, replace
from typing import Any

from credit_fast.cli.terminal import output_console
from credit_fast.making import makeh5, makeh5_by_year
from credit_fast.station_records import Settings
from credit_fast.station_records.settings import ANY_RATE

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "makeh5"
HELP = "cut the waveforms of a catalogue into one HDF5 data set"

DESCRIPTION = """\
Cut the waveforms of every event of a catalogue into one HDF5 file (CREDIT layout):
/<event>/<NET.STA.LOC>/<channel>, with picks, distances and coordinates as attributes.

Per event and station the window runs from the first pick - RANGE to the last pick + RANGE
seconds. The components are the E, N and Z of the picked band (HHE HHN HHZ for a pick on HHZ;
others with --components), on one grid; what one of them lacks is filled with 0 and listed in its
attribute `gaps`. A pick whose channel is `--` takes one band of its station: HH BH EH SH, others.
The file appears under its name only when it is whole. A run that was stopped, by Ctrl-C, a full
disk or kill -9, goes on where it was when the same command is given again. At the end a table
accounts for every event, station record, component and pick: written, partial, no data, or refused
and why.

A catalogue (-c) has lines `#EVENT ...` and `PHASE ...`; a station file (-s) has lines
`NET STA LOC longitude latitude elevation_m`.
"""

EPILOG = """\
examples:
  credit-fast makeindex -r data/ -o index.db
  credit-fast makeh5 -i index.db -o 2019.h5 -c events.pha -s stations.loc
  credit-fast makeh5 -i index.db -o short.h5 -c events.pha -s stations.loc -r 30 -t 8
  credit-fast makeh5 -i index.db -o all-rates.h5 -c events.pha --rate any --json > account.json
  credit-fast makeh5 -i index.db -o local.h5 -c events.pha --phases Pg,Sg --min-picks 8
  credit-fast makeh5 -i index.db -o network.h5 -c events.pha -s stations.loc \\
      --max-distance 300 --all-stations --around origin --before 60 --after 300
  credit-fast makeh5 -i index.db -o trained.h5 -c events.pha --noise 5000 --before 60 --after 60
  credit-fast makeh5 -i index.db -o broadband.h5 -c events.pha --channels "BH?,HH?"
  credit-fast makeh5 -i index.db -o turned.h5 -c events.pha --orientations axes.csv
  credit-fast makeh5 -i index.db -o all-at-100.h5 -c events.pha --resample 100 --dtype int32
  credit-fast makeh5 -i index.db -o whole.h5 -c events.pha --gaps split --max-gap 0.05
  credit-fast makeh5 -i index.db -o borehole.h5 -c events.pha --components 12Z
  credit-fast testh5 -i 2019.h5 -o stats.txt -c events.pha

a configuration file (--config) has one option a line, under the names in brackets above:
  range_s = 120
  around = "origin"
  min_length_s = 200
options of the command line stand over those of the file.

exit code:
  0  all well; data that the archive does not have are counted, and are no problem, nor is what
     the options leave out
  1  finished, but something was refused or damaged (a duplicate event, a pick without a usable
     time, a wrong sampling rate, a bad line or data file), or not one waveform was found
  2  failed; what was done is kept for the same command
  130, 143  stopped by Ctrl-C, by SIGTERM; what was done is kept for the same command
"""


class _Options:
    """One group of options that are settings: left out, they keep what the file or default says."""

    def __init__(self, parser: argparse.ArgumentParser, title: str) -> None:
        self._group = parser.add_argument_group(title)

    def add(self, *names: str, setting: str, text: str, **how: Any) -> None:
        """Declare an option for a setting; the help names the setting as a file has it."""
        self._group.add_argument(
            *names, dest=setting, default=argparse.SUPPRESS, help=f"{text} [{setting}]", **how
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-i", "--index", required=True, help="index made by makeindex")
    parser.add_argument("-o", "--out", required=True, help="HDF5 file to make")
    parser.add_argument("-c", "--catalog", required=True, help="catalogue: events and picks")
    parser.add_argument("-s", "--stations", help="station file: gives the coordinates")
    parser.add_argument(
        "-t",
        "--threads",
        type=int,
        metavar="N",
        help="threads that cut (default: all cores; fewer where windows are so long that they "
        "would fill the memory)",
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file with any of the options below")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an existing OUT that is an HDF5 file, with its table and account",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="bring an existing OUT up to date: cut what is new or has changed, keep the rest",
    )
    parser.add_argument(
        "--restart", action="store_true", help="throw away what a run has done that was stopped"
    )
    parser.add_argument(
        "--split-by-year",
        action="store_true",
        help="OUT is a folder, with a data set for each year: OUT/2019.h5, ...",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster, as tcp://host:8786: its workers cut the events in parts",
    )
    parser.add_argument("--json", action="store_true", help="print the whole account as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no table")
    _add_window(parser)
    _add_selection(parser)
    _add_channels(parser)
    _add_samples(parser)


def _add_window(parser: argparse.ArgumentParser) -> None:
    window = _Options(parser, "which window")
    seconds: dict[str, Any] = {"type": float, "metavar": "SECONDS"}
    window.add(
        "-r",
        "--range",
        setting="range_s",
        text="seconds before the first and after the last pick of a station (default: 500)",
        **seconds,
    )
    window.add("--before", setting="before_s", text="only before, RANGE behind", **seconds)
    window.add("--after", setting="after_s", text="only after, RANGE before", **seconds)
    window.add(
        "--around",
        setting="around",
        text="what the seconds count from: the picks of the station, or the origin time "
        "(default: picks)",
        metavar="picks|origin",
    )
    window.add(
        "--min-length",
        setting="min_length_s",
        text="lengthen shorter windows to this, half before and half behind (default: 0)",
        **seconds,
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    selection = _Options(parser, "which picks, events and stations")
    selection.add(
        "--phases",
        setting="phases",
        text="keep rows of these phases only, as Pg,Sg (default: all)",
        metavar="LIST",
    )
    selection.add(
        "--min-picks",
        setting="min_picks",
        text="leave out events with fewer arrivals (default: 0)",
        type=int,
        metavar="N",
    )
    selection.add(
        "--max-distance",
        setting="max_distance_km",
        text="leave out stations farther from the epicentre (default: none is too far)",
        type=float,
        metavar="KM",
    )
    selection.add(
        "--all-stations",
        setting="all_stations",
        text="cut all stations of the archive within --max-distance, with or without picks; "
        "needs -s (default: those that picks name)",
        action=argparse.BooleanOptionalAction,
    )
    selection.add(
        "--noise",
        setting="noise",
        text="add N windows without picks, in all, each an event of the type noise with one "
        "station; five minutes or more from every pick of that station, and not overlapping; "
        "fewer when the archive has no more (default: 0)",
        type=int,
        metavar="N",
    )
    selection.add(
        "--noise-seed",
        setting="noise_seed",
        text="chooses which windows (default: 0)",
        type=int,
        metavar="N",
    )


def _add_channels(parser: argparse.ArgumentParser) -> None:
    channels = _Options(parser, "which channels")
    channels.add(
        "--channels",
        setting="channels",
        text='bands in order of preference, as "BH?,HH?": the first with usable data is cut, '
        "whichever was picked (default: the picked band)",
        metavar="LIST",
    )
    channels.add(
        "--components",
        setting="components",
        text="orientations to cut, of E N Z 1 2, as ZNE or 12Z (default: ENZ)",
        metavar="LETTERS",
    )

    channels.add(
        "--orientations",
        setting="orientations",
        text="lines `NET STA LOC CHA azimuth_deg dip_deg`, or CSV: turns 1 and 2 to N and E where "
        "a station has none of these (default: nothing is turned or renamed)",
        metavar="FILE",
    )


def _add_samples(parser: argparse.ArgumentParser) -> None:
    samples = _Options(parser, "which samples")
    samples.add(
        "--gaps",
        setting="gaps",
        text="fill gaps and list them; or split there, and keep the stretch without any that "
        "holds most picks; or drop components that have gaps (default: fill)",
        metavar="fill|split|drop",
    )
    samples.add(
        "--max-gap",
        setting="max_gap_s",
        text="fill shorter gaps whatever --gaps says of longer ones (default: 0)",
        type=float,
        metavar="SECONDS",
    )
    samples.add(
        "--fill", setting="fill", text="value of filled samples (default: 0)", type=int, metavar="N"
    )
    samples.add(
        "--compression",
        setting="compression",
        text="gzip, gzip:1 (fast) to gzip:9 (small), lzf (for readers with h5py only) or none "
        "(default: gzip, which is gzip:2)",
        metavar="FILTER",
    )
    samples.add(
        "--rate",
        setting="rate_hz",
        text="the sampling rate to accept; programs that read the file assume 100 (default: 100)",
        type=_rate,
        metavar="HZ|any",
    )
    samples.add(
        "--resample",
        setting="resample_hz",
        text="accept any rate and bring it to this one, by a filter of SciPy "
        "(default: nothing is resampled)",
        type=float,
        metavar="HZ",
    )
    samples.add(
        "--dtype",
        setting="dtype",
        text="type of samples: floats are rounded for int32, and what does not fit is refused "
        "(default: as-is: int32, floats that are no whole numbers stay floats)",
        metavar="as-is|int32|float32|float64",
    )


def run(args: argparse.Namespace) -> int:
    """Make the data set; exit code as the help text says."""
    names = {field.name for field in fields(Settings)}
    given = {name: value for name, value in vars(args).items() if name in names}
    if "rate_hz" in given and "resample_hz" in given:
        args.parser.error("--rate refuses what --resample brings to its rate: give one of them")
    if "rate_hz" in given:
        given["resample_hz"] = None  # of the file: what the command line says stands over it
    settings = Settings() if args.config is None else Settings.from_toml(args.config)
    options: dict[str, Any] = {
        "settings": replace(settings, **given),
        "threads": args.threads,
        "overwrite": args.overwrite,
        "update": args.update,
        "restart": args.restart,
        "scheduler": args.scheduler,
        "progress": not args.quiet,
    }
    what = (args.index, args.out, args.catalog, args.stations)
    if args.split_by_year:
        reports = makeh5_by_year(*what, **options)
    else:
        reports = {0: makeh5(*what, **options)}
    if args.json:
        accounts = {str(year): report.to_dict() for year, report in reports.items()}
        told = accounts if args.split_by_year else accounts["0"]
        print(json.dumps(told, indent=2, ensure_ascii=False))
    elif not args.quiet:
        for report in reports.values():
            report.print(output_console())
    return 1 if any(report.has_problems for report in reports.values()) else 0


def _rate(text: str) -> float | None:
    return None if text == ANY_RATE else float(text)
