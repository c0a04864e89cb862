"""Whether two HDF5 files say the same: every group, dataset, attribute, type and sample, and how
the names of groups and datasets are encoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

__all__ = ["contents"]


def contents(path: Path) -> dict[str, Any]:
    """All that a data set holds, by name, with the character set of the name; attributes and
    samples with their types."""
    found: dict[str, Any] = {}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        attributes = {
            key: (str(node.attrs.get_id(key).dtype), str(node.attrs[key])) for key in node.attrs
        }
        samples = None
        if isinstance(node, h5py.Dataset):
            samples = (node.dtype.str, node.chunks, node[()].tobytes())
        link = file.id.links.get_info(name.encode())
        found[name] = (link.cset, attributes, samples)

    with h5py.File(path) as file:
        file.visititems(visit)
    return found
