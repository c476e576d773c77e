"""A language model on this machine: OpenAI's chat-completions protocol, streamed (SSE), with tools
and usage. It says what it is told to, and does wrong what it is told to.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.provider_server import KEY, MODELS, Asked, ModelSite, answer

#: What it says: a text, or calls of tools as (name, arguments).
Speech = str | list[tuple[str, str]]
Speaker = Callable[[dict[str, Any]], Speech]

#: Faults that are an answer of their own.
REFUSALS: dict[str, bytes] = {
    "429": answer(429, {"error": {"message": "slow down", "type": "requests", "code": None}},
                  "Retry-After: 1"),
    "429 bare": answer(429, {"error": {"message": "slow down", "code": None}}),
    "429 later": answer(429, {"error": {"message": "slow down", "code": None}}, "Retry-After: 600"),
    "429 date": answer(429, b"", "Date: Wed, 21 Oct 2015 07:28:00 GMT",
                       "Retry-After: Wed, 21 Oct 2015 07:28:02 GMT"),
    "quota": answer(429, {"error": {"message": "no quota", "code": "insufficient_quota"}}),
    "500": answer(500, {"error": {"message": "The server had an error"}}),
    "503": answer(503, b"busy"),
    "400": answer(400, {"error": {"message": "bad", "code": None}}),
    "401": answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}}),
    "404": answer(404, {"error": {"message": "The model does not exist", "code": None}}),
    "302": answer(302, b"", "Location: http://127.0.0.1:1/stolen"),
    "json": answer(200, {"choices": [{"message": {"content": "RSI 1"}}]}),
    "wrong json": answer(200, b'data: {"choices": [{"delta\n\n', kind="text/event-stream"),
    "html": answer(200, b"<html>login</html>", kind="text/html"),
    "nothing": answer(200, b"", kind="text/event-stream"),
    "garbage": answer(200, b"\xff\xfe\x00 data: \x80\n\n" * 50, kind="text/event-stream"),
    "no choices": answer(200, b'data: {"id": 7}\n\ndata: [DONE]\n\n', kind="text/event-stream"),
    "list": answer(200, b"data: [1, 2]\n\n", kind="text/event-stream"),
    "choices text": answer(200, b'data: {"choices": "x"}\n\n', kind="text/event-stream"),
    "content number": answer(
        200, b'data: {"choices": [{"delta": {"content": 7}}]}\n\n', kind="text/event-stream"
    ),
    "calls text": answer(
        200, b'data: {"choices": [{"delta": {"tool_calls": "x"}}]}\n\n', kind="text/event-stream"
    ),
    "error event": answer(
        200, b'data: {"error": {"message": "overloaded"}}\n\n', kind="text/event-stream"
    ),
    "402": answer(402, {"error": {"message": "Insufficient Balance", "code": None}}),
    "gemini key": answer(400, [{"error": {
        "code": 400, "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}],
    }}]),
    "other kind": answer(200, b"event: error\r\n\r\n", kind="application/octet-stream"),
    "no http": b"\x00\x01\x02 what is this\r\n\r\n",
}  # fmt: skip
#: Those that happen while it speaks.
SPOKEN = ("hang", "hang later", "cut", "reset", "slow", "huge", "no usage", "no end", "filtered",
          "cut short", "hang done", "silent", "drip")  # fmt: skip


def parrot(body: dict[str, Any]) -> Speech:
    """What it says when nobody told it what."""
    return f"You said: {body['messages'][-1]['content'][:40]}"


@dataclass
class ChatSite(ModelSite):
    """OpenAI's API: its models and chat completions. ``faults`` are used up one by one, ``always``
    is one that stays.
    """

    speak: Speaker = parrot
    always: str = ""
    pause: float = 0.0
    #: Fields of a request that it does not take, by what it answers then.
    refuses: dict[str, bytes] = field(default_factory=dict)
    #: Tokens that it thinks before it speaks; they count as said.
    thinks: int = 0
    talks: list[dict[str, Any]] = field(default_factory=list)
    #: Set once somebody asked.
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = await _read(reader)
        self.asked.append(asked)
        if asked.path != "/v1/chat/completions":
            writer.write(self.respond(asked))
            return True
        fault = self.faults.pop(0) if self.faults else self.always
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            fault = "401"
        if fault in REFUSALS:
            writer.write(REFUSALS[fault])
            return REFUSALS[fault].startswith(b"HTTP/1.1")
        body = json.loads(asked.body)
        self.talks.append(body)
        self.heard.set()
        refused = [self.refuses[name] for name in body if name in self.refuses]
        if refused:
            writer.write(refused[0])
            return True
        if body["model"] not in self.models:
            writer.write(REFUSALS["404"])
            return True
        await self._talk(body, fault, writer)
        return False

    async def _talk(self, body: dict[str, Any], fault: str, writer: asyncio.StreamWriter) -> None:
        if fault == "hang":
            await asyncio.sleep(3600)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        )
        for number, event in enumerate(self._events(body, fault)):
            if writer.is_closing():
                return
            if number == 2 and fault in ("cut", "reset"):
                if fault == "reset":
                    writer.transport.abort()
                return
            if number == 2 and fault == "hang later":
                await asyncio.sleep(3600)
            if fault == "drip":
                await _drip(event, writer)
            pause = 0.2 if fault == "slow" else self.pause
            if pause:
                await writer.drain()
                await asyncio.sleep(pause)
            writer.write(event)
        if fault == "hang done":
            await writer.drain()
            await asyncio.sleep(3600)
        writer.write(b": a comment\n\ndata: [DONE]\n\n")
        await writer.drain()

    def _events(self, body: dict[str, Any], fault: str) -> Iterator[bytes]:
        limit = body.get("max_completion_tokens", body.get("max_tokens", 10**6))
        speech = self.speak(body) if limit > self.thinks else ""
        if limit <= self.thinks:
            fault = "cut short"
        yield _chunk({"role": "assistant", "content": ""})
        if fault == "huge":
            for _ in range(200):
                yield _chunk({"content": "x" * 20_000})
        if isinstance(speech, str):
            for word in [] if fault == "silent" else _pieces(speech):
                yield _chunk({"content": word})
        else:
            yield from _calls(speech)
        finish = "stop" if isinstance(speech, str) else "tool_calls"
        finish = {"filtered": "content_filter", "cut short": "length"}.get(fault, finish)
        if fault != "no end":
            yield _chunk({}, finish)
        if fault != "no usage" and body.get("stream_options", {}).get("include_usage"):
            asked = sum(len(str(message["content"])) for message in body["messages"]) // 4
            said = min(limit, self.thinks) + len(str(speech)) // 4 + 1
            usage = {
                "prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said,
            }  # fmt: skip
            yield _event({**_HEAD, "choices": [], "usage": usage})


_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODELS[0]}


async def _drip(event: bytes, writer: asyncio.StreamWriter) -> None:
    """One byte a second, for as long as somebody listens."""
    for byte in event:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return _event({**_HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), 7):
        yield text[start : start + 7]


def _calls(calls: list[tuple[str, str]]) -> Iterator[bytes]:
    for index, (name, arguments) in enumerate(calls):
        head = {"name": name, "arguments": ""}
        yield _chunk(
            {
                "tool_calls": [
                    {"index": index, "id": f"call_{index}", "type": "function", "function": head}
                ]
            }
        )
        for part in _pieces(arguments):
            yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body)
