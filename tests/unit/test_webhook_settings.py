"""Webhook mode's settings: what is refused, and that it says what to do."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from bot.settings import Settings
from bot.webhook_settings import PATH, plan_of
from engine.errors import InvalidInput

SECRET = "0123456789abcdef" * 4


def given(**values: object) -> Settings:
    base: dict = {"telegram_webhook_url": "https://bot.example.org",
                  "telegram_webhook_secret": SecretStr(SECRET)}  # fmt: skip
    return Settings(_env_file=None, **{**base, **values})  # type: ignore[call-arg,arg-type]


def test_no_url_is_long_polling() -> None:
    assert plan_of(given(telegram_webhook_url=None)) is None


@pytest.mark.parametrize(
    ("url", "called"),
    [("https://bot.example.org", f"https://bot.example.org{PATH}"),
     ("https://bot.example.org/", f"https://bot.example.org{PATH}"),
     ("https://bot.example.org:8443/own/path", "https://bot.example.org:8443/own/path")],
)  # fmt: skip
def test_address_without_a_path_gets_ours(url: str, called: str) -> None:
    plan = plan_of(given(telegram_webhook_url=url))
    assert plan is not None
    assert plan.url == called


@pytest.mark.parametrize(
    "url",
    ["http://bot.example.org", "bot.example.org", "https://", "https://user:pw@bot.example.org",
     "https://bot.example.org:9000", "https://bot.example.org:port", "ftp://x", ""],
)  # fmt: skip
def test_address_that_telegram_cannot_call_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="TELEGRAM_WEBHOOK_URL"):
        plan_of(given(telegram_webhook_url=url))


def test_plain_http_is_for_this_machine_and_never_for_production() -> None:
    local = {"telegram_webhook_url": "http://127.0.0.1:9000", "telegram_api_url": "http://x"}
    assert plan_of(given(**local)) is not None
    with pytest.raises(InvalidInput, match="https"):
        plan_of(given(**local, app_env="production"))


@pytest.mark.parametrize("secret", [None, "short", "a" * 64, SECRET[:31], "ab" * 40])
def test_secret_that_can_be_guessed_is_refused_in_production(secret: str | None) -> None:
    value = None if secret is None else SecretStr(secret)
    with pytest.raises(InvalidInput, match="openssl rand") as refused:
        plan_of(given(app_env="production", telegram_webhook_secret=value))
    assert secret is None or secret not in str(refused.value)


@pytest.mark.parametrize("secret", ["", "with space", "a" * 257, "ü" * 40, "a\n"])
def test_secret_in_another_alphabet_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError):
        given(telegram_webhook_secret=secret)


def test_certificate_needs_its_key_and_both_must_be_there(tmp_path: Path) -> None:
    here = tmp_path / "x.pem"
    here.write_text("x")
    for wrong in (
        {"telegram_webhook_certificate": here},
        {"telegram_webhook_key": here},
        {"telegram_webhook_certificate": here, "telegram_webhook_key": tmp_path / "gone"},
        {"telegram_webhook_self_signed": True},
    ):
        with pytest.raises(InvalidInput):
            plan_of(given(**wrong))
    both = {"telegram_webhook_certificate": here, "telegram_webhook_key": here}
    assert plan_of(given(**both)) is not None
