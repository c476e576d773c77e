"""The terminal behind the worker: who is logged in, what it shows, and what its clock says."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from broker.mt5.connector.facts import Market, Standing
from broker.mt5.connector.journal import Journal
from broker.mt5.connector.link import Failed, Link, Lost, NotConnected
from broker.mt5.connector.problems import Problem, refused, unavailable
from engine.domain.broker_time import BrokerTime, offset_of
from engine.ports import Clock

log = logging.getLogger(__name__)

Told = Mapping[str, Any]

_SECONDS_A_DAY = 86_400
#: Symbols whose ticks say what the broker's clock is ahead of UTC.
_SAMPLED = 4
#: A tick counts as one of just now when the look before it was no longer ago.
_FRESH = timedelta(seconds=60)


class Terminal:
    """One account of one terminal.

    The journal belongs to the first account it sees: of another one nothing is told or traded.
    ``zone`` is what the broker's clock follows, where that is known.
    """

    def __init__(
        self, link: Link, journal: Journal, clock: Clock, *, login: int | None, zone: tzinfo | None
    ) -> None:
        self.link, self.clock = link, clock
        self._journal, self._login, self._zone = journal, login, zone
        self._ticks: OrderedDict[str, int] = OrderedDict()
        self._sampled_at: datetime | None = None
        self.standing: Standing | None = None
        self.standing_at: datetime | None = None

    # ---- who and whether

    async def look(self) -> Standing:
        """Join the terminal if need be, and read how it stands; raises :class:`Problem`."""
        try:
            await self.link.join()
            terminal = await self.link.call("terminal_info")
            account = await self.link.call("account_info")
        except (Failed, Lost, NotConnected) as error:
            self.standing = None
            raise unavailable(f"the terminal does not answer: {error}") from error
        standing = Standing.of(terminal, account)
        self._must_be_ours(standing)
        self.standing, self.standing_at = standing, self.clock()
        return standing

    def _must_be_ours(self, standing: Standing) -> None:
        if not standing.login:
            self.standing = None
            raise unavailable("the terminal is not logged in to an account")
        expected = self._journal.meta("account")
        if expected is None and self._login in (None, standing.login):
            self._journal.remember("account", standing.name)
            expected = standing.name
        if expected != standing.name:
            self.standing = None
            raise Problem(
                409, "another_account",
                "the terminal is logged in to another account than the one of the settings and the"
                " journal: log in to that one, or start with another MT5_CONNECTOR_JOURNAL",
            )  # fmt: skip

    # ---- the broker's clock

    @property
    def time(self) -> BrokerTime | None:
        """The broker's clock; None while no tick has shown it."""
        kept = self._journal.meta("offset")
        return None if kept is None else BrokerTime(offset_seconds=int(kept), zone=self._zone)

    @property
    def known_time(self) -> BrokerTime:
        """The same; raises :class:`Problem` while it is not known."""
        time = self.time
        if time is None:
            raise Problem(
                503, "clock_unknown",
                "what the broker's clock is ahead of UTC shows when a price moves: wait for one",
            )  # fmt: skip
        return time

    async def measure_clock(self) -> None:
        """Compare the newest tick that moved since the last look with UTC; raises as call does."""
        if not self._ticks:
            await self._choose_symbols()
        now, moved = self.clock(), []
        for symbol in list(self._ticks)[-_SAMPLED:]:
            tick = await self.link.call("symbol_info_tick", symbol)
            before, self._ticks[symbol] = self._ticks[symbol], tick["time_msc"]
            if 0 < before < tick["time_msc"]:
                moved.append(tick["time_msc"])
        looked, self._sampled_at = self._sampled_at, now
        if not moved or looked is None or not now - looked <= _FRESH:
            return
        offset = offset_of(max(moved), self.clock())
        if offset is not None and str(offset) != self._journal.meta("offset"):
            log.info("the broker's clock is %s s ahead of UTC", offset)
            self._journal.remember("offset", str(offset))

    async def _choose_symbols(self) -> None:
        told = await self.link.call("symbols_get", fields=["name", "visible"])
        for each in [each for each in told if each["visible"]][:_SAMPLED]:
            self._ticks[each["name"]] = 0

    # ---- symbols

    async def symbol(self, name: str) -> Told:
        """A symbol's facts; a symbol that the broker lacks is refused."""
        try:
            await self.link.call("symbol_select", name, True)
            found: Told = await self.link.call("symbol_info", name)
        except Failed as error:
            if error.code in (-1, -4):
                raise refused(f"the broker has no symbol {name}", symbol=name) from error
            raise
        self._ticks.setdefault(name, 0)
        self._ticks.move_to_end(name)
        return found

    async def market(self, name: str) -> Market:
        """A symbol and its prices now."""
        info = await self.symbol(name)
        found = Market.of(info, await self.link.call("symbol_info_tick", name))
        if not (found.symbol.volume_step > 0 and found.tick_size > 0):
            raise refused(f"the terminal shows no steps of {name}", symbol=name)
        return found

    # ---- books

    async def positions(self) -> Sequence[Told]:
        """Every open position."""
        found: Sequence[Told] = await self.link.call("positions_get")
        return found

    async def orders(self) -> Sequence[Told]:
        """Every order that works."""
        found: Sequence[Told] = await self.link.call("orders_get")
        return found

    async def deals(self, after: datetime) -> Sequence[Told]:
        """Deals since an instant, and of a day before it: the broker's clock may be off by that."""
        first = int(after.timestamp()) - _SECONDS_A_DAY
        last = int(self.clock().timestamp()) + 2 * _SECONDS_A_DAY
        found: Sequence[Told] = await self.link.call("history_deals_get", max(0, first), last)
        return found

    async def deals_of(self, **which: int) -> Sequence[Told]:
        """Deals of one ``position``, or of the order whose ``ticket`` it is."""
        named: dict[str, Any] = which
        found: Sequence[Told] = await self.link.call("history_deals_get", **named)
        return found

    async def held(self, position: int) -> Told | None:
        """An open position by its identifier, which stays the same when its ticket does not."""
        return next((p for p in await self.positions() if p["identifier"] == position), None)
