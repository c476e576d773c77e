"""Coming in: log in and out, a password of one's own, and keys for machines."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from bot.api.credentials import DEVICE_COOKIE, SESSION_COOKIE
from bot.api.fields import Done, Given, Instant, Text, Told, Whole
from bot.api.routing import Answer, Call, Routes
from bot.api.tokens import DEVICE_LIFE
from bot.codes import new_token
from engine.domain.access import KEY_NAME, SESSION_LIFE, ApiKey, Means
from engine.domain.person import Person, Role
from engine.flow.logins import digest

routes = Routes("auth")

Email = Annotated[Text, Field(min_length=3, max_length=254, examples=["user@example.com"])]
Password = Annotated[Text, Field(min_length=1, max_length=128)]
#: One that is chosen; whether it is guessed soon is looked at besides.
Chosen = Annotated[Text, Field(min_length=12, max_length=128)]


class LoginWanted(Given):
    """An address and a password."""

    email: Email
    password: Password


class Activation(Given):
    """An address and a password that somebody chooses, and the code of the bot (``/web``)."""

    email: Email
    password: Chosen
    code: Annotated[Text, Field(min_length=1, max_length=100)]


class NewPassword(Given):
    """The password of now, and another."""

    current_password: Password
    password: Chosen


class User(Told):
    """Who logged in."""

    id: str
    email: str


class LoggedIn(Told):
    """Source 004 §6.1."""

    status: Literal["ok"] = "ok"
    user: User


class Me(Told):
    """Who asks, and what they may."""

    id: str
    name: str
    role: Role
    language: str
    timezone: str
    means: Means


class KeyWanted(Given):
    """A key to be made: what it is called, what it may do at most, and for how many days."""

    name: Annotated[str, StringConstraints(strict=True, pattern=KEY_NAME)]
    role: Literal["viewer", "trader", "admin"] = "viewer"
    days: Annotated[Whole, Field(ge=1, le=3_650)] | None = None


class Key(Told):
    """A machine's key as it is kept; ``prefix`` is how it begins."""

    id: int
    name: str
    prefix: str
    person_id: str
    role: Role
    created_at: Instant
    expires_at: datetime | None
    used_at: datetime | None


class NewKey(Told):
    """A key, and its secret, which is shown this once."""

    key: Key
    secret: str


@routes.post("/v1/auth/login", role=None, statuses=(401, 429))
async def login(call: Call, body: LoginWanted) -> Answer[LoggedIn]:
    """Log in; the answer sets the cookie ``auth_token``."""
    account = digest(body.email.strip().lower())
    mark = call.request.cookies.get(DEVICE_COOKIE, "")
    access = call.uses.access
    person, session = await access.log_in(
        body.email,
        body.password,
        address=call.address,
        device=access.tokens.device_id(mark, account),
    )
    user = User(id=str(person.id), email=body.email.strip().lower())

    def then(response: web.StreamResponse) -> None:
        _set(response, SESSION_COOKIE, access.tokens.of_session(session), "/", SESSION_LIFE)
        device = access.tokens.of_device(account, new_token())
        _set(response, DEVICE_COOKIE, device, "/v1/auth/login", DEVICE_LIFE)

    return Answer(LoggedIn(user=user), then=then)


@routes.post("/v1/auth/activate", role=None, status=201, statuses=(401, 429))
async def activate(call: Call, body: Activation) -> LoggedIn:
    """Choose an address and a password, with the code that the bot gave (``/web``)."""
    person = await call.uses.access.set_login.with_code(
        body.code, body.email, body.password, address=call.address
    )
    return LoggedIn(user=User(id=str(person.id), email=body.email.strip().lower()))


@routes.post("/v1/auth/logout", role=Role.VIEWER)
async def logout(call: Call, everywhere: bool = False) -> Answer[Done]:
    """End this session, or with ``everywhere`` every session of the person."""
    await call.uses.access.log_out(call.caller, everywhere=everywhere)

    def then(response: web.StreamResponse) -> None:
        _set(response, SESSION_COOKIE, "", "/", timedelta(0))

    return Answer(Done(), then=then)


@routes.post("/v1/auth/password", role=Role.VIEWER, statuses=(429,))
async def password(call: Call, body: NewPassword) -> Done:
    """Choose another password; every session ends, this one too."""
    await call.uses.access.set_login.anew(call.caller, body.current_password, body.password)
    return Done()


@routes.get("/v1/auth/me", role=Role.VIEWER)
async def me(call: Call) -> Me:
    """Who asks, and what they may do."""
    person: Person = call.caller.person
    return Me(
        id=str(person.id),
        name=person.name,
        role=call.caller.role,
        language=person.language,
        timezone=person.timezone,
        means=call.caller.means,
    )


@routes.get("/v1/auth/keys", role=Role.VIEWER)
async def keys(call: Call) -> list[Key]:
    """One's own keys; an admin sees everybody's."""
    return [_key(key) for key in await call.uses.access.read_keys(call.caller)]


@routes.post("/v1/auth/keys", role=Role.VIEWER, status=201, statuses=(409,))
async def make_key(call: Call, body: KeyWanted) -> NewKey:
    """Make a key for a machine. It acts for its maker, and never for more than its role."""
    life = None if body.days is None else timedelta(days=body.days)
    key, secret = await call.uses.access.issue_key(
        call.caller, call.person_id, body.name, Role(body.role), life=life
    )
    return NewKey(key=_key(key), secret=secret)


@routes.delete("/v1/auth/keys/{key_id}", role=Role.VIEWER)
async def revoke_key(call: Call, key_id: Annotated[int, Field(ge=1, le=2**53)]) -> Done:
    """Revoke a key: it opens nothing more within a second."""
    await call.uses.access.revoke_key(call.caller, key_id)
    return Done()


def _key(key: ApiKey) -> Key:
    return Key(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        person_id=str(key.person_id),
        role=key.role,
        created_at=key.created_at,
        expires_at=key.expires_at,
        used_at=key.used_at,
    )


def _set(response: web.StreamResponse, name: str, value: str, path: str, life: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(life.total_seconds()),
        path=path,
        secure=True,
        httponly=True,
        samesite="Strict",
    )
