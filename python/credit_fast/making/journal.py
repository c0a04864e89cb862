"""What a run has done so far, on disk: a line for what it works on, then one for each whole state.

A line is JSON with a checksum in front: a line that is torn, or follows one, was never written. The
journal is locked while a run has it. Knows nothing of HDF5, events or settings.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from credit_fast.output_file import sync

__all__ = ["Journal", "packed_pages", "unpacked_pages"]

Line = dict[str, Any]

#: What a file system says that has no locks: two runs at once are then the user's care.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class Journal:
    """The journal of one output, open and locked; `close` leaves it there, `remove` does not."""

    def __init__(self, path: Path) -> None:
        """Open or make it.

        Raises BlockingIOError when another run has it; OSError as the system says.
        """
        self.path = path
        while True:
            self._file: IO[bytes] = path.open("a+b")
            if not _lock(self._file):
                self._file.close()
                raise BlockingIOError(f"another run is writing {path.with_suffix('')}")
            # The run that had it may have removed it between our two calls.
            with suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), os.fstat(self._file.fileno())):
                    break
            self._file.close()

    def read(self) -> tuple[Line | None, Line | None]:
        """The first line and the last whole state, or None; what follows is cut off."""
        self._file.seek(0)
        first, last, end = b"", b"", 0
        for text in _whole_lines(self._file):
            first, last = first or text, first and text
            end += len(text)
        self._file.truncate(end)
        self._file.seek(end)
        return _line(first) if first else None, _line(last) if last else None

    def begin(self, line: Line) -> None:
        """Throw away what it holds, and write the first line."""
        self._file.truncate(0)
        self.write(line)
        sync(self.path.parent)

    def write(self, line: Line) -> None:
        """Add a line, and wait until the disk has it."""
        text = json.dumps(line, separators=(",", ":")).encode()
        self._file.write(b"%08x %s\n" % (zlib.crc32(text), text))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let others have it."""
        self._file.close()

    def close_unused(self) -> None:
        """Let others have it; remove it if nothing was ever written."""
        if self._file.closed:
            return
        if os.fstat(self._file.fileno()).st_size:
            self.close()
        else:
            self.remove()

    def remove(self) -> None:
        """Remove it: the work is done."""
        if os.name == "nt":  # there an open file cannot be removed
            self._file.close()
        with suppress(OSError):  # a disk that takes no change
            self.path.unlink()
        with suppress(OSError):  # bytes that a full disk did not take
            self._file.close()


def packed_pages(pages: Mapping[int, bytes]) -> dict[str, str]:
    """Pages of a file as JSON can hold them."""
    return {
        str(number): base64.b64encode(zlib.compress(page, 1)).decode()
        for number, page in pages.items()
    }


def unpacked_pages(packed: Mapping[str, str]) -> dict[int, bytes]:
    """What `packed_pages` was given."""
    return {int(number): zlib.decompress(base64.b64decode(text)) for number, text in packed.items()}


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    for text in file:
        checksum, _, line = text.removesuffix(b"\n").partition(b" ")
        try:
            is_whole = text.endswith(b"\n") and int(checksum, 16) == zlib.crc32(line)
        except ValueError:
            is_whole = False
        if not is_whole:
            return
        yield text


def _line(text: bytes) -> Line:
    line: Line = json.loads(text.partition(b" ")[2])
    return line


def _lock(file: IO[bytes]) -> bool:
    """Lock a file for as long as it is open, or until the process ends; False: another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 40)  # a byte that nobody reads
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
