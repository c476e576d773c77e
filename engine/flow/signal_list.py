"""What approved models say now, and the signals that were queued last."""

from dataclasses import dataclass

from engine.domain.market import Timeframe
from engine.domain.model import Approved, Prediction
from engine.domain.person import Role
from engine.domain.signal import QueuedSignal, SignalState
from engine.errors import FeedError, NotFound
from engine.flow.signals import allowed
from engine.ports import MarketData, Predict, Store
from engine.snapshot.features import LOOKBACK

_LAST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A model's word on the last candle; None where it cannot be asked."""

    symbol: str
    timeframe: Timeframe
    model: Approved
    prediction: Prediction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalList:
    """What the models of the watched streams say, and the last signals, the newest first."""

    said: tuple[Said, ...]
    queued: tuple[QueuedSignal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSignals:
    """Look at the signals; nothing is queued by it."""

    store: Store
    market: MarketData
    predict: Predict
    streams: tuple[tuple[str, Timeframe], ...]

    async def __call__(self, person_id: int | None) -> SignalList:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
            models = await tx.models.approved()
            found = [
                one for state in SignalState for one in await tx.signal_queue.recent(state, _LAST)
            ]
        said = [
            Said(
                symbol=symbol,
                timeframe=timeframe,
                model=models[symbol, timeframe],
                prediction=await self._ask(models[symbol, timeframe], symbol, timeframe),
            )
            for symbol, timeframe in self.streams
            if (symbol, timeframe) in models
        ]
        queued = sorted(found, key=lambda one: -one.seq)[:_LAST]
        return SignalList(said=tuple(said), queued=tuple(queued))

    async def _ask(self, model: Approved, symbol: str, timeframe: Timeframe) -> Prediction | None:
        try:
            candles = await self.market.candles(symbol, timeframe, LOOKBACK)
        except (FeedError, NotFound):
            return None
        return await self.predict(model, candles)
