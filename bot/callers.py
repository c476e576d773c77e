"""Webhook mode: the server, where Telegram is told to call, and what it says of its calls."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import FSInputFile, WebhookInfo
from aiohttp import web

from bot.dispatcher import UPDATES
from bot.listening import listening
from bot.webhook_settings import Plan
from engine.errors import InvalidInput

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 5.0
_LOOK_SECONDS = 300.0
#: Updates of one chat come one after the other whatever this is.
_CONNECTIONS = 20


@asynccontextmanager
async def serving(app: web.Application, plan: Plan) -> AsyncIterator[int]:
    """Serve an application where the plan says; the value is the port. At the end no more is
    accepted, and what is being answered is answered.
    """
    tls = _tls(plan)
    async with listening(app, plan.host, plan.port, patience=5.0, tls=tls) as (_, port):
        yield port


def _tls(plan: Plan) -> ssl.SSLContext | None:
    if plan.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(plan.certificate, plan.key)
    except ssl.SSLError as error:
        raise InvalidInput(f"the webhook's certificate cannot be used: {error.reason}") from error
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Tells Telegram where to call, and looks now and then what it says of its calls."""

    bot: Bot
    plan: Plan

    async def run(self) -> None:
        """Set the webhook, however long it takes, and watch it for ever."""
        seen: datetime | None = None
        is_set = False
        while True:
            if is_set:
                seen = await self._look(seen)
            else:
                is_set = await self._set()
            await asyncio.sleep(_LOOK_SECONDS if is_set else _PAUSE_SECONDS)

    async def _set(self) -> bool:
        """What waits is kept: a stop sent while nobody listened must be heard."""
        certificate = self.plan.certificate if self.plan.self_signed else None
        try:
            await self.bot.set_webhook(
                self.plan.url,
                certificate=None if certificate is None else FSInputFile(certificate),
                secret_token=self.plan.secret.get_secret_value(),
                allowed_updates=UPDATES,
                max_connections=_CONNECTIONS,
                drop_pending_updates=False,
            )
        except (AiogramError, OSError, TimeoutError) as error:
            log.warning("the webhook was not set: %s", error)
            return False
        return True

    async def _look(self, seen: datetime | None) -> datetime | None:
        """Log what went wrong since the last look; the answer is when that was."""
        try:
            info = await self.bot.get_webhook_info()
        except (AiogramError, OSError, TimeoutError) as error:
            log.warning("Telegram does not answer: %s", error)
            return seen
        if info.url != self.plan.url:
            log.error("somebody has set another webhook for this bot; setting ours again")
            await self._set()
        return _complaint(info, seen)


def _complaint(info: WebhookInfo, seen: datetime | None) -> datetime | None:
    if info.last_error_date is None or info.last_error_date == seen:
        return seen
    log.warning(
        "Telegram could not deliver to the webhook at %s: %s; %s updates wait",
        info.last_error_date,
        info.last_error_message,
        info.pending_update_count,
    )
    return info.last_error_date
