"""The dashboard (sources 000 and 004 §4.1) and the account."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bot.api.fields import Instant, Number
from bot.api.routing import Call, Routes
from engine.domain.account import Account
from engine.domain.person import Role
from engine.domain.state import Mode, TradingState
from engine.errors import BrokerSilent
from engine.flow.dashboard import Dashboard
from engine.flow.overview import Watched
from engine.flow.trades import OpenTrade, OpenTrades

routes = Routes("dashboard")


@dataclass(slots=True, kw_only=True)
class AccountShown:
    """Money of an account, with how many seconds ago the venue said so."""

    id: str
    currency: str
    balance: Number
    equity: Number
    margin_used: Number
    margin_free: Number
    open_pl: Number
    open_positions: int
    age_seconds: float


@dataclass(slots=True, kw_only=True)
class DayShown:
    """The broker's day: what it made against its goal (0: none), and how far it fell."""

    profit: Number | None
    target: Number
    weekly_target: Number
    start_equity: Number | None
    drawdown: Number | None
    max_drawdown_amount: Number


@dataclass(slots=True, kw_only=True)
class WatchedShown:
    """A watched symbol now: ``spread`` and ``atr`` in its prices, ``move_percent`` since midnight
    of the broker. What cannot be had is null.
    """

    symbol: str
    bid: Number | None
    ask: Number | None
    spread: Number | None
    spread_pips: Number | None
    atr: Number | None
    move_percent: Number | None


@dataclass(slots=True, kw_only=True)
class Summary:
    """How it stands. ``account`` is null while the broker does not answer."""

    ai_trading_enabled: bool
    state: TradingState
    mode: Mode
    halt_reason: str | None
    min_confidence_threshold: Number
    max_concurrent_trades: int
    account: AccountShown | None
    today: DayShown
    watched: list[WatchedShown]
    ideas_waiting: int


@dataclass(slots=True, kw_only=True)
class PositionShown:
    """An open position; ``idea`` is the number of the idea it came of, if it is ours."""

    id: str
    symbol: str
    direction: Literal["buy", "sell"]
    lot_size: Number
    entry_price: Number
    stop_loss: Number | None
    take_profit: list[Number]
    unrealized_pl: Number
    opened_at: Instant
    idea: int | None
    r: Number | None


@dataclass(slots=True, kw_only=True)
class Book:
    """The account and what is open; as source 004 §6.6 tells it, and whose account it is."""

    balance: Number
    equity: Number
    margin_used: Number
    margin_free: Number
    open_pl: Number
    open_positions: list[PositionShown]
    id: str
    currency: str
    captured_at: Instant


@routes.get("/v1/dashboard/summary", role=Role.VIEWER)
async def summary(call: Call) -> Summary:
    """The account, the day against its goals, the trading state, the watched symbols."""
    return _summary(await call.uses.reads.dashboard(call.person_id))


@routes.get("/v1/account", role=Role.VIEWER)
async def account(call: Call) -> Book:
    """The account as the venue tells it now, and every open position."""
    seen = await call.uses.talk.read_positions(call.person_id)
    if seen.account is None:
        raise BrokerSilent("the broker does not answer")
    return _book(seen, seen.account)


def position_shown(trade: OpenTrade) -> PositionShown:
    """An open position."""
    held = trade.position
    single = () if held.take_profit is None else (held.take_profit,)
    return PositionShown(
        id=held.id,
        symbol=held.symbol,
        direction=held.direction.value,
        lot_size=held.volume,
        entry_price=held.entry_price,
        stop_loss=held.stop_loss,
        take_profit=list(trade.targets or single),
        unrealized_pl=held.profit,
        opened_at=held.opened_at,
        idea=trade.number,
        r=trade.r,
    )


def _book(seen: OpenTrades, money: Account) -> Book:
    return Book(
        balance=money.balance,
        equity=money.equity,
        margin_used=money.margin_used,
        margin_free=money.margin_free,
        open_pl=money.open_profit,
        open_positions=[position_shown(trade) for trade in seen.trades],
        id=money.id,
        currency=money.currency,
        captured_at=money.captured_at,
    )


def _summary(seen: Dashboard) -> Summary:
    board = seen.board
    runs = board.state == TradingState.RUNNING
    return Summary(
        ai_trading_enabled=runs,
        state=TradingState(board.state),
        mode=Mode(board.mode),
        halt_reason=None if runs else board.reason,
        min_confidence_threshold=board.min_confidence_threshold,
        max_concurrent_trades=board.max_concurrent_trades,
        account=_account(seen),
        today=_day(seen),
        watched=[_watched(one) for one in seen.watched],
        ideas_waiting=board.waiting,
    )


def _account(seen: Dashboard) -> AccountShown | None:
    money = seen.glimpse.account
    if money is None:
        return None
    return AccountShown(
        id=money.id,
        currency=money.currency,
        balance=money.balance,
        equity=money.equity,
        margin_used=money.margin_used,
        margin_free=money.margin_free,
        open_pl=money.open_profit,
        open_positions=len(seen.glimpse.positions),
        age_seconds=round(seen.glimpse.age.total_seconds(), 1),
    )


def _day(seen: Dashboard) -> DayShown:
    board, money = seen.board, seen.glimpse.account
    start, peak = board.start_equity, board.peak_equity
    return DayShown(
        profit=money.equity - start if money is not None and start is not None else None,
        target=board.daily_profit_target,
        weekly_target=board.weekly_profit_target,
        start_equity=start,
        drawdown=max(Decimal(0), peak - money.equity)
        if money is not None and peak is not None
        else None,
        max_drawdown_amount=board.max_drawdown_amount,
    )


def _watched(one: Watched) -> WatchedShown:
    quote = one.quote
    return WatchedShown(
        symbol=one.symbol,
        bid=None if quote is None else quote.bid,
        ask=None if quote is None else quote.ask,
        spread=None if quote is None else quote.spread,
        spread_pips=None if quote is None else round(quote.spread / one.pip, 2),
        atr=one.atr,
        move_percent=one.move_percent,
    )
