"""The rules of a data set: which station records there are, what each holds. No HDF5 file."""

from credit_fast.station_records.settings import Settings

__all__ = ["Settings"]
