"""What a line of the log looks like, and what it must not hold."""

import json
import logging

import pytest

from bot import logs
from bot.logs import hide, json_formatter, mask, set_up
from bot.settings import Settings, secrets_in

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


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-CANARY12345.",
        "{'Authorization': 'Bearer CANARY.a-b_c~d+e/f='}",
        "Authorization: Basic CANARYdXNlcjpwYXNz",
        '{"access_token":"CANARY","token_type":"bearer","refresh_token": "CANARY"}',
        "grant_type=refresh_token&refresh_token=CANARY&client_secret=CANARY",
        "Tokens(access_token='CANARY')",
        "GET /oauth/openai/callback?code=CANARY&state=CANARY HTTP/1.1",
        "code_verifier=CANARY, api_key: CANARY",
        "X-API-Key: CANARY",
        "ENCRYPTION_KEYS=CANARY",
        f"a key CANARY:{'Z0B1QA2k' * 5}jfQ= of a list",
    ],
)
def test_keys_and_tokens_are_masked_wherever_they_stand(text: str) -> None:
    assert "CANARY" not in mask(text)
    assert "***" in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "candles of EURUSD H1 were not read: TimeoutError()",
        "2026-03-09 12:00:00 WARNING the basics of a code: state=running, key=3",
        "GET /v1/history?limit=5&after=7 200",
        "bundle 3f2a8c1d9e0b7a6f5e4d3c2b1a09f8e7d6c5b4a3928170f1e2d3c4b5a6978801: whole",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


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


def test_what_the_settings_hold_is_masked_whatever_it_looks_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "_known", set())
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None,
        database_url="postgres://ai_trader:word%40of-the-database@db:5432/x?host=/run",
        redis_url="redis://:word-of-redis-here@redis/0",
        binance_api_secret="Secret0Of0The0Exchange0With0No0Form",
        encryption_keys="k1:bytes-of-the-first-key=, k2:bytes-of-the-second-key=",
        jwt_secret="short",
    )
    hide(secrets_in(settings))
    text = mask(
        "word%40of-the-database word@of-the-database word-of-redis-here -2014:"
        " Secret0Of0The0Exchange0With0No0Form bytes-of-the-first-key= bytes-of-the-second-key="
        " short"
    )
    assert text == "*** *** *** -2014: *** *** *** short"


def test_a_third_of_a_long_password_is_masked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_known", set())
    hide(["0123456789ab-and-more-than-twice-as-much"])
    assert mask("'password': '0123456789ab-***'") == "'password': '******'"


def test_of_a_statement_to_the_database_no_value_is_told() -> None:
    told = logs._NoValues()
    for values in (["https://example.org/CANARY"], ("CANARY",), {"a": "CANARY"}):
        record = logging.makeLogRecord({"msg": "%s: %s", "args": ("INSERT INTO x", values)})
        assert told.filter(record)
        assert record.getMessage() == "INSERT INTO x: …"
    plain = logging.makeLogRecord({"msg": "BEGIN", "args": ()})
    assert told.filter(plain)
    assert plain.getMessage() == "BEGIN"
