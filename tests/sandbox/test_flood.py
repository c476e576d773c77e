"""The limits on sending: a burst passes, more of it is told how long to wait."""

import contextlib

import pytest

from bot.sandbox import GROUP_ID
from bot.sandbox.errors import ApiError
from bot.sandbox.flood import Flood

ANN = 1001


@pytest.fixture
async def served(open_sandbox):
    sandbox, served = await open_sandbox(enforce_flood=True)
    await sandbox.send(ANN, "hi")
    return sandbox, served


async def test_a_burst_to_one_chat_is_cut_after_five(api):
    for _ in range(5):
        await api.result("sendMessage", chat_id=ANN, text="x")
    answer = await api("sendMessage", chat_id=ANN, text="x")
    assert answer["description"] == "Too Many Requests: retry after 1"
    assert answer["parameters"] == {"retry_after": 1}
    assert (await api("sendMessage", chat_id=GROUP_ID, text="x"))["ok"]


async def test_the_wait_is_also_in_the_header(sandbox, api, url, http):
    sandbox.fault("getMe", code=429, description="Too Many Requests", retry_after=7)
    async with http.get(f"{url}/bot700001:x/getMe") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_edits_count_like_messages_and_refused_ones_cost_nothing(api):
    said = await api.result("sendMessage", chat_id=ANN, text="x")
    edit = {"chat_id": ANN, "message_id": said["message_id"]}
    for text in "abcd":
        await api.result("editMessageText", text=text, **edit)
        assert "not modified" in await api.refusal("editMessageText", text=text, **edit)
    assert "429" in await api.refusal("editMessageText", text="e", **edit)


class Wall:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_group_takes_twenty_a_minute_and_everyone_together_thirty_a_second():
    clock = Wall()
    gate = Flood(now=clock)
    for _ in range(20):
        gate.admit(-5)
        clock.now += 1
    with pytest.raises(ApiError, match="retry after 40"):
        gate.admit(-5)
    clock.now += 41
    gate.admit(-5)
    for chat in range(1, 30):
        gate.admit(chat)
    with pytest.raises(ApiError, match="retry after 1"):
        gate.admit(99)


def test_an_album_is_taken_whole_or_not_at_all():
    clock = Wall()
    gate = Flood(now=clock)
    gate.admit(7, 3)
    with pytest.raises(ApiError, match="retry after 1"):
        gate.admit(7, 3)
    gate.admit(7, 2)
    clock.now += 100
    gate.admit(7, 10)


@pytest.mark.parametrize("enforced", [True, False])
def test_what_broke_a_limit_is_counted_whether_it_is_refused_or_not(enforced):
    clock = Wall()
    gate = Flood(enforced=enforced, now=clock)

    def send(chat_id: int) -> None:
        with contextlib.suppress(ApiError):
            gate.admit(chat_id)

    for _ in range(8):
        send(1)
    assert (gate.violations, gate.broken) == (3, {"chat": 3})
    for chat in range(2, 30):
        send(chat)
    assert (gate.violations, gate.broken) == (6, {"chat": 3, "overall": 3})
    gate.reset_counts()
    for _ in range(25):
        clock.now += 2
        send(-5)
    assert (gate.violations, gate.broken) == (5, {"group": 5})


async def test_counting_alone_refuses_nothing_and_the_clock_of_the_sandbox_is_used(
    open_sandbox, api_of, http
):
    sandbox, served = await open_sandbox(enforce_flood=False)
    await sandbox.send(ANN, "hi")
    api = api_of(served)
    for _ in range(7):
        await api.result("sendMessage", chat_id=ANN, text="x")
    assert sandbox.flood_violations == 2
    assert sandbox.flood_broken == {"chat": 2}
    async with http.get(f"{served.url}/sim/state") as response:
        assert (await response.json())["flood"] == {"violations": 2, "chat": 2}
    sandbox.reset_flood_counts()
    await api.result("sendMessage", chat_id=ANN, text="x")
    assert sandbox.flood_violations == 1
    sandbox.advance(5)
    await api.result("sendMessage", chat_id=ANN, text="x")
    assert sandbox.flood_violations == 1
