"""The client for scripts of ObsPy: the same questions, answered with ObsPy's own objects.

``from credit_fast.obspy import Client`` in place of
``from obspy.clients.filesystem.tsindex import Client``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from credit_fast import client
from credit_fast.index_files import Substitution
from credit_fast.waveform import Stream
from credit_fast.waveform.trace import import_obspy

__all__ = ["Client"]


class Client:
    """As `credit_fast.Client`; streams and times are ObsPy's.

    Parameters
    ----------
    database
        As `index` of `credit_fast.Client`: one index, or several.
    datapath_replace
        As ObsPy takes it: a regular expression, and the text that stands for all that it finds in a
        file name. ``("^", "/data/")`` puts a folder before relative names, ``("^/old/", "/new/")``
        tells where one has moved to. Where there is no such file the name as it stands is tried.
    debug, loglevel
        Taken as ObsPy takes them; there is nothing to log.
    path_map
        As of `credit_fast.Client`; not together with `datapath_replace`.

    Raises
    ------
    ValueError
        `datapath_replace` is no regular expression and text, or there is a `path_map` too.
    MissingExtraError
        ObsPy is not installed.
    """

    def __init__(
        self,
        database: Any,
        datapath_replace: tuple[str, str] | None = None,
        debug: bool = False,
        loglevel: str = "WARNING",
        *,
        path_map: Any = None,
    ) -> None:
        del debug, loglevel
        self._time = import_obspy().UTCDateTime
        if datapath_replace is not None:
            if path_map is not None:
                raise ValueError("datapath_replace and path_map: expected one of them")
            path_map = _substitution(datapath_replace)
        self._client = client.Client(database, path_map)

    def __repr__(self) -> str:
        return f"credit_fast.obspy.{self._client!r}"

    def __reduce__(self) -> tuple[Any, ...]:
        _, (paths, path_maps) = self._client.__reduce__()
        return (_reopened, (type(self), paths, path_maps))

    def get_waveforms(
        self,
        network: str | None,
        station: str | None,
        location: str | None,
        channel: str | None,
        starttime: Any,
        endtime: Any,
        merge: int | None = -1,
        **options: Any,
    ) -> Any:
        """Cut a window, as `credit_fast.Client.get_waveforms`; an `obspy.Stream`.

        A code that is None means all, as ObsPy has it. Overlaps are decided as that does it, which
        ObsPy's client does not: ``version="all"`` leaves them as they are. Samples that were left
        out are counted in an attribute of the stream, `overlaps`, by trace id and reason. `options`
        are `edge`, `half_open`, `version` and `quality`.
        """
        return _to_obspy(
            self._client.get_waveforms(
                _all(network),
                _all(station),
                _all(location),
                _all(channel),
                starttime,
                endtime,
                merge,
                **options,
            )
        )

    def get_waveforms_bulk(
        self, query_rows: Iterable[Sequence[Any]], merge: int | None = -1, **options: Any
    ) -> Any:
        """Cut many windows; an `obspy.Stream`, or a list of them with ``grouped=True``.

        `options` are those of `get_waveforms`, and `threads`.
        """
        rows = [(*map(_all, row[:4]), *row[4:]) for row in query_rows]
        found = self._client.get_waveforms_bulk(rows, merge, **options)
        if isinstance(found, list):
            return [_to_obspy(stream) for stream in found]
        return _to_obspy(found)

    def get_nslc(self, *codes_and_times: Any, **named: Any) -> list[tuple[str, str, str, str]]:
        """List the channels that have data, as `credit_fast.Client.get_nslc`."""
        return self._client.get_nslc(*codes_and_times, **named)

    def get_availability(self, *codes_and_times: Any, **named: Any) -> list[tuple[Any, ...]]:
        """List gapless spans, as `credit_fast.Client.get_availability`; times are ObsPy's."""
        return self._timed(self._client.get_availability(*codes_and_times, **named))

    def get_availability_extent(self, *codes_and_times: Any, **named: Any) -> list[tuple[Any, ...]]:
        """First and last sample of each channel; times are ObsPy's."""
        return self._timed(self._client.get_availability_extent(*codes_and_times, **named))

    def get_availability_percentage(self, *codes_and_times: Any, **named: Any) -> tuple[float, int]:
        """As `credit_fast.Client.get_availability_percentage`."""
        return self._client.get_availability_percentage(*codes_and_times, **named)

    def has_data(self, *codes_and_times: Any, **named: Any) -> bool:
        """Whether there is any sample, as `credit_fast.Client.has_data`."""
        return self._client.has_data(*codes_and_times, **named)

    def _timed(self, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        time = self._time
        return [(*row[:4], time(ns=row[4].ns), time(ns=row[5].ns), *row[6:]) for row in rows]


def _all(code: str | None) -> str:
    return "*" if code is None else code


def _substitution(datapath_replace: Any) -> Substitution:
    try:
        pattern, replacement = datapath_replace
        return Substitution(pattern, replacement)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"datapath_replace {datapath_replace!r}: {error}; expected a pair of texts, a regular "
            "expression and what stands for it"
        ) from None


def _to_obspy(stream: Stream) -> Any:
    made = stream.to_obspy()
    made.overlaps = stream.overlaps
    return made


def _reopened(kind: type[Client], paths: Any, path_maps: Any) -> Client:
    return kind(paths, path_map=path_maps)
