"""The four codes of a question, as text with wildcards: what can be asked is told from what cannot.

What wildcards mean is the core's matter.
"""

from __future__ import annotations

import re

__all__ = ["Codes", "checked_codes"]

Codes = tuple[str, str, str, str]

_NAMES = ("network", "station", "location", "channel")

#: One of several characters; a bracket that stands first is one of them.
_SET = re.compile(r"\[(?:[!^]?\]|[!^][^]]|[^]!^])[^]]*\]")


def checked_codes(network: str, station: str, location: str, channel: str) -> Codes:
    """The codes as they are.

    Raises
    ------
    TypeError
        One is no text.
    ValueError
        A ``[`` has no ``]``.
    """
    codes = (network, station, location, channel)
    for name, code in zip(_NAMES, codes, strict=True):
        if not isinstance(code, str):
            raise TypeError(f'{name} {code!r}: expected text ("*" is all)')
        if "[" in code:
            _check_sets(name, code)
    return codes


def _check_sets(name: str, code: str) -> None:
    for part in code.split(","):
        if "[" in _SET.sub("", part):
            raise ValueError(
                f'{name} {code!r}: "[" without "]" in {part!r}: expected letters in brackets, '
                'without commas, as in "HH[ZNE]"'
            )
