"""Lines of a text file of unknown origin: encoding, line ends, byte order mark, damage.

One damaged line costs that line alone and is reported. What a line means is not known here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import Problem

__all__ = ["MAX_LINE_BYTES", "read_text_lines"]

#: A longer "line" is a binary file; it is reported, and skipped without being held in memory.
MAX_LINE_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_text_lines(
    path: str | os.PathLike[str], problems: list[Problem]
) -> Iterator[tuple[int, str]]:
    r"""Yield `(line number from 1, text)` of a file, reading it in pieces.

    Each line is UTF-8, or GB18030 where it is not UTF-8: neither encoding uses the bytes of a
    line end, of white space or of `#` inside a longer character, so lines can be cut before they
    are decoded, and one line with a broken byte does not garble the others. A byte order mark at
    the start is dropped. Lines end with `\n`; in a file whose beginning has `\r` but no `\n`
    they end with `\r`. A `\r` before `\n` stays at the end of the text, as white space.

    A line that is in neither encoding, holds a NUL byte or is longer than `MAX_LINE_BYTES` is
    not yielded: a `Problem` of kind `encoding` is added to `problems`.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        As the operating system says.
    """
    name = os.fspath(path)
    with Path(path).open("rb") as file:
        for number, data in enumerate(_split_lines(file), start=1):
            if data is None:
                reason = f"line longer than {MAX_LINE_BYTES} bytes: is this a text file?"
                problems.append(Problem(name, reason, "encoding", line=number))
                continue
            if number == 1 and data.startswith(_BYTE_ORDER_MARK):
                data = data[len(_BYTE_ORDER_MARK) :]
            text = _decode(data)
            if text is None:
                reason = "line is neither UTF-8 nor GB18030"
                problems.append(Problem(name, reason, "encoding", line=number))
            elif "\0" in text:
                reason = f"{text.count(chr(0))} NUL bytes in the line"
                problems.append(Problem(name, reason, "encoding", line=number))
            else:
                yield number, text


def _decode(data: bytes) -> str | None:
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _split_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Cut a file into lines; None stands for a line that is too long to be one."""
    chunk = file.read(_CHUNK_BYTES)
    separator = b"\r" if b"\r" in chunk and b"\n" not in chunk else b"\n"
    rest = b""
    in_long_line = False
    while chunk:
        lines = (rest + chunk).split(separator)
        rest = lines.pop()
        if in_long_line:
            if lines:
                in_long_line = False
                del lines[0]
            else:
                rest = b""
        yield from lines
        if len(rest) > MAX_LINE_BYTES:
            in_long_line = True
            rest = b""
            yield None
        chunk = file.read(_CHUNK_BYTES)
    if rest:
        yield rest
