"""What is read from a venue at intervals: how often the settings say, and by which use cases."""

import os
from dataclasses import dataclass
from datetime import timedelta
from socket import gethostname

from bot.settings import Settings
from broker.feeds.stored import StoredMarket
from engine.errors import InvalidInput
from engine.flow.ingest import IngestCandles
from engine.flow.ingest_account import KeepAccount
from engine.flow.ingest_faults import FindStreamFaults
from engine.flow.retention import RetireCandles
from engine.ports import Bell, Broker, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often candles and the account are read, how far back candles go, how long they stay."""

    candles: timedelta
    account: timedelta
    history: timedelta
    keep: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestion:
    """The use cases; ``candles`` is None where nobody has to be asked for them."""

    candles: IngestCandles | None
    account: KeepAccount | None
    retire: RetireCandles


def cadence_of(settings: Settings) -> Cadence:
    """What is set; raises :class:`InvalidInput` for a history that would be removed at once."""
    if not settings.candle_history_days < settings.candle_keep_days:
        raise InvalidInput(
            f"CANDLE_KEEP_DAYS ({settings.candle_keep_days}) must be more than"
            f" CANDLE_HISTORY_DAYS ({settings.candle_history_days})"
        )
    return Cadence(
        candles=timedelta(seconds=settings.snapshot_interval_seconds),
        account=timedelta(seconds=settings.account_snapshot_interval_seconds),
        history=timedelta(days=settings.candle_history_days),
        keep=timedelta(days=settings.candle_keep_days),
    )


def build_ingestion(
    cadence: Cadence, store: Store, market: object, broker: Broker, bell: Bell, *, is_recorded: bool
) -> Ingestion:
    """The use cases over a venue; a recording has no account of these days to keep."""
    holder = f"{gethostname()}:{os.getpid()}"
    candles = None
    if isinstance(market, StoredMarket):
        candles = IngestCandles(
            store=store,
            source=market.remote,
            name=market.source,
            watched=market.watched,
            bell=bell,
            holder=holder,
            every=cadence.candles,
            history=cadence.history,
            rests=market.rests,
        )
    account = KeepAccount(store=store, broker=broker, holder=holder, every=cadence.account)
    return Ingestion(
        candles=candles,
        account=None if is_recorded else account,
        retire=RetireCandles(store=store, keep=cadence.keep),
    )


def stream_faults(store: Store, market: object) -> FindStreamFaults | None:
    """What finds the faults of streams; None for a market that has none."""
    if not isinstance(market, StoredMarket):
        return None
    return FindStreamFaults(store=store, name=market.source, watched=market.watched)
