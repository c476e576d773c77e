"""What an installation with known secrets lives through: people, scripts, faults, and a kill."""


# ruff: noqa: ASYNC110 -- what is waited for happens in other processes

import asyncio
import os
import re
import signal
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bot.api.app import routes
from bot.commands import COMMANDS
from storage.sealing import new_key_line
from tests.chaos.around import Around, settings
from tests.chaos.demo import _free_port
from tests.chaos.installation import Installation
from tests.chaos.leaks import ADDRESS, Watch, made_up
from tests.chaos.misplaced import WRONG
from tests.terminals import Ea

VENUES = ("paper", "mt_bridge", "mt5", "binance", "oanda")
ANN, EVE = 1001, 1003
EMAIL = "ann@example.com"
_SOME = (("doctor",), ("provider", "status"), ("webhook", "list"))
_EVERY = (
    *_SOME, ("status",), ("verify",), ("settings", "list"), ("provider", "test"), ("key", "list"),
    ("keys", "count"), ("push", "--status"), ("push", "--test"),
)  # fmt: skip
#: What would stop the run itself.
_NOT_SAID = ("stop", "panic", "start")


@dataclass
class Story:
    """One run: what is around, what runs, and what came of it."""

    watch: Watch
    outside: Around
    place: Installation
    chance: Random
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)

    async def life(self, venue: str, **more: str) -> None:
        """One installation of a venue, from its first start to a kill and a start after it."""
        self._keys(venue)
        port = _free_port()
        secret = self.watch.secrets
        extra = {
            "BROKER": venue, "ACCOUNT_ID": f"{venue}-1", "API_PORT": str(port),
            "LOG_FORMAT": "text" if venue in ("paper", "oanda") else "json",
            "ENCRYPTION_KEYS": f"k1:{secret[f'vault key of {venue}']}=",
            "OAUTH_ENCRYPTION_KEY": f"{secret[f'OAuth key of {venue}']}=",
        }  # fmt: skip
        if venue == "mt_bridge":
            hook = str(_free_port())
            extra |= {
                "EA_PORT": str(_free_port()), "TELEGRAM_WEBHOOK_PORT": hook,
                "TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{hook}",
                "TELEGRAM_WEBHOOK_SECRET": secret["TELEGRAM_WEBHOOK_SECRET"],
            }  # fmt: skip
        if venue in ("mt5", "binance"):
            extra |= {name: secret[name] for name in ("OPENAI_API_KEY", "LLM_API_KEY")}
        await self.place.begin(f"life_{venue}", **settings(self.outside), **extra, **more)
        async with self.place.running("up") as process:
            await self._until(self._answers, "the API")
            key = await self._settle(venue)
            await self._everyday(key)
            if venue == "mt_bridge":
                await self._terminal()
            await self._faults(key)
            os.killpg(process.pid, signal.SIGKILL)
        async with self.place.running("up") as process:
            await self._until(self._answers, "the API after a kill")
            await self._read(key)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 60)
        await self._commands(_EVERY if venue == VENUES[0] else _SOME)
        await self.place.dump()
        self.outside.issued()

    def _keys(self, venue: str) -> None:
        for name in ("vault", "OAuth"):
            line = new_key_line("k")
            self.watch.add(f"{name} key of {venue}", line.partition(":")[2].rstrip("="))

    async def _answers(self) -> bool:
        try:
            return (await self.place.ask("GET", "/health"))[0] == 200
        except aiohttp.ClientError:
            return False

    async def _until(self, look: Any, what: str, seconds: float = 120) -> Any:
        try:
            async with asyncio.timeout(seconds):
                while not (found := await look()):
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise RuntimeError(f"waited for {what}: {self.place.log()[-3000:]}") from None
        return found

    async def _say(self, text: str, who: int = ANN, wanted: str = ".") -> str:
        """Write to the bot; what of its answers within some seconds is like what is wanted."""
        box = self.outside.sandbox
        before = len(box.messages(who))
        await box.send(who, text)
        for _ in range(80):
            await asyncio.sleep(0.1)
            for found in box.messages(who)[before + 1 :]:
                match = re.search(wanted, str(found.get("text") or found.get("caption")))
                if match:
                    self.counts["chat answers"] = self.counts.get("chat answers", 0) + 1
                    return match[0]
        return ""

    async def _settle(self, venue: str) -> str:
        """Ann claims the bot, gets a password and a key; the key."""

        async def printed() -> str | None:
            found = re.search(r"/start ([\w-]+)", self.place.log())
            return found[1] if found else None

        code = await self._until(printed, "the code")
        await self._say("/start not-the-code", EVE)
        await self._until(lambda: self._say(f"/start {code}"), "an answer in the chat")
        secret, ask = self.watch.secrets, self.place.ask
        given = await self._say("/web", wanted=r"\b[A-Za-z0-9_-]{20,}")
        assert given, self.outside.sandbox.messages(ANN)[-2:]
        wanted = {"email": EMAIL, "password": secret["password"]}
        await ask("POST", "/v1/auth/activate", json={**wanted, "code": secret["wrong code"]})
        status, _ = await ask("POST", "/v1/auth/activate", json={**wanted, "code": given})
        assert status == 201
        wrong = {"email": EMAIL, "password": secret["wrong password"]}
        await ask("POST", "/v1/auth/login", json=wrong)
        await ask("POST", f"/v1/auth/login?password={secret['password']}", json=wanted)
        await ask("POST", "/v1/auth/login", data=f'{{"password": "{secret["password"]}"')
        # Who sends a field that nobody knows is told its name.
        await ask("POST", "/v1/auth/login", "password", json={**wanted, secret["password"]: 1})
        self.watch.keep("commands", await self.place.command("user", "list"))
        told = await self.place.command("key", "add", str(ANN), "--name", "it", "--role", "admin")
        key = re.search(r"^att_\S+$", told, re.MULTILINE)
        assert key, told
        name = f"key of {venue}"
        self.watch.add(name, key[0][12:])
        self.watch.keep("commands", told, name)
        await self._session(venue)
        return key[0]

    async def _session(self, venue: str) -> None:
        """Log in as a browser does: the cookie is a secret too."""
        secret = self.watch.secrets
        address = f"http://127.0.0.1:{self.place.environ['API_PORT']}/v1/auth/login"
        wanted = {"email": EMAIL, "password": secret["password"]}
        async with self.place.http.post(address, json=wanted) as answer:
            assert answer.status == 200, await answer.text()
            cookie = answer.cookies["auth_token"].value
        self.watch.add(f"cookie of {venue}", cookie.rpartition(".")[2])
        headers = {"Cookie": f"auth_token={cookie}"}
        await self.place.ask("GET", "/v1/auth/me", headers=headers)
        body = {"current_password": secret["wrong password"], "password": secret["password"]}
        await self.place.ask("POST", "/v1/auth/password", headers=headers, json=body)

    async def _everyday(self, key: str) -> None:
        """What people and scripts do: everything that is read, and what has to do with secrets."""
        for command in COMMANDS:
            if command.name not in _NOT_SAID:
                await self._say(command.example or f"/{command.name}")
        await self._read(key)
        await self._wrongly()
        await self._provider(key)
        await self._webhooks(key)

    async def _read(self, key: str) -> None:
        for path in ("/health", "/ready", "/metrics", "/v1/docs", "/v1/openapi.json"):
            await self.place.ask("GET", path)
        for route in routes():
            if not route.changes and "{" not in route.path and not route.path.endswith("/start"):
                await self.place.ask("GET", route.path, key=key)

    async def _wrongly(self) -> None:
        """Come with what opens nothing."""
        secret, ask = self.watch.secrets, self.place.ask
        wrong = secret["wrong key"]
        await ask("GET", "/v1/auth/me", key=wrong)
        await ask("GET", "/v1/auth/me", headers={"Authorization": f"Bearer {wrong}"})
        await ask("GET", f"/v1/auth/me?key={wrong}", key=wrong)
        await ask("GET", f"/v1/{wrong}/x")
        await ask(
            "POST", "/v1/bot/pause", headers={"Cookie": f"auth_token={secret['wrong cookie']}"}
        )
        await ask("PUT", "/v1/ai/provider", key=wrong, json={"key": secret["stored key"]})
        state = secret["wrong state"]
        await ask("GET", f"/oauth/openai/callback?state={state}&code={secret['wrong code']}")

    async def _provider(self, key: str) -> None:
        secret, ask = self.watch.secrets, self.place.ask
        await ask("PUT", "/v1/ai/provider", key=key, json={"key": secret["stored key"], "x": 1})
        await ask("PUT", "/v1/ai/provider", key=key, json={"key": secret["stored key"] + " \u00e9"})
        await ask("PUT", "/v1/ai/provider", key=key, json={"key": secret["stored key"]})
        await ask("POST", "/v1/ai/llm/test", key=key)
        _, told = await ask("GET", "/oauth/openai/start", key=key)
        if isinstance(told, dict) and told.get("auth_url"):
            async with self.place.http.get(told["auth_url"], allow_redirects=False) as answer:
                back = urlsplit(answer.headers["Location"])
            given = parse_qs(back.query)
            await ask("GET", f"/oauth/openai/callback?state={given['state'][0]}&code=no")
            await ask("GET", f"/oauth/openai/callback?{back.query}")
            await ask("GET", f"/oauth/openai/callback?{back.query}")
        self.outside.issued()
        await ask("POST", "/v1/ai/llm/test", key=key)

    async def _webhooks(self, key: str) -> None:
        """Hooks of people's own: their secrets are told once, and their addresses hold one."""
        ask, watch = self.place.ask, self.watch
        if ADDRESS not in watch.secrets:
            watch.add(ADDRESS, made_up(self.chance))
            watch.stored[ADDRESS] = frozenset({"backup", "files of the servers"})
        url = self.outside.hooks.url(f"/mine/{watch.secrets[ADDRESS]}")
        wanted = {"url": url, "description": "mine"}
        status, told = await self._told_secret("POST", "/v1/webhooks", key, wanted)
        assert status == 201, told
        number = told["webhook"]["id"]
        await ask("POST", f"/v1/webhooks/{number}/test", key=key)
        await self._told_secret("POST", f"/v1/webhooks/{number}/rotate", key, {})
        await ask("POST", "/v1/bot/pause", key=key)
        await ask("GET", f"/v1/webhooks/{number}/deliveries", key=key)
        for one in (await ask("GET", "/v1/webhooks", key=key))[1]:
            await ask("POST", f"/v1/webhooks/{one['id']}/test", key=key)

    async def _told_secret(self, method: str, path: str, key: str, body: Any) -> tuple[int, Any]:
        """Ask for what is shown once; it is looked for from then on."""
        address = f"http://127.0.0.1:{self.place.environ['API_PORT']}{path}"
        async with self.place.http.request(
            method, address, json=body, headers={"X-API-Key": key}
        ) as answer:
            told = await answer.json()
            name = f"webhook secret {len(self.watch.secrets)}"
            if answer.status < 300:
                self.watch.add(name, told["secret"].removeprefix("whsec_").rstrip("="))
            return answer.status, told

    async def _terminal(self) -> None:
        """A MetaTrader terminal registers with the code of the chat, and speaks."""
        base = f"http://127.0.0.1:{self.place.environ['EA_PORT']}"
        async with aiohttp.ClientSession(base) as client:
            ea: Any = Ea(client)  # type: ignore[arg-type]
            await ea.register(self.watch.secrets["wrong code"])
            status, answer = await ea.register(await self._code())
            assert status == 200, answer
            self.watch.add("terminal's token", ea.token)
            await ea.beat()
            ea.token = self.watch.secrets["wrong key"]
            await ea.beat()

    async def _code(self) -> str:
        """The connect code that a tap shows."""
        box = self.outside.sandbox
        await self._say("/ea")
        number, label = next(
            (message["message_id"], button["text"])
            for message in reversed(box.messages(ANN))
            for row in (message.get("reply_markup") or {}).get("inline_keyboard", [])
            for button in row
            if "Connect code" in button["text"]
        )
        query = await box.tap(ANN, number, label=label)
        answer = await box.wait_for(lambda: box.answers.get(query), seconds=20)
        found = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}", answer["text"])
        assert found, answer
        return found[0]

    async def _faults(self, key: str) -> None:
        """Everybody outside repeats what they are sent; then no password is right any more."""
        self.outside.echoing = True
        for path in ("/v1/ai/llm/test", "/v1/signals/push"):
            await self.place.ask("POST", path, key=key)
        for path in ("/v1/account", "/v1/system/diagnosis", "/v1/signals/test-connection"):
            await self.place.ask("GET", path, key=key)
        self.watch.keep("commands", await self.place.command("doctor"))
        await asyncio.sleep(self.seconds)
        self.outside.echoing = False
        await self.place.refused(self.seconds)
        self.watch.keep("commands", await self.place.command("doctor", DATABASE_URL=self.place.url))
        await self._until(self._answers, "the API after faults")
        await asyncio.sleep(1)
        await self._say("/doctor")
        await self._read(key)

    async def _commands(self, wanted: tuple[tuple[str, ...], ...]) -> None:
        for words in wanted:
            self.watch.keep("commands", await self.place.command(*words))
        typed = await self.place.command(
            "provider", "connect", feed=self.watch.secrets["stored key"] + "\n"
        )
        self.watch.keep("commands", typed)

    async def misplaced(self, wanted: int) -> None:
        """Commands with settings that are wrong."""
        for number, (command, given) in enumerate(WRONG[:wanted]):
            secret = self.watch.add(f"misplaced {next(iter(given))} {number}", made_up(self.chance))
            held = {name: value.replace("{}", secret) for name, value in given.items()}
            told = await self.place.command(command, seconds=8, **held)
            self.watch.keep("wrong settings", f"{command} {sorted(given)}\n{told}")
            self.counts["wrong settings"] = self.counts.get("wrong settings", 0) + 1
