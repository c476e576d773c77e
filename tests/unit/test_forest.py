"""The forest as plain arrays: what scikit-learn says, to the ninth digit, and nothing forged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Timeframe
from engine.domain.model import Wish
from engine.errors import InvalidInput
from engine.research import training
from engine.research.dataset import dataset
from engine.snapshot.canonical import digest
from engine.snapshot.features import NAMES
from engine.snapshot.forest import Forest, read_forest, write_forest

WISH = Wish(symbol="EURUSD", timeframe=Timeframe.H1, trees=30, depth=6, folds=2)


@pytest.fixture(scope="module")
def given_() -> Any:
    return dataset(shipped_recording().candles[:2_000], WISH)


@pytest.fixture(scope="module")
def grown(given_: Any) -> Any:
    return training.grow(training._single(given_.rows), given_.labels, WISH, lambda _: None)


@pytest.fixture(scope="module")
def forest(grown: Any) -> Forest:
    return training.export(grown)


def test_it_says_what_scikit_learn_says(given_: Any, grown: Any, forest: Forest) -> None:
    wanted = training.rises(grown, training._single(given_.rows))
    body = write_forest(forest)
    again = read_forest(body, digest(body))
    for row, said in zip(given_.rows[::7], wanted[::7], strict=True):
        assert abs(forest.probability(row) - said) < 1e-9
        assert again.probability(row) == forest.probability(row)


@settings(max_examples=60, deadline=None)
@given(row=st.lists(st.floats(-200, 200, width=64), min_size=len(NAMES), max_size=len(NAMES)))
def test_it_says_so_of_any_row(grown: Any, forest: Forest, row: list[float]) -> None:
    asked = np.array(row)
    wanted = training.rises(grown, asked.reshape(1, -1))[0]
    assert abs(forest.probability(asked) - wanted) < 1e-9


def test_batches_grow_the_same_trees_as_all_at_once(given_: Any, forest: Forest) -> None:
    from sklearn.ensemble import RandomForestClassifier

    whole = RandomForestClassifier(
        n_estimators=WISH.trees, max_depth=WISH.depth, min_samples_leaf=WISH.leaf,
        random_state=WISH.seed, n_jobs=-1,
    ).fit(training._single(given_.rows), given_.labels)  # fmt: skip
    assert write_forest(training.export(whole)) == write_forest(forest)


def test_a_training_tells_how_far_it_is_and_comes_out_the_same(given_: Any) -> None:
    told: list[tuple[int, int]] = []
    one = training.train(given_, WISH, lambda *done: told.append(done))
    assert told == [(n, 90) for n in (0, 20, 30, 50, 60, 80, 90)]
    two = training.train(given_, WISH, lambda *_: None)
    assert (one.hash, one.body) == (two.hash, two.body)
    assert digest(one.body) == one.hash
    report = one.report
    assert report.data_hash == given_.hash
    assert (report.rows, report.first, report.last) == (
        len(given_.rows), given_.times[0], given_.times[-1],
    )  # fmt: skip
    assert [fact.name for fact in report.features] == list(NAMES)
    assert abs(sum(fact.importance for fact in report.features) - 1) < 0.01
    assert report.score.rows == 2 * (len(given_.rows) // 3)


def test_a_training_stops_where_it_is_told_to(given_: Any) -> None:
    class Enough(Exception):
        pass

    def told(done: int, total: int) -> None:
        if done >= 50:
            raise Enough

    with pytest.raises(Enough):
        training.train(given_, WISH, told)


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score

    chance = np.random.default_rng(1)
    rose = chance.integers(0, 2, 500).astype(np.int8)
    said = np.round(np.clip(rose * 0.1 + chance.random(500), 0, 1), 2)
    found = training.score(said, rose)
    assert float(found.auc) == pytest.approx(roc_auc_score(rose, said), abs=1e-4)
    assert float(found.brier) == pytest.approx(brier_score_loss(rose, said), abs=1e-4)
    assert float(found.accuracy) == pytest.approx(accuracy_score(rose, said >= 0.5), abs=1e-4)
    sure = (said >= 0.55) | (said <= 0.45)
    hits = ((said >= 0.55) == (rose == 1))[sure].mean()
    assert float(found.signals) == pytest.approx(sure.mean(), abs=1e-4)
    assert found.hits is not None
    assert float(found.hits) == pytest.approx(hits, abs=1e-4)
    assert training.score(np.full(9, 0.5), np.zeros(9, np.int8)).hits is None
    assert training.auc(said, np.ones(500, np.int8)) == 0.5


def _set(array: Any, place: int, value: Any) -> Any:
    made = array.copy()
    made[place] = value
    return made


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("left", 0), ("left", 10**6), ("right", -5), ("feature", len(NAMES)), ("feature", -1),
        ("rise", 1.5), ("rise", float("nan")), ("threshold", float("nan")),
    ],
)  # fmt: skip
def test_a_forest_that_is_not_sound_is_refused(forest: Forest, name: str, value: Any) -> None:
    # The second node of a tree has children of its own.
    forged = replace(forest, **{name: _set(getattr(forest, name), 1, value)})
    body = write_forest(forged)
    with pytest.raises(InvalidInput, match="no sound forest"):
        read_forest(body, digest(body))


def test_other_bytes_are_refused(forest: Forest) -> None:
    body = write_forest(forest)
    with pytest.raises(InvalidInput, match="other bytes"):
        read_forest(body[:-1] + bytes([body[-1] ^ 1]), digest(body))
    shallow = write_forest(replace(forest, depth=2))
    far = write_forest(replace(forest, roots=_set(forest.roots, 0, 10**6)))
    for wrong in (b"", body[:-1], body + b"x", b"X" + body[1:], body[:30], shallow, far):
        with pytest.raises(InvalidInput):
            read_forest(wrong, digest(wrong))
