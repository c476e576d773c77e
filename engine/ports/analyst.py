"""The language model: it explains. Nothing that trades waits for it or reads what it says."""

from collections.abc import AsyncIterator
from typing import Protocol

from engine.domain.analyst import Conversation, Said


class Analyst(Protocol):
    """Somebody who answers in words. What it says is untrusted text: whoever shows it checks it
    first (``engine/llm/grounding``).
    """

    async def complete(self, conversation: Conversation) -> Said:
        """The whole answer; raises ``AnalystUnavailable`` with its ``reason``, whatever went
        wrong, and ends within the time the conversation gives.
        """
        ...

    def stream(self, conversation: Conversation) -> AsyncIterator[str | Said]:
        """Pieces of text as they come, and the whole as the last; raises ``AnalystUnavailable``
        as above, also after pieces came: then they count for nothing.
        """
        ...
