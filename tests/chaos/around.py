"""Everything outside that an installation with known secrets talks to; each can be made to answer
with an error that repeats whatever it was sent, as real ones do.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from time import time
from typing import Any
from unittest.mock import patch

from aiohttp import web

from bot.sandbox import Person, Sandbox
from tests import hook_server, provider_server, signal_server
from tests.binance import server as binance
from tests.binance.exchange import Exchange, Symbol
from tests.chaos.leaks import ADDRESS, Watch, made_up
from tests.oanda import ACCOUNT
from tests.oanda import server as oanda
from tests.oanda.account import Account, euro
from tests.served import served

D = Decimal
#: What is planted as a name.
PLANTED = "DATABASE_OWNER_URL"
#: Secrets of the settings, and how each begins where its owner's form needs that.
_FORMS = {
    "TELEGRAM_BOT_TOKEN": "700000003:", "TELEGRAM_WEBHOOK_SECRET": "", "JWT_SECRET": "",
    "DATABASE_URL": "", "DATABASE_OWNER_URL": "", "REDIS_URL": "", "MT5_CONNECTOR_TOKEN": "",
    "BINANCE_API_KEY": "", "BINANCE_API_SECRET": "", "OANDA_TOKEN": "", "EA_API_KEY": "",
    "WEBHOOK_SECRET": "", "WEBHOOK_SECRET_PREVIOUS": "", "OPENCLAW_WEBHOOK_URL": "",
    "OPENAI_CLIENT_SECRET": "", "OPENAI_API_KEY": "", "LLM_API_KEY": "", "stored key": "",
    "password": "", "another password": "", "wrong password": "", "wrong key": "att_",
    "wrong cookie": "", "wrong code": "", "wrong state": "",
}  # fmt: skip
_KEYS = ("Authorization", "X-MBX-APIKEY", "X-API-Key")


@dataclass
class Around:
    """The stand-ins. ``echoing`` makes those that are asked by HTTP repeat what they were sent."""

    watch: Watch
    sandbox: Sandbox
    model: provider_server.ModelSite
    auth: provider_server.AuthSite
    push: signal_server.EaServer
    hooks: hook_server.HookServer
    urls: dict[str, str] = field(default_factory=dict)
    echoing: bool = False
    asked: int = 0

    def heard(self, name: str, *belongs: str) -> Any:
        """What keeps every request to one of them, and repeats it where that is wanted."""

        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            self.asked += 1
            head = "\n".join(f"{key}: {value}" for key, value in request.headers.items())
            # Telegram's bodies can be read once only; they are among the calls that are kept.
            body = b"" if name == "Telegram" else await request.read()
            text = f"{request.method} {request.raw_path}\n{head}\n{body.decode(errors='replace')}"
            self.watch.keep(f"sent to {name}", text, *belongs)
            if not self.echoing:
                told: web.StreamResponse = await handler(request)
                return told
            # What opens it comes first, as much is cut off; in the words of all of them at once.
            keys = " ".join(request.headers.get(name, "") for name in _KEYS)
            text = f"{keys} {request.raw_path}"
            said = {"ok": False, "error_code": 404, "description": text, "code": -2015, "msg": text,
                    "errorMessage": text, "message": text, "error": {"message": text}}  # fmt: skip
            return web.json_response(said, status=404 if name == "Telegram" else 401)

        return middleware

    def finish(self) -> None:
        """Keep what the raw ones were sent, and everything that Telegram was told."""
        name = "sent to the provider"
        for asked in self.model.asked:
            self.watch.keep(name, f"{asked}", "OPENAI_API_KEY", "LLM_API_KEY", "stored key")
        issued = [name for name in self.watch.secrets if name.startswith("issued by OAuth")]
        for asked in self.auth.asked:
            self.watch.keep("sent to OAuth", f"{asked}", "OPENAI_CLIENT_SECRET", *issued)
        for headers in self.push.headers:
            self.watch.keep("sent to the EA server", f"{headers}", "EA_API_KEY")
        for body in self.push.bodies:
            self.watch.keep("sent to the EA server", body)
        for came in self.hooks.came:
            self.watch.keep("webhooks", f"{came.path}", "OPENCLAW_WEBHOOK_URL", ADDRESS)
            self.watch.keep("webhooks", f"{came.headers}{came.body!r}")
        self.watch.keep("calls", f"{list(self.sandbox.calls)}", "TELEGRAM_WEBHOOK_SECRET")
        self.watch.keep("chats", f"{[self.sandbox.messages(who) for who in (1001, 1003)]}")

    def issued(self) -> None:
        """Look for what the provider gave out, too."""
        for number, token in enumerate((*self.auth.codes, *self.auth.access, *self.auth.refreshes)):
            self.watch.secrets.setdefault(f"issued by OAuth {number}", token)


@asynccontextmanager
async def around(watch: Watch, chance: Random, *, planted: bool) -> AsyncIterator[Around]:
    """All of them on this machine, with secrets that are made up and watched. ``planted`` gives a
    person of the chat one of them as a name, which goes everywhere.
    """
    for name, begins in _FORMS.items():
        watch.add(name, begins + made_up(chance))
    secret = watch.secrets
    key = secret["EA_API_KEY"]
    shouted = signal_server.answer(403, f'{{"message": "key {key} is not known"}}')
    async with AsyncExitStack() as stack:
        for module, names in (
            (binance, {"KEY": "BINANCE_API_KEY", "SECRET": "BINANCE_API_SECRET"}),
            (oanda, {"TOKEN": "OANDA_TOKEN"}),
            (signal_server, {"KEY": "EA_API_KEY"}),
        ):
            for name, whose in names.items():
                stack.enter_context(patch.object(module, name, secret[whose]))
        stack.enter_context(patch.dict(signal_server._UNTAKEN, {"403": shouted}))
        path = f"nothing is at /hook/{secret['OPENCLAW_WEBHOOK_URL']}"
        repeated = hook_server.answer(404, path.encode())
        stack.enter_context(patch.dict(hook_server.ANSWERS, {"echo": repeated}))
        made = Around(
            watch=watch,
            sandbox=Sandbox(
                token=secret["TELEGRAM_BOT_TOKEN"],
                enforce_flood=False,
                strict=False,
                people=[
                    Person(1001, secret[PLANTED] if planted else "Ann", "ann1", "en"),
                    Person(1003, "Eve", "eve1", "en"),
                ],
            ),
            model=await stack.enter_async_context(
                served(provider_server.ModelSite(key=secret["stored key"]))
            ),
            auth=await stack.enter_async_context(
                served(provider_server.AuthSite(client_secret=secret["OPENAI_CLIENT_SECRET"]))
            ),
            push=await stack.enter_async_context(signal_server.ea_server()),
            hooks=await stack.enter_async_context(hook_server.hook_server()),
        )
        made.push.fate = lambda _: "403" if made.echoing else ""
        made.hooks.fate = lambda _: "echo" if made.echoing else ""
        apps = {
            "Telegram": (made.sandbox.app(), "TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET"),
            "Binance": (_binance(), "BINANCE_API_KEY"),
            "OANDA": (_oanda(), "OANDA_TOKEN"),
            "the connector": (web.Application(), "MT5_CONNECTOR_TOKEN"),
        }
        for name, (app, *belongs) in apps.items():
            app.middlewares.append(made.heard(name, *belongs))
            made.urls[name] = await stack.enter_async_context(_served(app))
        yield made


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _binance() -> web.Application:
    exchange = Exchange(now=lambda: int(time() * 1000))
    exchange.add(Symbol("BTCUSDT", "BTC", "USDT", D("60000.00"), D("60000.01")))
    exchange.hold("USDT", "10000")
    return binance.Server(exchange).app()


def _oanda() -> web.Application:
    account = Account(now=lambda: datetime.now(UTC))
    account.add(euro())
    return oanda.Server(account).app()


def settings(made: Around) -> dict[str, str]:
    """The environment of an installation among them, apart from its servers and its venue."""
    secret = made.watch.secrets
    same = (
        "TELEGRAM_BOT_TOKEN", "JWT_SECRET", "MT5_CONNECTOR_TOKEN", "BINANCE_API_KEY",
        "BINANCE_API_SECRET", "OANDA_TOKEN", "EA_API_KEY", "WEBHOOK_SECRET",
        "WEBHOOK_SECRET_PREVIOUS", "OPENAI_CLIENT_SECRET",
    )  # fmt: skip
    return {
        **{name: secret[name] for name in same},
        "TELEGRAM_API_URL": made.urls["Telegram"],
        "MT5_CONNECTOR_URL": made.urls["the connector"],
        "BINANCE_URL": made.urls["Binance"],
        "OANDA_URL": made.urls["OANDA"],
        "OANDA_ACCOUNT": ACCOUNT,
        "OPENCLAW_WEBHOOK_URL": made.hooks.url(f"/hook/{secret['OPENCLAW_WEBHOOK_URL']}"),
        "WEBHOOKS_ALLOW_PRIVATE": "true",
        "EA_PUSH_ENABLED": "true",
        "EA_SERVER_URL": made.push.url,
        "EA_PUSH_INTERVAL": "1",
        "LLM_ENABLED": "true",
        "LLM_BASE_URL": f"{made.model.url}/v1",
        "OPENAI_CLIENT_ID": made.auth.client_id,
        "OPENAI_AUTH_URL": f"{made.auth.url}/authorize",
        "OPENAI_TOKEN_URL": f"{made.auth.url}/token",
        "OPENAI_REDIRECT_URI": made.auth.redirect_uri,
        "OPENAI_REFRESH_SKEW": "10",
        "MARKET_PACE_SECONDS": "0.2",
    }
