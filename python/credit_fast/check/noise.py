"""The plan of a window of noise, taken from the file: nothing else says where and when it was.

Reads one group; what is wrong with it is for others.
"""

from __future__ import annotations

from typing import Any

import h5py

from credit_fast.catalogs.model import Station
from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout
from credit_fast.hdf5.nodes import LazyAttributes, as_float, child_of, members_of
from credit_fast.station_records.noise import noise_plan
from credit_fast.station_records.plan import EventPlan
from credit_fast.station_records.selection import Selection

__all__ = ["read_noise_plan"]


def read_noise_plan(group: Any, evid: str, selection: Selection) -> EventPlan:
    """The plan that an event group would have been made by.

    DatasetError, KeyError or ValueError when the group is no window of noise.
    """
    if not isinstance(group, h5py.Group):
        raise DatasetError(f"{evid} is no group")
    time_ns = layout.parse_time(str(LazyAttributes(group).simple(layout.EVENT_TIME)))
    [name] = members_of(group).names
    network, station, location = name.split(".")
    codes = (network, station, location)
    channels = members_of(child_of(group, name)).names
    if not channels:
        raise DatasetError(f"{evid} has no waveform")
    place = selection.place(codes)
    if selection.table is None:  # nobody says where the station is: as the file has it
        attributes = LazyAttributes(group)
        longitude, latitude = (
            as_float(attributes.simple(name))
            for name in (layout.EVENT_LONGITUDE, layout.EVENT_LATITUDE)
        )
        if longitude is not None and latitude is not None:
            place = Station(*codes, longitude, latitude, 0.0)
    return noise_plan(evid, time_ns, codes, channels[0][:2], place)
