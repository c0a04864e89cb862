"""`credit-fast export`: parse, call the exporter, print its report. No format here."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from credit_fast.account.files import OutputNames
from credit_fast.cli.terminal import output_console
from credit_fast.export import FORMATS
from credit_fast.station_records.settings import Settings

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "export"
_ORDER = "ZNE"
HELP = "write a data set, or windows of an archive, in the format of another program"

DESCRIPTION = """\
Write a data set in the format of another program. So far: SeisBench, a folder DIR with
metadata.csv and waveforms.hdf5 that `seisbench.data.WaveformDataset("DIR")` opens.

INPUT is an HDF5 file of makeh5; or, with a catalogue (-c), an index: then the windows are cut as
makeh5 would (-s -r --rate, or --config with all of its options), without an HDF5 file in between.
Both ways give the same folder.

Each station record with a waveform becomes one trace of three components, in the order Z N E; an
absent component is zeros, and the column trace_completeness says what share is real. Arrivals are
in the columns trace_<phase>_arrival_sample (not rounded), only where the trace has a real sample
at their time. Training, development and test set are made of whole events, of those that have a
waveform: the same events, shares and seed give the same sets. A code that pandas would take for a
number has an apostrophe before it: '00 is location 00.

Memory stays below 1 GB at any size. DIR appears under its name only when it is whole;
export.report.json in it says what was exported, what was left out, and why.
"""

EPILOG = """\
examples:
  credit-fast export --to seisbench -i 2019.h5 -o 2019-seisbench
  credit-fast export --to seisbench -i 2019.h5 -o sets --split 0.7,0.1,0.2 --seed 42
  credit-fast export --to seisbench -i 2019.h5 -o floats --dtype float32 --compression none
  credit-fast export --to seisbench -i index.db -c events.pha -s stations.loc -r 60 -o short
  credit-fast export --to seisbench -i index.db -c events.pha --config set.toml -o chosen
  credit-fast export --to seisbench -i 2019.h5 -o sets --overwrite --json > report.json

and then, in Python:
  import seisbench.data, seisbench.generate
  data = seisbench.data.WaveformDataset("2019-seisbench", sampling_rate=100)
  generator = seisbench.generate.GenericGenerator(data.train())

exit code:
  0  all well; records without a waveform are counted, and are no problem
  1  finished, but something was damaged or refused (a record that cannot be read, a bad line of
     the catalogue, a duplicate event)
  2  failed, or there was nothing to export; DIR was not touched
  130, 143  stopped by Ctrl-C, by SIGTERM; DIR was not touched
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--to", required=True, choices=sorted(FORMATS), help="the format")
    parser.add_argument("-i", "--input", required=True, help="HDF5 file; or, with -c, an index")
    parser.add_argument("-o", "--out", required=True, metavar="DIR", help="folder to make")
    parser.add_argument("-c", "--catalog", help="INPUT is an index: cut the windows of this one")
    parser.add_argument("-s", "--stations", help="with -c: station file, gives the coordinates")
    parser.add_argument(
        "-r",
        "--range",
        type=float,
        metavar="SECONDS",
        help="with -c: seconds before the first and after the last pick (default: 500)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="with -c: TOML file with the options of makeh5; other options stand over it",
    )
    parser.add_argument(
        "--rate",
        type=_rate,
        metavar="HZ|any",
        help="the sampling rate to take (default: 100 with -c, else any)",
    )
    parser.add_argument(
        "--components",
        metavar="LETTERS",
        help="orientations of a trace in their order, as Z12 (default: ZNE, or what was cut)",
    )
    parser.add_argument(
        "--split",
        type=_shares,
        default=(0.8, 0.1, 0.1),
        metavar="TRAIN,DEV,TEST",
        help="shares of events (default: 0.8,0.1,0.1)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="decides which event goes where (default: 0)"
    )
    parser.add_argument(
        "--dtype",
        default="as-is",
        choices=("as-is", "float32", "float64"),
        help="type of the samples (default: as-is, which is int32 for counts)",
    )
    parser.add_argument(
        "--compression",
        type=_level,
        default=4,
        metavar="none|LEVEL",
        help="gzip level 1 to 9 with shuffle, or none: faster, larger (default: 4)",
    )
    parser.add_argument(
        "--block", type=int, default=64, metavar="N", help="traces in one block (default: 64)"
    )
    parser.add_argument(
        "-t", "--threads", type=int, metavar="N", help="threads that work (default: all cores)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace DIR, if it holds an export, its report too, and no more",
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no table")


def run(args: argparse.Namespace) -> int:
    """Export; exit code as the help text says."""
    options: dict[str, Any] = {}
    cut = _ORDER
    if args.catalog is not None:
        settings = _settings(args)
        cut = settings.components
        options = {"catalog": args.catalog, "stations": args.stations, "settings": settings}
    elif any(item is not None for item in (args.stations, args.range, args.config)):
        raise ValueError("-s, -r and --config are for an index: they need a catalogue too (-c)")
    else:
        cut = _components_of(OutputNames(Path(args.input)).report)
        if args.rate not in (None, "any"):
            options = {"rate_hz": args.rate}
    components = args.components or (_ORDER if {*cut} == {*_ORDER} else cut)
    report = FORMATS[args.to](
        args.input,
        args.out,
        components=components,
        split=args.split,
        seed=args.seed,
        sample_type=args.dtype,
        compression_level=args.compression,
        rows_per_block=args.block,
        threads=args.threads,
        overwrite=args.overwrite,
        progress=not args.quiet,
        **options,
    )
    if args.json:
        print(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    elif not args.quiet:
        report.print(output_console())
    return 1 if report.has_problems else 0


def _components_of(account: Path) -> str:
    """Orientations that a data set was made of, by the account beside it; Z N E without one."""
    try:
        told = json.loads(account.read_text(encoding="utf-8"))["settings"]["components"]
    except (OSError, ValueError, KeyError, TypeError):
        return _ORDER
    return told if isinstance(told, str) else _ORDER


def _settings(args: argparse.Namespace) -> Settings:
    """The options of makeh5: those of the command line, of the file, else the usual ones."""
    given = {"range_s": args.range, "components": args.components}
    chosen = {name: value for name, value in given.items() if value is not None}
    if args.rate is not None:
        chosen |= {"rate_hz": None if args.rate == "any" else args.rate, "resample_hz": None}
    settings = Settings() if args.config is None else Settings.from_toml(args.config)
    return replace(settings, **chosen)


def _rate(text: str) -> float | str:
    return text if text == "any" else float(text)


def _level(text: str) -> int | None:
    return None if text == "none" else int(text)


def _shares(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))
