"""A command of the operator (source 002): put into a queue once, carried out once by any worker."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from engine.errors import InvalidInput


class CommandType(StrEnum):
    """What can be commanded, by source 002's names."""

    PAUSE_PAIR = "PAUSE_PAIR"
    RESUME_PAIR = "RESUME_PAIR"
    PAUSE_ALL = "PAUSE_ALL"
    RESUME_ALL = "RESUME_ALL"
    CLOSE_PAIR = "CLOSE_PAIR"
    CLOSE_ALL = "CLOSE_ALL"
    RELOAD_PARAMS = "RELOAD_PARAMS"

    @property
    def needs_pair(self) -> bool:
        """Whether it is about one symbol."""
        return self.endswith("_PAIR")

    @property
    def closes(self) -> bool:
        """Whether it closes trades."""
        return self.startswith("CLOSE_")

    @property
    def resumes(self) -> bool:
        """Whether trading may go on after it."""
        return self.startswith("RESUME_")


#: These change the trading state. They are carried out one after the other, as they were given.
IN_ORDER = tuple(kind for kind in CommandType if kind.startswith(("PAUSE_", "RESUME_")))
#: A command to trade again or to close is about the market of its moment: one that nobody carried
#: out in this time is left alone. What makes things safer never grows too old.
LIFE = timedelta(minutes=10)
MOST_KEY = 100


class CommandStatus(StrEnum):
    """Where a command stands, by source 002's names. SKIPPED changed nothing, and says why."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (CommandStatus.PENDING, CommandStatus.RUNNING)


class AccountMode(StrEnum):
    """The kind of account a command is meant for; on the other kind it changes nothing."""

    PAPER = "PAPER"
    LIVE = "LIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a command is about: ``pair`` is one of our symbols, ``mode`` None any account."""

    pair: str | None = None
    mode: AccountMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDraft:
    """A command somebody gives. ``actor`` is who, as the history names them (``cli``,
    ``person:7``); ``person_id`` the person, None for this machine's operator. ``control_version``
    is the trading state that was in force then.
    """

    type: CommandType
    payload: Payload
    actor: str
    actor_name: str
    person_id: int | None = None
    idempotency_key: str | None = None
    control_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCommand(CommandDraft):
    """A command as it stands. ``claim`` counts how often a worker took it: who holds an older one
    has lost it. ``attempts`` are the takes since it last got on; ``waits`` is that it looks for the
    end of closes it asked for. ``result`` is source 002's ``result_json``.
    """

    id: int
    status: CommandStatus = CommandStatus.PENDING
    created_at: datetime
    claimed_at: datetime | None = None
    claimed_by: str = ""
    claim: int = 0
    attempts: int = 0
    lease_until: datetime | None = None
    waits: bool = False
    finished_at: datetime | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def actions(self) -> list[dict[str, Any]]:
        """What happened, one entry per action."""
        found: list[dict[str, Any]] = self.result.get("actions", [])
        return found

    def is_same(self, draft: CommandDraft) -> bool:
        """Whether a draft asks for just this."""
        return (self.type, self.payload) == (draft.type, draft.payload)


def key_of(text: str | None) -> str | None:
    """An idempotency key as given; raises :class:`InvalidInput` for one that cannot be kept."""
    if text is None:
        return None
    if not text.strip() or len(text) > MOST_KEY or not text.isprintable():
        raise InvalidInput(f"an idempotency key has 1 to {MOST_KEY} printable characters")
    return text


def pair_of(text: str, known: tuple[str, ...]) -> str:
    """The symbol that somebody means: ``EUR_USD``, ``eur/usd`` and ``EURUSD`` are one. A symbol
    that is not among the ``known`` ones is kept as it was written. Raises :class:`InvalidInput` for
    what can be no symbol.
    """
    wanted = text.strip()
    if not wanted or len(wanted) > 24 or not wanted.isprintable():
        raise InvalidInput(f"{text[:24]!r} is no symbol")
    found = [symbol for symbol in known if symbol == wanted]
    found += [symbol for symbol in known if _bare(symbol) == _bare(wanted)]
    return found[0] if found else wanted


def _bare(symbol: str) -> str:
    return "".join(sign for sign in symbol.upper() if sign not in "_/-")
