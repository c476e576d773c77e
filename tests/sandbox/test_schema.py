"""The rules of the Bot API: how they are read from prose, and what they refuse."""

import pytest

from bot.sandbox.compile_schema import field_of, returns_of, type_of
from bot.sandbox.methods import METHODS
from bot.sandbox.schema import load_schema

SCHEMA = load_schema()


def test_the_schema_is_that_of_bot_api_10_3_and_has_every_method_of_the_sandbox():
    assert SCHEMA.version == "10.3"
    assert all(SCHEMA.method_name(name) == name for name in METHODS)


def test_types_are_read_from_prose():
    assert type_of("Array of Array of PhotoSize") == {"of": {"of": "PhotoSize"}}
    assert type_of("Integer or String") == ["Integer", "String"]
    assert type_of("Array of A, B and C") == {"of": ["A", "B", "C"]}


@pytest.mark.parametrize(
    ("prose", "rule"),
    [
        ("Data, 1-64 bytes", {"length": [1, 64, "bytes"]}),
        ("Name of it, 1 to 32 characters", {"length": [1, 32, "characters"]}),
        ("Text, 1-4096 characters after entities parsing", {}),
        ("Values between 1-100 are accepted", {"range": [1, 100]}),
        ("Scope type, must be all_group_chats", {"enum": ["all_group_chats"]}),
        ("Must be one of 'danger' (red), 'success' (green) or 'primary' (blue).", None),
        ("must include 2-10 items", {"items": [2, 10]}),
    ],
)
def test_rules_are_read_from_prose(prose, rule):
    field = field_of({"name": "x", "type": "String", "required": False, "description": prose})
    del field["type"]
    assert field == ({"enum": ["danger", "success", "primary"]} if rule is None else rule)


def test_what_a_method_answers_is_read_from_prose():
    known = {"Message", "True", "Update"}
    either = "On success, the edited Message is returned, otherwise True is returned."
    assert returns_of("Returns an Array of Update objects.", known) == {"of": "Update"}
    assert returns_of(either, known) == ["Message", "True"]


def errors(method, **raw):
    return SCHEMA.decode(method, raw, ())[1]


def test_strings_from_a_form_become_typed_values():
    raw = {"chat_id": "-5", "text": "7", "protect_content": "true", "reply_parameters": "{}"}
    values, problems = SCHEMA.decode("sendmessage", raw, ())
    assert problems == []
    assert values == {"chat_id": -5, "text": "7", "protect_content": True, "reply_parameters": {}}
    assert errors("sendMessage", chat_id="@name", text="x", reply_markup=None) == []


@pytest.mark.parametrize(
    ("method", "raw", "problem"),
    [
        ("sendMessage", {"chat_id": 1}, "sendMessage.text: required"),
        ("sendMessage", {"chat_id": 1, "text": 5}, "String expected, got 5"),
        ("sendMessage", {"chat_id": 1.5, "text": "x"}, "Integer expected, got 1.5"),
        ("sendMessage", {"chat_id": 1, "text": "x", "entities": "{"}, "not JSON"),
        ("sendMessage", {"chat_id": 1, "text": "x", "entities": {}}, "Array expected, got dict"),
        ("sendMessage", {"chat_id": 1, "text": "x", "entities": [1]}, "MessageEntity expected"),
        ("getUpdates", {"limit": 101}, "101, allowed 1-100"),
        ("sendMediaGroup", {"chat_id": 1, "media": []}, "0 items, 2-10"),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "201 characters"),
        (
            "setMyCommands",
            {"commands": [], "scope": {"type": "nobody"}},
            "must be one of",
        ),
        (
            "sendMessage",
            {
                "chat_id": 1,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "style": "pink"}]]},
            },
            "must be one of ['danger', 'success', 'primary']",
        ),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_place(method, raw, problem):
    found = errors(method, **raw)
    assert any(problem in words for words in found), found


def test_the_sandboxs_own_answers_are_checked_too():
    assert SCHEMA.check_result("deleteMessage", True) == []
    assert SCHEMA.check_result("deleteMessage", {"ok": 1}) == [
        "deleteMessage: True expected, got {'ok': 1}"
    ]
    assert "required" in SCHEMA.check_result("getMe", {"id": 1})[0]
