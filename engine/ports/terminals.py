"""Trading terminals: who they are, what they are told to do, what they last showed."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.domain.market import Timeframe
from engine.domain.state import Control
from engine.domain.terminal import Command, ConnectCode, Draft, Result, Terminal

#: The topic on which an account's name says that it has a new command.
COMMANDS_TOPIC = "ea_command"
#: The topic on which a command's name says that it has an end.
RESULTS_TOPIC = "ea_result"


class Terminals(Protocol):
    """Connect codes, tokens by their digests, and the one terminal of each account."""

    async def add_code(self, code: ConnectCode) -> None:
        """Store a new code; the account's earlier ones that were not used are worth nothing."""
        ...

    async def newest_code(self, account_id: str) -> ConnectCode | None:
        """The code of an account that was made last, used or not."""
        ...

    async def take_code(self, digest: str) -> ConnectCode | None:
        """A code, locked to the end of the transaction."""
        ...

    async def save_code(self, code: ConnectCode) -> None:
        """Save that a code was used."""
        ...

    async def guess(self, keys: Collection[str], window: timedelta) -> int:
        """Count a try of a code under every key. The answer is the largest number of tries that
        one of the keys has within the window, this one included.
        """
        ...

    async def of_token(self, digest: str, *, lock: bool = False) -> Terminal | None:
        """The terminal that a token is for; with ``lock`` as :meth:`take` does."""
        ...

    async def take(self, account_id: str) -> Terminal | None:
        """An account's terminal, locked to the end of the transaction. Whoever also needs the
        trading state takes that first.
        """
        ...

    async def read(self, account_id: str) -> Terminal | None:
        """An account's terminal."""
        ...

    async def list(self) -> Sequence[Terminal]:
        """Every terminal, by account."""
        ...

    async def save(self, terminal: Terminal) -> None:
        """Store all of a terminal but its ``last_seq``, which only grows."""
        ...

    async def remove(self, account_id: str) -> bool:
        """Take a terminal's token away; False when there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a request of a terminal has to know, all of it at one instant.

    ``now`` is the store's clock. ``is_waiting`` is what :meth:`Commands.is_waiting` says. Two looks
    with the same ``version`` saw the same state of the terminal.
    """

    terminal: Terminal
    now: datetime
    control: Control
    is_waiting: bool
    version: str


class Polls(Protocol):
    """What terminals ask for again and again while nothing happens: a look, and now and then a note
    that they are alive. Neither is part of a transaction, so neither is called in one.
    """

    async def look(self, token_digest: str) -> Look | None:
        """The terminal that a token is for, or None."""
        ...

    async def note(self, look: Look, terminal: Terminal) -> bool:
        """Store that a terminal was heard, when nothing else about it is new. False, and nothing is
        stored, when it has changed since the look or somebody is changing it now. A crash of the
        database may lose a note; the next request brings it again.
        """
        ...


class Commands(Protocol):
    """The queue of each account's terminal."""

    async def put(self, drafts: Sequence[Draft]) -> tuple[Command, ...]:
        """Queue commands of one account, in their order; raises :class:`IllegalMove` when one of
        their ids was given before, or struck off, and ``NotFound`` for an account without terminal.
        """
        ...

    async def strike(self, account_id: str, id_: str) -> bool:
        """Make sure that a command that was never queued never will be; False when it was."""
        ...

    async def get(self, id_: str) -> Command | None:
        """One command."""
        ...

    async def of_order(self, client_id: str) -> tuple[Command, ...]:
        """The commands of an order, by seq."""
        ...

    async def of_magics(self, account_id: str, magics: Collection[int]) -> tuple[Command, ...]:
        """Those commands of an account whose deals carry these magic numbers."""
        ...

    async def recent(self, account_id: str, limit: int) -> tuple[Command, ...]:
        """An account's last commands, the newest first."""
        ...

    async def is_waiting(self, account_id: str) -> bool:
        """Whether there may be something to offer."""
        ...

    async def lease(
        self,
        account_id: str,
        instance: str,
        *,
        limit: int,
        opens: bool,
        may_open: bool,
        busy: Collection[int],
        paused: Collection[str] = (),
    ) -> tuple[Command, ...]:
        """Offer what is queued, and what was offered before but whose lease ran out: PAUSE and
        RESUME first, OPEN last, each kind by seq. Nothing is offered for a position that is busy,
        or that another answer holds a command for. ``opens`` says whether the terminal takes an
        OPEN at all. ``may_open`` says whether trades may be opened, but for ``paused`` symbols;
        where not, an OPEN that was offered before is only asked about.
        """
        ...

    async def finish(self, id_: str, result: Result) -> bool:
        """Store a command's first result; False when it has one."""
        ...

    async def withdraw(self, client_id: str) -> bool:
        """Cancel those commands of an order that were never offered. True when none of its commands
        was carried out, and none can be any more.
        """
        ...

    async def stop_opens(self) -> frozenset[str]:
        """Cancel every OPEN that was never offered; one that was offered is only asked about from
        now on. The answer is the orders that can therefore not be at a venue.
        """
        ...

    async def pause(self, *, paused: bool, account_id: str | None = None) -> None:
        """Queue a PAUSE or a RESUME for one terminal, or for each, in place of an older one that
        still waits. Nothing is queued where the last one on its way says the same.
        """
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What a terminal showed last, in the protocol's own form; its instants are broker time.

    ``at`` is when it arrived; the broker's clock was ``offset_seconds`` ahead of UTC then.
    """

    at: datetime
    offset_seconds: int
    account: Mapping[str, Any]
    positions: Sequence[Mapping[str, Any]]
    orders: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Streamed:
    """Candles of one symbol by the broker's name; each is opening instant in whole seconds, open,
    high, low, close and volume. Prices are decimals or whole numbers.
    """

    name: str
    timeframe: Timeframe
    rows: Sequence[tuple[Any, ...]]


class Snapshots(Protocol):
    """What terminals show: the raw text for a while, and its parts as last seen."""

    async def keep_raw(self, account_id: str, body: bytes, *, keep: timedelta) -> None:
        """Store a snapshot as it came, and remove some that are older than ``keep``."""
        ...

    async def save(self, account_id: str, shown: Shown) -> None:
        """Replace what the account showed before."""
        ...

    async def last(self, account_id: str) -> Shown | None:
        """What the account showed last."""
        ...

    async def add_deals(self, account_id: str, deals: Sequence[Mapping[str, Any]]) -> None:
        """Store deals by their tickets; ``at`` of each is its instant in UTC."""
        ...

    async def deals_of_closed(
        self, account_id: str, after: datetime
    ) -> Sequence[Mapping[str, Any]]:
        """Every deal of positions that were closed, at least in part, after an instant, by time."""
        ...

    async def save_symbols(self, account_id: str, symbols: Sequence[Mapping[str, Any]]) -> None:
        """Store specifications and quotes by the broker's names; ``quoted_at`` is in UTC."""
        ...

    async def symbols(self, account_id: str, names: Collection[str]) -> Mapping[str, Any]:
        """Specifications and quotes by name; names that are not stored are left out."""
        ...

    async def save_candles(self, account_id: str, streams: Sequence[Streamed]) -> None:
        """Store candles; each stream ends with the newest there is, and replaces what is stored
        from its first candle on.
        """
        ...

    async def latest(
        self, account_id: str, streams: Collection[tuple[str, Timeframe]]
    ) -> Mapping[tuple[str, Timeframe], datetime]:
        """When the last candle of each stream opened, by name and timeframe; streams without a
        candle are left out.
        """
        ...

    async def candles(
        self,
        account_id: str,
        name: str,
        timeframe: Timeframe,
        *,
        count: int | None = None,
        after: datetime | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        """The last ``count`` candles, or those that opened after an instant, oldest first."""
        ...

    async def save_calendar(self, account_id: str, calendar: Mapping[str, Any]) -> None:
        """Replace the calendar; ``known_from`` and ``known_until`` and every ``at`` are in UTC."""
        ...

    async def calendar(self, account_id: str) -> Mapping[str, Any] | None:
        """The calendar as last shown."""
        ...

    async def save_names(self, account_id: str, names: Sequence[str]) -> None:
        """Store every symbol name of the broker."""
        ...

    async def names(self, account_id: str) -> Sequence[str]:
        """Every symbol name of the broker, empty until it was told."""
        ...

    async def map_symbol(self, account_id: str, symbol: str, name: str) -> None:
        """Say what the broker calls a symbol of ours."""
        ...

    async def mapped(self, account_id: str) -> Mapping[str, str]:
        """The broker's names by ours."""
        ...


class Signals(Protocol):
    """Being woken when something changed in the store."""

    def listen(self, topic: str) -> AbstractAsyncContextManager["Wait"]:
        """Hear a topic from now on, so that nothing is missed between a look and a wait."""
        ...


class Wait(Protocol):
    """A topic that is heard."""

    async def __call__(self, seconds: float) -> None:
        """Return when it was rung, or after so long at the latest; perhaps sooner."""
        ...
