"""Stats: what is known of a trace besides its samples. Nothing here knows of samples."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from credit_fast.times import UTCDateTime, from_ns, sample_time_ns, to_ns

__all__ = ["AttribDict", "Stats"]

_CODES = ("network", "station", "location", "channel")
_KEYS = ("sampling_rate", "delta", "starttime", "endtime", "npts", "calib", *_CODES)
_PRINTED = (*_CODES, "starttime", "endtime", "sampling_rate", "delta", "npts", "calib")
_STORED = frozenset((*_CODES, "starttime", "sampling_rate", "npts", "calib"))
_SLOTS = frozenset(("_start_ns", "_rate_hz"))


class AttribDict(dict[str, Any]):
    """A dict whose keys are attributes too: `stats.mseed.dataquality`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None


class Stats(MutableMapping[str, Any]):
    """Codes, start, rate and number of samples of a trace; a mapping with attributes, as ObsPy's.

    `network`, `station`, `location`, `channel` (text), `starttime` (any time can be set; it reads
    as `UTCDateTime`), `sampling_rate` in Hz, `delta` in seconds (setting one sets the other),
    `npts`, `calib`, and `endtime`, which is derived and read-only. `component` is the last letter
    of the channel. Any other key may be added; a mapping given as its value becomes attributes
    too (`stats.mseed.dataquality`).

    Parameters
    ----------
    header
        Mapping to start from, ObsPy's Stats included; a key that is derived is passed over.

    Raises
    ------
    AttributeError
        On an unknown attribute, and when `endtime` is set.
    KeyError
        On an unknown key.
    ValueError
        When a rate is negative or not finite, a component has not one letter, or a time is bad.
    """

    # What is not in a slot goes to __dict__, which Python makes only when something is added.
    __slots__ = ("__dict__", "_rate_hz", "_start_ns", "calib", "channel", "location", "network",
                 "npts", "station")  # fmt: skip

    network: str
    station: str
    location: str
    channel: str
    npts: int
    calib: float
    _start_ns: int
    _rate_hz: float

    def __init__(self, header: Mapping[str, Any] | None = None) -> None:
        _set_network(self, "")
        _set_station(self, "")
        _set_location(self, "")
        _set_channel(self, "")
        _set_start_ns(self, 0)
        _set_rate_hz(self, 1.0)
        _set_npts(self, 0)
        _set_calib(self, 1.0)
        if header:
            self.update(header)

    @classmethod
    def _from_parts(
        cls,
        network: str,
        station: str,
        location: str,
        channel: str,
        start_ns: int,
        rate_hz: float,
        npts: int,
    ) -> Stats:
        """Make Stats without checks, fast, from values that are known to be right."""
        made = _new(cls)
        _set_network(made, network)
        _set_station(made, station)
        _set_location(made, location)
        _set_channel(made, channel)
        _set_start_ns(made, start_ns)
        _set_rate_hz(made, rate_hz)
        _set_npts(made, npts)
        _set_calib(made, 1.0)
        return made

    @property
    def starttime(self) -> UTCDateTime:
        """Time of the first sample; any time can be set."""
        return from_ns(self._start_ns)

    @starttime.setter
    def starttime(self, value: Any) -> None:
        _set_start_ns(self, to_ns(value))

    @property
    def endtime(self) -> UTCDateTime:
        """Time of the last sample; the start when there is none."""
        return from_ns(self._end_ns())

    def _end_ns(self) -> int:
        """Time of the last sample in nanoseconds since 1970; the start when there is none."""
        return sample_time_ns(self._start_ns, self._rate_hz, max(self.npts - 1, 0))

    @property
    def sampling_rate(self) -> float:
        """Samples per second."""
        return self._rate_hz

    @sampling_rate.setter
    def sampling_rate(self, value: Any) -> None:
        rate_hz = float(value)
        if not (math.isfinite(rate_hz) and rate_hz >= 0):
            raise ValueError(f"sampling rate {value!r} Hz: expected a finite number, 0 or more")
        _set_rate_hz(self, rate_hz)

    @property
    def delta(self) -> float:
        """Seconds between samples; 0 when the rate is 0."""
        return 1.0 / self._rate_hz if self._rate_hz else 0.0

    @delta.setter
    def delta(self, value: Any) -> None:
        self.sampling_rate = 1.0 / float(value) if value else 0.0

    @property
    def component(self) -> str:
        """Last letter of the channel."""
        return self.channel[-1:]

    @component.setter
    def component(self, value: str) -> None:
        if len(value) != 1:
            raise ValueError(f"component {value!r}: expected a single letter")
        _set_channel(self, self.channel[:-1] + value)

    if TYPE_CHECKING:  # keys that were added are attributes too

        def __getattr__(self, name: str) -> Any: ...

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SLOTS:
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setitem__(self, key: str, value: Any) -> None:
        if key in _KEYS or key == "component":
            if key == "endtime":
                raise AttributeError('Attribute "endtime" in Stats object is read only!')
            if key == "npts":
                value = int(value)
            elif key in _CODES and not isinstance(value, str):
                warnings.warn(f"{key} {value!r} is not text: str() of it is kept", stacklevel=3)
                value = str(value)
            object.__setattr__(self, key, value)
        elif isinstance(value, Mapping) and not isinstance(value, AttribDict):
            self.__dict__[key] = AttribDict(value)
        else:
            self.__dict__[key] = value

    def __getitem__(self, key: str) -> Any:
        if key in _KEYS or key == "component":
            return getattr(self, key)
        return self.__dict__[key]

    def __delitem__(self, key: str) -> None:
        if key in _KEYS:
            raise AttributeError(f'Attribute "{key}" in Stats object cannot be deleted')
        del self.__dict__[key]

    def __iter__(self) -> Iterator[str]:
        yield from _KEYS
        yield from self.__dict__

    def __len__(self) -> int:
        return len(_KEYS) + len(self.__dict__)

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Set many keys; what is derived is passed over: `endtime`, and `delta` beside a rate."""
        header = dict(other, **more)
        derived = ("endtime", "delta") if "sampling_rate" in header else ("endtime",)
        for key, value in header.items():
            if key not in derived:
                self[key] = value

    def copy(self) -> Stats:
        """Independent copy, extra values included."""
        return copy.deepcopy(self)

    def _extras(self) -> dict[str, Any]:
        """The keys that were added to those that every trace has."""
        return self.__dict__

    def __copy__(self) -> Stats:
        made = self._from_parts(
            self.network,
            self.station,
            self.location,
            self.channel,
            self._start_ns,
            self._rate_hz,
            self.npts,
        )
        if self.calib != 1.0:
            _set_calib(made, self.calib)
        if self.__dict__:
            made.__dict__.update(self.__dict__)
        return made

    def __deepcopy__(self, memo: Any) -> Stats:
        made = self.__copy__()
        if self.__dict__:
            made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        header = {key: self[key] for key in self if key in _STORED or key not in _KEYS}
        return Stats, (header,)

    def __str__(self) -> str:
        width = max(16, *(len(key) for key in self))
        keys = (*_PRINTED, *sorted(self.__dict__))
        return "\n".join(f"{key:>{width}}: {self[key]}" for key in keys)

    def __repr__(self) -> str:
        return f"Stats({dict(self)!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


# The slots' own setters: past __setattr__, for values that need no check.
_new = object.__new__
_set_network = Stats.__dict__["network"].__set__
_set_station = Stats.__dict__["station"].__set__
_set_location = Stats.__dict__["location"].__set__
_set_channel = Stats.__dict__["channel"].__set__
_set_start_ns = Stats.__dict__["_start_ns"].__set__
_set_rate_hz = Stats.__dict__["_rate_hz"].__set__
_set_npts = Stats.__dict__["npts"].__set__
_set_calib = Stats.__dict__["calib"].__set__
