"""Coming in over HTTP: sessions, keys, guessing, forged tokens, other sites' pages."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import jwt
import pytest

from bot.api.app import routes
from bot.api.credentials import DEVICE_COOKIE, SESSION_COOKIE
from bot.world import now
from engine.domain.access import MOST_KEYS, Caller, Means
from engine.domain.person import Role
from engine.errors import NotKnown
from tests.integration.conftest import ANN, EVE, LUIS
from tests.web import PASSWORD, SECRET, Web

EMAIL = "ann@example.com"
LOGIN = {"email": EMAIL, "password": PASSWORD}
ANOTHER = "another set of words"
#: Where a route needs something in its path.
A_PATH = {"idea_id": "00000000-0000-0000-0000-000000000001"}


def cookie(value: str) -> dict[str, str]:
    return {"Cookie": f"{SESSION_COOKIE}={value}"}


async def test_a_login_answers_as_source_004_says_and_sets_a_strict_cookie(web: Web) -> None:
    await web.uses.access.set_login.by_operator(ANN.id, EMAIL, PASSWORD)
    answer = await web.answer(None, "POST", "/v1/auth/login", json=LOGIN)
    assert answer.status == 200
    assert await answer.json() == {"status": "ok", "user": {"id": str(ANN.id), "email": EMAIL}}
    for name, path in ((SESSION_COOKIE, "/"), (DEVICE_COOKIE, "/v1/auth/login")):
        set_ = answer.cookies[name]
        assert set_["httponly"]
        assert set_["secure"]
        assert (set_["samesite"], set_["path"], set_["domain"]) == ("Strict", path, "")


async def test_a_session_is_who_logged_in_until_they_log_out(web: Web) -> None:
    client = await web.logged_in(ANN, EMAIL)
    told = await (await client.get("/v1/auth/me")).json()
    assert (told["id"], told["role"], told["means"]) == (str(ANN.id), "admin", "session")
    token = client.session.cookie_jar.filter_cookies(client.make_url("/"))[SESSION_COOKIE].value
    assert (await client.post("/v1/auth/logout")).status == 200
    web.seconds += 1
    status, body = await web.ask(None, "GET", "/v1/auth/me", headers=cookie(token))
    assert (status, body["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_another_password_and_a_removed_person_end_every_session(web: Web) -> None:
    client = await web.logged_in(LUIS, "luis@example.com")
    wrong = {"current_password": "not this one at all", "password": "another set of words"}
    assert (await client.post("/v1/auth/password", json=wrong)).status == 401
    right = {**wrong, "current_password": PASSWORD}
    assert (await client.post("/v1/auth/password", json=right)).status == 200
    web.seconds += 1
    assert (await client.get("/v1/auth/me")).status == 401

    again = await web.logged_in(EVE, "eve@example.com")
    await web.desk.talk.change_role(ANN.id, EVE.id, Role.REFUSED)
    web.seconds += 1
    assert (await again.get("/v1/auth/me")).status == 401
    assert (await web.ask(EVE, "GET", "/v1/auth/me"))[0] == 401
    login = {"email": "eve@example.com", "password": PASSWORD}
    assert (await web.ask(None, "POST", "/v1/auth/login", json=login))[0] == 401


class Overtaken:
    """Somebody chooses another password while one is looked at."""

    def __init__(self, passwords: Any, change: Callable[[], Awaitable[Any]], *, old: bool) -> None:
        self._passwords, self._change, self._old = passwords, change, old

    def __getattr__(self, name: str) -> Any:
        return getattr(self._passwords, name)

    def is_old(self, _: str) -> bool:
        return self._old

    async def verify(self, *given: Any) -> Any:
        fits = await self._passwords.verify(*given)
        await self._change()
        return fits


@pytest.mark.parametrize("old", [False, True])
async def test_a_password_that_is_changed_meanwhile_opens_nothing(web: Web, old: bool) -> None:
    access = web.uses.access
    await access.set_login.by_operator(ANN.id, EMAIL, PASSWORD)
    change = partial(access.set_login.by_operator, ANN.id, EMAIL, ANOTHER)
    overtaken = Overtaken(access.log_in.passwords, change, old=old)
    with pytest.raises(NotKnown):
        await replace(access.log_in, passwords=overtaken)(
            EMAIL, PASSWORD, address="203.0.113.1", device=None
        )
    login = {"email": EMAIL, "password": ANOTHER}
    assert (await web.ask(None, "POST", "/v1/auth/login", json=login))[0] == 200


async def test_a_password_that_is_changed_meanwhile_chooses_no_other(web: Web) -> None:
    access = web.uses.access
    await access.set_login.by_operator(ANN.id, EMAIL, PASSWORD)
    change = partial(access.set_login.by_operator, ANN.id, EMAIL, ANOTHER)
    overtaken = Overtaken(access.set_login.passwords, change, old=False)
    caller = Caller(person=ANN, means=Means.SESSION, means_id="hers")
    with pytest.raises(NotKnown):
        await replace(access.set_login, passwords=overtaken).anew(
            caller, PASSWORD, "words of a stranger's own"
        )
    login = {"email": EMAIL, "password": ANOTHER}
    assert (await web.ask(None, "POST", "/v1/auth/login", json=login))[0] == 200


async def test_wrong_and_unknown_are_answered_alike(web: Web) -> None:
    await web.uses.access.set_login.by_operator(ANN.id, EMAIL, PASSWORD)
    wrong = await web.ask(None, "POST", "/v1/auth/login", json={**LOGIN, "password": "wrong"})
    nobody = {**LOGIN, "email": "nobody@example.com"}
    assert wrong == await web.ask(None, "POST", "/v1/auth/login", json=nobody)
    assert wrong[0] == 401


async def test_guessing_ends_but_a_browser_that_was_let_in_before_is_not_locked_out(
    web: Web,
) -> None:
    client = await web.logged_in(ANN, EMAIL)
    counting = Counting(web.uses.access.log_in.passwords)
    object.__setattr__(web.uses.access.log_in, "passwords", counting)
    statuses = []
    for number in range(60):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        guess = {"email": EMAIL, "password": f"guess number {number}"}
        answer = await web.answer(None, "POST", "/v1/auth/login", json=guess, headers=headers)
        statuses.append(answer.status)
        if answer.status == 429:
            assert int(answer.headers["Retry-After"]) > 0
    assert statuses.count(401) == counting.number <= 5
    assert set(statuses) == {401, 429}
    assert (await web.ask(None, "POST", "/v1/auth/login", json=LOGIN))[0] == 429
    assert (await client.post("/v1/auth/login", json=LOGIN)).status == 200


class Counting:
    """How many passwords were looked at."""

    def __init__(self, passwords: Any) -> None:
        self._passwords, self.number = passwords, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._passwords, name)

    async def verify(self, *given: Any) -> Any:
        self.number += 1
        return await self._passwords.verify(*given)


async def test_an_address_cannot_guess_at_many_accounts(web: Web) -> None:
    async def guess(number: int) -> int:
        body = {"email": f"a{number}@example.com", "password": "x"}
        headers = {"X-Forwarded-For": "198.51.100.7"}
        return (await web.ask(None, "POST", "/v1/auth/login", json=body, headers=headers))[0]

    found = await asyncio.gather(*(guess(number) for number in range(60)))
    assert found.count(401) == 50
    assert found.count(429) == 10


async def test_a_code_of_the_bot_makes_a_login_once(web: Web) -> None:
    code, _ = await web.desk.talk.invite(EVE.id)
    body = {"code": code, "email": "Eve1@Example.com", "password": PASSWORD}
    for weak in ("short", "a" * 20, "my name is eve1 eve1"):
        told = await web.ask(None, "POST", "/v1/auth/activate", json={**body, "password": weak})
        assert (told[0], told[1]["error"]["code"]) == (400, "INVALID_INPUT")
    assert (await web.ask(None, "POST", "/v1/auth/activate", json=body))[0] == 201
    assert (await web.ask(None, "POST", "/v1/auth/activate", json=body))[0] == 401
    login = {"email": "eve1@example.com", "password": PASSWORD}
    assert (await web.ask(None, "POST", "/v1/auth/login", json=login))[0] == 200
    assert "access_changed" in await web.desk.actions()


async def test_codes_cannot_be_guessed_at(web: Web) -> None:
    await web.desk.talk.invite(EVE.id)
    statuses = []
    for number in range(30):
        body = {"code": f"{number:020d}", "email": "eve@example.com", "password": PASSWORD}
        statuses.append((await web.ask(None, "POST", "/v1/auth/activate", json=body))[0])
    assert statuses.count(401) == 10
    assert statuses.count(429) == 20


async def test_a_key_does_no_more_than_it_was_given(web: Web) -> None:
    status, made = await web.ask(ANN, "POST", "/v1/auth/keys", json={"name": "reader"})
    assert status == 201
    web.keys[-1] = made["secret"]
    reader = type(ANN)(id=-1, name="", role=Role.ADMIN, chat_id=1)
    assert (await web.ask(reader, "GET", "/v1/auth/me"))[1]["role"] == "viewer"
    more = {"name": "more", "role": "admin"}
    assert (await web.ask(reader, "POST", "/v1/auth/keys", json=more))[0] == 403
    assert (await web.ask(EVE, "POST", "/v1/auth/keys", json=more))[0] == 403
    key_id = made["key"]["id"]
    assert (await web.ask(EVE, "DELETE", f"/v1/auth/keys/{key_id}"))[0] == 404
    assert (await web.ask(ANN, "DELETE", f"/v1/auth/keys/{key_id}"))[0] == 200
    web.seconds += 1
    assert (await web.ask(reader, "GET", "/v1/auth/me"))[0] == 401
    listed = await web.ask(ANN, "GET", "/v1/auth/keys")
    assert key_id not in [key["id"] for key in listed[1]]
    assert made["secret"] not in json.dumps(listed[1])


async def test_keys_that_are_made_at_once_are_no_more_than_one_by_one(web: Web) -> None:
    made = [web.ask(EVE, "POST", "/v1/auth/keys", json={"name": f"k{n}"}) for n in range(70)]
    statuses = [status for status, _ in await asyncio.gather(*made)]
    # One of them has the test's own.
    assert (statuses.count(201), statuses.count(409)) == (MOST_KEYS - 1, 71 - MOST_KEYS)


async def test_a_bearer_key_is_a_key_too(web: Web) -> None:
    headers = {"Authorization": f"Bearer {web.keys[LUIS.id]}"}
    status, told = await web.ask(None, "GET", "/v1/auth/me", headers=headers)
    assert (status, told["name"]) == (200, LUIS.name)


def forgeries() -> list[str]:
    """Tokens that were never given: other algorithms, keys, audiences, times, types, headers."""
    at = int(now().timestamp())
    good = {"iss": "ai-trader", "aud": "session+jwt", "sub": str(ANN.id), "jti": "a" * 43}
    good |= {"iat": at, "nbf": at, "exp": at + 600}
    head = {"typ": "session+jwt"}
    made = [
        jwt.encode(good, None, "none", head),
        jwt.encode(good, "another-secret-of-thirty-two-bytes!!", "HS256", head),
        jwt.encode(good, SECRET.ljust(64, "x"), "HS512", head),
        jwt.encode({**good, "aud": "device+jwt"}, SECRET, "HS256", {"typ": "device+jwt"}),
        jwt.encode(good, SECRET, "HS256", {"typ": "device+jwt"}),
        jwt.encode(good, SECRET, "HS256", {"typ": "JWT"}),
        jwt.encode({**good, "aud": "device+jwt"}, SECRET, "HS256", head),
        jwt.encode({**good, "iss": "someone"}, SECRET, "HS256", head),
        jwt.encode({**good, "exp": at - 1}, SECRET, "HS256", head),
        jwt.encode({**good, "nbf": at + 600}, SECRET, "HS256", head),
        jwt.encode(good, SECRET, "HS256", head),  # signed, and no such session
        jwt.encode(good, "x" * 40, "HS256", {**head, "jku": "http://127.0.0.1:1/"}),
        jwt.encode(good, "x" * 40, "HS256", {**head, "jwk": {"kty": "oct", "k": "eHh4"}}),
        "", "a.b.c", "..", "null", "x" * 5_000,
    ]  # fmt: skip
    made += [
        jwt.encode({k: v for k, v in good.items() if k != name}, SECRET, "HS256", head)
        for name in good
    ]
    real = jwt.encode(good, SECRET, "HS256", head)
    return made + [real[:n] + ("A" if real[n] != "A" else "B") + real[n + 1 :] for n in range(180)]


async def test_no_forged_token_is_believed(web: Web) -> None:
    tokens = forgeries()
    assert len(tokens) >= 200
    for token in tokens:
        status, _ = await web.ask(None, "GET", "/v1/auth/me", headers=cookie(token))
        assert status == 401, token


async def test_a_device_mark_is_no_session(web: Web) -> None:
    await web.uses.access.set_login.by_operator(ANN.id, EMAIL, PASSWORD)
    answer = await web.answer(None, "POST", "/v1/auth/login", json=LOGIN)
    mark = answer.cookies[DEVICE_COOKIE].value
    assert (await web.ask(None, "GET", "/v1/auth/me", headers=cookie(mark)))[0] == 401


async def test_another_sites_page_changes_nothing(web: Web) -> None:
    client = await web.logged_in(ANN, EMAIL)
    for route in (route for route in routes() if route.changes):
        path = route.path.format_map(Anything())
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"},
        ):
            answer = await client.request(route.method, path, json={}, headers=headers)
            assert answer.status == 403, (route.name, headers, await answer.text())


class Anything(dict[str, str]):
    """Something for every name in a path."""

    def __missing__(self, name: str) -> str:
        return A_PATH.get(name, "1")


async def test_no_path_is_open_that_should_not_be(web: Web) -> None:
    for route in routes():
        path = route.path.format_map(Anything())
        status, body = await web.ask(None, route.method, path, json={})
        if route.role is None:
            assert status in (400, 401), (route.name, body)
            continue
        assert status == 401, (route.name, body)
        lower = {Role.VIEWER: (), Role.TRADER: (EVE,), Role.ADMIN: (EVE, LUIS)}[route.role]
        for person in lower:
            status, body = await web.ask(person, route.method, path, json={})
            assert (status, body["error"]["code"]) == (403, "FORBIDDEN"), route.name


async def test_our_own_page_may_ask_with_the_cookie(web: Web) -> None:
    client = await web.logged_in(ANN, EMAIL)
    origin = str(client.make_url("/")).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/v1/auth/logout", headers=headers)).status == 200


async def test_a_session_is_over_after_its_time(web: Web) -> None:
    client = await web.logged_in(ANN, EMAIL)
    tokens = web.uses.access.tokens
    late = type(tokens)(secret=tokens.secret, clock=lambda: now() + timedelta(hours=13))
    token = client.session.cookie_jar.filter_cookies(client.make_url("/"))[SESSION_COOKIE].value
    assert tokens.session_id(token) is not None
    assert late.session_id(token) is None
