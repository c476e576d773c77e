"""The hub of the settings, versions, the watch list and the broker, as people meet them."""

from bot.commands import COMMANDS
from bot.i18n import words_for
from broker.instruments import instrument
from engine.errors import BrokerSilent
from tests.e2e.conftest import Chat, label_of
from tests.e2e.test_limits_edit import ANN, EVE, LUIS, labels, seen, value, version

EN, ES = words_for("en"), words_for("es")


async def test_every_section_opens_in_place_and_leads_back(chat: Chat) -> None:
    (hub,) = await chat.say("/settings")
    assert "Version 1" in hub["text"]
    assert "English, UTC" in hub["text"]
    expected = {
        "hub.risk": "Limits", "hub.watch": "Watch list", "hub.strategies": "EMA trend",
        "hub.broker": "paper-1", "hub.ai": "no model is connected", "hub.mode": "supervised",
        "hub.language": "Which language?", "hub.zone": "Your time zone: UTC",
        "hub.notices": "🔔", "limits.button_history": "first start",
    }  # fmt: skip
    before = len(chat.sandbox.messages(ANN))
    for key, text in expected.items():
        await chat.tap(hub, EN(key))
        assert text in seen(chat, hub)["text"], key
        home = EN("hub.button") if key == "hub.risk" else EN("drafts.back")
        await chat.tap(hub, home)
        assert "Version 1" in seen(chat, hub)["text"], key
    assert len(chat.sandbox.messages(ANN)) == before


async def test_the_mode_is_changed_from_the_hub_by_an_admin_only(chat: Chat) -> None:
    (hub,) = await chat.say("/settings", EVE)
    await chat.tap(hub, EN("hub.mode"), EVE)
    assert labels(seen(chat, hub, EVE)) == [EN("drafts.back")]
    (hub,) = await chat.say("/settings")
    await chat.tap(hub, EN("hub.mode"))
    await chat.tap(hub, label_of(seen(chat, hub), "autonomous"))
    assert "autonomous" in seen(chat, hub)["text"]


async def test_versions_are_paged_compared_and_restored(chat: Chat) -> None:
    for number in range(1, 11):
        await chat.desk.talk.change_settings(
            None, {"max_lot_size": f"0.{number:02}"}, reason=f"step {number}", expected=number
        )
    (hub,) = (await chat.say("/settings"))[-1:]
    await chat.tap(hub, EN("limits.button_history"))
    shown = seen(chat, hub)
    assert "v11" in shown["text"]
    assert "step 10" in shown["text"]
    assert "step 2" not in shown["text"]
    await chat.tap(hub, EN("button.older"))
    assert "step 2" in seen(chat, hub)["text"]
    await chat.tap(hub, "v3")
    shown = seen(chat, hub)
    assert "0.01 → 0.02" in shown["text"]
    assert "0.10 → 0.02" in shown["text"]
    await chat.tap(hub, EN("versions.restore", version="3"))
    assert "0.10 → 0.02" in seen(chat, hub)["text"]
    await chat.tap(hub, EN("drafts.button"))
    (now,) = await chat.desk.talk.read_settings(None)
    assert (now.version, str(now.settings.max_lot_size)) == (12, "0.02")
    assert (now.changed_by, now.reason) == ("Ann", "back to version 3")
    await chat.tap(hub, EN("drafts.back"))
    assert "What is in force is the same" in seen(chat, hub)["text"]
    (other,) = await chat.say("/settings", EVE)
    for data in ("v1:version:99", "v1:version:x", "v1:versions:9999999999", "v1:versions:-1"):
        query = await chat.sandbox.tap(EVE, other["message_id"], data=data)
        await chat.settle()
        assert chat.sandbox.answers[query]["show_alert"], data


async def test_the_watch_list_is_changed_by_button_and_by_text(chat: Chat, monkeypatch) -> None:
    async def knows_gold(symbol: str):
        return instrument("XAUUSD") if symbol == "XAUUSD" else await known(symbol)

    known = chat.desk.world.market.instrument
    monkeypatch.setattr(chat.desk.world.market, "instrument", knows_gold)
    (listed,) = await chat.say("/watchlist")
    assert "EURUSD · watched · " in listed["text"]
    (confirm,) = await chat.say("/watchlist add xauusd")
    assert "EURUSD → EURUSD, XAUUSD" in confirm["text"]
    await chat.tap(confirm, EN("drafts.button"))
    assert await value(chat, "watchlist") == ("EURUSD", "XAUUSD")
    assert "EURUSD → EURUSD, XAUUSD" in chat.sandbox.messages(LUIS)[-1]["text"]
    await chat.say("/pause EURUSD")
    (listed,) = await chat.say("/watchlist")
    assert "EURUSD · ⏸ paused" in listed["text"]
    await chat.tap(listed, EN("watch.remove", symbol="XAUUSD"))
    await chat.tap(listed, EN("drafts.button"))
    assert await value(chat, "watchlist") == ("EURUSD",)

    for text, answer in {
        "/watchlist add NOSUCH": "The market does not have NOSUCH. It has: EURUSD",
        "/watchlist add EUR/USD": "is no symbol",
        "/watchlist add EURUSD": "Nothing would change",
        "/watchlist remove GBPUSD": "is not on the watch list",
        "/watchlist remove EURUSD": "must name 1 to 100 symbols",
        "/watchlist drop EURUSD": "/watchlist add GBPUSD",
        "/watchlist add": "/watchlist add GBPUSD",
    }.items():
        (told,) = await chat.say(text)
        assert answer in told["text"], text
        assert labels(told) == []
    (told,) = await chat.say("/watchlist", EVE)
    assert labels(told) == [EN("button.refresh"), EN("drafts.back")]


async def test_a_symbol_with_an_open_trade_may_go_and_the_trade_stays(
    chat: Chat, monkeypatch
) -> None:
    idea = await chat.desk.until_idea()
    await chat.say(f"/approve {idea.number}")
    await chat.settle()
    await chat.desk.change_risk(watchlist=("EURUSD", "XAUUSD"))
    (confirm,) = (await chat.say("/watchlist remove EURUSD"))[-1:]
    assert "EURUSD: 1 trade is open. It stays open" in confirm["text"]
    await chat.tap(confirm, EN("drafts.button"))
    assert await value(chat, "watchlist") == ("XAUUSD",)
    (listed,) = await chat.say("/watchlist")
    assert "XAUUSD · the market does not have it" in listed["text"]
    assert "EURUSD · evaluated, not on the list" in listed["text"]
    assert len((await chat.desk.talk.read_status(None)).positions) == 1
    await chat.tap(listed, EN("watch.add", symbol="EURUSD"))
    assert "XAUUSD → XAUUSD, EURUSD" in seen(chat, listed)["text"]


async def test_the_broker_says_what_it_is_and_when_it_does_not_answer(
    chat: Chat, monkeypatch
) -> None:
    (broker,) = await chat.say("/broker", EVE)
    for text in ("paper-1", "no real money moves", "$10,000.00", "USD", "ms", "EURUSD 1:30"):
        assert text in broker["text"]
    assert "✓ several targets for one trade" in broker["text"]
    assert "✓ closing a part of a trade" in broker["text"]
    assert "No order has an unknown outcome" in broker["text"]

    async def silent(_self):
        raise BrokerSilent("no answer")

    monkeypatch.setattr(type(chat.desk.world.broker), "account", silent)
    await chat.sandbox.tap(EVE, broker["message_id"], label=EN("button.refresh"))
    await chat.answerer.drain()
    await chat._fetch()
    await chat.answerer.drain()
    await chat.courier.deliver()
    assert EN("status.no_broker") in seen(chat, broker, EVE)["text"]


async def test_the_new_commands_are_in_the_help(chat: Chat) -> None:
    (told,) = await chat.say("/help", LUIS)
    for name in ("strategies", "watchlist", "broker", "settings"):
        assert name in {command.name for command in COMMANDS}
        assert f"/{name} — {ES(f'command.{name}')}" in told["text"]
    assert await version(chat) == 1


async def test_a_digest_button_that_says_neither_yes_nor_no_does_nothing(chat: Chat) -> None:
    async def digest() -> bool:
        async with chat.desk.world.store.begin() as tx:
            return (await tx.people.get(1002)).notify.digest

    (message,) = await chat.say("/notify 21:30-06:15", 1002)
    before = await digest()
    for data in ("v1:nd:1004", "v1:nd:", "v1:nd:yes"):
        await chat.sandbox.tap(1002, message["message_id"], data=data)
        await chat.settle()
        assert await digest() is before
    await chat.sandbox.tap(1002, message["message_id"], data=f"v1:nd:{int(not before)}")
    await chat.settle()
    assert await digest() is not before
