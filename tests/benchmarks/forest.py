"""A forest against bare scikit-learn on all cores: growing it, and asking it about one row.

100,000 rows of 15 figures, made of a random walk; both grow the same trees, in turns, so that a
neighbour's load meets them alike. Ours tells how far it is and can be stopped between batches.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from statistics import median
from time import perf_counter

import numpy as np

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Timeframe
from engine.domain.model import Wish
from engine.research import training
from engine.research.dataset import Dataset, labels
from engine.snapshot.features import LOOKBACK, Columns, row, table
from engine.snapshot.indicators import WINDOW
from storage.embedded import Servers
from tests.benchmarks.common import report
from tests.builders import NOW

_ASKED = 300


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Ratios to scikit-learn in the same run, and one row against a millisecond."""
    from sklearn.ensemble import RandomForestClassifier

    parser = ArgumentParser(prog="forest")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--trees", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=4)
    wanted = parser.parse_args(arguments)
    wish = Wish(symbol="EURUSD", timeframe=Timeframe.M1, trees=wanted.trees)
    walk = _walk(wanted.rows + LOOKBACK - 1 + wish.horizon)
    began = perf_counter()
    rows = table(walk)[LOOKBACK - 1 : -wish.horizon]
    report(f"features of {len(rows):,} candles", perf_counter() - began, 1.0, "1 s")
    known = labels(walk, wish.horizon)[LOOKBACK - 1 :]
    given = Dataset(rows, known, (NOW,) * len(known))
    ours, theirs = [], []
    grown: object = None
    bare: object = None
    for turn in range(wanted.rounds):
        # Who is first takes turns too: a load that rises meets both alike.
        for is_ours in (turn % 2 == 0, turn % 2 == 1):
            began = perf_counter()
            if is_ours:
                grown = training.grow(
                    training._single(given.rows), given.labels, wish, lambda _: None
                )
            else:
                bare = RandomForestClassifier(
                    n_estimators=wish.trees, max_depth=wish.depth, min_samples_leaf=wish.leaf,
                    random_state=wish.seed, n_jobs=-1,
                ).fit(given.rows, given.labels)  # fmt: skip
            (ours if is_ours else theirs).append(perf_counter() - began)
    name = f"{wish.trees} trees of {len(rows):,} × {rows.shape[1]}"
    report(name, median(ours), median(theirs), "bare scikit-learn, all cores")
    forest = training.export(grown)
    _ask(forest, bare, given)


def _ask(forest: training.Forest, bare: object, given: Dataset) -> None:
    candles = shipped_recording().candles[:WINDOW]
    asked, whole, theirs, apart = [], [], [], 0.0
    for each in given.rows[:_ASKED]:
        began = perf_counter()
        said = forest.probability(each)
        asked.append(perf_counter() - began)
        began = perf_counter()
        looked = row(candles)
        assert looked is not None
        forest.probability(looked)
        whole.append(perf_counter() - began)
        began = perf_counter()
        wanted = bare.predict_proba(each.reshape(1, -1))[0, 1]  # type: ignore[attr-defined]
        theirs.append(perf_counter() - began)
        apart = max(apart, abs(said - wanted))
    report("one row asked", median(asked), 0.001, "1 ms")
    report("  the same", median(asked), median(theirs), "scikit-learn's predict_proba")
    report("one row computed from candles and asked", median(whole), 0.001, "1 ms")
    print(f"the largest difference of {_ASKED} answers is {apart:.1e}")


def _walk(count: int) -> Columns:
    """Candles of a random walk whose pace changes."""
    chance = np.random.default_rng(1)
    pace = 1e-4 * np.exp(np.cumsum(chance.normal(0, 0.01, count)).clip(-1, 1))
    close = 1.1 * np.exp(np.cumsum(chance.normal(0, 1, count) * pace))
    wick = np.abs(chance.normal(0, 1, (2, count))) * pace * close
    before = np.roll(close, 1)
    high, low = np.maximum(close, before) + wick[0], np.minimum(close, before) - wick[1]
    return Columns(high, low, close, chance.integers(1, 5_000, count).astype(float))
