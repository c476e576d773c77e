"""A streamed answer of the chat-completions protocol, put together piece by piece.

The client checks nothing of what it was sent, so every field is looked at here.
"""

from dataclasses import dataclass, field
from typing import Any

from engine.domain.analyst import Conversation, Said, ToolCall, Trouble, Usage

#: Characters of an answer for each token that was allowed; a server that says more is broken.
_PER_TOKEN, _MORE = 12, 2_000
_MOST_CALLS, _LONGEST_CALL, _LONGEST_NAME = 16, 20_000, 200
#: Characters for a token where the provider does not count; rather too many tokens than too few.
_GUESS = 3


class Failed(Exception):
    """No answer that can be used; ``again`` tells that it may pass, ``pause`` when to come back.

    ``refusal`` is what the server wrote, for us alone; ``is_full`` that the limit ended an answer
    before its first word, and ``usage`` what that cost.
    """

    def __init__(
        self,
        trouble: Trouble,
        *,
        again: bool = False,
        pause: float | None = None,
        refusal: str = "",
        is_full: bool = False,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(str(trouble))
        self.trouble, self.again, self.pause = trouble, again, pause
        self.refusal, self.is_full = refusal, is_full
        self.usage = usage or Usage(asked=0, said=0)


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Answer:
    """What came so far. ``is_ended`` tells that the model is done; only its usage may follow."""

    conversation: Conversation
    model: str
    parts: list[str] = field(default_factory=list)
    length: int = 0
    calls: dict[int, _Call] = field(default_factory=dict)
    usage: Usage | None = None
    finish: str | None = None
    has_begun: bool = False

    @property
    def is_ended(self) -> bool:
        """Whether the model is done."""
        return self.finish is not None

    def add(self, chunk: Any) -> str:
        """The text that a chunk adds; raises :class:`Failed` for what is none."""
        self.has_begun = True
        choices = getattr(chunk, "choices", None)
        self._count(getattr(chunk, "usage", None))
        if choices is None and self.usage is not None:
            return ""
        if not isinstance(choices, list):
            raise Failed(Trouble.GARBLED)
        return "".join([self._choice(choice) for choice in choices[:1]])

    def _choice(self, choice: Any) -> str:
        finish, delta = getattr(choice, "finish_reason", None), getattr(choice, "delta", None)
        if finish is not None:
            if not isinstance(finish, str):
                raise Failed(Trouble.GARBLED)
            self.finish = finish
        if delta is None:
            return ""
        for call in _listed(getattr(delta, "tool_calls", None)):
            self._call(call)
        text = _content(getattr(delta, "content", None))
        self.length += len(text)
        if self.length > self.conversation.max_tokens * _PER_TOKEN + _MORE:
            raise Failed(Trouble.GARBLED)
        self.parts.append(text)
        return text

    def _call(self, piece: Any) -> None:
        index, function = getattr(piece, "index", None), getattr(piece, "function", None)
        id_ = _text(getattr(piece, "id", None), _LONGEST_NAME)
        index = len(self.calls) if index is None else index
        if not isinstance(index, int):
            raise Failed(Trouble.GARBLED)
        # Some servers, such as Ollama, give every call the same index.
        if id_ and index in self.calls and self.calls[index].id not in ("", id_):
            index = len(self.calls)
        if not 0 <= index < _MOST_CALLS:
            raise Failed(Trouble.GARBLED)
        call = self.calls.setdefault(index, _Call())
        call.id = call.id or id_
        call.name += _text(getattr(function, "name", None), _LONGEST_NAME)
        call.arguments += _text(getattr(function, "arguments", None), _LONGEST_CALL)
        if len(call.arguments) > _LONGEST_CALL or len(call.name) > _LONGEST_NAME:
            raise Failed(Trouble.GARBLED)

    def _count(self, usage: Any) -> None:
        asked = getattr(usage, "prompt_tokens", None)
        said = getattr(usage, "completion_tokens", None)
        if type(asked) is int and type(said) is int and 0 <= asked < 10**9 and 0 <= said < 10**9:
            self.usage = Usage(asked=asked, said=said)

    def said(self) -> Said:
        """The whole; raises :class:`Failed` when it was cut off, is empty or was held back."""
        if self.finish is None:
            raise Failed(Trouble.CUT if self.has_begun else Trouble.GARBLED, again=True)
        if self.finish == "content_filter":
            raise Failed(Trouble.REFUSED)
        text = "".join(self.parts)
        calls = tuple(
            ToolCall(id=call.id or f"call_{index}", name=call.name, arguments=call.arguments)
            for index, call in sorted(self.calls.items())
            # Nobody would carry out what was not offered.
            if self.conversation.tools
        )
        if not text.strip() and not calls:
            is_full = self.finish == "length"
            raise Failed(Trouble.EMPTY, is_full=is_full, usage=self.usage if is_full else None)
        return Said(
            text=text,
            usage=self.usage or self._guess(text),
            model=self.model,
            calls=calls,
            is_cut=self.finish == "length",
        )

    def _guess(self, text: str) -> Usage:
        said = len(text) + sum(len(call.name + call.arguments) for call in self.calls.values())
        return Usage(asked=guessed(self.conversation), said=said // _GUESS + 1, is_guess=True)


def guessed(conversation: Conversation) -> int:
    """Tokens of a conversation, rather too many than too few."""
    return sum(len(message.text) for message in conversation.messages) // _GUESS + 1


def _content(value: Any) -> str:
    """The text of a piece: bare, or in parts of which others are what the model thinks."""
    if value is None:
        return ""
    if isinstance(value, list):
        parts = [part for part in value if isinstance(part, dict) and part.get("type") == "text"]
        value = "".join([_text(part.get("text"), _LONGEST_CALL) for part in parts])
    if not isinstance(value, str):
        raise Failed(Trouble.GARBLED)
    return value


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Failed(Trouble.GARBLED)
    return value


def _text(value: Any, longest: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise Failed(Trouble.GARBLED)
    return value
