"""Pictures: record section, station record, overview. Draws what it is given, computes nothing.

The numbers come from `sections`. Matplotlib is imported when a picture is made, with figures of
its own (no pyplot, no global state), so that this works in threads and without a display.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit_fast.errors import MissingExtraError
from credit_fast.output_file import naming_output, whole_file
from credit_fast.sections import EventMark, Overview, RecordSection, SectionTrace, StationPanel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "PHASE_COLOURS",
    "draw_overview",
    "draw_section",
    "draw_station",
    "require_matplotlib",
    "save_figure",
]

PHASE_COLOURS = {
    "Pg": "#d7191c",
    "Sg": "#1f4fd8",
    "Pn": "#f28e00",
    "Sn": "#0f9960",
    "P": "#e4579a",
    "S": "#22a7d0",
}
_OTHER_COLOUR = "#8455b5"
_INK = "#222222"
_SOFT = "#777777"
# Traces closer than this part of an even spacing would hide each other.
_CROWDED = 0.45
_DPI = 150


def require_matplotlib() -> None:
    """Raise MissingExtraError, which says how to install it, when matplotlib is not there."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'plots need matplotlib, which is not installed: pip install "credit_fast[plot]"'
        ) from error


def _figure(width_in: float, height_in: float) -> Figure:
    """A figure on its own canvas; the Agg backend needs no display."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a picture; the ending of the name decides the format (png without one, pdf, svg, ...).

    It appears under its name when it is whole; until then an older one stays as it is. Raises
    ValueError for an ending that matplotlib does not know, OSError when the file cannot be
    written.
    """
    kind = Path(path).suffix[1:] or "png"
    target = Path(path).resolve()  # replace the file that is meant, not the link to it
    is_special = target.exists() and not target.is_file()  # a device, a pipe; a folder refuses
    place = nullcontext(target) if is_special else whole_file(target)
    with warnings.catch_warnings(), place as part, naming_output(path):
        # A name in a script that the font lacks becomes boxes; that is no reason to complain.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(part, dpi=_DPI, format=kind)


def draw_section(section: RecordSection) -> Figure:
    """Draw a record section: time since origin to the right, distance upward.

    Traces stand at their distance on a true axis when that leaves them readable. When some
    would cover each other all are spread evenly in order of distance, with the distance written
    beside each.
    """
    count = len(section.traces)
    figure = _figure(11.0, min(22.0, max(4.6, 2.4 + 0.34 * count)))
    axes = figure.add_subplot()
    distances = [t.distance_km for t in section.traces if t.distance_km is not None]
    even = count < 2 or len(distances) < count or _crowded(distances)
    if even:
        places, half = [float(rank) for rank in range(count)], 0.47
    else:
        places = distances
        half = 0.47 * min(
            1.6 * min(b - a for a, b in pairwise(distances)),
            (distances[-1] - distances[0]) / (count - 1),
        )
    for trace, place in zip(section.traces, places, strict=True):
        _draw_trace(axes, trace, place, half)
    axes.set_xlim(section.begin_s, section.end_s)
    axes.set_ylim(places[0] - 1.6 * half, places[-1] + 1.6 * half)
    axes.set_xlabel("time since origin (s)")
    if even:
        axes.set_yticks(places, [_distance_text(t.distance_km) for t in section.traces])
        axes.set_ylabel("epicentral distance (km), evenly spread")
    else:
        axes.set_ylabel("epicentral distance (km)")
    names = axes.secondary_yaxis("right")
    names.set_yticks(places, [t.label for t in section.traces], fontsize=8, parse_math=False)
    names.tick_params(length=0)
    _finish(axes, section.title, section.subtitle)
    axes.axvline(0.0, color=_SOFT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    _phase_legend(figure, section.traces)
    return figure


def draw_station(panel: StationPanel) -> Figure:
    """Draw the components of one station under each other, with the picks through all."""
    count = len(panel.traces)
    figure = _figure(11.0, 1.6 + 1.7 * count)
    rows = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    for axes, trace in zip(rows, panel.traces, strict=True):
        axes.plot(trace.times_s, trace.amplitudes, color=_INK, linewidth=0.5, zorder=2)
        for phase, seconds in trace.picks.items():
            axes.axvline(seconds, color=_colour(phase), linewidth=1.3, zorder=3)
        axes.set_ylabel(f"{trace.label}\n(counts)", parse_math=False)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-4, 5), useMathText=True)
        axes.margins(y=0.08)
        axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    rows[0].set_xlim(panel.begin_s, panel.end_s)
    rows[-1].set_xlabel("time since origin (s)")
    _titles(rows[0], panel.title, panel.subtitle)
    _phase_legend(figure, panel.traces)
    return figure


def draw_overview(overview: Overview) -> Figure:
    """Draw a map of stations and events, and events and their picks in time."""
    figure = _figure(13.0, 6.6)
    grid = figure.add_gridspec(2, 2, width_ratios=(1.15, 1.0))
    _draw_map(figure, figure.add_subplot(grid[:, 0]), overview)
    sizes = figure.add_subplot(grid[0, 1])
    picks = figure.add_subplot(grid[1, 1], sharex=sizes)
    _draw_magnitudes(sizes, overview.events)
    _draw_pick_counts(picks, overview.events)
    figure.suptitle(f"{overview.title}\n{overview.subtitle}", fontsize=11)
    return figure


def _draw_trace(axes: Axes, trace: SectionTrace, place: float, half: float) -> None:
    axes.plot(trace.times_s, place + half * trace.amplitudes, color=_INK, linewidth=0.45, zorder=2)
    for phase, seconds in trace.picks.items():
        axes.plot(
            [seconds, seconds],
            [place - 0.9 * half, place + 0.9 * half],
            color=_colour(phase),
            linewidth=1.5,
            solid_capstyle="butt",
            zorder=3,
        )


def _crowded(distances: Sequence[float]) -> bool:
    span = distances[-1] - distances[0]
    even = span / (len(distances) - 1)
    return span <= 0 or min(b - a for a, b in pairwise(distances)) < _CROWDED * even


def _distance_text(distance_km: float | None) -> str:
    return "unknown" if distance_km is None else f"{distance_km:.1f}"


def _colour(phase: str) -> str:
    return PHASE_COLOURS.get(phase, _OTHER_COLOUR)


def _ordered_phases(names: Iterable[str]) -> list[str]:
    """Known phases in the order of the colour table, then the rest by name."""
    present = set(names)
    known = [phase for phase in PHASE_COLOURS if phase in present]
    return known + sorted(present - set(known))


def _phase_legend(figure: Figure, traces: Iterable[SectionTrace]) -> None:
    from matplotlib.lines import Line2D

    phases = _ordered_phases(phase for trace in traces for phase in trace.picks)
    if phases:
        figure.legend(
            handles=[
                Line2D([], [], color=_colour(phase), linewidth=2.2, label=phase) for phase in phases
            ],
            loc="outside lower center",
            ncols=min(8, len(phases)),
            frameon=False,
            title=None,
        )


def _titles(axes: Axes, title: str, subtitle: str) -> None:
    axes.set_title(
        f"{title}\n{subtitle}", loc="left", fontsize=10.5, linespacing=1.5, parse_math=False
    )


def _finish(axes: Axes, title: str, subtitle: str) -> None:
    _titles(axes, title, subtitle)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_map(figure: Figure, axes: Axes, overview: Overview) -> None:
    axes.scatter(
        [s.longitude_deg for s in overview.stations],
        [s.latitude_deg for s in overview.stations],
        marker="^",
        s=75,
        color="#2b6cb0",
        edgecolor="white",
        linewidth=0.7,
        zorder=3,
        label="station",
    )
    _label_stations(axes, overview)
    placed = [
        (e.longitude_deg, e.latitude_deg, e)
        for e in overview.events
        if e.longitude_deg is not None and e.latitude_deg is not None
    ]
    points = axes.scatter(
        [longitude for longitude, _, _ in placed],
        [latitude for _, latitude, _ in placed],
        s=[_marker_size(e) for _, _, e in placed],
        c=[float("nan") if e.depth_km is None else e.depth_km for _, _, e in placed],
        cmap="plasma_r",
        edgecolor=_INK,
        linewidth=0.5,
        alpha=0.8,
        zorder=3.5,
        plotnonfinite=True,
        label="event (size: magnitude)",
    )
    if placed:
        figure.colorbar(points, ax=axes, label="depth (km)", shrink=0.6, pad=0.01)
    axes.set_xlabel("longitude (°)")
    axes.set_ylabel("latitude (°)")
    axes.margins(0.08)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    latitudes = [s.latitude_deg for s in overview.stations] + [lat for _, lat, _ in placed]
    if latitudes:
        # Kilometres east and kilometres north take the same room in the middle of the map.
        middle = math.radians(0.5 * (min(latitudes) + max(latitudes)))
        axes.set_aspect(1.0 / max(0.1, math.cos(middle)), adjustable="datalim")
    note = "" if not overview.n_unplaced else f"  ({overview.n_unplaced} without coordinates)"
    axes.set_title(f"{len(overview.stations)} stations on the map{note}", fontsize=9.5, loc="left")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower left", ncols=2, frameon=False
    )


def _label_stations(axes: Axes, overview: Overview) -> None:
    """Station codes above the marks, unless there are too many to read."""
    from matplotlib.patheffects import withStroke

    halo = withStroke(linewidth=2, foreground="white")
    if len(overview.stations) <= 60:
        for s in overview.stations:
            axes.annotate(
                s.station_id.split(".")[1] if s.station_id.count(".") else s.station_id,
                (s.longitude_deg, s.latitude_deg),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
                parse_math=False,
                path_effects=[halo],
                zorder=2.5,
            )


def _marker_size(event: EventMark) -> float:
    """Area of a marker: grows with magnitude, stays visible for the smallest."""
    return 14.0 * math.pow(1.75, max(0.0, event.magnitude or 0.0))


def _moment(event: EventMark) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=event.time_ns // 1000)


def _draw_magnitudes(axes: Axes, events: Sequence[EventMark]) -> None:
    known = [e for e in events if e.magnitude is not None]
    times: list[Any] = [_moment(e) for e in known]
    sizes = [e.magnitude or 0.0 for e in known]
    axes.vlines(times, 0, sizes, color="#c9c9c9", linewidth=1.2, zorder=1)
    axes.scatter(times, sizes, s=34, color="#c2410c", edgecolor="white", linewidth=0.6, zorder=2)
    axes.set_ylabel("magnitude")
    axes.set_ylim(bottom=min([0.0, *sizes]))
    axes.tick_params(labelbottom=False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)


def _draw_pick_counts(axes: Axes, events: Sequence[EventMark]) -> None:
    """One bar for each event, its phases on top of each other."""
    from matplotlib import dates

    times: list[Any] = [_moment(e) for e in events]
    width = 7.0 if len(events) <= 60 else 1.0
    tops = [0] * len(events)
    for phase in _ordered_phases(phase for e in events for phase in e.picks):
        bottoms, tops = (
            tops,
            [top + e.picks.get(phase, 0) for top, e in zip(tops, events, strict=True)],
        )
        axes.vlines(times, bottoms, tops, color=_colour(phase), linewidth=width, label=phase)
    if any(tops):
        axes.legend(fontsize=8, ncols=4, loc="upper left", frameon=False)
    axes.set_ylim(0, 1.25 * max([1, *tops]))
    axes.set_ylabel("picks of the event")
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    locator = dates.AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        dates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    )
    axes.set_xlabel("origin time (UTC)")
