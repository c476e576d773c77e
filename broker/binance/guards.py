"""The pairs of orders that guard a position: placed, looked at, taken away, booked when dealt."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from broker.binance.deals import Told
from broker.binance.desk import Desk
from broker.binance.notes import Notes
from broker.binance.rules import Rules
from broker.held import shares
from broker.turns import Books
from engine.domain.market import Quote
from engine.errors import BrokerRefused, BrokerSilent

#: After the window of its timestamp: a guard or an exit not shown for so long never arrived.
EXIT_PROOF = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True)
class Guards:
    """What is changed in the books here is changed at once, after the last question: whoever is
    interrupted leaves nothing half written.
    """

    desk: Desk
    notes: Notes

    async def check(
        self, books: Books, held: dict[str, Any], guard: dict[str, Any], rules: Rules,
        shown: dict[str, Told],
    ) -> None:  # fmt: skip
        """Whether a guard still stands; book what it sold, and drop one that is over."""
        name = guard["id"]
        stop = shown.get(f"{name}s") or await self.desk.shown(rules.symbol, f"{name}s")
        if stop is None:
            sent = guard["sent"]
            if sent is not None and not await self.desk.is_absent(
                rules.symbol, f"{name}s", sent, EXIT_PROOF
            ):
                return
        elif not stop.is_done:
            if not await self._is_stuck(held, stop):
                guard["sent"] = None
                return
            await self.desk.cancel(rules.symbol, stop.client_id)
            stop = await self._over(rules, f"{name}s")
        target = shown.get(f"{name}t") or await self.desk.shown(rules.symbol, f"{name}t")
        if target is not None and not target.is_done:
            # Once a part of the target is dealt the exchange takes the stop away.
            await self.desk.cancel(rules.symbol, f"{name}t")
            target = await self._over(rules, f"{name}t")
        sold = []
        for leg, reason in ((stop, "stop_loss"), (target, "take_profit")):
            if leg is not None and leg.executed:
                deal = await self.desk.deal(rules.symbol, leg)
                sold.append((deal, await self.notes.fees(deal, rules), reason))
        held["guards"].remove(guard)
        if target is not None and target.status == "FILLED":
            held["targets"] = [t for t in held["targets"] if t != guard["target"]] or held[
                "targets"
            ]
        for deal, fees, reason in sold:
            self.notes.book(books, held, rules, deal, fees, reason)
        await books.save()

    async def _is_stuck(self, held: dict[str, Any], stop: Told) -> bool:
        """Whether a stop with a limit was passed by the price and rests in the book."""
        if not stop.is_working:
            return False
        quote = await self.desk.quote(held["symbol"])
        return quote is not None and quote.bid <= Decimal(held["stop_loss"])

    async def _over(self, rules: Rules, client_id: str) -> Told:
        told = await self.desk.shown(rules.symbol, client_id)
        if told is None or not told.is_done:
            raise BrokerSilent(f"{client_id} was cancelled and is still open")
        return told

    async def place(
        self, books: Books, held: dict[str, Any], rules: Rules, missing: Decimal, quote: Quote
    ) -> None:
        stop = Decimal(held["stop_loss"])
        used = {guard["target"] for guard in held["guards"]}
        ahead = [target for target in held["targets"] if Decimal(target) > quote.bid]
        targets = [target for target in ahead if target not in used] or ahead[-1:]
        volumes = shares(missing, len(targets), step=rules.step, least=rules.least_at(stop))
        for volume, target in zip(volumes, targets, strict=False):
            at, name = await self.desk.client.time(), books.number(held)
            guard = {"id": name, "volume": str(volume), "target": target, "sent": at}
            held["guards"].append(guard)
            await books.save()
            try:
                await self.desk.guard(rules, volume, stop, Decimal(target), name, at)
            except BrokerRefused:
                held["guards"].remove(guard)
                await books.save()
                raise
            guard["sent"] = None
            await books.save()

    async def unguard(self, books: Books, held: dict[str, Any], rules: Rules) -> None:
        """Free the coins for a sale or another stop; raises ``BrokerSilent`` while it is not known
        that they are.
        """
        for guard in list(held["guards"]):
            try:
                untouched = await self.desk.unguard(rules.symbol, guard["id"])
            except BrokerRefused:
                untouched = False
            if untouched:
                held["guards"].remove(guard)
                await books.save()
                continue
            await self.check(books, held, guard, rules, {})
            if guard in held["guards"]:
                raise BrokerSilent(f"the orders {guard['id']} could not be cancelled")


def guarded(held: dict[str, Any]) -> Decimal:
    """How much of a position has orders, or may have."""
    return sum((Decimal(guard["volume"]) for guard in held["guards"]), Decimal(0))
