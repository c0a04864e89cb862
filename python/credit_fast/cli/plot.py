"""`credit-fast plot`: pictures of a data set. Parses, calls `sections` and `plotting`, prints."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from typing import TYPE_CHECKING

from credit_fast import plotting, sections
from credit_fast.errors import CreditFastError, DatasetError
from credit_fast.hdf5.reader import Dataset, open_dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["HELP", "NAME", "add_arguments", "near_matches", "run"]

NAME = "plot"
HELP = "draw the record section of an event, one station record, or the whole data set"
_NEAR = 5
_COMPONENT = "Z"
# Options that say something of one picture, and would be passed over in silence for another.
_OF_EVENTS = ("event", "component", "max_stations", "before", "after")
_WITHOUT_EFFECT = {"station": ("max_stations",), "overview": _OF_EVENTS, "list": _OF_EVENTS}

DESCRIPTION = """\
Draw an event of a data set as a record section: one trace per station, ordered by epicentral
distance, each normalised; Pg red, Sg blue, Pn orange, Sn green, P pink and S light blue; time
since origin.
--station draws all components of one station, --overview the map and time line of the file.
"""

EPILOG = """\
examples:
  credit-fast plot -i 2019.h5 --list
  credit-fast plot -i 2019.h5 -e XX.202001311952.0007 -o section.png
  credit-fast plot -i 2019.h5 -e XX.202001311952.0007 --station XX.CF01.00 -o station.png
  credit-fast plot -i 2019.h5 --station XX.CF01.00 --component Z -o vertical.png
  credit-fast plot -i 2019.h5 --overview -o overview.pdf

exit code:
  0  the picture is written, or the list printed
  2  it could not be: no such event, no waveform, no matplotlib
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-i", "--input", required=True, metavar="FILE", help="HDF5 data set")
    parser.add_argument(
        "-e",
        "--event",
        metavar="EVENT",
        help="event id; without it the largest event that has a waveform. An id that begins with "
        "a minus sign is given as -e=-ID",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="picture to write, replaced when it exists; its ending gives the format: png, pdf, "
        "svg, ... (default: the event id with .png)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--station",
        metavar="NET.STA.LOC",
        help="all components of one station of the event, in place of the record section",
    )
    what.add_argument(
        "--overview",
        action="store_true",
        help="map of stations and events, magnitudes and picks in time, of the whole file",
    )
    what.add_argument("--list", action="store_true", help="list the events, draw nothing")
    parser.add_argument(
        "--component",
        metavar="LETTER",
        help="last letter of the channels that are drawn (default: Z; with --station: all)",
    )
    parser.add_argument(
        "--max-stations",
        type=_count,
        metavar="N",
        help="only the N nearest stations (default: all)",
    )
    parser.add_argument(
        "--before",
        type=float,
        metavar="S",
        help="seconds shown before the origin (default: 10; with --station: 10 before the first "
        "pick)",
    )
    parser.add_argument(
        "--after",
        type=float,
        metavar="S",
        help="seconds shown after the origin (default: a little beyond the last pick)",
    )


def run(args: argparse.Namespace) -> int:
    """Draw what was asked for; 0 when there is a picture or list, 2 when there is not."""
    try:
        _refuse_options_without_effect(args)
        if not args.list:
            plotting.require_matplotlib()
        with open_dataset(args.input) as dataset:
            if args.list:
                return _print_events(dataset)
            event_id = "" if args.overview else _choose_event(dataset, args.event)
            figure = _draw(dataset, event_id, args)
        output = args.output or _file_name(event_id)
        plotting.save_figure(figure, output)
    except BrokenPipeError:
        raise
    except (CreditFastError, OSError, ValueError, LookupError) as error:
        # str() of a KeyError puts its message in quotation marks.
        text = error.args[0] if isinstance(error, LookupError) and error.args else error
        print(f"credit-fast plot: {text}", file=sys.stderr)
        return 2
    print(output)
    return 0


def _refuse_options_without_effect(args: argparse.Namespace) -> None:
    for picture, options in _WITHOUT_EFFECT.items():
        for option in options:
            if getattr(args, picture) and getattr(args, option) is not None:
                name = option.replace("_", "-")
                raise ValueError(f"--{name} has no effect with --{picture}: leave one of them out")


def near_matches(wanted: str, known: list[str]) -> list[str]:
    """At most five known ids that contain, or nearly read as, the wanted one."""
    inside = [name for name in known if wanted and wanted.lower() in name.lower()]
    alike = difflib.get_close_matches(wanted, known, n=_NEAR, cutoff=0.6)
    return list(dict.fromkeys(inside + alike))[:_NEAR]


def _choose_event(dataset: Dataset, wanted: str | None) -> str:
    if wanted is None:
        largest = sections.largest_event(dataset)
        if largest is None:
            raise DatasetError(
                f"{dataset.path}: none of its {len(dataset)} events has a waveform",
                path=dataset.path,
            )
        return largest
    if wanted not in dataset:
        near = near_matches(wanted, dataset.events())
        hint = f"nearest: {', '.join(near)}" if near else "--list shows what there is"
        raise LookupError(f"no event {wanted!r} among the {len(dataset)} of {dataset.path}; {hint}")
    return wanted


def _draw(dataset: Dataset, event_id: str, args: argparse.Namespace) -> Figure:
    if args.overview:
        return plotting.draw_overview(sections.build_overview(dataset))
    if args.station is not None:
        panel = sections.build_station_panel(
            dataset,
            event_id,
            args.station,
            component=args.component,
            before_s=args.before,
            after_s=args.after,
        )
        return plotting.draw_station(panel)
    section = sections.build_section(
        dataset,
        event_id,
        component=args.component or _COMPONENT,
        max_stations=args.max_stations,
        before_s=sections.LEAD_S if args.before is None else args.before,
        after_s=args.after,
    )
    return plotting.draw_section(section)


def _print_events(dataset: Dataset) -> int:
    for event_id in dataset.events():
        print("   ·   ".join(sections.describe_event(dataset.event(event_id))))
    return 0


def _file_name(event_id: str) -> str:
    """A name for the picture in the present folder, safe whatever the id contains."""
    safe = re.sub(r"[^\w.+-]+", "_", event_id).strip("._-")
    return f"{safe or 'overview'}.png"


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number
