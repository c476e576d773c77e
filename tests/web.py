"""The API as a browser and as a script see it, over a desk: a real server on this machine."""

from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiohttp import ClientResponse, CookieJar, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from bot.api.acts import build_acts
from bot.api.app import KEPT, create_app
from bot.api.credentials import Credentials
from bot.api.guard import Guard
from bot.api.passwords import Argon2
from bot.api.probes import Probes
from bot.api.reads import build_reads
from bot.api.tokens import Tokens
from bot.api.uses import Uses, build_access
from bot.provider_settings import build_provider
from bot.settings import Settings
from bot.world import World, now
from engine.domain.person import Person
from engine.flow.readiness import CheckReadiness
from tests.integration.conftest import ANN, EVE, LUIS, Desk

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz-not-for-anything"
PASSWORD = "four plain words here"
#: As weak as it gets: these tests are about who comes in, not about how slowly.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def _answers() -> None:
    """A queue that is there."""


def uses_of(desk: Desk, **others: Any) -> Uses:
    """What the API calls, over a desk."""
    world: World = desk.world
    access = build_access(world.store, Tokens(secret=SECRET, clock=now), Argon2(hasher=QUICK))
    check = CheckReadiness(
        store=world.store,
        broker=world.broker,
        market=world.market,
        symbols=world.symbols,
        queue=_answers,
    )
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    fields: dict[str, Any] = {
        "talk": desk.talk,
        "reads": build_reads(world, desk.talk),
        "access": access,
        "check_readiness": check,
        "acts": build_acts(settings, world, desk.bell, desk.talk, check),
        "provider": build_provider(world.provider, world.store, desk.bell),
    }
    return Uses(**{**fields, **others})


@dataclass
class Web:
    """The served API, its clients, a key of each person; ``seconds`` is time for credentials."""

    desk: Desk
    uses: Uses
    server: TestServer
    keys: dict[int, str]
    seconds: float = 0.0
    #: Whether that time goes on by itself.
    ticking: bool = False
    clients: list[TestClient[Any, Any]] = field(default_factory=list)

    def time(self) -> float:
        """What credentials are kept by."""
        return monotonic() if self.ticking else self.seconds

    async def client(self) -> TestClient[Any, Any]:
        """Somebody with a cookie jar of their own; the first is a script and keeps none."""
        jar = CookieJar(unsafe=True) if self.clients else DummyCookieJar()
        client = TestClient(self.server, cookie_jar=jar)
        await client.start_server()
        self.clients.append(client)
        return client

    async def ask(
        self, who: Person | None, method: str, path: str, **options: Any
    ) -> tuple[int, Any]:
        """Ask with a person's key: the status, and the body as JSON."""
        answer = await self.answer(who, method, path, **options)
        return answer.status, await answer.json()

    async def answer(
        self, who: Person | None, method: str, path: str, **options: Any
    ) -> ClientResponse:
        """The same with everything beside the body."""
        headers = dict(options.pop("headers", {}))
        if who is not None:
            headers["X-API-Key"] = self.keys[who.id]
        return await self.clients[0].request(method, path, headers=headers, **options)

    async def logged_in(self, who: Person, email: str) -> TestClient[Any, Any]:
        """A browser in which somebody is logged in; their cookies are sent over plain HTTP here."""
        await self.uses.access.set_login.by_operator(who.id, email, PASSWORD)
        client = await self.client()
        answer = await client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status == 200, await answer.text()
        # As they came, they would only be sent over TLS.
        client.session.cookie_jar.clear()
        shown = {name: morsel.value for name, morsel in answer.cookies.items()}
        client.session.cookie_jar.update_cookies(shown, client.make_url("/"))
        return client

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        await self.server.close()


async def serve(desk: Desk, **others: Any) -> Web:
    """Serve the API over a desk; everybody has a key of their own role."""
    web = await put_together(desk, **others)
    await web.server.start_server(**KEPT)
    await web.client()
    return web


async def put_together(desk: Desk, **others: Any) -> Web:
    """The same, not served yet."""
    uses = uses_of(desk, **others)
    keys = {}
    for person in (ANN, LUIS, EVE):
        _, keys[person.id] = await uses.access.issue_key(
            None, person.id, "test", person.role, life=None
        )
    web = Web(desk=desk, uses=uses, server=None, keys=keys)  # type: ignore[arg-type]
    guard = Guard(
        uses=uses,
        credentials=Credentials(
            access=uses.access, timer=lambda: monotonic() if web.ticking else web.seconds
        ),
        new_number=lambda: "number-of-a-test",
        behind_proxy=True,
    )
    web.server = TestServer(create_app(Probes(check_readiness=uses.check_readiness), guard))
    return web
