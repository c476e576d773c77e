"""A terminal shows its account: kept raw, read, measured against the day's limits, at once.

Everything of one snapshot is one transaction: a limit it shows to be reached halts trading, and
what was queued is taken back, in the commit that stores it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from engine.domain.account import Account, TradingDay
from engine.domain.broker_time import BrokerTime, offset_of
from engine.domain.decision import Entry
from engine.domain.market import Timeframe
from engine.domain.terminal import Terminal, Wishes
from engine.errors import Refusal, TerminalRefused
from engine.flow.admission import Admit, Caller
from engine.flow.late_deals import corrections
from engine.flow.reconcile import measure
from engine.flow.terminal_wishes import SHORT, Watched, doubted_of, matched, wishes_of
from engine.ports import Bell, Shown, Store, Streamed, Transaction

Json = Mapping[str, Any]

#: How long a snapshot is kept as it came.
RAW_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSnapshot:
    """Store a snapshot and act on what it shows.

    ``zone`` begins the broker's day; ``clock_zone`` is what the broker's clock follows, None where
    only its present offset is known. A snapshot that is not newer than the last one of its run is
    dropped. Raises :class:`TerminalRefused` for one of another account.
    """

    store: Store
    bell: Bell
    watched: Watched
    zone: tzinfo = UTC
    clock_zone: tzinfo | None = None
    keep_raw: timedelta = RAW_LIFE
    admit: Admit = field(default_factory=Admit)

    async def __call__(self, caller: Caller, body: bytes, told: Json) -> datetime:
        """Answers the database's clock."""
        async with self.store.begin() as tx:
            terminal, now = await self.admit(tx, caller)
        if told["account"]["login"] != terminal.login:
            raise TerminalRefused(Refusal.ACCOUNT_REFUSED, "The token is for another account.")
        if _is_old(terminal, caller.run, told["sync_no"]):
            return now
        async with self.store.begin() as tx:
            clock = await self._clock(tx, terminal, told, now)
            complete = await _complete(tx, terminal, told, clock)
            await tx.snapshots.keep_raw(terminal.account_id, body, keep=self.keep_raw)
            await _store_market(tx, terminal, told, clock, now)
            # After what takes long; the trading state before the terminal, as everyone takes them.
            control = await tx.controls.take()
            held = await tx.terminals.take(terminal.account_id)
            if held is None or _is_old(held, caller.run, told["sync_no"]):
                return now
            now = await tx.now()
            entries = await _store_books(tx, held, told, clock, now)
            account = account_of(held.account_id, told["account"], now)
            day, halted = await measure(tx, control, account, market_time=now, zone=self.zone)
            entries += halted
            after = _seen(held, caller.run, told, account, day, now)
            wishes = await self._wishes(tx, held, told, clock, complete)
            await tx.terminals.save(replace(after, wishes=wishes))
            await tx.history.extend(entries)
        if entries:
            await self.bell.ring("deliver")
        return now

    async def _clock(
        self, tx: Transaction, terminal: Terminal, told: Json, now: datetime
    ) -> BrokerTime:
        """The broker's clock: by a tick that moved since the last snapshot, else as it says."""
        before = await tx.snapshots.symbols(
            terminal.account_id, [symbol["name"] for symbol in told["symbols"]]
        )
        last = terminal.synced_at
        moved = [
            symbol["tick_ms"]
            for symbol in told["symbols"]
            if last is not None
            and now - last <= timedelta(seconds=60)
            and symbol["tick_ms"] > before.get(symbol["name"], symbol)["tick_ms"]
        ]
        seen = offset_of(max(moved), now) if moved else None
        offset = told["clock"]["offset_s"] if seen is None else seen
        return BrokerTime(offset_seconds=offset, zone=self.clock_zone)

    async def _wishes(
        self,
        tx: Transaction,
        terminal: Terminal,
        told: Json,
        clock: BrokerTime,
        complete: Collection[tuple[str, Timeframe]],
    ) -> Wishes:
        account_id = terminal.account_id
        names = await tx.snapshots.names(account_id)
        mapped = dict(await tx.snapshots.mapped(account_id))
        for symbol in self.watched.symbols:
            name = self.watched.names.get(symbol) or mapped.get(symbol) or matched(symbol, names)
            if name is not None and mapped.get(symbol) != name:
                await tx.snapshots.map_symbol(account_id, symbol, name)
                mapped[symbol] = name
        deals = [clock.utc(deal["time_ms"] / 1000) for deal in told["deals"]]
        return wishes_of(
            self.watched,
            mapped,
            names,
            complete,
            clock,
            max(deals) if told["deals_more"] and deals else terminal.heard_at,
            more_deals=told["deals_more"],
            doubted=await doubted_of(tx, mapped),
        )


async def _complete(
    tx: Transaction, terminal: Terminal, told: Json, clock: BrokerTime
) -> frozenset[tuple[str, Timeframe]]:
    """The streams that now have no gap: a long look, or candles that overlap what is stored."""
    asked = {(each.symbol, each.timeframe): each.count for each in terminal.wishes.candles}
    began = {
        (each["symbol"], Timeframe(each["timeframe"])): clock.utc(each["rows"][0][0])
        for each in told["candles"]
        if each["rows"]
    }
    last = await tx.snapshots.latest(terminal.account_id, began)
    return frozenset(
        key
        for key, first in began.items()
        if (key in last and first <= last[key]) or asked.get(key, 0) > SHORT
    )


def _is_old(terminal: Terminal, run: str, sync_no: int) -> bool:
    return terminal.sync_run == run and sync_no <= terminal.sync_no


async def _store_market(
    tx: Transaction, terminal: Terminal, told: Json, clock: BrokerTime, now: datetime
) -> None:
    """What the market shows. A symbol that was asked for and is not shown is marked as gone."""
    account_id = terminal.account_id
    absent = set(terminal.wishes.symbols) - {each["name"] for each in told["symbols"]}
    gone = await tx.snapshots.symbols(account_id, absent) if absent else {}
    shown = [_at(exact(each), clock, each["tick_ms"] / 1000) for each in told["symbols"]]
    lost = [each | {"gone": True} for each in gone.values()]
    await tx.snapshots.save_symbols(account_id, shown + lost)
    await tx.snapshots.save_candles(account_id, _streams(told["candles"], clock))
    if told["names"] is not None:
        await tx.snapshots.save_names(account_id, told["names"])
    if told["calendar"] is not None:
        await tx.snapshots.save_calendar(account_id, _calendar(told["calendar"], clock, now))


async def _store_books(
    tx: Transaction, terminal: Terminal, told: Json, clock: BrokerTime, now: datetime
) -> list[Entry]:
    """What the account shows; the answer is records of what it corrects."""
    shown = Shown(
        at=now,
        offset_seconds=clock.offset_seconds,
        account=exact(told["account"]),
        positions=[_at(exact(each), clock, each["time"]) for each in told["positions"]],
        orders=exact(told["orders"]),
    )
    await tx.snapshots.save(terminal.account_id, shown)
    deals = [_at(exact(each), clock, each["time_ms"] / 1000) for each in told["deals"]]
    entries = await corrections(tx, terminal, deals, now)
    await tx.snapshots.add_deals(terminal.account_id, deals)
    return entries


def exact(value: Any) -> Any:
    """A document whose decimals are texts that keep every digit but zeros at the end."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dict):
        return {name: exact(part) for name, part in value.items()}
    return [exact(part) for part in value] if isinstance(value, list) else value


def _at(document: dict[str, Any], clock: BrokerTime, seconds: float) -> dict[str, Any]:
    """A document with its instant in UTC."""
    return {**document, "at": clock.utc(seconds).isoformat()}


def _streams(told: Sequence[Json], clock: BrokerTime) -> list[Streamed]:
    # Streams share their instants: each is converted once.
    at = {row[0]: clock.utc(row[0]) for each in told for row in each["rows"]}
    return [
        Streamed(
            each["symbol"],
            Timeframe(each["timeframe"]),
            [(at[time], *rest) for time, *rest in each["rows"]],
        )
        for each in told
    ]


def _calendar(told: Json, clock: BrokerTime, now: datetime) -> dict[str, Any]:
    return {
        "told_at": now.isoformat(),
        "known_from": clock.utc(told["from"]).isoformat(),
        "known_until": clock.utc(told["to"]).isoformat(),
        "events": [_at(exact(each), clock, each["time"]) for each in told["events"]],
    }


def account_of(account_id: str, told: Json, at: datetime) -> Account:
    """The account as a snapshot shows it; figures may be texts."""
    return Account(
        id=account_id,
        currency=told["currency"],
        balance=Decimal(told["balance"]),
        equity=Decimal(told["equity"]),
        margin_used=Decimal(told["margin"]),
        margin_free=Decimal(told["margin_free"]),
        open_profit=Decimal(told["profit"]),
        captured_at=at,
    )


def _seen(
    terminal: Terminal, run: str, told: Json, account: Account, day: TradingDay, now: datetime
) -> Terminal:
    return replace(
        terminal,
        sync_run=run,
        sync_no=told["sync_no"],
        synced_at=now,
        open_positions=len(told["positions"]),
        daily_loss_percent=round(day.loss_percent(account.equity), 2),
    )
