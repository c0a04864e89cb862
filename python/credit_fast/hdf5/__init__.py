"""The CREDIT HDF5 data set as a file: names, chunks, reading it. Names only; no logic."""

from credit_fast.hdf5.reader import (
    ComponentRecord,
    Dataset,
    EventRecord,
    StationRecord,
    open_dataset,
)

__all__ = [
    "ComponentRecord",
    "Dataset",
    "EventRecord",
    "StationRecord",
    "open_dataset",
]
