"""What a user chooses for a data set: every option that changes what is in it, checked once.

How the job is run (threads, progress, names of files) is no setting. No HDF5, no archive.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from credit_fast.hdf5 import layout

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of a data set. ValueError for one that is out of its range.

    Attributes
    ----------
    range_s
        Seconds before the first and after the last pick.
    rate_hz
        The one sampling rate that is accepted (known readers assume 100 Hz); None: any.
    fill
        Value of samples that one component lacks and another has.
    compression_level
        gzip level, 1 to 9.
    components
        Orientation letters to cut, of E N Z 1 2, such as `"12Z"`. Known readers expect three.
    """

    range_s: float = 500.0
    rate_hz: float | None = layout.DEFAULT_RATE_HZ
    fill: int = 0
    compression_level: int = 4
    components: str = layout.ORIENTATIONS

    def __post_init__(self) -> None:
        if not 0 <= self.range_s < 1e6:
            raise ValueError(f"range_s {self.range_s}: expected 0 to 1000000 seconds")
        if self.rate_hz is not None and not 0 < self.rate_hz < 1e6:
            raise ValueError(
                f"rate_hz {self.rate_hz}: expected a positive rate in Hz, or None for any"
            )
        if not -(2**31) <= self.fill < 2**31:
            raise ValueError(f"fill {self.fill}: expected an int32 value")
        if not 1 <= self.compression_level <= 9:
            raise ValueError(f"compression_level {self.compression_level}: expected 1 to 9")
        known, letters = layout.ORIENTATIONS_ON_REQUEST, self.components
        if not letters or len(set(letters)) < len(letters) or set(letters) - {*known}:
            raise ValueError(
                f"components {letters!r}: expected letters of {' '.join(known)}, each once"
            )

    def to_dict(self) -> dict[str, Any]:
        """All options, as JSON and TOML hold them."""
        return asdict(self)
