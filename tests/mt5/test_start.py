"""How the connector starts: its settings, what it refuses, what it does not need."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from broker.mt5.connector import retcodes
from broker.mt5.connector.__main__ import main
from broker.mt5.connector.retcodes import Proof, fillings, proof_of, proof_of_error
from broker.mt5.connector.settings import ConnectorSettings, read_connector_settings
from engine.errors import InvalidInput
from tests.mt5 import TOKEN

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anybody's environment or .env."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("MT5_CONNECTOR_", "LIVE_TRADING")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("token", [None, "", "short", "a" * 64, "0123456789abcdef " * 3, "ü" * 40])
def test_without_a_good_token_it_does_not_start(
    token: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if token is not None:
        monkeypatch.setenv("MT5_CONNECTOR_TOKEN", token)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "MT5_CONNECTOR_TOKEN" in told
    assert not token or len(token) < 20 or token not in told


def test_the_environment_is_read_and_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MT5_CONNECTOR_TOKEN": TOKEN, "MT5_CONNECTOR_LOGIN": "5012345",
        "MT5_CONNECTOR_PASSWORD": "hidden-word", "MT5_CONNECTOR_SERVER": "Ava-Demo 1-MT5",
        "MT5_CONNECTOR_TERMINAL": "t.exe", "LIVE_TRADING_ENABLED": "true",
        "MT5_CONNECTOR_CLOCK_ZONE": "Europe/Athens",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    made = read_connector_settings()
    assert made.terminal == Path("t.exe")
    assert made.join == {
        "login": 5012345, "server": "Ava-Demo 1-MT5", "password": "hidden-word",
    }  # fmt: skip
    assert (made.host, made.live_trading_enabled, str(made.zone)) == (
        "127.0.0.1", True, "Europe/Athens",
    )  # fmt: skip
    assert "hidden-word" not in repr(made) + str(made)
    assert TOKEN not in repr(made) + str(made)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEADLINE_SECONDS", "9"), ("PORT", "70000"), ("LOGIN", "0"), ("CLOCK_ZONE", "Nowhere")],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MT5_CONNECTOR_TOKEN", TOKEN)
    monkeypatch.setenv(f"MT5_CONNECTOR_{name}", value)
    with pytest.raises(InvalidInput, match=f"MT5_CONNECTOR_{name}"):
        read_connector_settings()


def test_every_setting_and_path_is_explained() -> None:
    page = (ROOT / "docs/metatrader.md").read_text("utf-8")
    names = {
        "LIVE_TRADING_ENABLED"
        if name == "live_trading_enabled"
        else f"MT5_CONNECTOR_{name.upper()}"
        for name in ConnectorSettings.model_fields
    }
    assert set(re.findall(r"^\| `([A-Z0-9]+_[A-Z0-9_]+)` \|", page, re.MULTILINE)) == names
    app = (ROOT / "broker/mt5/connector/app.py").read_text("utf-8")
    paths = {f"{m.upper()} {p}" for m, p in re.findall(r'web\.(get|post)\("([^"]+)"', app)}
    assert set(re.findall(r"^\| `((?:GET|POST) /mt5/\S+)` \|", page, re.MULTILINE)) == paths


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        (
            "broker.mt5.connector.__main__",
            ("tortoise", "asyncpg", "redis", "aiogram", "numpy", "pandas", "arq", "telegram"),
        ),
        ("broker.mt5.connector.worker", ("aiohttp", "pydantic", "asyncio", "sqlite3")),
    ],
)
def test_it_needs_little(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_return_codes_prove_what_they_prove() -> None:
    kinds = {
        Proof.DONE: {10009, 10010, 10025},
        Proof.AGAIN: {10004, 10020, 10021},
        Proof.LATER: {10023, 10024, 10028, 10029},
        Proof.OTHER_FILLING: {10030},
        Proof.OPEN: {0, 10008, 10011, 10012, 10031, 10000, 10047, 99_999, -1},
    }
    for proof, codes in kinds.items():
        assert {code for code in codes if proof_of(code) is not proof} == set()
    rest = {*range(10004, 10047)} - set().union(*kinds.values()) - {10005, 10037}
    assert {code for code in rest if proof_of(code) is not Proof.NOT_DONE} == set()
    lost = (-1, -3, -5, -10000, -10001, -10002, -10005)
    assert {proof_of_error(code) for code in lost} == {Proof.OPEN}
    assert {proof_of_error(code) for code in (-2, -8, -10003, -10004)} == {Proof.NOT_DONE}
    assert -10002 in retcodes.BROKEN_LINK


def test_filling_modes_are_no_bits() -> None:
    assert fillings(1, 2) == (0, 1)
    assert fillings(2, 2) == (1, 0)
    assert fillings(3, 2) == (0, 1)
    assert fillings(0, 1) == (2, 0, 1)
    assert 2 not in fillings(0, 2)
