"""What a user chooses for a data set: every option that changes what is in it, checked once.

How the job is run (threads, progress, names of files) is no setting. No HDF5, no archive. The
reasons for the defaults are in docs/decisions/0013.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from credit_fast.hdf5 import layout
from credit_fast.hdf5.compression import parse_compression
from credit_fast.station_records.orientations import Orientations

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ANY_RATE", "Settings"]

ANY_RATE = "any"  # how text says `rate_hz=None`
_BAND_PATTERN = re.compile(r"[A-Za-z0-9?]{2}\?\Z")
_BAND_EXPECTED = "expected two letters of a band and `?`, as HH? (orientations are `components`)"
_GAPS = ("fill", "split", "drop")
_DTYPES = ("as-is", "int32", "float32", "float64")
_AROUND = ("picks", "origin")
_MAX_SECONDS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of a data set. ValueError for one that is out of its range.

    Attributes
    ----------
    range_s
        Seconds before the first and after the last pick (or the origin, see `around`).
    before_s, after_s
        The same for each side by itself; None: `range_s`.
    around
        `"picks"`: the window runs from the first pick - before to the last pick + after;
        `"origin"`: from the origin time - before to the origin time + after.
    min_length_s
        A window is at least so long; what lacks is added in halves before and behind.
    phases
        Phases whose rows are kept and make windows, as `("Pg", "Sg")` or `"Pg,Sg"`; empty: all.
    min_picks
        Least number of arrivals (rows TRAVTIME of those phases, with a usable time, each phase of
        a station once, under whatever location) of an event.
    max_distance_km
        Greatest epicentral distance of a station: as the catalogue states it, else by the station
        table; a station whose distance nobody knows is kept. None: any.
    all_stations
        Cut the stations of the archive within `max_distance_km` that no pick of the event names,
        too. Needs a station table.
    channels
        Bands to cut in order of preference, as `("BH?", "HH?")` or `"BH?,HH?"`; `?` in the band
        stands for any letter. Empty: the picked band, without one that of `layout.BAND_ORDER`.
    components
        Orientation letters to cut, of E N Z 1 2, such as `"12Z"`. Known readers expect three.
    orientations
        Where 1 and 2 point, to turn them to E and N where a station has none of these: a file, its
        lines, or what `Orientations.read` returns. None: nothing is turned.
    gaps
        What becomes of gaps: `"fill"` them, `"split"` the record and keep the stretch without gaps
        that holds most picks, `"drop"` the components that have any.
    max_gap_s
        Gaps of at most so many seconds are filled whatever `gaps` says of longer ones.
    fill
        Value of samples that one component lacks and another has.
    rate_hz
        The one sampling rate that is accepted (known readers assume 100 Hz); None: any. It has no
        say, and becomes None, where `resample_hz` is given.
    resample_hz
        Accept any rate, and bring it to this one (needs SciPy). None: as it is.
    dtype
        Type of samples: `"int32"`, `"float32"`, `"float64"`; `"as-is"`: integers and whole numbers
        int32, floats as they are.
    noise
        Windows without picks to add, in all: each an event of the type `noise` with one station.
        Those of a station do not overlap; there are fewer when the archive has no more.
    noise_seed
        Decides which: the same number gives the same ones, of the same archive and catalogue.
    compression
        "gzip", "gzip:1" to "gzip:9", "lzf" or "none"; all but the last shuffle bytes first. Every
        HDF5 reader knows gzip; lzf comes with h5py, and programs without h5py lack it.
    """

    range_s: float = 500.0
    before_s: float | None = None
    after_s: float | None = None
    around: str = "picks"
    min_length_s: float = 0.0
    phases: tuple[str, ...] = ()
    min_picks: int = 0
    max_distance_km: float | None = None
    all_stations: bool = False
    channels: tuple[str, ...] = ()
    components: str = layout.ORIENTATIONS
    orientations: Orientations | None = None
    gaps: str = "fill"
    max_gap_s: float | None = None
    fill: int = 0
    rate_hz: float | None = layout.DEFAULT_RATE_HZ
    resample_hz: float | None = None
    dtype: str = "as-is"
    noise: int = 0
    noise_seed: int = 0
    compression: str = "gzip"

    def __post_init__(self) -> None:
        self._number("range_s", 0, _MAX_SECONDS, "seconds")
        self._number("before_s", 0, _MAX_SECONDS, "seconds", or_none=True)
        self._number("after_s", 0, _MAX_SECONDS, "seconds", or_none=True)
        self._number("min_length_s", 0, _MAX_SECONDS, "seconds")
        self._word("around", _AROUND)
        self._words("channels")
        for pattern in self.channels:
            if not _BAND_PATTERN.match(pattern):
                raise ValueError(f"channels {pattern!r}: {_BAND_EXPECTED}")
        self._check_selection()
        self._check_samples()
        self._whole("noise", 0, 10**7, "0 or more windows")
        self._whole("noise_seed", -(2**63), 2**63 - 1, "a whole number")
        parse_compression(self.compression)
        known, letters = layout.ORIENTATIONS_ON_REQUEST, self.components
        if (
            not isinstance(letters, str)
            or not letters
            or len(set(letters)) < len(letters)
            or set(letters) - {*known}
        ):
            raise ValueError(
                f"components {letters!r}: expected letters of {' '.join(known)}, each once"
            )
        self._check_orientations()

    def _check_selection(self) -> None:
        self._words("phases")
        for phase in self.phases:
            if (fault := layout.phase_fault(phase)) is not None:
                raise ValueError(f"phases: {fault}")
        self._whole("min_picks", 0, 10**6, "0 or more picks")
        self._number("max_distance_km", 0, 20_100, "km", or_none=True)
        if not isinstance(self.all_stations, bool):
            raise ValueError(f"all_stations {self.all_stations!r}: expected true or false")
        if self.all_stations and self.max_distance_km is None:
            raise ValueError("all_stations needs max_distance_km: how far is all?")

    def _check_samples(self) -> None:
        for name, or_none in (("rate_hz", "None for any"), ("resample_hz", "None to leave it")):
            rate = getattr(self, name)
            if rate is None:
                continue
            if not (_is_number(rate) and 0 < rate < 1e6):
                raise ValueError(f"{name} {rate!r}: expected a positive rate in Hz, or {or_none}")
            object.__setattr__(self, name, float(rate))
        if self.resample_hz is not None:
            object.__setattr__(self, "rate_hz", None)
        self._word("gaps", _GAPS)
        self._number("max_gap_s", 0, _MAX_SECONDS, "seconds", or_none=True)
        if self.max_gap_s is not None and self.gaps == "fill":
            raise ValueError(
                f"max_gap_s {self.max_gap_s}: all gaps are filled unless `gaps` is split or drop"
            )
        self._word("dtype", _DTYPES)
        self._whole("fill", -(2**31), 2**31 - 1, "an int32 value")

    def _check_orientations(self) -> None:
        given: Any = self.orientations
        if isinstance(given, str | os.PathLike):
            object.__setattr__(self, "orientations", Orientations.read(given))
        elif isinstance(given, list | tuple):
            rows = list(enumerate(map(str, given), start=1))
            object.__setattr__(self, "orientations", Orientations.parse(rows, "orientations"))
        elif given is not None and not isinstance(given, Orientations):
            raise ValueError(f"orientations {given!r}: expected a file, or its lines")
        if given is not None and set(self.components) & {*"12"}:
            raise ValueError(
                f"components {self.components!r}: orientations turn 1 and 2 to E and N: "
                "expected letters of E N Z with them"
            )

    @property
    def accepted_hz(self) -> float | None:
        """The rate that samples have after resampling, where that is done; None: any."""
        return self.rate_hz if self.resample_hz is None else self.resample_hz

    def window(self, origin_ns: int, picks_ns: tuple[int, int] | None) -> tuple[int, int] | None:
        """First and last time to ask for, ns since 1970; None where there is nothing to go by.

        `picks_ns` are the first and the last time that the record is cut around, None without
        any: then only `around="origin"` has a window.
        """
        if self.around == "origin":
            picks_ns = (origin_ns, origin_ns)
        elif picks_ns is None:
            return None
        before_s = self.range_s if self.before_s is None else self.before_s
        after_s = self.range_s if self.after_s is None else self.after_s
        start_ns, end_ns = picks_ns[0] - round(before_s * 1e9), picks_ns[1] + round(after_s * 1e9)
        lacking_ns = max(0, round(self.min_length_s * 1e9) - (end_ns - start_ns))
        return start_ns - lacking_ns // 2, end_ns + lacking_ns - lacking_ns // 2

    def band_patterns(self, picked: list[str]) -> list[str]:
        """Bands to look for, preferred ones first: those listed, else the picked, else any."""
        return [pattern[:2] for pattern in self.channels] or picked or ["??"]

    def to_dict(self) -> dict[str, Any]:
        """All options, as JSON and TOML hold them; `from_dict` gives the same settings again."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.rate_hz is None:
            values["rate_hz"] = ANY_RATE
        if self.orientations is not None:
            values["orientations"] = self.orientations.to_rows()
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }

    def to_toml(self) -> str:
        """The text of a configuration file that gives these settings; None is left out."""
        lines = (
            f"{name} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in self.to_dict().items()
            if value is not None
        )
        return "\n".join(lines) + "\n"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str = "settings") -> Settings:
        """Settings of these options, defaults for the rest.

        ValueError, with `place`, for a name that is none, or a value out of its range.
        """
        known = [field.name for field in fields(cls)]
        given = dict(values)
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
                raise ValueError(f"{place}: unknown key {name!r}: {hint}")
        if given.get("rate_hz") == ANY_RATE:
            given["rate_hz"] = None
        try:
            return cls(**given)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Settings:
        """Settings of a configuration file: `name = value` lines in TOML, names as here.

        `rate_hz = "any"` accepts every rate; other options that may be None are so when they are
        left out. FileNotFoundError, PermissionError, IsADirectoryError; ValueError as from
        `from_dict`, and for what is no TOML.
        """
        with Path(path).open("rb") as file:
            try:
                values = tomllib.load(file)
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"{os.fspath(path)} is no TOML: {error}") from error
        if isinstance(values.get("orientations"), str):  # a path as the file sees it
            values["orientations"] = str(Path(path).parent / values["orientations"])
        if values.get("rate_hz", ANY_RATE) != ANY_RATE and "resample_hz" in values:
            raise ValueError(
                f"{os.fspath(path)}: rate_hz refuses what resample_hz brings to its rate: "
                "expected one of them"
            )
        return cls.from_dict(values, os.fspath(path))

    def _number(
        self, name: str, low: float, high: float, unit: str, *, or_none: bool = False
    ) -> None:
        value = getattr(self, name)
        if or_none and value is None:
            return
        if not _is_number(value) or not low <= value < high:
            raise ValueError(f"{name} {value!r}: expected {low:g} to {high:.0f} {unit}")
        object.__setattr__(self, name, float(value))  # 30 and 30.0 are one setting, in text too

    def _whole(self, name: str, low: int, high: int, expected: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{name} {value!r}: expected {expected}")

    def _words(self, name: str) -> None:
        """Make a tuple of a list, or of words between commas; each once, in their order."""
        value = getattr(self, name)
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{name} {value!r}: expected words between commas, or a list of them")
        stripped = (word.strip() for word in words)
        object.__setattr__(self, name, tuple(dict.fromkeys(filter(None, stripped))))

    def _word(self, name: str, known: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in known:
            near = difflib.get_close_matches(str(value), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{name} {value!r}: expected one of {', '.join(known)}{hint}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
