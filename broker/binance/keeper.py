"""The venue's books made equal to the exchange's: fills found, exits booked, stops put back.

A position is what an order of ours bought; what else the account holds is nobody's here. Its stop
and targets are pairs of orders at the exchange. Where one is missing it is placed again, and where
that cannot be done for a minute the position is closed: nothing is held without a stop.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.binance.client import RECV_WINDOW
from broker.binance.deals import Told
from broker.binance.desk import Desk
from broker.binance.guards import EXIT_PROOF, Guards, guarded
from broker.binance.notes import Notes
from broker.binance.rules import Rules
from broker.turns import Books
from engine.domain.market import Quote
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent

log = logging.getLogger(__name__)

#: After the window of its timestamp: an entry that nobody shows for so long never arrived.
PROOF = timedelta(minutes=5)
#: A position that cannot be given a stop for so long is closed.
_BARE = timedelta(minutes=1)
#: The exchange's words where there are fewer coins than a guard is for.
_TOO_FEW = "insufficient balance"
_COINS = frozenset(("BTC", "ETH", "BNB"))


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """What happens to held positions, in a turn at the books."""

    desk: Desk
    notes: Notes
    guards: Guards

    async def settle(self, books: Books) -> None:
        """Find out what became of everything that is open. Raises ``BrokerSilent`` when something
        could not be found out; everything else was.
        """
        silence = None
        for client_id in list(books.orders):
            try:
                await self.chase(books, client_id)
            except BrokerSilent as error:
                silence = error
        for held in list(books.held):
            try:
                await self.refresh(books, held)
            except BrokerSilent as error:
                silence = error
        if silence is not None:
            raise silence

    async def chase(self, books: Books, client_id: str) -> None:
        """Find out what became of an order, if that is not known; what it bought gets its stop."""
        known = books.orders.get(client_id)
        if known is None or "sent" not in known:
            return
        await self._chase(books, client_id, known)
        for held in [held for held in books.held if held["client_id"] == client_id]:
            await self.refresh(books, held)

    async def refresh(self, books: Books, held: dict[str, Any]) -> None:
        """Make a position equal to the exchange's; raises ``BrokerSilent``."""
        rules = await self.desk.symbols.needed(held["symbol"])
        shown = await self.desk.open_orders(rules.symbol)
        await self._settle(books, held, rules, shown)

    async def _chase(self, books: Books, client_id: str, known: dict[str, Any]) -> None:
        rules = await self.desk.symbols.needed(known["symbol"])
        told = await self.desk.shown(rules.symbol, client_id)
        if told is None:
            if await self.desk.is_absent(rules.symbol, client_id, known["sent"], PROOF):
                books.orders[client_id] = None
                await books.save()
            return
        if not told.is_done:
            return
        if not told.executed:
            books.orders[client_id] = None
            await books.save()
            return
        await self.notes.enter(
            books, client_id, known, await self.desk.deal(rules.symbol, told), rules
        )

    # ---- one position

    async def _settle(
        self, books: Books, held: dict[str, Any], rules: Rules, shown: dict[str, Told]
    ) -> None:
        for guard in list(held["guards"]):
            await self.guards.check(books, held, guard, rules, shown)
        if held["pending"] is not None:
            await self._chase_change(books, held, rules)
        if await self._is_gone(books, held) or held["pending"] is not None:
            return
        try:
            if self._time_is_up(books, held):
                await self.sell(books, held, rules, Decimal(held["volume"]), "time_limit")
            else:
                await self.keep_guarded(books, held, rules)
        except BrokerRefused as error:
            self.complain(held, error)

    def complain(self, held: dict[str, Any], error: Exception) -> None:
        """Say aloud that a position has no stop at the exchange, or not for all of it."""
        log.error("%s has no stop at the exchange yet: %s", held["id"], error)

    async def _is_gone(self, books: Books, held: dict[str, Any]) -> bool:
        if Decimal(held["volume"]) > 0:
            return False
        if held in books.held:
            books.held.remove(held)
            await books.save()
        return True

    def _time_is_up(self, books: Books, held: dict[str, Any]) -> bool:
        if held["time_limit_min"] is None:
            return False
        opened = datetime.fromisoformat(held["opened_at"])
        return books.clock() >= opened + timedelta(minutes=held["time_limit_min"])

    async def _chase_change(self, books: Books, held: dict[str, Any], rules: Rules) -> None:
        client_id = held["pending"]
        known = books.changes[client_id]
        if "before" in known:
            if any(guard["sent"] is not None for guard in held["guards"]):
                return
            if guarded(held) < Decimal(held["volume"]):
                await self.revert(books, held, rules)
                return
            self.notes.done(books, held, client_id, books.clock())
            await books.save()
            return
        told = await self.desk.shown(rules.symbol, client_id)
        if told is None:
            if not await self.desk.is_absent(rules.symbol, client_id, known["sent"], EXIT_PROOF):
                return
        elif not told.is_done:
            return
        elif told.executed:
            deal = await self.desk.deal(rules.symbol, told)
            await self.notes.sold(books, held, client_id, deal, rules)
            return
        books.changes[client_id], held["pending"] = None, None
        await books.save()

    async def revert(self, books: Books, held: dict[str, Any], rules: Rules) -> None:
        """Take a change of levels back: none of its orders stay, the former levels are in force."""
        await self.guards.unguard(books, held, rules)
        self.notes.undo(books, held, held["pending"])
        await books.save()

    # ---- guards

    async def keep_guarded(self, books: Books, held: dict[str, Any], rules: Rules) -> None:
        """Place what is missing of a position's stop and targets, or sell what has reached one.

        Raises ``BrokerRefused`` where the exchange does not take it.
        """
        missing = Decimal(held["volume"]) - guarded(held)
        if not missing > 0:
            held["bare_since"] = None
            return
        quote = await self.desk.quote(rules.symbol)
        if quote is None:
            return
        if rules.is_dust(Decimal(held["volume"]), quote.bid):
            log.warning("what is left of %s is too little to be sold", held["id"])
            await self.guards.unguard(books, held, rules)
            await self.notes.write_off(books, held, rules, quote, Decimal(held["volume"]))
            await self._is_gone(books, held)
            return
        reason = self._reached(books, held, quote)
        if reason is not None:
            await self.guards.unguard(books, held, rules)
            if not await self._is_gone(books, held):
                await self.sell(books, held, rules, Decimal(held["volume"]), reason)
            return
        try:
            await self.guards.place(books, held, rules, missing, quote)
        except BrokerRefused as error:
            held["bare_since"] = held["bare_since"] or books.clock().isoformat()
            await books.save()
            if _TOO_FEW in str(error):
                there = sum((await self.desk.balances()).get(rules.base, ()))
                await self.notes.shrink(books, held, rules, quote, Decimal(there))
                await books.save()
            raise
        held["bare_since"] = None

    def _reached(self, books: Books, held: dict[str, Any], quote: Quote) -> str | None:
        if quote.bid <= Decimal(held["stop_loss"]):
            return "stop_loss"
        if all(Decimal(target) <= quote.bid for target in held["targets"]):
            return "take_profit"
        bare = held["bare_since"]
        if bare is not None and books.clock() - datetime.fromisoformat(bare) >= _BARE:
            log.error("%s could not be given a stop and is closed", held["id"])
            return "manual"
        return None

    # ---- exits

    async def sell(
        self, books: Books, held: dict[str, Any], rules: Rules, volume: Decimal, reason: str,
        client_id: str | None = None,
    ) -> PositionChange:  # fmt: skip
        """Sell coins that are free, once; raises as ``Client.write``."""
        if client_id is None:
            await self.guards.unguard(books, held, rules)
            volume, client_id = min(volume, Decimal(held["volume"])), books.number(held)
        at = await self.desk.client.time()
        books.changes[client_id] = {"sent": at, "reason": reason}
        held["pending"] = client_id
        await books.save()
        try:
            deal = await self.desk.deal_at_market(rules, "SELL", volume, client_id, at, RECV_WINDOW)
        except BrokerRefused:
            books.changes[client_id], held["pending"] = None, None
            await books.save()
            raise
        return await self.notes.sold(books, held, client_id, deal, rules)
