"""What a line of the log looks like, and what it must not hold."""

import json
import logging

import pytest

from bot.logs import json_formatter, set_up

TOKEN = "123456789:" + "A" * 35


def line(message: str, *values: object, exc_info: object = None) -> str:
    record = logging.LogRecord(
        "bot.some",
        logging.WARNING,
        __file__,
        1,
        message,
        values,
        exc_info,  # type: ignore[arg-type]
    )
    return json_formatter().format(record)


def test_a_line_is_one_json_object_whatever_the_message_holds() -> None:
    text = line("row %s\nto %s", '{"a": 1}', "Zoë")
    assert "\n" not in text
    told = json.loads(text)
    assert told["event"] == 'row {"a": 1}\nto Zoë'
    assert told["level"] == "warning"
    assert told["logger"] == "bot.some"
    assert told["at"].endswith("Z")


def test_secrets_are_masked_in_messages_and_tracebacks() -> None:
    try:
        raise OSError(f"https://api.telegram.org/bot{TOKEN}/getMe")
    except OSError as error:
        text = line(
            "at postgres://u:hunter2@db/x", exc_info=(type(error), error, error.__traceback__)
        )
    assert TOKEN not in text
    assert "hunter2" not in text
    assert "getMe" in json.loads(text)["exception"]


def test_settings_that_are_read_late_still_choose_the_form(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a process starts: it logs, then reads its settings, then others ask for a log again."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up()
    logging.getLogger("bot.some").warning("one")
    set_up(as_json=True)
    set_up()
    logging.getLogger("bot.some").warning("two")
    text, told = capsys.readouterr().err.splitlines()
    assert text.endswith("WARNING one")
    assert json.loads(told)["event"] == "two"
