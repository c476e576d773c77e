"""Who may talk to the bot, who knocks at its door, and what people are to be told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from engine.domain.notice import Audience, HaltSeen, Notice
from engine.domain.person import Knock, Person, Role


class People(Protocol):
    """Who may talk to the bot."""

    async def alone(self) -> None:
        """Be the only transaction that changes people, until it ends. Whoever saves a person or a
        knock calls this before reading what it is made from.
        """
        ...

    async def get(self, user_id: int) -> Person | None:
        """A person by numeric id."""
        ...

    async def role(self, user_id: int) -> Role | None:
        """What a person may do; None for a stranger."""
        ...

    async def save(self, person: Person) -> None:
        """Add or change a person; ``last_seen`` is left as it is."""
        ...

    async def list(self) -> Sequence[Person]:
        """Everyone, by id."""
        ...

    async def seen(self, user_id: int) -> None:
        """They use the bot now."""
        ...

    async def forget_question(self, user_id: int) -> None:
        """No typed answer is waited for any more."""
        ...

    async def knock(self, user_id: int) -> Knock:
        """What is remembered of somebody without access; empty for one who never came."""
        ...

    async def save_knock(self, knock: Knock) -> None:
        """Remember it."""
        ...

    async def spend(self, digest: str, user_id: int) -> bool:
        """Use a code up, by its hash; False when it was used before."""
        ...


class Outbox(Protocol):
    """What is to be told, written in the transaction that made it true."""

    async def tell(self, notice: Notice, audience: Audience) -> None:
        """Queue a notice for everyone in the audience who wants it; the same key is queued once a
        person. One for somebody who cannot be reached is kept back.
        """
        ...

    async def tell_all(self, notices: Sequence[tuple[Notice, Audience]]) -> None:
        """The same for many, in their order."""
        ...

    async def drop(self, person_id: int) -> None:
        """Do not send what is still queued for somebody."""
        ...

    async def keep_back(self, person_id: int) -> None:
        """Hold back what waits for a person: they cannot be reached."""
        ...

    async def missed(self, person_id: int) -> Mapping[str, int]:
        """How many notices of each kind were kept back from a person; they are forgotten."""
        ...

    async def told(self, person_id: int, since: datetime, until: datetime) -> Mapping[str, int]:
        """How many notices of each kind a person was told in a time."""
        ...

    async def last_halt(self) -> int | None:
        """The version of the control that the last halt began with."""
        ...

    async def see_halt(self, version: int, person_id: int) -> bool:
        """Note that a person has seen a halt; False when they had before."""
        ...

    async def halt_seen(self, version: int) -> Sequence[HaltSeen]:
        """Who has seen a halt, the first one first."""
        ...
