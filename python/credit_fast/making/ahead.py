"""Has station records cut ahead of the writer, by threads, in the order in which files have them.

Events are written in catalogue order; on a disk, one after the other would go through every file of
a day for each event of the day. So records are handed out in batches over several events, each in
order of file and offset. One batch is being cut while the one before is being written: two are in
memory. No HDF5 and no counting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import starmap
from typing import NamedTuple, TypeAlias

from credit_fast.making.fingerprints import Place
from credit_fast.making.pack import Packed
from credit_fast.station_records.plan import EventPlan, StationPlan

__all__ = ["Ahead", "Work"]

#: Of a batch, once it is known how long and how large records are: records for each thread, bytes.
_RECORDS_PER_THREAD = 32
_BATCH_BYTES = 1 << 26
#: A batch that takes longer is halved: what a kill makes vain, and what a signal has to wait for.
_BATCH_S = 1.0
_LOOK_S = 0.2


@dataclass(slots=True)
class Work:
    """An event and what is to be done: nothing more (`kept`), or cutting, unless it is refused.

    `places` are those of its stations in the archive, where they are known.
    """

    plan: EventPlan
    kept: bool = False
    catalog: str = ""
    archive: str | None = None
    places: Sequence[Place | None] = field(default_factory=list)
    #: No event of the catalogue: nobody else can make it from that.
    is_noise: bool = False

    @property
    def is_to_cut(self) -> bool:
        """Whether it has to be cut."""
        return not self.kept and self.plan.refusal is None


class _Cut(NamedTuple):
    station: StationPlan
    place: Place | None


_Item: TypeAlias = Work | _Cut


class Ahead:
    """Hands events out to threads, and gives them back as they get ready, in their order."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        threads: int,
        prepare: Callable[[StationPlan], Packed],
        while_waiting: Callable[[], object],
    ) -> None:
        """`prepare` cuts a record in a thread; `while_waiting` is called now and then."""
        self._pool = pool
        self._threads = threads
        self._prepare = prepare
        self._while_waiting = while_waiting
        self._size = threads
        self._largest = 1
        self._handed_out = time.monotonic()

    def cut(self, works: Iterable[Work]) -> Iterator[tuple[Work, Iterator[Packed]]]:
        """Each event with its station records; these have to be taken before the next event."""
        ready = self._ready(works)

        def records(work: Work) -> Iterator[Packed]:
            for _ in work.plan.stations:
                packed = next(ready)
                assert isinstance(packed, Packed)
                yield packed

        for work in ready:
            assert isinstance(work, Work)
            yield work, records(work)

    def _ready(self, works: Iterable[Work]) -> Iterator[Work | Packed]:
        """Each event, and after it its station records, if it has to be cut."""
        batches = map(self._hand_out, self._batches(works))
        batch = next(batches, None)
        while batch is not None:
            following = next(batches, None)
            # All of it: few long waits cost less than many short ones, for each of which another
            # thread has to be woken up.
            self._wait(item for item in batch if isinstance(item, Future))
            for item in batch:
                yield item.result() if isinstance(item, Future) else item
            batch = following

    def _batches(self, works: Iterable[Work]) -> Iterator[list[_Item]]:
        batch: list[_Item] = []
        for work in works:
            items: list[_Item] = [work]
            if work.is_to_cut:
                items += starmap(_Cut, zip(work.plan.stations, work.places, strict=True))
            for item in items:
                batch.append(item)
                # Events without anything to cut count, too: there may be many in a row.
                if len(batch) >= self._size:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _hand_out(self, batch: list[_Item]) -> list[Work | Future[Packed]]:
        self._size = self._next_size()
        cuts = {number: item for number, item in enumerate(batch) if isinstance(item, _Cut)}
        futures = {
            number: self._pool.submit(self._prepare, cuts[number].station)
            for number in sorted(cuts, key=lambda number: _order(cuts[number]))
        }
        return [item if isinstance(item, Work) else futures[n] for n, item in enumerate(batch)]

    def _next_size(self) -> int:
        """Twice as many as before, while the last batch was neither slow nor large."""
        now = time.monotonic()
        took, self._handed_out = now - self._handed_out, now
        wanted = self._size // 2 if took > _BATCH_S else self._size * 2
        most = min(self._threads * _RECORDS_PER_THREAD, _BATCH_BYTES // self._largest)
        return max(self._threads, min(wanted, most))

    def _wait(self, futures: Iterable[Future[Packed]]) -> None:
        not_done = set(futures)
        while not_done:
            done, not_done = wait(not_done, _LOOK_S)
            self._while_waiting()
            self._largest = max([self._largest, *(future.result().n_bytes for future in done)])


def _order(cut: _Cut) -> tuple[bool, Place]:
    """Sorts by file and offset; what has no place comes last, as it came."""
    return cut.place is None, cut.place or ("", 0, 0)
