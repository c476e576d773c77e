"""What a request is made of, where servers of the protocol differ; learned from what they refuse.

OpenAI's models that think refuse ``max_tokens``, servers of others know only that; some gateways
refuse ``stream_options``. All count what a model thinks as said, so that one that thinks may use up
the limit before its first word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.domain.analyst import Author, Conversation, Message, Tool
from engine.domain.provider import Plan, Provider

_NEW, _OLD = "max_completion_tokens", "max_tokens"
_USAGE = "stream_options"
#: Tokens for thinking, where a model is seen to think.
ROOM = 4_000
_NAMES = {
    _NEW: re.compile(r"\bmax_completion_tokens\b"),
    _OLD: re.compile(r"\bmax_tokens\b"),
    _USAGE: re.compile(r"\b(?:stream_options|include_usage)\b"),
}
#: A refusal for want of room names the limit too, and is no refusal of the name.
_FULL = re.compile(r"output limit was reached", re.I)

_BAD_KEY = re.compile(r"API_KEY_INVALID|API key not valid|API key not found", re.I)


@dataclass(slots=True)
class Dialect:
    """What one server was seen to refuse. Each ``learn`` is for good and leaves less to send, so
    that a server which refuses everything is asked a few times and not for ever.
    """

    refused: set[str] = field(default_factory=set)
    room: int = 0

    def request(self, conversation: Conversation, plan: Plan) -> dict[str, Any]:
        """What is sent."""
        tools = [_tool(tool) for tool in conversation.tools]
        limit = self._limit(plan)
        return {
            "model": plan.model,
            "messages": [_message(message) for message in conversation.messages],
            "stream": True,
            **({} if limit is None else {limit: conversation.max_tokens + self.room}),
            **({} if _USAGE in self.refused else {_USAGE: {"include_usage": True}}),
            **({"tools": tools} if tools else {}),
        }

    def learn(self, sent: Mapping[str, Any], refusal: str) -> bool:
        """Whether the next request will be another one than that which was refused so."""
        if _FULL.search(refusal):
            return self.make_room(sent)
        # A server may name what it wants instead, which was not sent.
        names = [name for name in _NAMES if name in sent and _NAMES[name].search(refusal)]
        self.refused.update(names)
        return bool(names)

    def make_room(self, sent: Mapping[str, Any]) -> bool:
        """The limit was used up before the first word: leave room for thinking, if none was."""
        self.room = ROOM
        return any(sent.get(name, ROOM) < ROOM for name in (_NEW, _OLD))

    def _limit(self, plan: Plan) -> str | None:
        order = (_NEW, _OLD) if plan.provider is Provider.OPENAI else (_OLD, _NEW)
        return next((name for name in order if name not in self.refused), None)


def is_bad_key(status: int, refusal: str) -> bool:
    """Whether a refusal is one of the key: Gemini has no status for it but 400."""
    return status == 400 and _BAD_KEY.search(refusal) is not None


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"role": str(message.author), "content": message.text}
    if message.calls:
        # Anthropic refuses an empty text, and nobody misses one beside calls.
        said["content"] = message.text or None
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    if message.author is Author.TOOL:
        said["tool_call_id"] = message.answers or ""
    return said


def _tool(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name, "description": tool.description, "parameters": dict(tool.schema),
    }  # fmt: skip
    return {"type": "function", "function": function}
