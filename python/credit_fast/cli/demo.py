"""`credit-fast demo`: the whole chain on a synthetic archive, with the commands to repeat it.

Calls the other rooms in turn, prints what each is called in the shell, and compares what they
report with what `synthetic` planted. No rule of any step is here.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from credit_fast import plotting, sections
from credit_fast.check import testh5
from credit_fast.client import Client
from credit_fast.errors import MissingExtraError
from credit_fast.hdf5.reader import Dataset, open_dataset
from credit_fast.index import makeindex
from credit_fast.making import makeh5
from credit_fast.output_file import naming_output
from credit_fast.synthetic import DEFAULT_SEED, Fault, SyntheticArchive, make_archive
from credit_fast.synthetic.verdict import Verdict, judge_cuts, judge_reports
from credit_fast.times import UTCDateTime

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "demo"
HELP = "make a synthetic archive and run the whole chain on it, pictures included"

DESCRIPTION = """\
Make two days of synthetic seismograms (Steim2 miniSEED in an SDS tree) with catalogue and station
file, then index them, cut windows, build the HDF5 data set, check it and draw it. Each step
prints the command that does the same in the shell. Some things in the archive are wrong on
purpose: a gap, an overlap, a damaged record, a pick without time, a station without data, a
station without coordinates. At the end the demo says whether exactly these were found.
"""

EPILOG = """\
examples:
  credit-fast demo
  credit-fast demo --quick -o try
  credit-fast demo --stations 12 --days 1 --seed 7 --overwrite

exit code:
  0  all steps done, and the faults found are exactly those that were planted
  1  all steps done, but something else was found, or there are no pictures without matplotlib
  2  a step failed; the last line says which and why
"""

RANGE_S = 60.0
MARKER = ".credit-fast-demo"
# What a demo makes at the top of its folder; --overwrite removes these and nothing else.
_MADE = (
    "archive",
    "index.db",
    "demo.h5",
    "demo.csv",
    "demo.events.jsonl",
    "demo.report.json",
    "stats.txt",
    "section.png",
    "station.png",
    "overview.png",
    MARKER,
)


class _StepError(Exception):
    """A step failed; the message names it."""


@dataclass(slots=True)
class _Run:
    """One demo: where it writes, where it prints, and what came of it."""

    folder: Path
    console: Console
    verdicts: list[Verdict] = field(default_factory=list)
    n_steps: int = 0

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line that is never wrapped, so that commands can be copied."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def at(self, name: str) -> Path:
        """Path of a thing in the demo's folder."""
        return self.folder / name

    @contextmanager
    def step(self, title: str, command: str) -> Iterator[None]:
        """One numbered step: its title, its command, what it prints, its time."""
        self.n_steps += 1
        self.say()
        self.say(f"{self.n_steps}. {title}", style="bold")
        for line in command.splitlines():
            self.say(f"   $ {line}", style="cyan")
        begin = time.perf_counter()
        try:
            yield
        except Exception as error:
            raise _StepError(
                f"step {self.n_steps} ({title}) failed: {type(error).__name__}: {error}"
            ) from error
        self.say(f"   {time.perf_counter() - begin:.1f} s", style="dim")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, with its description and examples."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "-o",
        "--output",
        default="credit-fast-demo",
        metavar="DIR",
        help="folder to make (default: ./credit-fast-demo)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an earlier demo in DIR; files of your own stay",
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed, another demo")
    parser.add_argument(
        "--stations", type=int, metavar="N", help="number of stations (default: 8, quick: 4)"
    )
    parser.add_argument(
        "--days", type=float, metavar="N", help="length of the archive (default: 2)"
    )
    parser.add_argument("--quick", action="store_true", help="4 stations, 3 hours, 6 events")
    parser.add_argument(
        "-t", "--threads", type=int, metavar="N", help="threads (default: all cores)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; exit code as the help text says."""
    demo = _Run(Path(args.output), Console())
    begin = time.perf_counter()
    try:
        _prepare_folder(demo.folder, args.overwrite)
        archive = _make(demo, args)
        _index_cut_build_check(demo, archive, args.threads)
        has_pictures = _draw(demo)
    except (_StepError, OSError) as error:
        Console(stderr=True).print(
            f"credit-fast demo: {error}", markup=False, highlight=False, soft_wrap=True
        )
        return 2
    agrees = _print_verdicts(demo)
    _print_closing(demo, archive, time.perf_counter() - begin)
    return 0 if agrees and has_pictures else 1


def _prepare_folder(folder: Path, overwrite: bool) -> None:
    """An empty or new folder with the marker in it, or OSError that says what is in the way."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: give another name with -o")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise FileExistsError(
                f"{folder} exists and is not a demo made earlier: give another name with -o"
            )
        if not overwrite:
            raise FileExistsError(
                f"{folder} holds an earlier demo: replace it with --overwrite, or give another "
                "name with -o"
            )
        for name in _MADE:
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    with naming_output(folder / MARKER):
        (folder / MARKER).write_text("made by credit-fast demo\n", encoding="utf-8")


def _make(demo: _Run, args: argparse.Namespace) -> SyntheticArchive:
    stations = (4 if args.quick else 8) if args.stations is None else args.stations
    hours = (3.0 if args.quick else 48.0) if args.days is None else args.days * 24
    events = max(1, min(12, int(hours * 2)))
    title = f"a synthetic archive: {stations} stations, {hours:g} h at 100 Hz, {events} events"
    code = (
        "from credit_fast.synthetic import make_archive; "
        f'make_archive("{demo.at("archive")}", stations={stations}, hours={hours:g}, '
        f"events={events}, seed={args.seed})"
    )
    with demo.step(title, f"python -c {shlex.quote(code)}"):
        with _progress(demo) as on_file:
            archive = make_archive(
                demo.at("archive"),
                stations=stations,
                hours=hours,
                events=events,
                seed=args.seed,
                threads=args.threads,
                on_file=on_file,
            )
        demo.say(
            f"   {len(archive.files)} files, {archive.n_samples / 1e6:.0f} million samples, "
            f"{_size(archive.n_bytes)}"
        )
        demo.say("   wrong on purpose:")
        for fault in archive.faults:
            demo.say(f"   - {fault.description}")
    return archive


@contextmanager
def _progress(demo: _Run) -> Iterator[Callable[[int, int], None]]:
    with Progress(console=demo.console, transient=True) as bar:
        task = bar.add_task("   writing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _index_cut_build_check(demo: _Run, archive: SyntheticArchive, threads: int | None) -> None:
    index, data_set, stats = demo.at("index.db"), demo.at("demo.h5"), demo.at("stats.txt")
    with demo.step("the index", _shell("makeindex", "-r", archive.data, "-o", index)):
        index_report = makeindex(archive.data, index, threads=threads, progress=False)
        demo.say(
            f"   {index_report.files_found} files, {index_report.records:,} records, "
            f"{index_report.rows} rows, {index_report.channels} channels"
        )
        demo.say(f"   {index_report.starttime} to {index_report.endtime}")
        for problem in index_report.problems:
            demo.say(f"   problem: {problem}")
    n_traces = {}
    for kind in ("gap", "overlap"):
        for fault in archive.faults_of(kind):
            n_traces[kind] = _cut(demo, index, fault)
    files = ("-c", archive.catalog, "-s", archive.station_file)
    command = _shell("makeh5", "-i", index, "-o", data_set, *files, "-r", f"{RANGE_S:g}")
    with demo.step("the data set", command):
        made = makeh5(
            index,
            data_set,
            archive.catalog,
            archive.station_file,
            range_s=RANGE_S,
            threads=threads,
            progress=False,
        )
        made.print(demo.console)
    command = _shell("testh5", "-i", data_set, "-o", stats, "-c", archive.catalog, "-x", index)
    with demo.step("the check, against catalogue and archive", command):
        check = testh5(data_set, archive.catalog, stats=stats, index=index, progress=False)
        check.print(demo.console)
    demo.verdicts += judge_reports(archive, index_report.problems, made, check)
    demo.verdicts += judge_cuts(archive, n_traces)


def _cut(demo: _Run, index: Path, fault: Fault) -> int:
    """Cut a window around a fault and print it; how many traces the spoiled channel gave."""
    network, station, location, channel = fault.source_id.split(".")
    margin_ns = 20_000_000_000
    begin = UTCDateTime(ns=(fault.start_ns or 0) - margin_ns)
    end = UTCDateTime(ns=(fault.end_ns or 0) + margin_ns)
    asked = f'"{network}", "{station}", "{location}", "HH?", "{begin}", "{end}"'
    code = f'from credit_fast import Client; print(Client("{index}").get_waveforms({asked}))'
    title = f"a window, around the {fault.kind} of {channel}"
    with demo.step(title, f"python -c {shlex.quote(code)}"):
        stream = Client(index).get_waveforms(network, station, location, "HH?", begin, end)
        demo.say(_indented(str(stream)))
        return len(stream.select(channel=channel))


def _draw(demo: _Run) -> bool:
    """The three pictures; False when matplotlib is not installed."""
    data_set = demo.at("demo.h5")
    try:
        plotting.require_matplotlib()
    except MissingExtraError as error:
        demo.say()
        demo.say(f"no pictures: {error}", style="yellow")
        return False
    with open_dataset(data_set) as dataset:
        event_id = sections.largest_event(dataset) or ""
        station_id = _station_for_panel(dataset, event_id)
        section, panel = demo.at("section.png"), demo.at("station.png")
        overview = demo.at("overview.png")
        command = "\n".join(
            (
                _shell("plot", "-i", data_set, "-e", event_id, "-o", section),
                _shell(
                    "plot", "-i", data_set, "-e", event_id, "--station", station_id, "-o", panel
                ),
                _shell("plot", "-i", data_set, "--overview", "-o", overview),
            )
        )
        with demo.step("pictures", command):
            figure = plotting.draw_section(sections.build_section(dataset, event_id))
            plotting.save_figure(figure, section)
            one = sections.build_station_panel(dataset, event_id, station_id)
            plotting.save_figure(plotting.draw_station(one), panel)
            whole = sections.build_overview(dataset)
            plotting.save_figure(plotting.draw_overview(whole), overview)
    return True


def _station_for_panel(dataset: Dataset, event_id: str) -> str:
    """The station with the most phases and a waveform: the farthest ones have Pn and Sn too."""
    stations = dataset.event(event_id).stations.values()
    return max(
        (s for s in stations if s.components), key=lambda s: (len(s.phases), s.station_id)
    ).station_id


def _print_verdicts(demo: _Run) -> bool:
    """What was planted and what was found, line by line; whether they agree everywhere."""
    demo.say()
    demo.say("Planted and found", style="bold")
    for verdict in demo.verdicts:
        line = f"{verdict.tool:>14}  {verdict.subject}: "
        if verdict.agrees:
            demo.say(f"   yes {line}{verdict.found}")
        else:
            demo.say(f"   NO  {line}{verdict.found}, but planted: {verdict.planted}", style="red")
    agrees = all(verdict.agrees for verdict in demo.verdicts)
    if agrees:
        demo.say("The faults found are exactly the planted ones.", style="bold green")
    else:
        demo.say("What was found is not what was planted: see NO above.", style="bold red")
    return agrees


def _print_closing(demo: _Run, archive: SyntheticArchive, seconds: float) -> None:
    demo.say()
    demo.say(f"Made in {seconds:.0f} s, in {demo.folder}:", style="bold")
    demo.say(f"   {'archive/data':<24} {_size(archive.n_bytes):>10}   {len(archive.files)} files")
    for path in (archive.catalog, archive.station_file, *(demo.at(name) for name in _MADE[1:-1])):
        if path.exists():
            name = path.relative_to(demo.folder).as_posix()
            demo.say(f"   {name:<24} {_size(path.stat().st_size):>10}")
    data_set = demo.at("demo.h5")
    demo.say()
    demo.say("What to try next:", style="bold")
    for line in (
        _shell("plot", "-i", data_set, "--list"),
        _shell("plot", "-i", data_set, "--component", "N", "--max-stations", "5", "-o", "n.png"),
        _shell("makeindex", "-r", archive.data, "-o", demo.at("index.db"))
        + "     # again: unchanged files are skipped",
        _shell("makeindex", "-r", "YOUR/DATA", "-o", "index.db") + "     # your own archive",
    ):
        demo.say(f"   $ {line}", style="cyan")


def _shell(command: str, *words: str | os.PathLike[str]) -> str:
    return shlex.join(["credit-fast", command, *(os.fspath(word) for word in words)])


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())


def _size(n_bytes: int) -> str:
    size = float(n_bytes)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
