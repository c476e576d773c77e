"""Looks at terminals, and notes that they live, in memory."""

from typing import TYPE_CHECKING

from engine.domain.terminal import Terminal
from engine.ports import Look
from tests.memory.rows import View
from tests.memory.rules import MemoryControls
from tests.memory.terminals import MemoryCommands, MemoryTerminals

if TYPE_CHECKING:
    from tests.memory.store import MemoryStore


class MemoryPolls:
    """The port ``Polls`` over the store in memory."""

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store

    async def look(self, token_digest: str) -> Look | None:
        view, clock = View(self._store.rows), self._store.clock
        terminal = await MemoryTerminals(view, clock).of_token(token_digest)
        if terminal is None:
            return None
        waiting = await MemoryCommands(view, clock).is_waiting(terminal.account_id)
        return Look(
            terminal=terminal,
            now=clock(),
            control=await MemoryControls(view).read(),
            is_waiting=waiting,
            version=repr(terminal),
        )

    async def note(self, look: Look, terminal: Terminal) -> bool:
        view = View(self._store.rows)
        account_id = terminal.account_id
        if view.is_held("ea_terminal", account_id):
            return False
        if repr(view.get("ea_terminal", account_id)) != look.version:
            return False
        await view.put("ea_terminal", account_id, terminal)
        view.commit()
        view.release()
        return True
