"""The command lists and the menu button, by scope and language."""

import re
from typing import Any

from bot.sandbox.account import ScopeKey
from bot.sandbox.errors import bad_request
from bot.sandbox.methods.call import Call

Json = dict[str, Any]

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
MOST_COMMANDS = 100


def set_my_commands(call: Call) -> bool:
    commands = call.params["commands"]
    if len(commands) > MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    if not all(COMMAND.fullmatch(command["command"]) for command in commands):
        raise bad_request("BOT_COMMAND_INVALID")
    call.telegram.account.commands[_scope(call)] = commands
    call.telegram.hub.emit("commands")
    return True


def get_my_commands(call: Call) -> list[Json]:
    return call.telegram.account.commands.get(_scope(call), [])


def delete_my_commands(call: Call) -> bool:
    call.telegram.account.commands.pop(_scope(call), None)
    call.telegram.hub.emit("commands")
    return True


def set_chat_menu_button(call: Call) -> bool:
    button = call.params.get("menu_button") or {"type": "default"}
    call.telegram.account.menus[call.params.get("chat_id")] = button
    call.telegram.hub.emit("commands")
    return True


def get_chat_menu_button(call: Call) -> Json:
    menus = call.telegram.account.menus
    return menus.get(call.params.get("chat_id")) or menus.get(None) or {"type": "commands"}


def _scope(call: Call) -> ScopeKey:
    scope = call.params.get("scope") or {"type": "default"}
    chat_id = scope.get("chat_id")
    if chat_id is not None and call.telegram.world.find_chat(chat_id) is None:
        raise bad_request("chat not found")
    return scope["type"], chat_id, scope.get("user_id"), call.params.get("language_code", "")
