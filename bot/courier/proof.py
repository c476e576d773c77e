"""Whether Telegram has a message whose answer never reached us.

Telegram has no way to ask "did you take this?". But an edit to exactly what a message holds is
answered "message is not modified", so we edit the few messages it may be. No other message of ours
can be there: one row of a chat is under way at a time, and ids that are known are left out. See
docs/decisions/011-a-message-is-proven.md.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from telegram.error import BadRequest, TelegramError

from bot.courier.calls import Calls, Later, Unknown, Unparsable, meaning
from bot.courier.steps import Call, Step
from bot.limiter import Limiter

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Look a message up by what it says."""

    calls: Calls
    limiter: Limiter

    async def __call__(self, chat_id: int, step: Step, ids: Sequence[int]) -> int | None:
        """The id under which Telegram has it, or None when it is none of these.

        Raises what :meth:`Calls.make` raises when Telegram does not answer the question.
        """
        for id_ in ids:
            if not await self.limiter.take(chat_id, patience=_PATIENCE_SECONDS):
                raise Later("the chat has no room for a look")
            try:
                if await self._is(chat_id, replace(step, message_id=id_)):
                    return id_
            except Unparsable:
                return None
        return None

    async def _is(self, chat_id: int, step: Step) -> bool:
        try:
            await self.calls.put(chat_id, step, as_caption=step.call is Call.PHOTO)
        except BadRequest as error:
            problem = meaning(error)
            if isinstance(problem, Unparsable):
                raise problem from error
            return "not modified" in str(error).lower()
        except TelegramError as error:
            raise meaning(error) from error
        except OSError as error:
            raise Unknown(str(error)) from error
        # Nothing else of ours can be here, and now it says what it should.
        log.warning("message %s of chat %s was brought up to date", step.message_id, chat_id)
        return True
