"""Source 003's signals over HTTP, against an EA server as the source documents it."""

from typing import Any

from bot.api.acts import Signals
from bot.pushing import build_push
from bot.settings import Settings
from tests.integration.conftest import EVE, LUIS
from tests.signal_server import KEY
from tests.signal_server import ea_server as served
from tests.signals import signal
from tests.web import Web


def push_to(web: Web, url: str) -> None:
    """Set where signals go."""
    settings = Settings(_env_file=None, ea_server_url=url, ea_api_key=KEY)  # type: ignore[call-arg,arg-type]
    push = build_push(settings, web.desk.world.store)
    object.__setattr__(web.uses.acts, "signals", Signals(push=push))


async def queue(web: Web, *numbers: int) -> None:
    async with web.desk.world.store.begin() as tx:
        for number in numbers:
            await tx.signal_queue.put(signal(number))


async def test_the_queue_is_told_in_the_shape_of_the_source(web: Web) -> None:
    await queue(web, 1, 2)
    status, told = await web.ask(EVE, "GET", "/v1/signals/queue-status")
    assert (status, told["success"], told["period"]) == (200, True, "last_24_hours")
    pending = told["queue_status"]["PENDING"]
    assert (pending["count"], pending["latest"][-1]) == (2, "Z")
    assert told["counters"]["ea_signals_generated_total"] == 2


async def test_signals_are_pushed_once_and_the_server_is_tested(web: Web) -> None:
    await queue(web, 1, 2, 3)
    async with served() as server:
        push_to(web, server.url)
        status, told = await web.ask(LUIS, "POST", "/v1/signals/push")
        assert (status, told["success"], told["sent_count"]) == (200, True, 3)
        assert server.ids() == [1, 2, 3]
        assert (await web.ask(LUIS, "POST", "/v1/signals/push"))[1]["sent_count"] == 0
        status, told = await web.ask(EVE, "GET", "/v1/signals/test-connection")
        assert (status, told["connected"], told["ea_url"]) == (200, True, server.url)
        assert told["ea_server"] == f"127.0.0.1:{server.port}"
        assert (await web.ask(EVE, "POST", "/v1/signals/push"))[0] == 403
        assert KEY not in str(told)
    status, told = await web.ask(EVE, "GET", "/v1/signals/test-connection")
    assert (status, told["connected"]) == (200, False)


async def test_a_stop_lets_no_signal_leave(web: Web) -> None:
    await queue(web, 1)
    await web.ask(LUIS, "POST", "/v1/bot/pause")
    async with served() as server:
        push_to(web, server.url)
        _, told = await web.ask(LUIS, "POST", "/v1/signals/push")
    assert (told["success"], told["sent_count"], server.received) == (False, 0, [])
    assert (await held(web)) == "paused"


async def held(web: Web) -> Any:
    return (await web.ask(EVE, "GET", "/v1/signals/queue-status"))[1]["held"]


async def test_without_a_server_it_is_said_what_to_set(web: Web) -> None:
    for who, method, path in (
        (LUIS, "POST", "/v1/signals/push"), (EVE, "GET", "/v1/signals/test-connection"),
    ):  # fmt: skip
        status, body = await web.ask(who, method, path)
        assert (status, body["error"]["code"]) == (409, "NOT_SET_UP")
        assert "EA_SERVER_URL" in body["error"]["message"]
