"""The tables of commands and buttons name everything that is handled, and nothing else."""

import ast
from pathlib import Path

import pytest
from aiogram.filters import Command

import bot
from bot import callbacks
from bot.commands import ACTIONS, COMMANDS, commands_of
from bot.handlers import routers
from bot.i18n import LANGUAGES, words_for
from engine.domain.person import Role

BOT = Path(bot.__file__).parent


def handled_commands() -> set[str]:
    """Every command a handler is registered for."""
    return {
        name
        for router in routers()
        for handler in router.message.handlers
        for found in handler.filters or ()
        if isinstance(found.callback, Command)
        for name in found.callback.commands
    }


def texts_of(magic: object) -> list[str]:
    """The texts a filter such as ``F.data.startswith("v1:ok:")`` compares with."""
    found: list[object] = []
    for step in magic._operations:  # type: ignore[attr-defined]
        found += [*getattr(step, "args", ()), getattr(step, "right", None)]
    return [text for text in found if isinstance(text, str)]


def handled_actions() -> set[str | None]:
    """The action of every button a handler is registered for."""
    return {
        callbacks.action(text)
        for router in routers()
        for handler in router.callback_query.handlers
        for found in handler.filters or ()
        for text in texts_of(found.magic)
    }


def offered_actions() -> set[str]:
    """Every action a view or a handler makes a button of, where it is written out."""
    found = set()
    for path in [*(BOT / "views").glob("*.py"), *(BOT / "handlers").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            first = node.args[0] if node.args and node.func.attr in ("pack", "idea") else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def test_every_command_that_is_handled_is_in_the_table():
    assert handled_commands() == {command.name for command in COMMANDS}


def test_every_button_that_is_handled_or_offered_is_in_the_table():
    assert handled_actions() == set(ACTIONS)
    assert len(offered_actions()) > 10
    assert offered_actions() <= set(ACTIONS)


def test_a_stranger_has_one_command_and_no_button():
    assert [command.name for command in commands_of(Role.PENDING)] == ["start"]
    assert commands_of(Role.REFUSED) == ()
    assert all(role.has_access for role in ACTIONS.values())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_an_example_uses_its_command(command):
    assert command.example == "" or command.example.split()[0] == f"/{command.name}"
    for language in LANGUAGES:
        words = words_for(language)
        if words.has(f"usage.{command.name}"):
            assert f"/{command.name}" in words(f"usage.{command.name}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", [role for role in Role if role.has_access])
def test_a_menu_is_one_telegram_takes(language, role):
    words = words_for(language)
    menu = [(one.name, words(f"command.{one.name}")) for one in commands_of(role)]
    assert 0 < len(menu) <= 100
    assert all(name.isascii() and name == name.lower() and len(name) <= 32 for name, _ in menu)
    assert all(0 < len(text) <= 256 for _, text in menu)
