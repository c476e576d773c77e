"""The trading state machine: who may open, and how it stops and starts again."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from engine.errors import IllegalMove


class TradingState(StrEnum):
    """Whether new trades may be opened at all."""

    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    EMERGENCY_STOP = "emergency_stop"


class Mode(StrEnum):
    """Who decides on an idea that passes the gate."""

    SUPERVISED = "supervised"
    AUTONOMOUS = "autonomous"


class HaltReason(StrEnum):
    """Why the product stopped itself."""

    MAX_DRAWDOWN = "max_drawdown"
    DAILY_LOSS = "daily_loss"
    DAILY_TARGET_REACHED = "daily_target_reached"
    HEARTBEAT_LOST = "heartbeat_lost"
    AUDIT_FAILURE = "audit_failure"
    STOP_UNRECORDED = "stop_unrecorded"
    PROPOSAL_EXPIRED = "proposal_expired"


_MOVES: dict[TradingState, frozenset[TradingState]] = {
    TradingState.RUNNING: frozenset(
        (TradingState.PAUSED, TradingState.HALTED, TradingState.EMERGENCY_STOP)
    ),
    TradingState.PAUSED: frozenset(
        (TradingState.RUNNING, TradingState.HALTED, TradingState.EMERGENCY_STOP)
    ),
    TradingState.HALTED: frozenset((TradingState.RUNNING, TradingState.EMERGENCY_STOP)),
    TradingState.EMERGENCY_STOP: frozenset((TradingState.RUNNING,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The one row every send locks: state, why, mode, and symbols paused one by one."""

    state: TradingState = TradingState.PAUSED
    reason: str = "fresh_install"
    mode: Mode = Mode.SUPERVISED
    paused_symbols: tuple[str, ...] = ()
    changed_by: str = "system"
    changed_at: datetime
    version: int = 1

    @property
    def may_open(self) -> bool:
        """Whether a new trade may be opened now (source 004's ``ai_trading_enabled``)."""
        return self.state is TradingState.RUNNING

    def holds(self, symbol: str) -> bool:
        """Whether an order of this symbol that has not left waits: a pause holds what is queued,
        where a halt cancels it.
        """
        paused = self.state is TradingState.PAUSED
        return paused or (self.may_open and symbol in self.paused_symbols)

    @property
    def evaluates(self) -> bool:
        """Whether strategies are asked at all; paused and halted still record what they saw."""
        return self.state is not TradingState.EMERGENCY_STOP

    def move(self, state: TradingState, *, reason: str, by: str, at: datetime) -> "Control":
        """The control after a change of state; an illegal one raises :class:`IllegalMove`."""
        if state not in _MOVES[self.state]:
            raise IllegalMove(
                f"trading is {self.state} and cannot become {state}", state=self.state, wanted=state
            )
        return replace(
            self, state=state, reason=reason, changed_by=by, changed_at=at, version=self.version + 1
        )

    def with_mode(self, mode: Mode, *, by: str, at: datetime) -> "Control":
        """The control in another mode."""
        if mode is self.mode:
            raise IllegalMove(f"mode is {mode} already", mode=mode)
        return replace(self, mode=mode, changed_by=by, changed_at=at, version=self.version + 1)

    def with_symbol(self, symbol: str, *, paused: bool, by: str, at: datetime) -> "Control":
        """The control with one symbol paused, or released."""
        if (symbol in self.paused_symbols) is paused:
            raise IllegalMove(f"{symbol} is {'paused' if paused else 'not paused'} already")
        rest = tuple(s for s in self.paused_symbols if s != symbol)
        symbols = tuple(sorted((*rest, symbol))) if paused else rest
        return replace(
            self, paused_symbols=symbols, changed_by=by, changed_at=at, version=self.version + 1
        )
