"""Questions that a language model is asked, and its answers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from engine.domain.wording import Inquiry, Reply


class Inquiries(Protocol):
    """Questions that wait, one attempt at a time; replies are written once."""

    async def add(self, inquiry: Inquiry) -> bool:
        """Keep a question that waits from now on; False when it came before."""
        ...

    async def due(self, limit: int) -> Sequence[int]:
        """Ids of questions that nobody answers, the oldest first."""
        ...

    async def claim(self, inquiry_id: int, lease: timedelta) -> Inquiry | None:
        """Answer a question from now on; None while somebody else does, or when it was done.

        ``tries`` counts this attempt.
        """
        ...

    async def stop(self, person_id: int, inquiry_id: int) -> bool:
        """The person wants no more of it; False when there is none of theirs that is not done."""
        ...

    async def watch(self, inquiry_id: int, lease: timedelta) -> bool:
        """Go on with a question that one has claimed; True when who asked wants no more of it."""
        ...

    async def done(self, inquiry_id: int) -> bool:
        """It is answered for good; False when it was before."""
        ...

    async def keep(self, reply: Reply) -> None:
        """Write down what came of asking a model."""
        ...

    async def replies(self, limit: int) -> Sequence[Reply]:
        """What came of the last questions, the newest first."""
        ...

    async def retire(self, keep: timedelta, limit: int) -> int:
        """Remove at most so many replies, and as many questions that nobody is answering, that are
        older than this, the oldest first; how many rows. ``keep`` is a day or more.
        """
        ...
