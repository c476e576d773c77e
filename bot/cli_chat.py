"""``ai-trader chat``: the local Telegram alone, as a tool for anybody's bot on this machine."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import _run, _say, _settings

if TYPE_CHECKING:
    from bot.sandbox import Person, Sandbox, ServedSandbox

FIRST_ID = 1001
MOST_PEOPLE = 50
PERSON = re.compile(r"([^:,]{1,64})(?::([a-z]{2}))?")
ANY_TOKEN = "7000000001:sandbox"  # noqa: S105 - it opens nothing


def chat(
    port: Annotated[
        int, typer.Option("--port", help="Port of the chat page; 0: a free one.")
    ] = 8088,
    token: Annotated[
        str | None, typer.Option("--token", help="The only token let in; else any is.")
    ] = None,
    people: Annotated[
        str, typer.Option("--people", help="Who is there, and their languages.")
    ] = "Ann:en,Luis:es,Eve:en",
    enforce_flood: Annotated[
        bool,
        typer.Option(
            "--enforce-flood/--count-flood", help="Refuse what is sent too fast, or only count it."
        ),
    ] = True,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Record what breaks the API's schema, let it pass.")
    ] = False,
    webhook: Annotated[
        str | None, typer.Option("--webhook", help="Push updates to this address from the start.")
    ] = None,
    secret: Annotated[
        str, typer.Option("--secret", help="The webhook's X-Telegram-Bot-Api-Secret-Token.")
    ] = "",
    state: Annotated[
        Path | None, typer.Option("--state", help="Keep the chats in this file.")
    ] = None,
) -> None:
    """Serve the local chat alone: a Bot API for bots of this machine, and its page."""
    from bot.processes import until_stopped
    from bot.sandbox import Sandbox, serve

    guests = seated(people)
    app_env = _settings(None).app_env

    async def work() -> None:
        try:
            sandbox = Sandbox(
                token=token, people=guests, enforce_flood=enforce_flood,
                strict=not lenient, state_file=state,
            )  # fmt: skip
            served = await serve(sandbox, port=port, app_env=app_env)
        except (RuntimeError, ValueError) as problem:
            raise _refused(problem) from problem
        try:
            if webhook:
                await sandbox.push_to(webhook, secret, token=token or ANY_TOKEN)
            _introduce(served, guests, token, webhook)
            await asyncio.Event().wait()
        except ValueError as problem:
            raise _refused(problem) from problem
        finally:
            await served.close()
            _sum_up(sandbox)

    _run(until_stopped(work()))


def seated(people: str) -> "list[Person]":
    """``Ann:en,Luis:es`` as people with numbers from 1001 on; a language may be left out."""
    from bot.sandbox import Person

    found: list[Person] = []
    for number, words in enumerate(people.split(",")):
        match = PERSON.fullmatch(words.strip())
        if match is None:
            raise typer.BadParameter(f"{words.strip()!r} is not a name, or a name:language")
        name, language = match[1].strip(), match[2] or "en"
        username = name.lower() if re.fullmatch(r"[A-Za-z]\w{3,31}", name, re.ASCII) else None
        found.append(Person(FIRST_ID + number, name, username, language))
    if len(found) > MOST_PEOPLE:
        raise typer.BadParameter(f"at most {MOST_PEOPLE} people fit in")
    return found


def _introduce(
    served: "ServedSandbox", people: "list[Person]", token: str | None, webhook: str | None
) -> None:
    """What one needs to connect a bot, ready to be copied."""
    shown = token or ANY_TOKEN
    names = ", ".join(f"{one.first_name} {one.id} ({one.language_code})" for one in people)
    _say(f"The chat is at {served.url}")
    _say(f"People     {names}")
    _say(f"Bot API    {served.url}   token {shown}" + ("" if token else " (any will do)"))
    _say(f'aiogram    AiohttpSession(api=TelegramAPIServer.from_base("{served.url}"))')
    _say(f'PTB        .base_url("{served.url}/bot").base_file_url("{served.url}/file/bot")')
    _say(f"ai-trader  TELEGRAM_API_URL={served.url} TELEGRAM_BOT_TOKEN={shown}")
    _say(f"Updates    {f'are pushed to {webhook}' if webhook else 'wait for getUpdates'}")


def _sum_up(sandbox: "Sandbox") -> None:
    _say(
        f"{len(sandbox.calls)} calls kept; {len(sandbox.violations)} broke the Bot API's rules, "
        f"{sandbox.flood_violations} came too fast"
    )


def _refused(problem: Exception) -> typer.Exit:
    typer.echo(f"ai-trader: {problem}", err=True)
    return typer.Exit(2)
