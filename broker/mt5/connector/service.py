"""The parts of a running connector, and the loop that keeps it joined and resolves what is open."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from broker.mt5.connector.desk import Desk, Until
from broker.mt5.connector.journal import Journal
from broker.mt5.connector.link import Failed, Link, Lost, NotConnected, worker_command
from broker.mt5.connector.problems import Problem
from broker.mt5.connector.reads import Reads
from broker.mt5.connector.settings import ConnectorSettings
from broker.mt5.connector.terminal import Terminal
from broker.mt5.connector.tracing import Tracer
from engine.ports import Clock

log = logging.getLogger(__name__)

#: Without a trace for so long, connected all the time, nothing was executed.
ABSENCE_SECONDS = 60.0
_WATCH_SECONDS = 2.0


@dataclass
class Service:
    """A connector. ``watch_seconds`` is between two looks of its own at the terminal."""

    terminal: Terminal
    journal: Journal
    desk: Desk
    reads: Reads
    token: str
    deadline_seconds: float
    watch_seconds: float = _WATCH_SECONDS
    _problem: Problem | None = None
    _work: set["asyncio.Future[Any]"] = field(default_factory=set)

    def until(self) -> Until:
        """The parts of a request's time: to get its turn, to send, to look for the outcome."""
        now, all_ = asyncio.get_running_loop().time(), self.deadline_seconds
        return Until(turn=now + 0.4 * all_, send=now + 0.6 * all_, look=now + 0.9 * all_)

    async def within(self, work: Awaitable[Any], late: Problem) -> Any:
        """What a work answers, or ``late`` when the deadline is over. It goes on by itself then."""
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait({task}, timeout=self.deadline_seconds)
        if not done:
            raise late
        return task.result()

    def _finished(self, task: "asyncio.Future[Any]") -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("ended with %s", error)

    async def watch(self) -> None:
        """For ever: join the terminal, measure its clock, resolve what is open."""
        while True:
            try:
                await self.terminal.look()
                await self.terminal.measure_clock()
                await self.desk.resolve()
                self._told(None)
            except Problem as problem:
                self._told(problem)
            except (Failed, Lost, NotConnected) as error:
                self._told(Problem(503, "no_terminal", str(error)))
            except Exception as error:  # such as a full disk: what is open must not be given up
                self._told(Problem(500, "INTERNAL", f"{type(error).__name__}: {error}"))
            await asyncio.sleep(self.watch_seconds)

    def _told(self, problem: Problem | None) -> None:
        """Log a trouble once, and its end."""
        before = self._problem.message if self._problem else None
        after = problem.message if problem else None
        if before != after:
            log.warning("%s", after or "the terminal answers again")
        self._problem = problem

    def health(self) -> dict[str, Any]:
        """How everything stands, without asking the terminal: it may hang."""
        standing, at = self.terminal.standing, self.terminal.standing_at
        time, link = self.terminal.time, self.terminal.link
        hindrance = self._problem.message if self._problem else None
        if standing is not None and hindrance is None:
            hindrance = standing.hindrance
        if hindrance is None and time is None:
            hindrance = "no price has moved yet, by which the broker's clock is known"
        if standing is None:
            hindrance = hindrance or "the terminal is being connected"
        return {
            "status": "ok" if hindrance is None else "not_ready",
            "problem": hindrance,
            "now": self.terminal.clock().isoformat(),
            "seen_at": None if at is None else at.isoformat(),
            "terminal": None if standing is None else {
                "connected": standing.connected,
                "algo_trading": standing.algo_trading,
                "python_allowed": standing.interface,
            },
            "account": None if standing is None else {
                "login": standing.login, "server": standing.server, "company": standing.company,
                "currency": standing.currency, "trade_mode": standing.trade_mode,
                "margin_mode": standing.margin_mode, "trade_allowed": standing.account_trades,
                "experts_allowed": standing.experts_trade,
            },
            "live_trading_enabled": self.desk.live,
            "clock_offset_seconds": None if time is None else time.offset_seconds,
            "unresolved": len(self.journal.open_entries()),
            "busy_seconds": round(link.busy_seconds, 1),
            "worker_starts": link.starts,
        }  # fmt: skip

    async def close(self) -> None:
        """End what is under way, and the worker. What was begun is resolved at the next start."""
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.terminal.link.close()
        self.journal.close()


def build_service(
    settings: ConnectorSettings,
    clock: Clock,
    *,
    chance: int,
    module: str = "MetaTrader5",
    absence_seconds: float = ABSENCE_SECONDS,
) -> Service:
    """A connector over the package of that name; ``chance`` is any random number."""
    journal = Journal(settings.journal, now=clock(), chance=chance)
    link = Link(
        worker_command(module),
        None if settings.terminal is None else str(settings.terminal),
        settings.join,
        hang_seconds=settings.hang_seconds, join_seconds=settings.join_seconds,
    )  # fmt: skip
    terminal = Terminal(link, journal, clock, login=settings.login, zone=settings.zone)
    desk = Desk(
        terminal, journal, Tracer(terminal, journal, absence_seconds),
        live=settings.live_trading_enabled, deviation_points=settings.max_deviation_points,
    )  # fmt: skip
    return Service(
        terminal, journal, desk, Reads(terminal, journal),
        token=settings.token.get_secret_value(), deadline_seconds=settings.deadline_seconds,
    )  # fmt: skip
