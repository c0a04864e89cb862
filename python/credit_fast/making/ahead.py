"""Has station records cut ahead of the writer, by threads, in the order in which files have them.

Events are written in catalogue order; on a disk, one after the other would go through every file of
a day for each event of the day. So records are handed out in batches over several events, each in
order of file and offset; a record has several channels, each in a file of its own mostly, so that
the system is told before what it will need, channel by channel. One batch is being cut while the
one before is being written. What is ready and waits is bounded in bytes, too. No HDF5 and no
counting.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice, starmap
from typing import NamedTuple, TypeAlias

from credit_fast.hdf5 import layout
from credit_fast.making.fingerprints import Place
from credit_fast.making.pack import Packed
from credit_fast.station_records.plan import EventPlan, StationPlan
from credit_fast.station_records.settings import Settings

__all__ = ["Ahead", "Work", "threads_for"]

#: Records of a batch for each thread: at the begin, and when it is known how they are.
_FEW_PER_THREAD = 4
_MOST_PER_THREAD = 32
#: Seconds of cutting, and bytes, that a batch should have at most.
_BATCH_S = 1.0
_BATCH_BYTES = 1 << 26
#: Events of a batch, cut or not.
_MOST_EVENTS = 32
#: With so much waiting to be written, nothing more is cut but what is written next.
_MOST_BYTES = 1 << 27
_LOOK_S = 0.2
#: Samples that all threads together are cutting; each needs them about once more while it packs.
_CUT_BYTES = 1 << 28


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


@dataclass(slots=True)
class _Done:
    """A record that was cut, or None when it was put off; seconds that it took."""

    packed: Packed | None
    seconds: float


@dataclass(slots=True)
class _Handed:
    """A record that a thread was told to cut."""

    station: StationPlan
    future: Future[_Done]

    @property
    def is_put_off(self) -> bool:
        """Whether it is still to be cut, and nobody was told to."""
        return self.future.done() and self.future.result().packed is None


#: Its items leave it as they are taken: so their memory is given back.
_Batch: TypeAlias = deque[Work | _Handed]


class Ahead:
    """Hands events out to threads, and gives them back as they get ready, in their order."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        threads: int,
        prepare: Callable[[StationPlan], Packed],
        announce: Callable[[list[StationPlan]], object],
        while_waiting: Callable[[], object],
    ) -> None:
        """`prepare` cuts a record, in a thread of the pool.

        `announce` hears of each batch when it is handed out, `while_waiting` is called now and
        then.
        """
        self._pool = pool
        self._announce = announce
        self._threads = threads
        self._prepare = prepare
        self._while_waiting = while_waiting
        self._size = _FEW_PER_THREAD * threads
        self._largest: float = 0
        self._held = 0
        self._holding = threading.Lock()

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
            self._learn(self._wait(item for item in batch if isinstance(item, _Handed)))
            while batch:
                if not isinstance(item := batch[0], Work) and item.is_put_off:
                    self._hand_out_again(batch)
                yield self._take(batch.popleft())
            batch = following

    def _batches(self, works: Iterable[Work]) -> Iterator[list[Work | _Cut]]:
        batch: list[Work | _Cut] = []
        events = records = 0
        for work in works:
            batch.append(work)
            events += 1
            for cut in _cuts(work):
                batch.append(cut)
                records += 1
                if records >= self._size:
                    yield batch
                    batch, events, records = [], 0, 0
            # Of those without anything to cut there may be many in a row.
            if events >= _MOST_EVENTS:
                yield batch
                batch, events, records = [], 0, 0
        if batch:
            yield batch

    def _hand_out(self, batch: list[Work | _Cut]) -> _Batch:
        cuts = {number: item for number, item in enumerate(batch) if isinstance(item, _Cut)}
        self._announce([cut.station for cut in cuts.values()])
        handed = {
            number: _Handed(station, self._pool.submit(self._start, station))
            for number, (station, _) in sorted(cuts.items(), key=lambda item: _order(item[1]))
        }
        return deque(item if isinstance(item, Work) else handed[n] for n, item in enumerate(batch))

    def _hand_out_again(self, rest: _Batch) -> None:
        """Have the next ones cut of those that were put off, one for each thread."""
        put_off = (item for item in rest if isinstance(item, _Handed) and item.is_put_off)
        for item in islice(put_off, self._threads):
            item.future = self._pool.submit(self._start, item.station, is_next=True)

    def _start(self, station: StationPlan, *, is_next: bool = False) -> _Done:
        """Cut a record, in a thread; not if there are too many bytes, unless it is written next."""
        began = time.monotonic()
        if self._held > _MOST_BYTES and not is_next:
            return _Done(None, 0.0)
        packed = self._prepare(station)
        with self._holding:
            self._held += packed.n_bytes
        return _Done(packed, time.monotonic() - began)

    def _wait(self, items: Iterable[_Handed]) -> list[_Done]:
        futures = [item.future for item in items]
        not_done = {future for future in futures if not future.done()}
        while not_done:
            _, not_done = wait(not_done, _LOOK_S)
            self._while_waiting()
        return [future.result() for future in futures]

    def _learn(self, batch: list[_Done]) -> None:
        """Set the size of the next batches by what came of one."""
        sizes = [done.packed.n_bytes for done in batch if done.packed is not None]
        if not any(sizes):
            return  # who has seen no data does not know how much of it fits
        # Half of what it was before: one large record is no rule for ever.
        self._largest = max([*sizes, self._largest / 2])
        seconds = sum(done.seconds for done in batch) / len(sizes) / self._threads
        by_time = _BATCH_S / max(seconds, 1e-9)
        few, most = _FEW_PER_THREAD * self._threads, _MOST_PER_THREAD * self._threads
        size = max(few, min(self._size * 2, by_time, most))
        self._size = max(self._threads, int(min(size, _BATCH_BYTES / self._largest)))

    def _take(self, item: Work | _Handed) -> Work | Packed:
        if isinstance(item, Work):
            return item
        (done,) = self._wait([item])
        assert done.packed is not None
        with self._holding:
            self._held -= done.packed.n_bytes
        return done.packed


def threads_for(settings: Settings, threads: int) -> int:
    """How many threads may cut at once: fewer where their windows would fill the memory."""
    first_ns, last_ns = settings.window(0, (0, 0)) or (0, 0)
    rate_hz = settings.resample_hz or settings.rate_hz or layout.DEFAULT_RATE_HZ
    samples = (last_ns - first_ns) / 1e9 * rate_hz * len(settings.components)
    return max(1, min(threads, int(_CUT_BYTES / (4 * samples + 1))))


def _cuts(work: Work) -> Iterator[_Cut]:
    if work.is_to_cut:
        yield from starmap(_Cut, zip(work.plan.stations, work.places, strict=True))


def _order(cut: _Cut) -> tuple[bool, Place]:
    """Sorts by file and offset; what has no place comes last, as it came."""
    return cut.place is None, cut.place or ("", 0, 0)
