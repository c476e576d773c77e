"""What is outside: the adapters that the settings choose, and the wall's clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.analyst_settings import ModelParts, model_of
from bot.change_settings import Manner, manner_of
from bot.feed_settings import Outside
from bot.identity import identify_of
from bot.ingesting import Cadence, cadence_of
from bot.key_settings import keys_of
from bot.provider_settings import ProviderParts, parts_of
from bot.push_settings import server_of
from bot.settings import TELEGRAM, Reread, Settings
from bot.venues import AnyBroker, Market, Venue, build_venue
from broker.feeds.recorded import RecordedMarket
from broker.signal_push.server import HttpSignalServer
from engine.domain.market import Timeframe
from engine.flow.terminal_wishes import Watched
from engine.flow.watch import Part
from engine.ports import Identify
from storage.anchors import AnchorFile
from storage.sealing import KeyRing
from storage.signals import Listener
from storage.transaction import PostgresStore


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is outside: the store, the market and the venue, as adapters."""

    store: PostgresStore
    anchors: AnchorFile
    venue: Venue
    market: Market
    broker: AnyBroker
    outside: Outside
    watched: Watched
    signals: Listener
    pace: timedelta
    waits: bool
    zone: ZoneInfo
    local_chat: bool
    remind_every: timedelta
    ask_per_minute: int
    #: Where model signals are pushed; None when they are not.
    signal_server: HttpSignalServer | None
    #: LIVE_TRADING_ENABLED: whether a real account may be traded at all.
    live_enabled: bool
    reread: Reread
    identify: Identify
    cadence: Cadence
    #: What opens the store's secrets.
    keys: KeyRing
    provider: ProviderParts
    #: How proposals to change the configuration wait.
    manner: Manner
    model: ModelParts
    #: After what time an approved model is trained anew; nothing is never.
    retrain_every: timedelta = timedelta(0)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What has to show that it is alive: workers watch the world, the bot watches them."""
        return (
            Part(name="broker", heartbeat=f"broker:{self.broker.account_id}", watch="worker"),
            *(
                Part(name="feed", heartbeat=f"feed:{symbol}", watch="worker")
                for symbol, _ in self.symbols
            ),
            Part(name="worker", heartbeat="worker", watch="bot", demotes=False),
        )

    @property
    def symbols(self) -> tuple[tuple[str, Timeframe], ...]:
        """What is watched."""
        return self.watched.streams

    @property
    def tape(self) -> RecordedMarket | None:
        """The recording that has to be moved on; None for a market that moves by itself."""
        return self.market if isinstance(self.market, RecordedMarket) else None

    @property
    def abilities(self) -> tuple[str, ...]:
        """What the venue can do with a trade."""
        return self.venue.abilities

    async def close(self) -> None:
        """Close the connections that the adapters keep."""
        await self.signals.close()
        await self.venue.close()


def now() -> datetime:
    """The wall's clock: the one place that reads it."""
    return datetime.now(UTC)  # noqa: TID251


def build_world(settings: Settings) -> World:
    """The adapters; the database must be open before they are used."""
    keys = keys_of(settings)
    store, signals = PostgresStore(keys), Listener(settings.database_url or "")
    venue = build_venue(settings, store, signals, now)
    return World(
        store=store,
        anchors=AnchorFile(settings.anchor_path),
        venue=venue,
        market=venue.market,
        broker=venue.broker,
        outside=venue.outside,
        watched=venue.watched,
        signals=signals,
        pace=timedelta(seconds=settings.market_pace_seconds),
        waits=settings.market_waits,
        zone=ZoneInfo(settings.broker_timezone),
        local_chat=settings.telegram_api_url != TELEGRAM,
        remind_every=timedelta(minutes=settings.halt_reminder_minutes),
        ask_per_minute=settings.ask_per_minute,
        signal_server=server_of(settings) if settings.ea_push_enabled else None,
        live_enabled=settings.live_trading_enabled,
        reread=Reread(),
        identify=identify_of(settings, store, venue.broker),
        cadence=cadence_of(settings),
        keys=keys,
        provider=parts_of(settings),
        retrain_every=timedelta(hours=settings.model_retrain_hours),
        manner=manner_of(settings),
        model=model_of(settings),
    )
