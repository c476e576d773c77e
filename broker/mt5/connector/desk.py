"""Trade calls: each key once, written down before and after, and never sent again in doubt."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from broker.mt5.connector.deeds import Deed, Opening, outcome, request_of
from broker.mt5.connector.facts import Standing, exact, small
from broker.mt5.connector.journal import Entry, Journal, Leg, State
from broker.mt5.connector.link import Failed, Lost, NotConnected
from broker.mt5.connector.problems import Problem, unavailable, unknown
from broker.mt5.connector.retcodes import Proof, fillings, proof_of, proof_of_error
from broker.mt5.connector.terminal import Terminal
from broker.mt5.connector.tracing import Tracer, result_of
from broker.wire import encode

_RETRIES = 3
_BACK_OFF_SECONDS = 0.5
_LOOK_SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Loop times of one request: the last at which something is sent, and is looked for."""

    turn: float
    send: float
    look: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; ``replayed`` when the key had been given before."""

    status: int
    document: Mapping[str, Any]
    replayed: bool = False


@dataclass
class Desk:
    """The writing half of the connector: one key at a time."""

    terminal: Terminal
    journal: Journal
    tracer: Tracer
    live: bool
    deviation_points: int
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _under_way: set[str] = field(default_factory=set)

    async def do(self, key: str, deed: Deed, until: Until) -> Answer:
        """Carry something out, or tell again what became of it. Raises :class:`Problem`; the one
        with the code ``unknown`` is the only one after which it may have been done.
        """
        if key in self._under_way:
            # Whatever is refused to this call says nothing about the one before it.
            raise unknown(key)
        self._under_way.add(key)
        try:
            return await self._do(key, deed, until)
        finally:
            self._under_way.discard(key)

    async def _do(self, key: str, deed: Deed, until: Until) -> Answer:
        async with self._in_turn(until):
            known = self.journal.find(key)
            if known is not None:
                return await self._again(known, deed)
            standing = await self._ready(deed)
            entry = Entry(
                key=key, kind=deed.kind, digest=encode(deed.document), body=deed.document,
                state=State.BEGUN, begun_at=self.terminal.clock(),
            )  # fmt: skip
            try:
                plans = await deed.plan(self.terminal, standing)
            except (Failed, Lost, NotConnected) as error:
                raise unavailable(str(error)) from error
            except Problem as problem:
                self._close(entry, State.REFUSED, problem.status, problem.document)
                raise
            for leg in self.journal.begin(entry, plans):
                if not await self._send(leg, until):
                    break
            return await self._conclude(entry, until)

    async def look_up(self, key: str, kinds: tuple[str, ...], until: Until) -> dict[str, Any]:
        """What became of a key. One that never came is struck off: it is never done later."""
        async with self._in_turn(until):
            entry = self.journal.find(key)
            if entry is None:
                entry = Entry(
                    key=key, kind=kinds[0], digest="", body={}, state=State.ABSENT,
                    begun_at=self.terminal.clock(), status=409, answer=_STRUCK.document,
                )  # fmt: skip
                self.journal.end(entry)
            elif entry.kind not in kinds:
                raise _key_reused(key)
            elif entry.state is State.BEGUN:
                await self.tracer.look(entry)
                entry = self._settled(entry)
        told = {"key": key, "kind": entry.kind, "body": entry.body}
        if entry.state is State.BEGUN:
            return {**told, "status": "unknown"}
        if entry.state is State.DONE:
            return {**told, **(entry.answer or {})}
        status = "refused" if entry.state is State.REFUSED else "absent"
        return {**told, "status": status, **(entry.answer or {})}

    async def resolve(self) -> int:
        """Look once for everything that is open; how much stays so."""
        async with self._turn:
            for entry in self.journal.open_entries():
                await self.tracer.look(entry)
                self._settled(entry)
            return len(self.journal.open_entries())

    # ---- before anything is sent

    @asynccontextmanager
    async def _in_turn(self, until: Until) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(until.turn):
                await self._turn.acquire()
        except TimeoutError:
            raise Problem(503, "busy", "another call is under way; nothing was sent") from None
        try:
            yield
        finally:
            self._turn.release()

    async def _again(self, known: Entry, deed: Deed) -> Answer:
        if known.state is State.ABSENT and not known.body:
            raise _STRUCK
        if (known.kind, known.digest) != (deed.kind, encode(deed.document)):
            raise _key_reused(known.key)
        if known.state is State.BEGUN:
            await self.tracer.look(known)
            known = self._settled(known)
        if known.state is State.BEGUN:
            raise unknown(known.key)
        return Answer(known.status or 500, known.answer or {}, replayed=True)

    async def _ready(self, deed: Deed) -> Standing:
        if not self.terminal.link.joined:
            raise unavailable("the terminal is being connected")
        standing = await self.terminal.look()
        if standing.hindrance is not None:
            raise unavailable(standing.hindrance)
        if isinstance(deed, Opening) and standing.trade_mode == "real" and not self.live:
            raise Problem(
                403, "live_account",
                "this is a real account, and LIVE_TRADING_ENABLED of the connector is not true",
            )  # fmt: skip
        return standing

    # ---- sending

    async def _send(self, leg: Leg, until: Until) -> bool:
        """Send one leg until the trade server says what it did; True when it was dealt, so that
        the next one may follow.
        """
        tried, again, kinds = 0, 0, list[int]()
        while True:
            try:
                market = await self.terminal.market(leg.plan["symbol"])
            except (Failed, Lost, NotConnected, Problem) as error:
                return self._refuse(leg, f"no price any more: {error}")
            if asyncio.get_running_loop().time() >= until.send:
                return self._refuse(leg, "the terminal took too long; it was not sent")
            kinds = kinds or list(fillings(market.filling_mask, market.execution))
            request = request_of(leg, market, filling=kinds[tried], deviation=self.deviation_points)
            self.journal.mark(leg, State.BEGUN)
            proof, told = await self._attempt(request)
            if proof is Proof.DONE:
                return await self._done(leg, told)
            if proof is Proof.OPEN:
                return False
            tried, again = tried + (proof is Proof.OTHER_FILLING), again + 1
            is_over = tried >= len(kinds) or again > _RETRIES + tried
            if proof is Proof.NOT_DONE or is_over:
                note = str(told.get("comment") or "the trade server refused it")
                return self._refuse(leg, note, int(told.get("retcode", 0)))
            if proof is Proof.LATER:
                await asyncio.sleep(_BACK_OFF_SECONDS)

    async def _attempt(self, request: Mapping[str, Any]) -> tuple[Proof, Mapping[str, Any]]:
        try:
            told = await self.terminal.link.call("order_send", request)
            return proof_of(int(told["retcode"])), told
        except NotConnected as error:
            return Proof.NOT_DONE, {"comment": str(error)}
        except Failed as error:
            return proof_of_error(error.code), {"comment": error.text, "retcode": error.code}
        except (Lost, KeyError, TypeError, ValueError):
            return Proof.OPEN, {}

    async def _done(self, leg: Leg, told: Mapping[str, Any]) -> bool:
        """Write a success down, with the deals themselves where they show already."""
        digits = leg.plan["digits"]
        result: dict[str, Any] = {
            "order": told["order"], "deal": told["deal"],
            "position": leg.plan["position"] or told["order"],
            "volume": str(small(told["volume"])), "price": str(exact(told["price"], digits)),
        }  # fmt: skip
        if leg.plan["action"] == "deal":
            try:
                deals = await self.terminal.deals_of(ticket=told["order"])
            except (Failed, Lost, NotConnected):
                deals = ()
            if deals:
                result = result_of(deals, digits)
            elif not exact(told["price"], digits) > 0 or not small(told["volume"]) > 0:
                # Said to be done, and not at what: the deal has to be looked for.
                return False
        at = self.terminal.clock().isoformat()
        self.journal.mark(leg, State.DONE, {**result, "retcode": told["retcode"], "at": at})
        return True

    def _refuse(self, leg: Leg, note: str, retcode: int = 0) -> bool:
        self.journal.mark(leg, State.REFUSED, {"note": note[:200], "retcode": retcode})
        return False

    # ---- afterwards

    async def _conclude(self, entry: Entry, until: Until) -> Answer:
        loop = asyncio.get_running_loop()
        while not await self.tracer.look(entry):
            if loop.time() + _LOOK_SECONDS >= until.look:
                raise unknown(entry.key)
            await asyncio.sleep(_LOOK_SECONDS)
        ended = self._settled(entry)
        return Answer(ended.status or 500, ended.answer or {})

    def _settled(self, entry: Entry) -> Entry:
        """The entry as it is now: ended, if all its legs have. What was never sent never is."""
        legs = self.journal.legs(entry.key)
        if any(leg.state is State.BEGUN for leg in legs):
            return entry
        for leg in legs:
            if leg.state is State.PLANNED:
                self.journal.mark(leg, State.ABSENT)
        return self._close(entry, *outcome(entry.kind, self.journal.legs(entry.key)))

    def _close(self, entry: Entry, state: State, status: int, answer: Mapping[str, Any]) -> Entry:
        ended = replace(entry, state=state, status=status, answer=dict(answer))
        self.journal.end(ended)
        return ended


_STRUCK = Problem(409, "struck", "this key was looked up before it came: it is never done")


def _key_reused(key: str) -> Problem:
    return Problem(409, "key_reused", "this key was given with another body", key=key)
