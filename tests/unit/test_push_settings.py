"""Where signals go: what the settings allow, and that a refusal says what to write."""

import pytest
from pydantic import SecretStr, ValidationError

from bot.push_settings import PATH, server_of
from bot.settings import Settings
from engine.errors import InvalidInput

KEY = "0123456789abcdef" * 2


def given(**values: object) -> Settings:
    base: dict = {"ea_server_url": "https://ea.example.org", "ea_api_key": SecretStr(KEY)}
    return Settings(_env_file=None, **{**base, **values})  # type: ignore[call-arg,arg-type]


@pytest.mark.parametrize(
    ("url", "posted"),
    [
        ("https://192.168.15.18:8443/signals", "https://192.168.15.18:8443/signals"),
        ("https://ea.example.org", f"https://ea.example.org{PATH}"),
        ("http://127.0.0.1:8080/", f"http://127.0.0.1:8080{PATH}"),
        ("http://[::1]:8080", f"http://[::1]:8080{PATH}"),
        ("https://ea.example.org/bridge/in", "https://ea.example.org/bridge/in"),
    ],
)
def test_an_address_without_a_path_gets_the_usual_one(url: str, posted: str) -> None:
    assert server_of(given(ea_server_url=url)).url == posted


@pytest.mark.parametrize(
    ("ip", "port", "posted"),
    [
        ("192.168.15.18", 8080, "http://192.168.15.18:8080/signals"),
        ("::1", 9000, "http://[::1]:9000/signals"),
        ("ea-host.local", 8080, "http://ea-host.local:8080/signals"),
    ],
)
def test_the_parts_of_the_source_make_the_address(ip: str, port: int, posted: str) -> None:
    parts = {"ea_server_url": None, "ea_server_ip": ip, "ea_server_port": port}
    assert server_of(given(**parts)).url == posted
    assert server_of(given(ea_server_ip=ip)).url == f"https://ea.example.org{PATH}"


@pytest.mark.parametrize(
    "url",
    ["", "ea.example.org", "ftp://x/signals", "https://", "https://user:pw@x", "https://x:port",
     "https://x:0", "https://x:99999", "https://x/signals?key=1", "https://x/#a", "https://x /a",
     "https://x/\r\nX: y", "file:///etc/passwd", "https://x/" + "a" * 500],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput, match="EA_SERVER_URL") as refused:
        server_of(given(ea_server_url=url))
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("ip", ["", "a b", "1.2.3.4/x", "x@y", "http://x", "x:80"])
def test_what_is_no_host_is_refused(ip: str) -> None:
    with pytest.raises(InvalidInput, match="EA_SERVER_IP"):
        server_of(given(ea_server_url=None, ea_server_ip=ip))


def test_without_an_address_it_says_which_to_set() -> None:
    with pytest.raises(InvalidInput, match="EA_SERVER_URL is not set"):
        server_of(given(ea_server_url=None))


@pytest.mark.parametrize("key", [None, "", "with space", "line\nbreak", "ключ", "x" * 257])
def test_a_key_that_no_header_can_carry_is_refused(key: str | None) -> None:
    with pytest.raises(InvalidInput, match="EA_API_KEY") as refused:
        server_of(given(ea_api_key=None if key is None else SecretStr(key)))
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("key", ["short", "a" * 40, "mt5_trading_secure_key_2025_prod"])
def test_a_key_that_can_be_guessed_is_for_development_only(key: str) -> None:
    server_of(given(ea_api_key=SecretStr(key)))
    with pytest.raises(InvalidInput, match="openssl rand") as refused:
        server_of(given(ea_api_key=SecretStr(key), app_env="production"))
    assert key not in str(refused.value)


def test_a_life_no_longer_than_the_interval_would_send_nothing() -> None:
    with pytest.raises(InvalidInput, match="EA_SIGNAL_LIFE"):
        server_of(given(ea_push_interval=300))
    server_of(given(ea_push_interval=299))


@pytest.mark.parametrize(
    "values",
    [{"ea_push_interval": 0}, {"ea_request_timeout": 0}, {"ea_request_timeout": 121},
     {"ea_signal_life": 9}, {"ea_server_port": 0}],
)  # fmt: skip
def test_times_out_of_range_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        given(**values)
