"""The language model's provider: connect by key or OAuth, look, test, disconnect.

The paths of OAuth are those of source 000: the redirect address is known to OpenAI.
"""

from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from bot.api.fields import Given, Instant, Text, Told
from bot.api.returned import came_back, did_not, is_read_by_a_person, words_of
from bot.api.routing import Answer, Call, Routes
from bot.codes import new_token
from bot.i18n import words_for
from bot.provider_settings import typed_address
from bot.views.provider import status_document, test_document
from engine.domain.access import Means
from engine.domain.person import Role
from engine.domain.secret import Secret
from engine.errors import TraderError
from engine.flow.provider_oauth import ATTEMPT
from engine.flow.provider_records import ProviderStatus

routes = Routes("provider")

#: What the browser that began an attempt brings back. Not the session's cookie: that is for our own
#: pages only, and who comes back comes from the provider's.
_ATTEMPT_COOKIE = "oauth_attempt"
#: And the language of who began, for the page they come back to.
_LANGUAGE_COOKIE = "oauth_language"
_PATH = "/oauth/openai"

State = Annotated[Text, Field(min_length=1, max_length=200)]
Code = Annotated[Text, Field(min_length=1, max_length=4_096)]
Aside = Annotated[Text, Field(max_length=4_096)]


class Connected(Told):
    """How the connection stands; ``reason`` says why there is none."""

    provider: str
    enabled: bool
    model: str | None
    connected: bool
    mode: Literal["setting", "key", "oauth", "none"] | None
    reason: Literal["never", "by_person", "expired", "refused", "unreadable"] | None
    by: str | None
    since: datetime | None
    expires_at: datetime | None
    message: str


class Attempt(Told):
    """Where the person goes; nowhere when a key of the settings makes OAuth needless."""

    status: Literal["started", "not_needed"]
    auth_url: str | None
    expires_at: Instant | None
    message: str


class Tested(Told):
    """Source 004 §6.7."""

    status: Literal["ok", "error"]
    message: str


class KeyGiven(Given):
    """A key to be kept encrypted, and where the API is, if not at the provider's own address."""

    key: Annotated[Text, Field(min_length=1, max_length=512)]
    base_url: Annotated[Text, Field(min_length=1, max_length=500)] | None = None


@routes.get(f"{_PATH}/start", role=Role.ADMIN, statuses=(409,))
async def start(call: Call) -> Answer[Attempt]:
    """Begin a connection by OAuth, for ten minutes.

    A browser is sent on to the provider. Who began with a session has to come back in the same
    browser.
    """
    browser = new_token() if call.caller.means is Means.SESSION else None
    started = await call.uses.provider.start(call.person_id, browser=browser)
    if started.url is None:
        message = "A key is set; OAuth is not needed."
        return Answer(Attempt(status="not_needed", auth_url=None, expires_at=None, message=message))

    def then(response: web.StreamResponse) -> None:
        if browser is not None:
            seconds = int(ATTEMPT.total_seconds())
            _mark(response, _ATTEMPT_COOKIE, browser, seconds)
            _mark(response, _LANGUAGE_COOKIE, call.caller.person.language, seconds)

    goes_on = "text/html" in call.request.headers.get("Accept", "")
    told = Attempt(
        status="started",
        auth_url=started.url,
        expires_at=started.until,
        message="Open auth_url in this browser.",
    )
    headers = {"Location": started.url} if goes_on else {}
    return Answer(told, status=302 if goes_on else None, headers=headers, then=then)


@routes.get(f"{_PATH}/callback", role=None, statuses=(403, 409, 502))
async def callback(
    call: Call,
    state: State,
    code: Code | None = None,
    error: Aside | None = None,
    error_description: Aside | None = None,
    error_uri: Aside | None = None,
    iss: Aside | None = None,
    scope: Aside | None = None,
    session_state: Aside | None = None,
) -> Answer[Connected]:
    """Where the provider sends the person back; a state works once.

    A browser gets a page in the person's language, with the same status. Only state, code and error
    are read: whatever else a provider adds is its own matter.
    """
    finished = call.uses.provider.finish(
        state,
        None if code is None else Secret(code),
        error=error,
        browser=call.request.cookies.get(_ATTEMPT_COOKIE),
    )
    if not is_read_by_a_person(call.request):
        return Answer(_connected(await finished), then=_unmark)
    words = words_of(call.request, call.request.cookies.get(_LANGUAGE_COOKIE))
    try:
        page = came_back(words, await finished)
    except TraderError as problem:
        page = did_not(words, problem)
    _unmark(page)
    return page  # type: ignore[return-value]  # a page in the place of the document


@routes.get(f"{_PATH}/status", role=Role.ADMIN)
async def status(call: Call) -> Connected:
    """How the connection stands."""
    return _connected(await call.uses.provider.read(call.person_id, at_least=Role.ADMIN))


@routes.post(f"{_PATH}/disconnect", role=Role.ADMIN)
async def disconnect(call: Call) -> Connected:
    """Forget the stored key or tokens; what the settings hold stays."""
    return _connected(await call.uses.provider.disconnect(call.person_id))


@routes.put("/v1/ai/provider", role=Role.ADMIN, statuses=(409,))
async def store_key(call: Call, body: KeyGiven) -> Connected:
    """Connect with a key, which is kept encrypted and never shown again."""
    base_url = None if body.base_url is None else typed_address(body.base_url)
    return _connected(
        await call.uses.provider.store_key(call.person_id, Secret(body.key), base_url=base_url)
    )


@routes.get("/v1/ai/llm/status", role=Role.VIEWER)
async def llm_status(call: Call) -> Connected:
    """How the connection stands, for whoever may look."""
    return _connected(await call.uses.provider.read(call.person_id))


@routes.post("/v1/ai/test-connection", role=Role.TRADER)
async def test_connection(call: Call) -> Tested:
    """Ask the provider whether it is there and takes the key."""
    return await _tested(call)


@routes.post("/v1/ai/llm/test", role=Role.TRADER)
async def llm_test(call: Call) -> Tested:
    """The same, by the path of source 001."""
    return await _tested(call)


async def _tested(call: Call) -> Tested:
    cases = call.uses.provider
    offer = await cases.check(call.person_id)
    return Tested.model_validate(test_document(words_for("en"), offer, cases.plan))


def _connected(found: ProviderStatus) -> Connected:
    return Connected.model_validate(status_document(words_for("en"), found))


def _unmark(response: web.StreamResponse) -> None:
    for name in (_ATTEMPT_COOKIE, _LANGUAGE_COOKIE):
        _mark(response, name, "", 0)


def _mark(response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=_PATH,
        secure=True,
        httponly=True,
        samesite="Lax",
    )
