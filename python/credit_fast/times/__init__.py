"""Times: `UTCDateTime` on int64 nanoseconds, and the way from and to any user's time.

`utcdatetime` holds the class and the sample arithmetic, `values` tells kinds of times apart,
`text` parses and writes them. Nothing here knows of traces.
"""

from credit_fast.times.utcdatetime import (
    UTCDateTime,
    from_ns,
    microseconds,
    nearest_sample,
    sample_time_ns,
    texts,
    to_ns,
)

__all__ = [
    "UTCDateTime",
    "from_ns",
    "microseconds",
    "nearest_sample",
    "sample_time_ns",
    "texts",
    "to_ns",
]
