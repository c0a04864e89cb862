"""How samples are compressed: the text that a user gives, and what it stands for. No HDF5."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["DEFAULT_GZIP_LEVEL", "Compression", "parse_compression"]

# Measured in docs/decisions/0014-compression.md.
DEFAULT_GZIP_LEVEL = 2
_EXPECTED = "expected gzip, gzip:1 to gzip:9, lzf or none"


@dataclass(frozen=True, slots=True)
class Compression:
    """A filter of HDF5: "gzip" (with a level from 1 to 9), "lzf" or "none"."""

    method: str
    level: int = 0

    @property
    def is_gzip(self) -> bool:
        """Whether chunks are compressed by the workers, which is done for gzip alone."""
        return self.method == "gzip"


def parse_compression(text: str) -> Compression:
    """What `gzip`, `gzip:6`, `lzf` or `none` stands for; ValueError for anything else."""
    if text in ("lzf", "none"):
        return Compression(text)
    match = re.fullmatch(r"gzip(?::([1-9]))?", text)
    if match is None:
        raise ValueError(f"compression {text!r}: {_EXPECTED}")
    return Compression("gzip", int(match.group(1) or DEFAULT_GZIP_LEVEL))
