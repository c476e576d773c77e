"""Grow a random forest with scikit-learn, validated forward in time, and export it as plain arrays.

scikit-learn takes seconds and 160 MB to import: only :func:`train` does, in a process of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain.model import FeatureFact, Report, Score, Wish
from engine.domain.signal import BUY_FROM, SELL_TO
from engine.domain.values import from_float
from engine.research.dataset import Dataset, Labels, Rows, folds
from engine.snapshot.canonical import digest
from engine.snapshot.features import NAMES
from engine.snapshot.forest import Forest, write_forest

#: Told how many trees of how many have grown; raises to stop.
Told = Callable[[int, int], None]

#: Trees between two words of progress: enough for all cores, few enough to be cancelled soon.
_BATCH = 20
_PLACES = 4


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made."""

    report: Report
    body: bytes
    hash: str


def train(given: Dataset, wish: Wish, told: Told) -> Trained:
    """Validate in folds, then grow the forest that is kept on all rows."""
    began = perf_counter()
    total, grown = wish.trees * (wish.folds + 1), 0
    rows = _single(given.rows)

    def count(more: int) -> None:
        nonlocal grown
        grown += more
        told(grown, total)

    told(0, total)
    said, asked = [], []
    for fold in folds(len(rows), wish.folds, wish.horizon):
        known = given.labels[: fold.until]
        trees = grow(rows[: fold.until], known, wish, count)
        said.append(rises(trees, rows[fold.since : fold.end]))
        asked.append(given.labels[fold.since : fold.end])
    trees = grow(rows, given.labels, wish, count)
    body = write_forest(export(trees))
    report = Report(
        wish=wish,
        rows=len(rows),
        first=given.times[0],
        last=given.times[-1],
        data_hash=given.hash,
        score=score(np.concatenate(said), np.concatenate(asked)),
        features=tuple(_facts(given.rows, trees.feature_importances_)),
        seconds=from_float(perf_counter() - began, 1),
    )
    return Trained(report, body, digest(body))


def _single(rows: Rows) -> Any:
    """As scikit-learn wants rows: it would copy them for each batch. Column by column, because a
    split looks at one figure of many rows.
    """
    return np.asfortranarray(rows, dtype=np.float32)


def grow(rows: Any, labels: Labels, wish: Wish, count: Callable[[int], None]) -> Any:
    """A forest on all cores, batch by batch; the same trees as at once."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        n_estimators=0,
        max_depth=wish.depth,
        min_samples_leaf=wish.leaf,
        max_features="sqrt",
        random_state=wish.seed,
        n_jobs=-1,
        warm_start=True,
    )
    while forest.n_estimators < wish.trees:
        batch = min(_BATCH, wish.trees - forest.n_estimators)
        forest.n_estimators += batch
        forest.fit(rows, labels)
        count(batch)
    return forest


def rises(forest: Any, rows: Any) -> NDArray[np.float64]:
    """scikit-learn's own probability of a rise of each row."""
    place = list(forest.classes_).index(1) if 1 in forest.classes_ else None
    said: NDArray[np.float64] = forest.predict_proba(rows)
    return np.zeros(len(rows)) if place is None else said[:, place]


def export(forest: Any) -> Forest:
    """The trees as plain arrays."""
    place = list(forest.classes_).index(1)
    parts: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("feature", "threshold", "left", "right", "rise")
    }
    roots, first = [], 0
    for estimator in forest.estimators_:
        tree = estimator.tree_
        here = first + np.arange(tree.node_count)
        is_leaf = tree.children_left < 0
        parts["feature"].append(np.where(is_leaf, 0, tree.feature))
        parts["threshold"].append(np.where(is_leaf, np.inf, tree.threshold))
        parts["left"].append(np.where(is_leaf, here, first + tree.children_left))
        parts["right"].append(np.where(is_leaf, here, first + tree.children_right))
        shares = tree.value[:, 0, :]
        parts["rise"].append(shares[:, place] / shares.sum(axis=1))
        roots.append(first)
        first += tree.node_count
    whole = {name: np.concatenate(found) for name, found in parts.items()}
    return Forest(
        features=forest.n_features_in_,
        depth=max(estimator.tree_.max_depth for estimator in forest.estimators_),
        roots=np.array(roots, dtype=np.int32),
        feature=whole["feature"].astype(np.int32),
        threshold=whole["threshold"].astype(np.float64),
        left=whole["left"].astype(np.int32),
        right=whole["right"].astype(np.int32),
        rise=np.clip(whole["rise"], 0.0, 1.0),
    )


def score(said: NDArray[np.float64], rose: Labels) -> Score:
    """How good forecasts were; see :class:`Score`."""
    buys, sells = said >= float(BUY_FROM), said <= float(SELL_TO)
    signals = int(buys.sum() + sells.sum())
    right = int((buys & (rose == 1)).sum() + (sells & (rose == 0)).sum())
    return Score(
        rows=len(rose),
        rises=_share(float(rose.mean())),
        accuracy=_share(float(((said >= 0.5) == (rose == 1)).mean())),
        auc=_share(auc(said, rose)),
        brier=_share(float(((said - rose) ** 2).mean())),
        signals=_share(signals / len(rose)),
        hits=_share(right / signals) if signals else None,
    )


def auc(said: NDArray[np.float64], rose: Labels) -> float:
    """The area under the ROC curve: how likely a rise was given more than another row
    (Mann and Whitney's U); half when one of the two is missing.
    """
    ups = int(rose.sum())
    downs = len(rose) - ups
    if not ups or not downs:
        return 0.5
    _, place, counts = np.unique(said, return_inverse=True, return_counts=True)
    # Ties share the mean of their ranks.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[rose == 1].sum() - ups * (ups + 1) / 2) / (ups * downs))


def _facts(rows: Rows, importances: NDArray[np.float64]) -> Iterator[FeatureFact]:
    for place, name in enumerate(NAMES):
        borders = np.quantile(rows[:, place], np.arange(1, 10) / 10)
        yield FeatureFact(
            name=name,
            importance=_share(float(importances[place])),
            borders=tuple(float(border) for border in borders),
        )


def _share(number: float) -> Decimal:
    return from_float(number, _PLACES)
