"""The registry of models, the queue of trainings, who trains, and who is asked."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from engine.domain.market import Candle, Timeframe
from engine.domain.model import (
    Approved,
    Model,
    ModelStatus,
    Prediction,
    Report,
    Training,
    TrainingState,
    Wish,
)

#: What an approved model says of the last of these candles; None with fewer than it needs, and
#: where the model cannot be read.
Predict = Callable[[Approved, Sequence[Candle]], Awaitable[Prediction | None]]
#: Told how far a training is, in per cent.
Progress = Callable[[int], Awaitable[None]]


class Models(Protocol):
    """Models by number, with their trees as bytes."""

    async def add(self, report: Report, body: bytes, hash_: str, by: str) -> Model:
        """A new candidate; its version is the next of its symbol and timeframe."""
        ...

    async def get(self, id_: int) -> Model | None:
        """One model."""
        ...

    async def list(
        self,
        *,
        symbol: str | None = None,
        timeframe: Timeframe | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Model]:
        """The newest first; ``before`` a number is the next page."""
        ...

    async def body(self, id_: int) -> bytes | None:
        """The trees of a model."""
        ...

    async def approved(self) -> Mapping[tuple[str, Timeframe], Approved]:
        """The models that are asked, by symbol and timeframe."""
        ...

    async def move(self, model: Model, to: ModelStatus, by: str) -> Model | None:
        """The model in another status; None when it is not in the status of before any more.

        Approving one while another of its symbol and timeframe is approved raises
        ``IllegalMove``: that one is retired first.
        """
        ...


class Trainings(Protocol):
    """Trainings that were asked for; one of a symbol and timeframe is open at a time."""

    async def add(self, wish: Wish, by: str, person_id: int | None) -> tuple[Training, bool]:
        """The training that is open now, and whether this call queued it."""
        ...

    async def get(self, id_: int) -> Training | None:
        """One training."""
        ...

    async def list(self, limit: int) -> Sequence[Training]:
        """The newest first."""
        ...

    async def claim(self, lease: timedelta, *, id_: int | None = None) -> Training | None:
        """Hold the oldest training that waits, or whose worker is gone, for ``lease``; with ``id_``
        that one or none.
        """
        ...

    async def beat(self, training: Training, percent: int, lease: timedelta) -> bool:
        """Note how far it is and hold it on; False when it was cancelled or is another's."""
        ...

    async def cancel(self, id_: int) -> bool:
        """CANCELLED, if it was open."""
        ...

    async def finish(
        self,
        training: Training,
        state: TrainingState,
        *,
        model_id: int | None = None,
        reason: str | None = None,
    ) -> bool:
        """Its end; False when it was cancelled or is another's."""
        ...
