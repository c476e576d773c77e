"""Models: what was trained, on what, how good it was, who let it in, what it says of a candle."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.domain.market import Timeframe
from engine.errors import IllegalMove, InvalidInput

#: The least and the most of each number of a wish.
RANGES = {
    "trees": (10, 2_000),
    "depth": (2, 16),
    "leaf": (1, 10_000),
    "horizon": (1, 200),
    "bars": (1_000, 200_000),
    "folds": (1, 10),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to train: ``trees`` of a ``depth`` whose leaves hold at least ``leaf`` rows, on the last
    ``bars`` candles, to say whether the price rises within ``horizon`` candles. It is validated in
    ``folds`` steps forward in time. Raises :class:`InvalidInput`.
    """

    symbol: str
    timeframe: Timeframe
    trees: int = 200
    depth: int = 6
    leaf: int = 25
    horizon: int = 5
    bars: int = 20_000
    folds: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(f"{name} must be {least} to {most}", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good the forecasts were on candles the trees had not seen, as shares of 1.

    ``rows`` were asked, of ``rises`` the price rose. ``accuracy`` is how often the likelier side
    was right, ``auc`` how well rises were ranked above the others (0.5 is chance), ``brier`` the
    mean squared error. ``signals`` is the share that source 003's thresholds let through, ``hits``
    how many of these were right; None without any.
    """

    rows: int
    rises: Decimal
    accuracy: Decimal
    auc: Decimal
    brier: Decimal
    signals: Decimal
    hits: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFact:
    """A column of the training's table: how much the trees used it, as a share of 1, and the inner
    borders of its ten equally filled bins.
    """

    name: str
    importance: Decimal
    borders: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A training's outcome without the trees. ``data_hash`` is the SHA-256 of what was learnt from,
    ``rows`` how many candles that were, from ``first`` to ``last``.
    """

    wish: Wish
    rows: int
    first: datetime
    last: datetime
    data_hash: str
    score: Score
    features: tuple[FeatureFact, ...]
    seconds: Decimal


class ModelStatus(StrEnum):
    """A CANDIDATE says nothing yet; the APPROVED one of a symbol and timeframe is asked; a RETIRED
    one was, or was turned down.
    """

    CANDIDATE = "candidate"
    APPROVED = "approved"
    RETIRED = "retired"


_MOVES = {
    ModelStatus.CANDIDATE: (ModelStatus.APPROVED, ModelStatus.RETIRED),
    ModelStatus.APPROVED: (ModelStatus.RETIRED,),
    ModelStatus.RETIRED: (ModelStatus.APPROVED,),
}


def model_name(timeframe: Timeframe, version: int) -> str:
    """By source 003: ``rf_m1``, and the version."""
    return f"rf_{timeframe.lower()}_v{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of the registry. ``version`` counts those of its symbol and timeframe, ``hash`` is
    the SHA-256 of its trees' bytes.
    """

    id: int
    version: int
    status: ModelStatus
    hash: str
    report: Report
    trained_by: str
    trained_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def symbol(self) -> str:
        """What it forecasts."""
        return self.report.wish.symbol

    @property
    def timeframe(self) -> Timeframe:
        """On which candles."""
        return self.report.wish.timeframe

    @property
    def name(self) -> str:
        """What people and signals call it."""
        return model_name(self.timeframe, self.version)

    def must_move(self, to: ModelStatus) -> None:
        """Raise :class:`IllegalMove` for a move there is not."""
        if to not in _MOVES[self.status]:
            raise IllegalMove(
                f"model {self.id} is {self.status}; it cannot become {to}",
                id=self.id,
                status=str(self.status),
            )


@dataclass(frozen=True, slots=True)
class Approved:
    """The model that is asked of a symbol and timeframe, as little as asking it takes."""

    id: int
    name: str
    hash: str
    horizon: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the approved model said of a bundle's last candle: the probability of a rise, 0 to 1.

    It is frozen into the bundle with the model's number and hash, so that a replay needs no model.
    """

    model_id: int
    model: str
    hash: str
    horizon: int
    probability: Decimal


class TrainingState(StrEnum):
    """QUEUED and RUNNING are open, the others are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether something will still become of it."""
        return self in (TrainingState.QUEUED, TrainingState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training that somebody asked for. ``percent`` is how far it is, ``attempts`` how often it
    was begun, ``claim`` numbers who holds it; ``reason`` says why it failed.
    """

    id: int
    wish: Wish
    state: TrainingState
    by: str
    person_id: int | None
    created_at: datetime
    percent: int = 0
    attempts: int = 0
    claim: int = 0
    model_id: int | None = None
    reason: str | None = None
    finished_at: datetime | None = None
