"""Samples in memory: `Stats`, `Trace` and `Stream`, the part of ObsPy's surface that scripts use.

`merge` joins traces, `gapfill` makes the samples between them, `gaps` lists what is missing.
Nothing here reads a file; `write` hands over to `credit_fast.writing`.
"""

from credit_fast.waveform.stats import Stats
from credit_fast.waveform.stream import Stream
from credit_fast.waveform.trace import Trace

__all__ = ["Stats", "Stream", "Trace"]
