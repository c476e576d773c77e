"""A MetaTrader terminal that trades for an account, and the commands it is given."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from engine.domain.market import Timeframe
from engine.errors import Refusal, TerminalRefused

#: How long a command that was offered belongs to whom it was offered to.
LEASE = timedelta(seconds=30)
#: Without a heartbeat for so long an account cannot be traded.
LOST = timedelta(seconds=60)
#: After so much silence another terminal may take an account over.
SILENT = timedelta(seconds=90)
#: A code whose answer was lost is good again for so long, for the terminal that used it.
CODE_AGAIN = timedelta(seconds=60)
#: Seconds between the two clocks from which people are told.
SKEW_SECONDS = 5


class CommandType(StrEnum):
    """What a terminal can be told to do."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"
    MOVE_SL = "MOVE_SL"
    SET_TP = "SET_TP"
    PAUSE = "PAUSE"
    RESUME = "RESUME"

    @property
    def rank(self) -> int:
        """Commands with a lower rank are offered first."""
        if self in (CommandType.PAUSE, CommandType.RESUME):
            return 0
        return 2 if self is CommandType.OPEN else 1


class CommandState(StrEnum):
    """QUEUED was never offered. LEASED was, and may have been done until there is a result."""

    QUEUED = "queued"
    LEASED = "leased"
    FINISHED = "finished"
    CANCELLED = "cancelled"


#: States without an end.
PENDING = (CommandState.QUEUED, CommandState.LEASED)


class ResultStatus(StrEnum):
    """What a terminal says became of a command."""

    DONE = "done"
    PARTIAL = "partial"
    ALREADY_CLOSED = "already_closed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    NOT_EXECUTED = "not_executed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A terminal's word on a command: prices and lots of what was dealt, zero where nothing was."""

    status: ResultStatus
    reason: str = ""
    retcode: int = 0
    order: int = 0
    deal: int = 0
    position: int = 0
    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    remaining: Decimal = Decimal(0)
    sl: Decimal = Decimal(0)
    tp: Decimal = Decimal(0)
    attempts: int = 0
    traced: bool = False
    note: str = ""

    @property
    def is_dealt(self) -> bool:
        """Whether the broker did it, in whole or in part."""
        return self.status in (ResultStatus.DONE, ResultStatus.PARTIAL)

    def agrees(self, other: "Result") -> bool:
        """Whether two words on a command mean the same at the broker; another journal may have
        found it out in another way.
        """
        if not (self.is_dealt or other.is_dealt):
            return True
        mine, theirs = ((r.is_dealt, r.deal, r.volume) for r in (self, other))
        return mine == theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A command to be queued. ``fields`` are those of its type in the protocol, numbers as text;
    ``client_id`` is the order it belongs to.
    """

    id: str
    account_id: str
    type: CommandType
    fields: dict[str, Any] = field(default_factory=dict)
    client_id: str | None = None
    expires_at: datetime | None = None

    @property
    def position(self) -> int | None:
        """The position it is about."""
        return self.fields.get("position")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Draft):
    """A command and where it is. ``magic`` is what its deals carry at the broker."""

    seq: int
    magic: int
    issued_at: datetime
    state: CommandState = CommandState.QUEUED
    attempt: int = 0
    lease_until: datetime | None = None
    offered_to: tuple[str, ...] = ()
    lookup_only: bool = False
    result: Result | None = None
    finished_at: datetime | None = None

    @property
    def fetched_after(self) -> timedelta | None:
        """How long it waited until it was fetched; None while it was not, or more than once."""
        if self.attempt != 1 or self.lease_until is None:
            return None
        return self.lease_until - LEASE - self.issued_at

    def offer(self, instance: str, now: datetime, *, may_open: bool) -> "Command":
        """The command as it is offered now.

        It is only asked about, for good, when another journal was offered it before, and when it is
        an OPEN that may not be done any more.
        """
        offered = (*(each for each in self.offered_to if each != instance), instance)
        return replace(
            self,
            state=CommandState.LEASED,
            attempt=self.attempt + 1,
            lease_until=now + LEASE,
            offered_to=offered,
            lookup_only=self.lookup_only
            or len(offered) > 1
            or (self.type is CommandType.OPEN and not may_open),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectCode:
    """A code that makes a terminal the one of an account, kept as its digest."""

    digest: str
    account_id: str
    issued_by: str
    expires_at: datetime
    used_at: datetime | None = None
    used_by: tuple[int, str, str] | None = None

    def admits(self, who: tuple[int, str, str], now: datetime) -> bool:
        """Whether a login, server and instance may register with it now."""
        if self.used_at is None:
            return now <= self.expires_at
        return self.used_by == who and now - self.used_at <= CODE_AGAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a terminal says of itself every few seconds."""

    connected: bool
    trade_terminal: bool
    trade_ea: bool
    trade_account: bool
    trade_experts: bool
    paused: bool | None
    open_positions: int
    pending_results: int
    unresolved: int
    journal_ok: bool
    last_seq: int
    equity: Decimal
    skew_seconds: int

    @property
    def hindrance(self) -> str | None:
        """The first thing that keeps it from trading, by its name in the protocol."""
        needed = (
            "connected", "journal_ok", "trade_terminal", "trade_ea", "trade_account",
            "trade_experts",
        )  # fmt: skip
        return next((name for name in needed if not getattr(self, name)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Candles that a terminal is to report: how many closed ones of which symbol, by its name."""

    symbol: str
    timeframe: Timeframe
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a terminal is to report with its snapshots. ``deals_since`` is broker time in seconds,
    zero for the last days; ``names`` asks for every symbol of the broker.
    """

    symbols: tuple[str, ...] = ()
    candles: tuple[Stream, ...] = ()
    deals_since: int = 0
    names: bool = True
    sync_now: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The one terminal of an account. ``instance`` is its journal, ``run`` this start of it."""

    account_id: str
    login: int
    server: str
    company: str
    currency: str
    margin_mode: str
    trade_mode: str
    leverage: int
    ea_version: str
    build: int
    magic_base: int
    last_seq: int
    token_digest: str
    token_used_at: datetime
    registered_at: datetime
    instance: str
    run: str
    run_before: str
    heard_at: datetime
    beat: Beat | None = None
    beat_at: datetime | None = None
    synced_at: datetime | None = None
    sync_run: str = ""
    sync_no: int = 0
    open_positions: int = 0
    daily_loss_percent: Decimal = Decimal(0)
    wishes: Wishes = Wishes()

    @property
    def hedges(self) -> bool:
        """Whether positions of one symbol stay apart."""
        return self.margin_mode == "hedging"

    def beaten(self, beat: Beat, now: datetime) -> "Terminal":
        """The terminal after a heartbeat. A number it has seen is not given again, also when the
        database is an older one, restored.
        """
        last = max(self.last_seq, beat.last_seq)
        return replace(self, beat=beat, beat_at=now, token_used_at=now, last_seq=last)

    def hindrance(self, now: datetime) -> str | None:
        """What keeps the account from being traded now: ``silent``, a flag's name, or None."""
        if self.beat is None or self.beat_at is None or not now - self.beat_at <= LOST:
            return "silent"
        return self.beat.hindrance

    def heard(self, instance: str, run: str, now: datetime) -> "Terminal":
        """The terminal after a request of an instance and a run.

        Raises :class:`TerminalRefused` for one that is not in charge of the account.
        """
        if instance == self.instance:
            if run == self.run:
                return replace(self, heard_at=now)
            if run == self.run_before:
                raise TerminalRefused(Refusal.ANOTHER_INSTANCE)
            return replace(self, run=run, run_before=self.run, heard_at=now)
        if not now - self.heard_at >= SILENT:
            raise TerminalRefused(Refusal.ANOTHER_INSTANCE)
        return replace(self, instance=instance, run=run, run_before="", heard_at=now)
