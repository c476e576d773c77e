"""The limits on sending: a burst passes, more of it is told how long to wait."""

import pytest

from bot.sandbox import GROUP_ID, flood
from bot.sandbox.errors import ApiError

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


def test_a_group_takes_twenty_a_minute_and_everyone_together_thirty_a_second(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(flood.time, "monotonic", lambda: now)
    gate = flood.Flood()
    for _ in range(20):
        gate.admit(-5)
        now += 1
    with pytest.raises(ApiError, match="retry after 40"):
        gate.admit(-5)
    now += 41
    gate.admit(-5)
    for chat in range(1, 30):
        gate.admit(chat)
    with pytest.raises(ApiError, match="retry after 1"):
        gate.admit(99)
