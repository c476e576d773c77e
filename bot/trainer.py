"""Grow trees in a process of its own: what goes in, and the trees and the report that come back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from bot.children import Arrays, child, died, packed
from engine.domain.model import Report, Wish
from engine.research.dataset import Dataset
from engine.research.training import Trained
from engine.snapshot.canonical import digest, plain, restore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)


async def train_apart(given: Dataset, wish: Wish, told: Callable[[int], None]) -> Trained:
    """The port ``Trainer``: a child process, which dies with whoever waits for it. Raises
    :class:`FeedError` when it dies before.
    """
    async with child("bot.trainer_child", input_of(given, wish)) as training:
        while (said := await training.told()) is not None:
            if "percent" in said:
                told(said["percent"])
                continue
            body = (await training.bodies(said))["trees"]
            return Trained(restore(Report, said["report"]), body, digest(body))
    raise died()


def input_of(given: Dataset, wish: Wish) -> bytes:
    """A training's input as bytes; :func:`given_of` reads what was unpacked of them."""
    times = [(time - _EPOCH) // _STEP for time in given.times]
    arrays = {
        "rows": given.rows, "labels": given.labels, "times": np.array(times, dtype=np.int64)
    }  # fmt: skip
    return packed(plain(wish), arrays)


def given_of(document: object, arrays: Arrays) -> tuple[Dataset, Wish]:
    """The inverse of :func:`input_of`."""
    times = tuple(_EPOCH + int(each) * _STEP for each in arrays["times"])
    return Dataset(arrays["rows"], arrays["labels"], times), restore(Wish, document)
