"""Settle one row: make its calls, note each, and bear what Telegram answers."""

import asyncio
import json
import logging
from dataclasses import dataclass, replace

from bot.courier.calls import Calls, Later, Moved, Refused, Unknown, Unparsable, Unreachable
from bot.courier.compose import Compose, Plan
from bot.courier.proof import Proof
from bot.courier.steps import Call, Progress, Step, main_message, read, stored
from bot.limiter import Limiter
from engine.flow.notices import MarkUnreachable
from storage.outbox import Delivery, PostgresDeliveries
from storage.probing import candidates

log = logging.getLogger(__name__)

#: A row that cannot be made into a message is tried so often.
_ATTEMPTS = 8
_LONGEST_PAUSE_SECONDS = 60.0
_CALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Bring one row to its end, from the beginning or from where somebody left it."""

    deliveries: PostgresDeliveries
    compose: Compose
    calls: Calls
    limiter: Limiter
    mark_unreachable: MarkUnreachable

    async def begin(self, row: Delivery) -> None:
        """Send a row that waits."""
        try:
            plan = await self.compose(row)
        except Exception as error:
            log.exception("row %s cannot be made into a message", row.id)
            await self._give_up_slowly(row, error)
            return
        if not plan.steps:
            await self.deliveries.sent(row, None)
            return
        if not await self.limiter.take(row.chat_id):
            return
        plan.steps[0] = replace(plan.steps[0], progress=Progress.BEGUN)
        if await self.deliveries.begin(row.id, stored(plan.steps)):
            await self._run(row, plan)

    async def resume(self, row: Delivery) -> None:
        """Go on with a row whose last call nobody knows the end of."""
        plan = Plan(read(json.loads(row.steps or "[]")))
        number = _first_open(plan)
        if number is not None and plan.steps[number].progress is Progress.BEGUN:
            try:
                await self._find(row, plan, number)
            except (Later, Unknown, Refused) as error:
                await self._wait(row, error)
                return
            except (Unreachable, Moved) as error:
                await self._without_chat(row, error)
                return
        if all(step.progress is Progress.NEW for step in plan.steps):
            await self.deliveries.again(row.id, "Telegram did not take it")
            return
        await self._run(row, plan)

    async def _find(self, row: Delivery, plan: Plan, number: int) -> None:
        """Learn what became of a call that was begun; one that makes no message is made again."""
        step = plan.steps[number]
        found = None
        if step.makes:
            proof = Proof(calls=self.calls, limiter=self.limiter)
            found = await proof(row.chat_id, step, await candidates(row.id))
        if found is None:
            plan.steps[number] = replace(step, progress=Progress.NEW)
            return
        plan.steps[number] = replace(step, progress=Progress.DONE, message_id=found)
        await self.deliveries.note(row, stored(plan.steps), found)

    async def _run(self, row: Delivery, plan: Plan) -> None:
        """Make the calls that are left; what Telegram answers decides about the row."""
        try:
            while (number := _first_open(plan)) is not None:
                await self._step(row, plan, number)
        except Later as error:
            await self._put_back(row, plan, error)
            await self._wait(row, error)
        except Unknown as error:
            await self.deliveries.tried(row.id, str(error))
            await self._wait(row, error)
        except (Unreachable, Moved) as error:
            await self._without_chat(row, error)
        except Refused as error:
            log.warning("row %s to chat %s is given up: %s", row.id, row.chat_id, error)
            await self.deliveries.failed(row.id, str(error))
        else:
            await self.deliveries.sent(row, main_message(plan.steps))

    async def _step(self, row: Delivery, plan: Plan, number: int) -> None:
        step = plan.steps[number]
        if step.progress is Progress.NEW:
            if not await self.limiter.take(row.chat_id):
                raise Later("the chat has no room", seconds=0.0)
            step = plan.steps[number] = replace(step, progress=Progress.BEGUN)
            await self.deliveries.note(row, stored(plan.steps))
        if step.call is Call.PIN and step.message_id is None:
            step = replace(step, message_id=main_message(plan.steps))
        try:
            made = await self._make(row, plan, step)
        except Unparsable:
            # A message refused for its formatting is worth more plain than lost.
            plan.steps[number] = replace(step.bare(), progress=Progress.NEW)
            return
        plan.steps[number] = replace(step, progress=Progress.DONE, message_id=made)
        if step.makes and number < len(plan.steps) - 1:
            await self.deliveries.note(row, stored(plan.steps), made)

    async def _make(self, row: Delivery, plan: Plan, step: Step) -> int | None:
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                return await self.calls.make(row.chat_id, step, plan.file)
        except TimeoutError as error:
            raise Unknown("no answer in time") from error
        except Refused as error:
            if step.makes or step.call is Call.EDIT:
                raise
            # A pin that fails must not send the alert again.
            log.warning("%s in chat %s was refused: %s", step.call, row.chat_id, error)
            return step.message_id
        except Unparsable as error:
            if step.is_html:
                raise
            raise Refused(str(error)) from error

    async def _put_back(self, row: Delivery, plan: Plan, error: Later) -> None:
        """The last call was not taken: the row waits again, or goes on from there."""
        steps = [
            replace(s, progress=Progress.NEW) if s.progress is Progress.BEGUN else s
            for s in plan.steps
        ]
        if any(step.progress is Progress.DONE for step in steps):
            await self.deliveries.note(row, stored(steps))
        else:
            await self.deliveries.again(row.id, str(error))

    async def _wait(self, row: Delivery, error: Exception) -> None:
        """Leave the chat, or all of them, alone for a while; it outlives this process."""
        pause = min(_LONGEST_PAUSE_SECONDS, 2.0**row.attempts)
        if not isinstance(error, Later):
            await self.limiter.hold(pause, chat_id=row.chat_id)
        elif not error.chat:
            await self.limiter.hold(error.seconds or pause)
        elif error.seconds is None or error.seconds > 0:
            await self.limiter.refused(row.chat_id, error.seconds or pause)

    async def _without_chat(self, row: Delivery, error: Unreachable | Moved) -> None:
        if isinstance(error, Moved):
            await self.deliveries.moved(row.chat_id, error.chat_id)
            return
        log.warning("chat %s cannot be written to: %s", row.chat_id, error)
        await self.mark_unreachable(row.person_id, str(error))
        await self.deliveries.failed(row.id, str(error))

    async def _give_up_slowly(self, row: Delivery, error: Exception) -> None:
        """Only this row waits: the others of its chat are not to blame."""
        if row.attempts + 1 >= _ATTEMPTS:
            await self.deliveries.failed(row.id, repr(error))
        else:
            pause = min(_LONGEST_PAUSE_SECONDS, 2.0**row.attempts)
            await self.deliveries.again(row.id, repr(error), seconds=pause)


def _first_open(plan: Plan) -> int | None:
    return next((n for n, s in enumerate(plan.steps) if s.progress is not Progress.DONE), None)
