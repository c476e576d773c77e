"""Delivers updates to the bot's own HTTP endpoint instead of waiting for getUpdates."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from bot.sandbox.clock import Clock
from bot.sandbox.parts import read_part
from bot.sandbox.updates import UpdateQueue
from bot.sandbox.world import Upload

Json = dict[str, Any]
Answer = tuple[Json, dict[str, Upload]]
# Carries out a method that the bot wrote into its answer.
Execute = Callable[[str, Json, dict[str, Upload]], Awaitable[object]]

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
# A bot may ask for its own delay by Retry-After; from tdlib/telegram-bot-api, WebhookActor.
LONGEST_ASKED = 3600
NOT_FROM_ANSWERS = ("get", "setwebhook", "deletewebhook", "logout", "close")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK


@dataclass(slots=True)
class Webhook:
    url: str = ""
    secret: str = ""
    max_connections: int = 40
    error: tuple[int, str] | None = None
    _task: "asyncio.Task[None] | None" = field(default=None, repr=False)

    def start(self, queue: UpdateQueue, clock: Clock, execute: Execute) -> None:
        if self.url:
            courier = Courier(self, queue, clock, execute)
            self._task = asyncio.create_task(courier.run())

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@dataclass(slots=True)
class Courier:
    """One update at a time, the same one again until it is taken, with a growing delay."""

    webhook: Webhook
    queue: UpdateQueue
    clock: Clock
    execute: Execute

    async def run(self) -> None:
        delay = FIRST_DELAY
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            while True:
                update = self.queue.next()
                if update is None:
                    self.queue.arrived.clear()
                    await self.queue.arrived.wait()
                    continue
                try:
                    answer = await self._deliver(session, update)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    self.webhook.error = (self.clock.unix(), str(error) or type(error).__name__)
                    await asyncio.sleep(_asked_wait(error) or delay)
                    delay = min(delay * 2, LONGEST_DELAY)
                    continue
                delay = FIRST_DELAY
                self.queue.delivered(update)
                await self._obey(*answer)

    async def _deliver(self, session: aiohttp.ClientSession, update: Json) -> Answer:
        headers = {SECRET_HEADER: self.webhook.secret} if self.webhook.secret else {}
        async with session.post(
            self.webhook.url, json=update, headers=headers, allow_redirects=False
        ) as response:
            if not 200 <= response.status <= 299:
                raise WrongResponse(response)
            return await _read_answer(response)

    async def _obey(self, parameters: Json, files: dict[str, Upload]) -> None:
        """The bot may put one method into its answer; what comes of it is told to nobody."""
        method = str(parameters.pop("method", ""))
        if method and not method.lower().startswith(NOT_FROM_ANSWERS):
            await self.execute(method, parameters, files)


class WrongResponse(aiohttp.ClientError):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        super().__init__(f"Wrong response from the webhook: {response.status} {response.reason}")
        asked = response.headers.get("Retry-After", "")
        self.retry_after = min(int(asked), LONGEST_ASKED) if asked.isdigit() else 0


def _asked_wait(error: Exception) -> int:
    """The seconds the bot's own server asked for, or 0."""
    return error.retry_after if isinstance(error, WrongResponse) else 0


async def _read_answer(response: aiohttp.ClientResponse) -> Answer:
    parameters: Json = {}
    files: dict[str, Upload] = {}
    if response.content_type.startswith("multipart/"):
        async for part in aiohttp.MultipartReader.from_response(response):
            if isinstance(part, aiohttp.BodyPartReader):
                await read_part(part, parameters, files)
        return parameters, files
    body = await response.text(errors="replace")
    if response.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body)), files
    with contextlib.suppress(ValueError):
        document = json.loads(body)
        parameters = document if isinstance(document, dict) else {}
    return parameters, files
