"""A deterministic synthetic archive with catalogue and stations: demo, tests, benchmarks.

`model` plain data; `earth` travel times; `source` stations, events, wave packets; `noise` the
background; `faults` what is wrong on purpose; `report` the text files; `archive` writes it all.
"""

from credit_fast.synthetic.archive import DEFAULT_SEED, make_archive
from credit_fast.synthetic.earth import CRUST, Crust, travel_times
from credit_fast.synthetic.model import (
    Arrival,
    Fault,
    SyntheticArchive,
    SyntheticEvent,
    SyntheticStation,
)

__all__ = [
    "CRUST",
    "DEFAULT_SEED",
    "Arrival",
    "Crust",
    "Fault",
    "SyntheticArchive",
    "SyntheticEvent",
    "SyntheticStation",
    "make_archive",
    "travel_times",
]
