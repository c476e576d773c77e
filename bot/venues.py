"""Which venue, and whose market: paper over a recording, MetaTrader two ways, Binance or OANDA."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.feed_settings import Outside, outside_of, recorded
from bot.settings import Settings
from broker.binance.build import build
from broker.binance.client import Client
from broker.binance.place import is_real
from broker.binance.venue import BinanceBroker
from broker.books import ABILITIES
from broker.feeds.calendar_csv import shipped_calendar
from broker.feeds.recorded import RecordedMarket, read_recording, shipped_recording
from broker.feeds.stored import StoredMarket
from broker.feeds.terminal import TerminalCalendar, TerminalMarket
from broker.live_paper import PricedMarket
from broker.mt5.client import Connector
from broker.mt5.market import Mt5Market
from broker.mt5.names import Names
from broker.mt5.venue import Mt5Broker
from broker.mt_bridge.venue import MtBridge
from broker.oanda.build import build as build_oanda
from broker.oanda.client import Client as OandaClient
from broker.oanda.health import ABILITIES as OANDA_ABILITIES
from broker.oanda.health import faults as oanda_faults
from broker.oanda.place import is_real as is_real_oanda
from broker.oanda.venue import OandaBroker
from broker.paper import PaperBroker
from broker.terms import Terms
from engine.domain.diagnosis import Finding
from engine.domain.feed import CalendarKind
from engine.domain.market import Timeframe
from engine.errors import InvalidInput
from engine.flow.terminal_wishes import Watched
from engine.ports import Clock, MarketData
from storage.signals import Listener
from storage.transaction import PostgresLedger, PostgresStore


def parse_symbols(text: str, setting: str = "EA_SYMBOLS") -> Watched:
    """What a setting says: ``XAUUSD=GOLD:M15, EURUSD:H1``; raises :class:`InvalidInput`."""
    streams, names = [], {}
    for part in text.split(","):
        what, _, timeframe = part.strip().rpartition(":")
        symbol, _, name = what.partition("=")
        if not symbol or timeframe not in list(Timeframe):
            raise InvalidInput(
                f"{setting}: {part.strip()[:40]!r} is not like EURUSD:H1 or XAUUSD=GOLD:M15"
            )
        streams.append((symbol, Timeframe(timeframe)))
        if name:
            names[symbol] = name
    return Watched(streams=tuple(streams), names=names)


Market = RecordedMarket | TerminalMarket | StoredMarket
AnyBroker = PaperBroker | MtBridge | Mt5Broker | BinanceBroker | OandaBroker
#: What a token and an account's number at OANDA look like, and its name of an instrument.
_BINANCE_KEY = re.compile(r"[!-~]+")
_OANDA_TOKEN, _OANDA_ACCOUNT = re.compile(r"[A-Za-z0-9-]{8,200}"), re.compile(r"[0-9-]{3,40}")
_OANDA_NAME = re.compile(r"[A-Z0-9]{1,20}_[A-Z]{3}")


async def _no_faults() -> Sequence[Finding]:
    return ()


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """A venue, the market it trades in, and what is watched there."""

    market: Market
    broker: AnyBroker
    outside: Outside
    watched: Watched
    #: What can be done with a trade there.
    abilities: tuple[str, ...] = ABILITIES
    #: What the venue says of the account itself, where it says anything.
    faults: Callable[[], Awaitable[Sequence[Finding]]] = _no_faults
    #: Closes the connections that the adapters keep.
    close: Callable[[], Awaitable[None]] = _nothing


def stored(
    store: PostgresStore, remote: MarketData, source: str, watched: Watched, *, rests: bool = True
) -> StoredMarket:
    """A remote market whose candles workers fetch and everybody reads from the store.

    ``source`` names where they come from: what shows other candles needs another name.
    """
    return StoredMarket(
        store=store, remote=remote, source=source, watched=watched.streams, rests=rests
    )


def build_venue(settings: Settings, store: PostgresStore, signals: Listener, clock: Clock) -> Venue:
    """The venue that the settings choose."""
    if settings.broker != "paper":
        return _real(settings, store, signals, clock)
    if settings.paper_market == "recording":
        return _paper(settings)
    # Real money is not even read.
    there = settings.model_copy(
        update={"broker": settings.paper_market, "live_trading_enabled": False}
    )
    venue = _real(there, store, signals, clock)
    lengths = [timeframe for _, timeframe in venue.watched.streams]
    broker = PaperBroker(
        market=PricedMarket(market=venue.market), ledger=PostgresLedger(),
        timeframe=min(lengths, key=lambda timeframe: timeframe.length),
        account_id=settings.account_id, **_account(settings),
    )  # fmt: skip
    return replace(venue, broker=broker, abilities=ABILITIES)


def _real(settings: Settings, store: PostgresStore, signals: Listener, clock: Clock) -> Venue:
    if settings.broker == "mt5":
        return _connector(settings, store, clock)
    if settings.broker == "binance":
        return _binance(settings, store, clock)
    if settings.broker == "oanda":
        return _oanda(settings, store, clock)
    account_id, watched = settings.account_id, parse_symbols(settings.ea_symbols)
    own = TerminalCalendar(store=store, account_id=account_id)
    return Venue(
        market=TerminalMarket(
            store=store,
            account_id=account_id,
            clock=clock,
            has_zone=settings.ea_clock_zone is not None,
        ),
        broker=MtBridge(
            store=store,
            signals=signals,
            account_id=account_id,
            is_live=settings.live_trading_enabled,
            deviation_points=settings.ea_max_deviation_points,
        ),
        outside=outside_of(settings, store, watched, own=own, kind=CalendarKind.TERMINAL),
        watched=watched,
    )


def _connector(settings: Settings, store: PostgresStore, clock: Clock) -> Venue:
    """The account behind a connector. Its package shows no economic calendar: without one that is
    set the gate opens nothing.
    """
    url, token = settings.mt5_connector_url, settings.mt5_connector_token
    if url is None or token is None:
        raise InvalidInput("BROKER is mt5: set MT5_CONNECTOR_URL and MT5_CONNECTOR_TOKEN")
    if not url.startswith(("http://", "https://")):
        raise InvalidInput("MT5_CONNECTOR_URL begins with http:// or https://")
    connector = Connector(url=url, token=token.get_secret_value())
    watched = parse_symbols(settings.ea_symbols)
    names = Names(connector=connector, watched=watched)
    return Venue(
        market=stored(
            store, Mt5Market(connector=connector, names=names, clock=clock),
            f"mt5:{settings.account_id}", watched,
        ),
        broker=Mt5Broker(
            connector=connector, names=names, store=store, account_id=settings.account_id,
            is_live=settings.live_trading_enabled,
        ),
        outside=outside_of(settings, store, watched),
        watched=watched,
    )  # fmt: skip


def _binance(settings: Settings, store: PostgresStore, clock: Clock) -> Venue:
    """A spot account; the symbols are the exchange's own names."""
    key, secret = settings.binance_api_key, settings.binance_api_secret
    if key is None or secret is None:
        raise InvalidInput("BROKER is binance: set BINANCE_API_KEY and BINANCE_API_SECRET")
    if not _BINANCE_KEY.fullmatch(key.get_secret_value()):
        raise InvalidInput("BROKER is binance: set BINANCE_API_KEY to the key as Binance shows it")
    is_live = is_real(settings.binance_url)
    if is_live and not settings.live_trading_enabled:
        raise InvalidInput("BINANCE_URL is no test network: LIVE_TRADING_ENABLED is not true")
    watched = parse_symbols(settings.binance_symbols, "BINANCE_SYMBOLS")
    if watched.names:
        raise InvalidInput("BINANCE_SYMBOLS: write the exchange's own names, such as BTCUSDT:H1")
    client = Client(url=settings.binance_url, key=key, secret=secret, clock=clock)
    market, broker = build(
        client, PostgresLedger(), watched.symbols, account_id=settings.account_id, is_live=is_live
    )
    # One exchange has the same candles for all accounts, its test network others.
    source = f"binance:{urlsplit(settings.binance_url).hostname}"
    return Venue(
        market=stored(store, market, source, watched, rests=False),
        broker=broker,
        outside=outside_of(settings, store, watched),
        watched=watched,
    )


def _oanda(settings: Settings, store: PostgresStore, clock: Clock) -> Venue:
    """An account at OANDA, practice or live."""
    token, account = settings.oanda_token, settings.oanda_account
    if token is None or not _OANDA_TOKEN.fullmatch(token.get_secret_value()):
        raise InvalidInput("BROKER is oanda: set OANDA_TOKEN to the token as OANDA shows it")
    if account is None or not _OANDA_ACCOUNT.fullmatch(account):
        raise InvalidInput("BROKER is oanda: set OANDA_ACCOUNT, such as 101-004-1234567-001")
    is_live = is_real_oanda(settings.oanda_url)
    if is_live and not settings.live_trading_enabled:
        raise InvalidInput("OANDA_URL is not its practice: LIVE_TRADING_ENABLED is not true")
    watched = parse_symbols(settings.oanda_symbols, "OANDA_SYMBOLS")
    wrong = [name for name in watched.names.values() if not _OANDA_NAME.fullmatch(name)]
    if wrong:
        raise InvalidInput(f"OANDA_SYMBOLS: {wrong[0][:40]!r} is no name such as SPX500_USD")
    client = OandaClient(url=settings.oanda_url, token=token, account=account, clock=clock)
    market, broker = build_oanda(
        client, PostgresLedger(), watched.names, account_id=settings.account_id,
        zone=ZoneInfo(settings.broker_timezone), slippage_pips=settings.oanda_max_slippage_pips,
        is_live=is_live,
    )  # fmt: skip
    # Practice has prices of its own.
    source = f"oanda:{urlsplit(settings.oanda_url).hostname}"
    return Venue(
        market=stored(store, market, source, watched),
        broker=broker,
        outside=outside_of(settings, store, watched),
        watched=watched,
        abilities=OANDA_ABILITIES,
        faults=partial(oanda_faults, client),
        close=market.aclose,
    )


def _paper(settings: Settings) -> Venue:
    """A recording, and the simulated venue in its prices."""
    ledger = PostgresLedger()
    path = settings.market_recording
    recording = shipped_recording() if path is None else read_recording(path)
    start = min(settings.market_start, len(recording.candles) - 1)
    account = _account(settings)
    market = RecordedMarket(recording, ledger, start=start, terms=account["terms"])
    broker = PaperBroker(
        market=market,
        ledger=ledger,
        timeframe=market.recording.timeframe,
        # Books of one recording mean nothing in another's prices.
        account_id=settings.account_id if path is None else f"{settings.account_id}:{path.stem}",
        **account,
    )
    return Venue(
        market=market,
        broker=broker,
        outside=recorded(settings, shipped_calendar()),
        watched=Watched(streams=((recording.symbol, recording.timeframe),)),
    )


def _account(settings: Settings) -> dict[str, Any]:
    """What is set of a paper account, wherever its prices come from."""
    terms = Terms(
        commission_per_lot=settings.paper_commission_per_lot,
        fee_percent=settings.paper_fee_percent,
        swap_long=settings.paper_swap_long,
        swap_short=settings.paper_swap_short,
        swap_unit=settings.paper_swap_unit,
        leverage=settings.paper_leverage,
        stop_out_percent=settings.paper_stop_out_percent,
        fill_lots=settings.paper_fill_lots,
        time_in_force=settings.paper_time_in_force,
    )
    return {
        "currency": settings.account_currency,
        "starting_balance": settings.paper_starting_balance,
        "slippage_pips": settings.paper_slippage_pips,
        "terms": terms,
        "zone": ZoneInfo(settings.broker_timezone),
    }
