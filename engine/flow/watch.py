"""Watch what must stay alive: the broker, the feed, the workers; act when one falls silent."""

from asyncio import gather, timeout
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.decision import Action
from engine.domain.market import Timeframe
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, HaltReason, Mode
from engine.domain.strategy import Strategy
from engine.errors import TraderError
from engine.flow.latch import ANSWERS_WITHIN, LATCHES, demote, halt, market_time
from engine.ports import Bell, Heartbeat, MarketData, Store, Transaction

#: Three looks, five seconds apart, without a sign of life. Until then the gate's own checks hold.
LOST_AFTER = timedelta(seconds=15)
#: When nobody watched for this long (a night switched off), what was silent starts anew.
_GAP = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that has to show that it is alive.

    ``heartbeat`` is the name it beats under, or the head of the names of several that stand in for
    one another (``worker`` for ``worker:a`` and ``worker:b``). ``watch`` names who looks at it
    together: all workers are one watch, the bot another. ``demotes`` says whether its silence ends
    the autonomous mode at once, before it halts.
    """

    name: str
    heartbeat: str
    watch: str
    demotes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A part that is silent: since when, and for how long that was watched."""

    part: Part
    since: datetime
    silent: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchHeartbeats:
    """Look once at every part; answer those that are lost.

    A lost part ends the autonomous mode at once and, after ``heartbeat_timeout_seconds``, halts. A
    part that was never heard of is not lost: nothing can have relied on it yet.
    """

    store: Store
    market: MarketData
    bell: Bell
    watch: str
    parts: tuple[Part, ...]
    feeds: tuple[tuple[str, Timeframe], ...] = ()

    @property
    def _mine(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.watch == self.watch)

    async def __call__(self) -> tuple[Lost, ...]:
        async with self.store.begin() as tx:
            strategies = await tx.settings.strategies()
            _, settings = await tx.settings.risk()
        # All at once, so that many feeds that hang keep the look at the others waiting once.
        fresh = await gather(*(self._is_fresh(strategies, settings, *feed) for feed in self.feeds))
        async with self.store.begin() as tx:
            for (symbol, _), is_fresh in zip(self.feeds, fresh, strict=True):
                if is_fresh:
                    await tx.heartbeats.beat(f"feed:{symbol}")
            await _keep_watch(tx, self.watch)
            lost = await lost_parts(tx, self._mine)
            for notice in _news(self._mine, lost, await tx.now()):
                await tx.outbox.tell(notice, Audience(at_least=Role.TRADER))
            control = await tx.controls.read()
            _, settings = await tx.settings.risk()
        if _due(control, settings, lost) is not None:
            await self._act()
        return lost

    async def _act(self) -> None:
        """Do what is due, by what is true while the control is ours."""
        at = await market_time(self.market)
        async with self.store.begin() as tx:
            control = await tx.controls.take()
            lost = await lost_parts(tx, self._mine)
            _, settings = await tx.settings.risk()
            due = _due(control, settings, lost)
            if due is None:
                return
            action, worst = due
            facts = {"lost": {"part": worst.part.name, "since": worst.since.isoformat()}}
            if action is Action.AI_HALTED:
                reason = HaltReason.HEARTBEAT_LOST
                entries = await halt(tx, control, reason, market_time=at, facts=facts)
            else:
                because = f"{worst.part.name}_lost"
                entries = await demote(tx, control, because, market_time=at, facts=facts)
            for entry in entries:
                await tx.history.append(entry)
        await self.bell.ring("deliver")

    async def _is_fresh(
        self,
        strategies: Sequence[Strategy],
        settings: RiskSettings,
        symbol: str,
        timeframe: Timeframe,
    ) -> bool:
        """Whether the feed is as it should be: quoting, or with nobody to quote for now.

        The age is that of the quote on the market's own clock, so that a recording that is held or
        has ended is not old.
        """
        try:
            async with timeout(ANSWERS_WITHIN):
                instant = await self.market.instant()
                if not in_session(strategies, symbol, instant):
                    return True
                quote = await self.market.quote(symbol)
        except (TraderError, OSError):
            return False
        limit = settings.max_data_age_candles * timeframe.length
        return quote is not None and instant - quote.time <= limit


def in_session(strategies: Sequence[Strategy], symbol: str, instant: datetime) -> bool:
    """Whether some active strategy may trade the symbol now: then its market should be open."""
    return any(
        window.holds(instant)
        for strategy in strategies
        if strategy.is_active and symbol in strategy.allowed_symbols
        for window in strategy.session_windows
    )


async def lost_parts(tx: Transaction, parts: Sequence[Part]) -> tuple[Lost, ...]:
    """The silent parts, the longest silent first; silence that nobody watched does not count."""
    now = await tx.now()
    seen = await tx.heartbeats.seen()
    found = []
    for part in parts:
        watch = seen.get(_watch(part.watch))
        last = last_seen(seen, part.heartbeat)
        if watch is None or now - watch.at > _GAP or last is None:
            continue
        silent = now - max(last, datetime.fromisoformat(watch.detail["since"]))
        if silent >= LOST_AFTER:
            found.append(Lost(part=part, since=last, silent=silent))
    return tuple(sorted(found, key=lambda lost: -lost.silent))


def last_seen(seen: Mapping[str, Heartbeat], heartbeat: str) -> datetime | None:
    """The last sign of life under a name, or under any name it is the head of."""
    head = f"{heartbeat}:"
    found = [beat.at for name, beat in seen.items() if f"{name}:".startswith(head)]
    return max(found, default=None)


def timed_out(settings: RiskSettings, lost: Sequence[Lost]) -> Lost | None:
    """The part that has been silent for long enough to halt for, or None."""
    limit = timedelta(seconds=settings.heartbeat_timeout_seconds)
    return next((part for part in lost if part.silent >= limit), None)


def _due(
    control: Control, settings: RiskSettings, lost: Sequence[Lost]
) -> tuple[Action, Lost] | None:
    """What the silence calls for now: a halt, the end of the autonomous mode, or nothing."""
    worst = timed_out(settings, lost)
    if worst is not None and control.state in LATCHES:
        return Action.AI_HALTED, worst
    demoting = next((part for part in lost if part.part.demotes), None)
    if demoting is not None and control.mode is Mode.AUTONOMOUS:
        return Action.MODE_CHANGED, demoting
    return None


def _news(parts: Sequence[Part], lost: Sequence[Lost], now: datetime) -> list[Notice]:
    """What to tell of each part: that it is silent, once for each silence, or that it is back. The
    second is only told to those who were told the first.
    """
    silent = {found.part.heartbeat: found.since.isoformat() for found in lost}
    return [
        Notice(
            kind=Kind.PART_LOST,
            key=f"lost:{part.heartbeat}:{silent[part.heartbeat]}"
            if part.heartbeat in silent
            else f"back:{part.heartbeat}:{now.isoformat()}",
            priority=Priority.NORMAL,
            detail={
                "part": part.name,
                "since": silent.get(part.heartbeat, now.isoformat()),
            },
            cause=f"lost:{part.heartbeat}",
            is_resolved=part.heartbeat not in silent,
        )
        for part in parts
    ]


async def _keep_watch(tx: Transaction, watch: str) -> None:
    """Note that somebody watches, and since when without a gap."""
    now = await tx.now()
    before = (await tx.heartbeats.seen()).get(_watch(watch))
    continued = before is not None and now - before.at <= _GAP
    since = before.detail["since"] if before is not None and continued else now.isoformat()
    await tx.heartbeats.beat(_watch(watch), {"since": since})


def _watch(name: str) -> str:
    return f"watch:{name}"
