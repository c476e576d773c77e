"""Where a conversation stands: aiogram's FSM storage kept in PostgreSQL.

Not in Redis, which aiogram has a storage for: a stop must work while Redis is down, and a question
that waits for a typed value must outlive a restart as its message does.
"""

from collections.abc import Mapping
from typing import Any

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, StateType, StorageKey

from storage.dialogues import Dialogue, PostgresDialogues


class DialogueStorage(BaseStorage):
    """A person's open question, by their id: people talk to the bot in private chats only."""

    def __init__(self, dialogues: PostgresDialogues) -> None:
        self._dialogues = dialogues

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Ask another question; None ends the conversation and forgets its values."""
        text = state.state if isinstance(state, State) else state
        if text is None:
            await self._dialogues.end(key.user_id)
        else:
            await self._dialogues.ask(key.user_id, text)

    async def get_state(self, key: StorageKey) -> str | None:
        """The question that waits, if it is not too old."""
        found = await self._dialogues.get(key.user_id)
        return None if found is None else found.state

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Keep what the answer will need: plain JSON values."""
        await self._dialogues.keep(key.user_id, dict(data))

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """What was kept; empty when no question waits."""
        found: Dialogue | None = await self._dialogues.get(key.user_id)
        return {} if found is None else found.data

    async def close(self) -> None:
        """The database is closed by who opened it."""
