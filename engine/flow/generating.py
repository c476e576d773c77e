"""Source 003's signals: ask the approved model now, and queue what it says."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.domain.market import Candle, Timeframe
from engine.domain.model import Prediction
from engine.domain.person import Role
from engine.domain.signal import Forecast, Signal
from engine.domain.values import quantize
from engine.errors import FeedError, NotFound, NotSetUp
from engine.flow.signals import QueueSignal, allowed
from engine.ports import MarketData, Predict, Store
from engine.snapshot.features import LOOKBACK
from engine.snapshot.indicators import WINDOW, compute

#: The stop in ATR, and the target in stops: what the shipped strategy of the forest says too.
_STOP_ATR, _TARGET_STOPS = 2, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What the model said, and the signal that became of it; None between the thresholds.
    ``is_new`` is False for a candle that it had spoken of before.
    """

    prediction: Prediction
    signal: Signal | None
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateSignal:
    """Ask the approved model of a symbol and timeframe about the last closed candle, and queue the
    signal for the EA server. ``force`` makes one between the thresholds too.

    Raises :class:`NotSetUp` without an approved model, and :class:`FeedError` without the candles
    it needs.
    """

    store: Store
    market: MarketData
    predict: Predict
    queue_signal: QueueSignal

    async def __call__(
        self, person_id: int | None, symbol: str, timeframe: Timeframe, *, force: bool = False
    ) -> Generated:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.TRADER)
            model = (await tx.models.approved()).get((symbol, timeframe))
            now = await tx.now()
        if model is None:
            raise NotSetUp(
                f"no model of {symbol} {timeframe} is approved: train one, and let an admin approve"
                " it"
            )
        candles = await self.market.candles(symbol, timeframe, WINDOW)
        said = await self.predict(model, candles)
        if said is None:
            raise FeedError(
                f"{model.name} cannot be asked: there are {len(candles)} {timeframe} candles of"
                f" {symbol}, and it takes {LOOKBACK}"
            )
        forecast = await self._forecast(symbol, timeframe, candles, said, now)
        made = await self.queue_signal(person_id, forecast, force=force)
        if made is None:
            return Generated(prediction=said, signal=None, is_new=False)
        return Generated(prediction=said, signal=made[0], is_new=made[1])

    async def _forecast(
        self,
        symbol: str,
        timeframe: Timeframe,
        candles: tuple[Candle, ...],
        said: Prediction,
        now: datetime,
    ) -> Forecast:
        instrument = await self.market.instrument(symbol)
        atr = compute(candles, digits=instrument.digits)[0].atr_14
        if not atr:
            raise FeedError(f"{symbol} does not move: there is no distance for a stop")
        stop = max(Decimal("0.1"), quantize(_STOP_ATR * atr / instrument.pip, 1))
        return Forecast(
            model=said.model,
            symbol=symbol,
            timeframe=timeframe,
            probability=said.probability,
            sl_pips=stop,
            tp_pips=_TARGET_STOPS * stop,
            price=candles[-1].close,
            timestamp=now,
            candle=candles[-1].time,
        )

    async def all(self, streams: tuple[tuple[str, Timeframe], ...]) -> list[Signal]:
        """The same for every watched stream with an approved model, each candle once."""
        async with self.store.begin() as tx:
            asked = await tx.models.approved()
        made = []
        for symbol, timeframe in streams:
            if (symbol, timeframe) not in asked:
                continue
            try:
                generated = await self(None, symbol, timeframe)
            except (FeedError, NotFound, NotSetUp):
                continue
            if generated.signal is not None and generated.is_new:
                made.append(generated.signal)
        return made
