"""``ai-trader chat``: the sandbox as a program of its own, for bots that know nothing of ours."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import typer
from aiohttp import web

from bot.cli_chat import seated

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("APP_", "TELEGRAM_"))}


class Program:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def hear(self, pattern: str) -> str:
        """Reads on until the pattern has been said; gives its first group."""
        assert self.process.stdout is not None
        while not (found := re.search(pattern, self.said)):
            line = (await asyncio.wait_for(self.process.stdout.readline(), 30)).decode()
            assert line, self.said
            self.said += line
        return found[1]

    async def end(self) -> str:
        """Stops it as Ctrl-C does; what it said last."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = await self.process.communicate()
        assert self.process.returncode == 0
        return rest.decode()


@pytest.fixture
async def chat() -> AsyncIterator[Callable[..., Awaitable[Program]]]:
    started: list[asyncio.subprocess.Process] = []

    async def start(*options: str, **environment: str) -> Program:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", "bot", "chat", "--port", "0", *options,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=ENVIRONMENT | environment,
        )  # fmt: skip
        started.append(process)
        return Program(process)

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_says_how_to_connect_and_lets_only_its_token_in(chat, http):
    program = await chat("--token", "42:mine", "--people", "Mia:de, ليلى:ar", "--count-flood")
    url = await program.hear(r"chat is at (http://127\.0\.0\.1:\d+)")
    assert "Mia 1001 (de), ليلى 1002 (ar)" in await program.hear("People +(.*)")
    assert await program.hear("token (.*)") == "42:mine"

    async def call(token: str, method: str, **parameters):
        address = f"{url}/bot{token}/{method}"
        async with http.post(address, json=parameters) as response:
            return await response.json()

    assert (await call("42:other", "getMe"))["error_code"] == 401
    assert (await call("42:mine", "getMe"))["result"]["id"] == 42
    async with http.post(f"{url}/sim/send", json={"user": 1002, "text": "/start"}) as response:
        assert response.status == 200
    for _ in range(8):
        assert (await call("42:mine", "sendMessage", chat_id=1002, text="x"))["ok"]
    assert not (await call("42:mine", "sendMessage", chat_id=1002, text="x", nonsense=1))["ok"]
    assert "1 broke the Bot API's rules, 3 came too fast" in await program.end()


async def test_it_pushes_to_a_webhook_from_the_start(chat, http):
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def hook(request: web.Request) -> web.Response:
        update = await request.json()
        heard.put_nowait((request.headers["X-Telegram-Bot-Api-Secret-Token"], update))
        return web.json_response({"method": "sendMessage", "chat_id": 1001, "text": "hello"})

    app = web.Application()
    app.router.add_post("/tg", hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/tg"
    program = await chat("--webhook", address, "--secret", "sec-1")
    url = await program.hear(r"chat is at (http://127\.0\.0\.1:\d+)")
    assert await program.hear("pushed to (.*)") == address
    async with http.post(f"{url}/sim/send", json={"user": 1001, "text": "hi"}) as response:
        assert response.status == 200
    secret, update = await asyncio.wait_for(heard.get(), 5)
    assert (secret, update["message"]["text"]) == ("sec-1", "hi")
    await program.end()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("options", "environment", "reason"),
    [
        ([], {"APP_ENV": "production"}, "APP_ENV=production"),
        (["--token", "nonsense"], {}, "no bot token"),
        (["--webhook", "https://example.com/tg"], {}, "127.0.0.1 only"),
    ],
)
async def test_it_refuses_in_one_line(chat, options, environment, reason):
    program = await chat(*options, **environment)
    said, _ = await asyncio.wait_for(program.process.communicate(), 30)
    assert program.process.returncode == 2, said.decode()
    assert reason in said.decode()
    assert "Traceback" not in said.decode()


def test_people_have_numbers_from_1001_on_and_speak_english_unless_said():
    assert [(p.id, p.first_name, p.username, p.language_code) for p in seated("Anna,Bo:pt")] == [
        (1001, "Anna", "anna", "en"),
        (1002, "Bo", None, "pt"),
    ]
    for wrong in ("", "Ann:english", "Ann:en:es", ",", ",".join(["Ann"] * 51)):
        with pytest.raises(typer.BadParameter):
            seated(wrong)
