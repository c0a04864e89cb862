"""Makes nodes that are much like others: a copy of a model, with what differs written anew.

HDF5 copies a group with its attributes in a fraction of the time in which it makes them, and of two
station records about half of the attributes are equal. New names only.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

import h5py
from h5py import h5d, h5g, h5o, h5p, h5t

from credit_fast.hdf5.attributes import AttributeWriter
from credit_fast.hdf5.layout import AttributeValue

__all__ = ["Models", "copy_node", "link_named"]

Node: TypeAlias = h5g.GroupID | h5d.DatasetID

#: Kinds that are remembered: far more than there are, unless each record has its own length.
_MOST_KINDS = 1024
_numbers = count()


@dataclass(slots=True)
class _Model:
    name: str
    values: tuple[AttributeValue, ...]


class Models:
    """Makes groups and datasets with their attributes."""

    def __init__(self) -> None:
        self._attributes = AttributeWriter()
        self._file: h5py.File | None = None
        self._forget()

    def make(
        self,
        parent: h5g.GroupID,
        name: str,
        kind: Hashable,
        create: Callable[[], Node],
        attributes: Iterable[tuple[str, AttributeValue]],
    ) -> Node:
        """A new node with attributes.

        `create` makes it without any; what it makes is the same for each `kind`, but for the name.
        """
        pairs = tuple(attributes)
        key = (kind, *((label, type(value)) for label, value in pairs))
        model = self._models.get(key)
        if model is not None:
            node = copy_node(self._root, model.name, parent, name)
            self._attributes.replace(node, _differing(pairs, model.values))
            return node
        if len(self._models) >= _MOST_KINDS:
            self._forget()
        node = create()
        self._attributes.write(node, pairs)
        is_second = key in self._models
        self._models[key] = self._model_of(parent, name, pairs) if is_second else None
        return node

    def _forget(self) -> None:
        """Begin without models; they are in memory only."""
        if self._file is not None:
            self._file.close()
        # HDF5 tells such files apart by their names.
        name = f"models {next(_numbers)}"
        self._file = h5py.File(name, "w", driver="core", backing_store=False)
        self._root = self._file["/"].id
        # None: seen once, and it may stay the only one of its kind.
        self._models: dict[Hashable, _Model | None] = {}

    def _model_of(
        self, parent: h5g.GroupID, name: str, pairs: Iterable[tuple[str, AttributeValue]]
    ) -> _Model:
        model = _Model(str(next(_numbers)), tuple(value for _, value in pairs))
        copy_node(parent, name, self._root, model.name)
        return model


def copy_node(parent: h5g.GroupID, name: str, new_parent: h5g.GroupID, new_name: str) -> Node:
    """Copy a node with all that is below it, from one file or place to another; the new one."""
    label = new_name.encode("utf-8")
    h5o.copy(parent, name.encode("utf-8"), new_parent, label, lcpl=link_named(new_name))
    return h5o.open(new_parent, label)


def link_named(name: str) -> h5p.PropLCID:
    """Link properties that tell readers how a name is encoded, as h5py's own groups have them."""
    return _ASCII_LINK if name.isascii() else _UTF8_LINK


def _link_of(encoding: int) -> h5p.PropLCID:
    properties = h5p.create(h5p.LINK_CREATE)
    properties.set_char_encoding(encoding)
    return properties


_ASCII_LINK, _UTF8_LINK = _link_of(h5t.CSET_ASCII), _link_of(h5t.CSET_UTF8)


def _differing(
    pairs: Iterable[tuple[str, AttributeValue]], values: Iterable[AttributeValue]
) -> Iterator[tuple[str, AttributeValue]]:
    """Attributes that are not those of a model."""
    for pair, value in zip(pairs, values, strict=True):
        # Equal floats need not be the same (-0.0), and NaN is never equal: all are taken.
        if isinstance(value, float) or pair[1] != value:
            yield pair
