"""Whose guesses are counted behind a proxy: the address that the proxy itself wrote."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from bot.api.guard import Guard
from ea.app import Endpoint

Address = Callable[[web.Request], str]


def api(*, behind_proxy: bool) -> Address:
    parts: Any = {"uses": None, "credentials": None, "new_number": None}
    return Guard(**parts, behind_proxy=behind_proxy).address


def terminals(*, behind_proxy: bool) -> Address:
    names = ("register", "hear", "offer", "take_result", "take_snapshot", "pace")
    parts: Any = dict.fromkeys(names)
    return Endpoint(**parts, behind_proxy=behind_proxy).address


def request(*lines: str) -> web.Request:
    """A request with these lines of ``X-Forwarded-For``, in their order."""
    headers = CIMultiDict[str]()
    for line in lines:
        headers.add("X-Forwarded-For", line)
    return make_mocked_request("POST", "/", headers=headers)


@pytest.mark.parametrize("made", [api, terminals])
@pytest.mark.parametrize(
    "lines",
    [
        ("203.0.113.7",),
        # A caller's own entry before it, as nginx adds to a line ...
        ("1.2.3.4, 203.0.113.7",),
        # ... and as HAProxy adds a line of its own.
        ("1.2.3.4", "203.0.113.7"),
        ("1.2.3.4, 5.6.7.8", "9.9.9.9", "203.0.113.7"),
    ],
)
def test_the_last_entry_is_the_proxys(made: Callable[..., Address], lines: tuple[str, ...]) -> None:
    assert made(behind_proxy=True)(request(*lines)) == "203.0.113.7"


@pytest.mark.parametrize("made", [api, terminals])
def test_without_a_proxy_nobody_names_an_address(made: Callable[..., Address]) -> None:
    assert made(behind_proxy=False)(request("203.0.113.7")) != "203.0.113.7"
