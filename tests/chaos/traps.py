"""Named kill points: the driver's ports wrapped, so that the process dies exactly there."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from engine.domain.decision import Action
from storage.inbox import Begun, PostgresInbox
from storage.transaction import PostgresLedger, PostgresStore

BEFORE, AFTER = "before_commit", "after_commit"

#: Every window between a candle and the venue's acknowledgement, in the order a trade meets them.
FORWARD = (
    "tape:advanced",
    "ai_proposed:before_commit",
    "ai_proposed:after_commit",
    "tap:stored",
    "tap:begun",
    "human_approved:before_commit",
    "human_approved:after_commit",
    "tap:handled",
    "tap:done",
    "order_sending:before_commit",
    "order_sending:after_commit",
    "submit:before",
    "submit:inside",
    "submit:after",
    "order_filled:before_commit",
    "order_filled:after_commit",
    "position_closed:before_commit",
    "position_closed:after_commit",
    "human_rejected:before_commit",
    "human_rejected:after_commit",
    "idea_expired:before_commit",
    "idea_expired:after_commit",
    "ai_halted:before_commit",
    "ai_halted:after_commit",
)
#: The windows of a close, a part of one and another level, as a trade's end meets them.
EXITS = (
    "position_ordered:before_commit",
    "position_ordered:after_commit",
    "position_sending:before_commit",
    "position_sending:after_commit",
    "close:before",
    "close:inside",
    "close:after",
    "modify:before",
    "modify:inside",
    "modify:after",
    "position_changed:before_commit",
    "position_changed:after_commit",
)
#: The same without a person.
AUTONOMOUS = ("ai_auto_executed:before_commit", "ai_auto_executed:after_commit")
#: Windows of the recovery, which only exist after a death in the middle of a send.
RECOVERY = (
    "verified",
    "look_up:before",
    "look_up:inside",
    "look_up:after",
    "order_unknown:before_commit",
    "order_unknown:after_commit",
    "order_absent:before_commit",
    "order_absent:after_commit",
)
#: The same of an exit; each needs a death right before it.
EXIT_RECOVERY = (
    "look_up_change:before",
    "look_up_change:inside",
    "look_up_change:after",
    "position_unknown:before_commit",
    "position_unknown:after_commit",
    "position_absent:before_commit",
    "position_absent:after_commit",
)
POINTS = (*FORWARD, *EXITS, *AUTONOMOUS, *RECOVERY, *EXIT_RECOVERY)
#: Those between a person's tap and the venue's acknowledgement.
TAP_TO_ANSWER = FORWARD[
    FORWARD.index("tap:stored") : FORWARD.index("order_filled:after_commit") + 1
]
#: Where a death in the middle of a placement hurts most, one in each of its windows.
PLACEMENT = (
    "ai_proposed:before_commit",
    "tap:begun",
    "human_approved:before_commit",
    "human_approved:after_commit",
    "order_sending:after_commit",
    "submit:before",
    "submit:after",
    "order_filled:before_commit",
    "look_up:after",
)
#: Where a venue has done it and nobody knows yet.
AT_VENUE = ("submit:after", "look_up:after", "close:after")


class Trap:
    """Kills this process when it comes to a place for the n-th time."""

    def __init__(self, place: str | None = None, nth: int = 1) -> None:
        self.place = place
        self._left = nth

    def at(self, place: str) -> None:
        if place != self.place:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class TrappedStore(PostgresStore):
    """A store whose commits are places, named after the records they write."""

    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self._trap = trap

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        written: list[str] = []
        async with super().begin() as tx:
            extend = tx.history.extend

            async def noted(entries: Any) -> Any:
                written.extend(str(Action(entry.action)) for entry in entries)
                return await extend(entries)

            tx.history.extend = noted  # type: ignore[method-assign]
            yield tx
            for action in written:
                self._trap.at(f"{action}:{BEFORE}")
        for action in written:
            self._trap.at(f"{action}:{AFTER}")


class TrappedLedger(PostgresLedger):
    """The venue's books: a place before they are saved, while ``asked`` names the question."""

    def __init__(self, trap: Trap) -> None:
        self._trap = trap
        self.asked: str | None = None

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[dict[str, Any]]:
        async with super().open(name) as document:
            yield document
            if self.asked and name.startswith("paper:"):
                self._trap.at(f"{self.asked}:inside")


class TrappedBroker:
    """A venue with places around the two calls that matter."""

    def __init__(self, inner: Any, trap: Trap, ledger: TrappedLedger) -> None:
        self._inner = inner
        self._trap = trap
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def submit(self, order: Any) -> Any:
        return await self._around("submit", self._inner.submit(order))

    async def look_up(self, client_id: str) -> Any:
        return await self._around("look_up", self._inner.look_up(client_id))

    async def close(self, position_id: str, **wanted: Any) -> Any:
        return await self._around("close", self._inner.close(position_id, **wanted))

    async def modify(self, position_id: str, **wanted: Any) -> Any:
        return await self._around("modify", self._inner.modify(position_id, **wanted))

    async def look_up_change(self, client_id: str) -> Any:
        return await self._around("look_up_change", self._inner.look_up_change(client_id))

    async def _around(self, name: str, call: Any) -> Any:
        try:
            self._trap.at(f"{name}:before")
            self._ledger.asked = name
            return await call
        finally:
            self._ledger.asked = None
            self._trap.at(f"{name}:after")


class TrappedAuditor:
    """A place right after the history was verified."""

    def __init__(self, inner: Any, trap: Trap) -> None:
        self._inner = inner
        self._trap = trap

    async def verify(self) -> Any:
        found = await self._inner.verify()
        self._trap.at("verified")
        return found


class TrappedInbox(PostgresInbox):
    """Places around a tap's way through the inbox."""

    def __init__(self, trap: Trap) -> None:
        self._trap = trap

    async def put(self, update_id: int, payload: dict[str, Any], *, urgent: bool = False) -> bool:
        stored = await super().put(update_id, payload, urgent=urgent)
        if stored:
            self._trap.at("tap:stored")
        return stored

    async def begin(self, update_id: int) -> Begun | None:
        begun = await super().begin(update_id)
        self._trap.at("tap:begun")
        return begun

    async def done(self, update_id: int) -> None:
        self._trap.at("tap:handled")
        await super().done(update_id)
        self._trap.at("tap:done")
