"""The runbook names only what there is: commands with their options, files, units, settings."""

import re

import pytest

from bot.settings import Settings
from tests.terminal import problem_of
from tests.unit.test_papers import ROOT

TEXT = (ROOT / "docs/runbook.md").read_text("utf-8")
#: In a sentence, in a block of code, or in the table.
COMMANDS = sorted({*re.findall(r"(?:^\s*|`|-- )ai-trader ([a-z][^`|\n]*)", TEXT, re.MULTILINE)})
HEADINGS = (
    "Install", "Upgrade", "Rotate secrets", "The database's password", "The Telegram token",
    "JWT_SECRET", "Encryption keys", "PostgreSQL is lost", "Redis is lost",
    "The history does not verify", "Restore a backup", "The outcome of an order is unknown",
    "The terminal is gone", "The bot's token leaked", "Trading is halted",
)  # fmt: skip


def test_there_are_commands_to_look_at() -> None:
    assert {"migrate", "verify", "halt", "doctor", "replay --all"} <= {*COMMANDS}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_exists_with_these_options(words: str) -> None:
    assert problem_of(words.split()) is None


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    assert problem_of(["verify", "--no-such-option"]) is not None
    assert problem_of(["no-such-command"]) is not None
    assert problem_of(["replay", "1", "2"]) is not None
    assert problem_of([]) is not None
    assert problem_of(["command"]) is not None
    assert problem_of(["settings"]) is None


def test_every_emergency_has_its_part() -> None:
    found = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    assert {*HEADINGS} <= {*found}


def test_every_file_and_unit_is_there() -> None:
    for path in re.findall(r"\b((?:deploy/[spkg]|docker/)[\w./*@-]*\w)", TEXT):
        assert [*ROOT.glob(path)], path
    units = {*re.findall(r"ai-trader-[\w@]+(?=[\s`]|\.service|\.timer)", TEXT)}
    there = {path.name.partition(".")[0] for path in (ROOT / "deploy/systemd").iterdir()}
    assert units <= there


def test_every_secret_is_a_setting() -> None:
    for name in ("database_url", "database_owner_url", "redis_url", "telegram_bot_token"):
        assert f"`{name}`" in TEXT
    known = {*Settings.model_fields, "app_secrets_dir", "jwt_secret"}
    assert {name.lower() for name in re.findall(r"\b[A-Z]+_[A-Z_]{3,}\b", TEXT)} <= known
    assert "binance_api_key" in Settings.model_fields


def test_of_every_part_it_is_said_whether_it_was_walked() -> None:
    text, _, told = TEXT.partition("## What was walked")
    parts = {*re.findall(r"^### (.+)$", text, re.MULTILINE), "Install", "Upgrade"}
    walked = {*re.findall(r"^\| ([A-Z][^|]*?) \|", told, re.MULTILINE)}
    missing = told.partition("Not walked")[2].replace("\n", " ")
    assert len(walked) >= 10
    assert walked <= parts
    assert {part for part in parts - walked if part not in missing} == set()
