"""What is said to a language model, and what it says: untrusted text, and nothing it may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any


class Author(StrEnum):
    """Who a message is from; TOOL is the answer to a call of the model's."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Purpose(StrEnum):
    """What a conversation is for; what it costs is counted by it."""

    EXPLAIN = "explain"
    ASK = "ask"
    ADVISE = "advise"


class Trouble(StrEnum):
    """Why there is no answer. The last three are ours: nothing was asked."""

    OFF = "off"
    NOT_CONNECTED = "not_connected"
    NO_MODEL = "no_model"
    KEY = "key"
    REFUSED = "refused"
    BUSY = "busy"
    FAILING = "failing"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    GARBLED = "garbled"
    CUT = "cut"
    EMPTY = "empty"
    BUDGET = "budget"
    RESTING = "resting"
    TOO_OFTEN = "too_often"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something the model may ask for by name. ``schema`` is a JSON schema of its arguments, an
    object. Whoever offers it carries it out; it reads and never writes.
    """

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """What the model asks for. ``arguments`` is the text it wrote: JSON if it kept to the rules."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. ``calls`` are an assistant's; ``answers`` is the id of the call a tool's
    message answers.
    """

    author: Author
    text: str
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is sent: messages, what the model may ask for, and how much it may say.

    ``person_id`` is who it is for, where somebody asked; ``within`` is how long they wait at most,
    None the installation's own limit.
    """

    purpose: Purpose
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    max_tokens: int = 400
    person_id: int | None = None
    within: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that an answer cost, as the provider counted them; or as we guess, where it did not.

    ``is_guess`` tells which.
    """

    asked: int
    said: int
    is_guess: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            asked=self.asked + other.asked,
            said=self.said + other.said,
            is_guess=self.is_guess or other.is_guess,
        )

    @property
    def total(self) -> int:
        """Both together."""
        return self.asked + self.said


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A whole answer: text, or calls of tools, or both. ``is_cut`` means that the limit of tokens
    ended it; ``is_cached`` that it was kept from an equal question and cost nothing.
    """

    text: str
    usage: Usage
    model: str
    calls: tuple[ToolCall, ...] = ()
    is_cut: bool = False
    is_cached: bool = False
