"""A random forest as plain arrays: written to bytes, read back checked, asked with numpy alone."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidInput
from engine.snapshot.canonical import digest

#: Bytes begin so; another form of them is another number.
_MAGIC = b"AITRF\x00\x00\x01"
_HEAD = struct.Struct("<8sIIII")
#: The arrays behind the head, in their order.
_NODES = (
    ("feature", "<i4"),
    ("threshold", "<f8"),
    ("left", "<i4"),
    ("right", "<i4"),
    ("rise", "<f8"),
)
_MOST_TREES, _MOST_NODES, _MOST_DEPTH = 10_000, 20_000_000, 64


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Trees side by side. ``roots`` are the trees' first nodes; a node sends a row left where its
    ``feature`` is at most its ``threshold``. A leaf is its own child on both sides, and ``rise`` is
    its share of rows whose price rose. ``depth`` is that of the deepest tree.
    """

    features: int
    depth: int
    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    rise: NDArray[np.float64]

    def probability(self, row: NDArray[np.float64]) -> float:
        """The probability of a rise that the trees give a row, on average."""
        # scikit-learn compares single-precision features with double-precision thresholds.
        asked = row.astype(np.float32).astype(np.float64)
        node = self.roots
        for _ in range(self.depth):
            goes_left = asked[self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return float(self.rise[node].sum() / len(self.roots))


def write_forest(forest: Forest) -> bytes:
    """The forest as bytes: a head, and the arrays one after the other."""
    head = _HEAD.pack(_MAGIC, forest.features, forest.depth, len(forest.roots), len(forest.feature))
    arrays: list[NDArray[Any]] = [forest.roots.astype("<i4")]
    arrays += [getattr(forest, name).astype(kind) for name, kind in _NODES]
    return head + b"".join(array.tobytes() for array in arrays)


def read_forest(body: bytes, hash_: str) -> Forest:
    """The forest of these bytes; raises :class:`InvalidInput` when they have another hash, or are
    no forest: a node that leads nowhere, back or out of its own tree, or a share that is none.
    """
    if digest(body) != hash_:
        raise InvalidInput(f"the model {hash_[:12]} has other bytes than its hash says")
    forest = _parse(body)
    _check(forest)
    return forest


def _parse(body: bytes) -> Forest:
    if len(body) < _HEAD.size:
        raise InvalidInput("these bytes are no forest")
    magic, features, depth, trees, nodes = _HEAD.unpack_from(body)
    sized = 0 < trees <= _MOST_TREES and trees <= nodes <= _MOST_NODES and depth <= _MOST_DEPTH
    length = _HEAD.size + 4 * trees + nodes * sum(np.dtype(kind).itemsize for _, kind in _NODES)
    if magic != _MAGIC or not sized or not features or len(body) != length:
        raise InvalidInput("these bytes are no forest")
    roots = np.frombuffer(body, "<i4", trees, _HEAD.size)
    place, arrays = _HEAD.size + 4 * trees, {}
    for name, kind in _NODES:
        arrays[name] = np.frombuffer(body, kind, nodes, place)
        place += nodes * np.dtype(kind).itemsize
    return Forest(features=features, depth=depth, roots=roots, **arrays)


def _check(forest: Forest) -> None:
    nodes = len(forest.feature)
    here = np.arange(nodes)
    is_leaf = forest.left == here
    # Children lie behind their parent, so that every way ends.
    ahead = (forest.left > here) & (forest.right > here)
    ends = forest.left == forest.right
    sound = (
        bool((np.where(is_leaf, ends, ahead)).all())
        and bool(((forest.left < nodes) & (forest.right < nodes)).all())
        and bool(((forest.feature >= 0) & (forest.feature < forest.features)).all())
        and bool(((forest.rise >= 0) & (forest.rise <= 1)).all())
        and not bool(np.isnan(forest.threshold).any())
        and bool(((forest.roots >= 0) & (forest.roots < nodes)).all())
        and _reaches_leaves(forest, is_leaf)
    )
    if not sound:
        raise InvalidInput("these bytes are no sound forest")


def _reaches_leaves(forest: Forest, is_leaf: NDArray[np.bool_]) -> bool:
    """Whether ``depth`` steps end in a leaf, whichever way they go."""
    open_ = np.unique(forest.roots)
    for _ in range(forest.depth):
        open_ = open_[~is_leaf[open_]]
        if not len(open_):
            return True
        open_ = np.unique(np.concatenate([forest.left[open_], forest.right[open_]]))
    return bool(is_leaf[open_].all())
