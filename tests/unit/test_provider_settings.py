"""Keys and the provider, as the settings have them: what is wrong is named, and not repeated."""

from pathlib import Path
from typing import Any

import pytest

from bot.key_settings import key_file, keys_of, make_keys
from bot.provider_settings import parts_of, plan_of, server_of, typed_address
from bot.settings import Settings, read_settings
from engine.domain.provider import Provider
from engine.domain.secret import Secret
from engine.errors import InvalidInput
from storage.sealing import new_key_line

OAUTH: dict[str, Any] = {
    "openai_client_id": "us",
    "openai_auth_url": "https://auth.example/authorize",
    "openai_token_url": "https://auth.example/token",
    "openai_redirect_uri": "https://us.example/oauth/openai/callback",
}


def settings(home: Path, **values: Any) -> Settings:
    return Settings(_env_file=None, ai_trader_home=home, **values)


# ---- keys ------------------------------------------------------------------------------------


def test_keys_are_read_in_their_order_and_the_one_without_an_id_is_last(tmp_path: Path) -> None:
    given = f"{new_key_line('a')},\n {new_key_line('b')}"
    alone = new_key_line("x").partition(":")[2]
    assert keys_of(settings(tmp_path, encryption_keys=given)).ids == ("a", "b")
    assert keys_of(settings(tmp_path, oauth_encryption_key=alone)).ids == ("oauth",)
    both = settings(tmp_path, encryption_keys=given, oauth_encryption_key=alone)
    assert keys_of(both).ids == ("a", "b", "oauth")
    assert keys_of(settings(tmp_path, encryption_keys=" ", oauth_encryption_key="")).ids == ()


@pytest.mark.parametrize(
    "values",
    [
        {"encryption_keys": "a:CANARY"},
        {"encryption_keys": "CANARY"},
        {"oauth_encryption_key": "CANARY"},
        {"oauth_encryption_key": "Q0FOQVJZ" * 8},
        {"encryption_keys": new_key_line("oauth"),
         "oauth_encryption_key": new_key_line("x").partition(":")[2]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("env", ["development", "production"])
def test_a_wrong_key_stops_the_start_and_is_not_repeated(
    tmp_path: Path, values: dict[str, str], env: str
) -> None:
    with pytest.raises(InvalidInput, match="ENCRYPTION_KEY") as caught:
        keys_of(settings(tmp_path, app_env=env, **values))
    assert "CANARY" not in str(caught.value)
    assert "Q0FOQVJZ" not in str(caught.value)


def test_a_machine_makes_a_key_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    here = settings(tmp_path / "home")
    make_keys(here)
    file = key_file(here)
    first = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(keys_of(here).ids) == 1
    make_keys(here)
    assert file.read_bytes() == first
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    file.chmod(0o640)
    with pytest.raises(InvalidInput, match="chmod 600"):
        keys_of(here)


def test_no_key_is_made_where_one_is_given_or_outside_development(tmp_path: Path) -> None:
    for values in (
        {"encryption_keys": new_key_line("a")}, {"app_env": "production"}, {"app_env": "staging"},
    ):  # fmt: skip
        make_keys(settings(tmp_path, **values))
        assert not key_file(settings(tmp_path)).exists()


# ---- the provider ----------------------------------------------------------------------------


def test_each_provider_has_its_address_and_a_key_of_its_own(tmp_path: Path) -> None:
    here = settings(tmp_path, openai_api_key="sk-o", llm_api_key="sk-l", llm_model="gpt-4o")
    assert plan_of(here).key == Secret("sk-o")
    assert plan_of(here).base_url == "https://api.openai.com/v1"
    assert plan_of(settings(tmp_path, openai_api_key=" ", llm_api_key="sk-l")).key == Secret("sk-l")
    assert plan_of(settings(tmp_path)).key is None
    for name in Provider:
        plan = plan_of(settings(tmp_path, llm_provider=str(name), openai_api_key="sk-o"))
        assert plan.key == (Secret("sk-o") if name is Provider.OPENAI else None)
        assert plan.needs_key is (name is not Provider.OLLAMA)
    gate = settings(tmp_path, llm_base_url="http://10.0.0.5:8080/v1/")
    assert plan_of(gate).base_url == "http://10.0.0.5:8080/v1"


@pytest.mark.parametrize(
    "url", ["x", "ftp://a.example", "https://u:CANARY@a.example", "https://", "https://a b", "//a"]
)
def test_a_wrong_address_is_named_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput, match="LLM_BASE_URL") as caught:
        plan_of(settings(tmp_path, llm_base_url=url))
    assert "CANARY" not in str(caught.value)
    with pytest.raises(InvalidInput, match="base_url"):
        typed_address(url)


def test_a_typed_address_is_one_over_tls() -> None:
    assert typed_address("https://gate.example/v1/") == "https://gate.example/v1"
    for url in ("http://gate.example/v1", "https://gate.example/v1?key=x"):
        with pytest.raises(InvalidInput, match="base_url"):
            typed_address(url)


def test_a_key_with_a_line_break_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY") as caught:
        plan_of(settings(tmp_path, openai_api_key="CANARY\nX: y"))
    assert "CANARY" not in str(caught.value)


def test_oauth_is_whole_or_not_there(tmp_path: Path) -> None:
    assert server_of(settings(tmp_path)) is None
    server = server_of(settings(tmp_path, openai_client_secret="CANARY", **OAUTH))
    assert server is not None
    assert "CANARY" not in repr(server)
    assert "state=S&code_challenge=C&code_challenge_method=S256" in server.authorization_url(
        "S", "C"
    )
    for name in OAUTH:
        with pytest.raises(InvalidInput, match=name.upper()):
            server_of(settings(tmp_path, **{**OAUTH, name: ""}))
    plain = {**OAUTH, "openai_token_url": "http://auth.example/token"}
    assert server_of(settings(tmp_path, **plain)) is not None
    with pytest.raises(InvalidInput, match="OPENAI_TOKEN_URL must begin with https"):
        server_of(settings(tmp_path, app_env="production", **plain))
    assert parts_of(settings(tmp_path, llm_provider="gemini", **OAUTH)).server is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("300", 300), ("5m", 300), ("90s", 90), ("1h", 3600), ("1h30m", 5400)]
)
def test_a_time_is_seconds_or_has_its_unit(tmp_path: Path, text: str, seconds: int) -> None:
    assert settings(tmp_path, openai_refresh_skew=text).openai_refresh_skew == seconds


@pytest.mark.parametrize("text", ["", "5 minutes", "-5", "5d", "9", "2x", "1e3"])
def test_what_is_no_time_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("OPENAI_REFRESH_SKEW", text)
    with pytest.raises(InvalidInput, match="OPENAI_REFRESH_SKEW"):
        read_settings()


def test_secrets_are_read_from_files_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "openai_api_key").write_text("sk-of-a-file\n")
    (tmp_path / "encryption_keys").write_text(f"{new_key_line('f')}\n")
    found = read_settings(tmp_path)
    assert plan_of(found).key == Secret("sk-of-a-file")
    assert keys_of(found).ids == ("f",)
    assert "sk-of-a-file" not in repr(found)
