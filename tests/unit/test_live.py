"""What real money needs: nothing that is missing, old or unknown holds."""

from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.i18n import LANGUAGES, Words, words_for
from bot.views import live as views
from engine.domain.live import (
    CHECKLIST,
    AccountKind,
    Confirmation,
    Core,
    Identity,
    Item,
    Need,
    core_of,
)
from engine.domain.person import Role
from engine.domain.settings import RiskSettings
from engine.flow.live import report
from engine.gate.live import LiveFacts, checklist, view_of
from tests.builders import NOW

D, N = Decimal, Need
DAY = timedelta(days=1)
REAL = Identity(venue="mt5", name="501@Broker-Live", kind=AccountKind.REAL)
WORD = Confirmation(
    account_id="a", venue="mt5", name="501@Broker-Live", checklist=CHECKLIST,
    core=core_of(RiskSettings()), person_id=1, by="Ann", at=NOW,
)  # fmt: skip


def facts(**values: Any) -> LiveFacts:
    good: dict[str, Any] = {
        "now": NOW, "account_id": "a", "identity": REAL, "enabled": True, "equity": D(10_000),
        "real_chat": True, "settings": RiskSettings(), "limits_by_person": True,
        "calendar_until": NOW + DAY, "market_now": NOW, "feeds": (NOW, NOW - DAY / 1440),
        "history_sound": True, "anchored_at": NOW - DAY, "reachable_admins": 1,
        "reachable_traders": 2, "skew": timedelta(seconds=1), "stop_tried_at": NOW - 100 * DAY,
        "confirmation": WORD,
    }  # fmt: skip
    return LiveFacts(**(good | values))


def ruled(**values: Any) -> dict[str, Any]:
    return {"settings": RiskSettings(**values)}


#: need -> why, and facts in which it does not hold.
MISSING: list[tuple[Need, str | None, dict[str, Any]]] = [
    (N.SWITCH, None, {"enabled": False}),
    (N.BROKER, None, {"equity": None}),
    (N.REAL, None, {"identity": replace(REAL, kind=AccountKind.UNKNOWN)}),
    (N.REAL, None, {"identity": replace(REAL, name="")}),
    (N.REAL, None, {"identity": replace(REAL, kind=AccountKind.DEMO)}),
    (N.CHAT, None, {"real_chat": False}),
    (N.LIMITS, "own", {"limits_by_person": False}),
    (N.LIMITS, "risk", ruled(risk_per_trade_percent=D(3), max_daily_loss_percent=D(3))),
    (N.DRAWDOWN, "off", ruled(halt_on_drawdown=False)),
    (N.DRAWDOWN, "wide", {"equity": D(400)}),
    (N.DRAWDOWN, "unknown", {"equity": None}),
    (N.CALENDAR, None, {"calendar_until": None}),
    (N.CALENDAR, None, {"market_now": None}),
    (N.CALENDAR, None, {"calendar_until": NOW - DAY}),
    (N.FEED, None, {"feeds": ()}),
    (N.FEED, None, {"feeds": (NOW, None)}),
    (N.FEED, None, {"feeds": (NOW, NOW - timedelta(seconds=61))}),
    (N.HISTORY, "broken", {"history_sound": False}),
    (N.HISTORY, "anchor", {"anchored_at": None}),
    (N.HISTORY, "anchor", {"anchored_at": NOW - 5 * DAY}),
    (N.ADMIN, None, {"reachable_admins": 0}),
    (N.CLOCK, None, {"skew": None}),
    (N.CLOCK, None, {"skew": timedelta(seconds=6)}),
    (N.CLOCK, None, {"skew": timedelta(seconds=-6)}),
    (N.STOP, None, {"stop_tried_at": None}),
    (N.STOP, None, {"stop_tried_at": NOW - 181 * DAY}),
    (N.CONFIRMED, "never", {"confirmation": None}),
    (N.CONFIRMED, "another", {"confirmation": replace(WORD, account_id="b")}),
    (N.CONFIRMED, "another", {"confirmation": replace(WORD, venue="mt_bridge")}),
    (N.CONFIRMED, "another", {"confirmation": replace(WORD, name="502@Broker-Live")}),
    (N.CONFIRMED, "older", {"confirmation": replace(WORD, checklist=CHECKLIST - 1)}),
    (N.CONFIRMED, "looser", ruled(max_lot_size=D("1.01"))),
    (N.SECOND, None, {"reachable_traders": 1}),
]


def test_with_everything_there_a_real_account_may_be_traded() -> None:
    items = checklist(facts())
    assert [item.need for item in items] == list(Need)
    assert all(item.holds and item.why is None for item in items)
    view = view_of(facts())
    assert view is not None
    assert view.may_trade


@pytest.mark.parametrize(("need", "why", "values"), MISSING)
def test_each_item_fails_alone_and_keeps_the_account_shut(
    need: Need, why: str | None, values: dict[str, Any]
) -> None:
    found = {item.need: item for item in checklist(facts(**values))}
    assert (found[need].holds, found[need].why) == (False, why)
    view = view_of(facts(**values))
    if view is None:
        assert facts(**values).identity.kind is AccountKind.DEMO
    else:
        assert (str(need) in view.missing) is found[need].is_mandatory


def test_every_item_and_every_fact_has_a_failing_case() -> None:
    assert {need for need, _, _ in MISSING} == set(Need)
    tried = {name for _, _, values in MISSING for name in values}
    assert tried == {field.name for field in fields(LiveFacts)} - {"now", "account_id"}


def test_a_demo_account_is_not_bothered() -> None:
    demo = replace(REAL, kind=AccountKind.DEMO)
    assert view_of(facts(identity=demo, enabled=False, confirmation=None)) is None


@pytest.mark.parametrize("name", [field.name for field in fields(Core)])
def test_a_limit_may_be_tightened_and_not_loosened(name: str) -> None:
    before = WORD.core
    more = replace(before, **{name: getattr(before, name) + 1})
    assert more.is_looser(before)
    assert not before.is_looser(more)
    assert not before.is_looser(before)


def test_the_mark_is_bound_to_account_and_limits() -> None:
    seen = report(facts()).mark
    for other in (
        {"account_id": "b"},
        {"identity": replace(REAL, name="502@Broker-Live")},
        {"identity": replace(REAL, venue="binance")},
        ruled(max_lot_size=D(2)),
    ):
        assert report(facts(**other)).mark != seen
    assert report(facts(now=NOW + DAY, confirmation=None)).mark == seen


def test_a_confirmation_is_offered_when_nothing_else_is_missing() -> None:
    assert report(facts(confirmation=None)).may_be_confirmed
    assert not report(facts()).may_be_confirmed
    assert not report(facts(confirmation=None, enabled=False)).may_be_confirmed


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_item_is_said_with_what_to_do(language: str) -> None:
    words = words_for(language)
    for need, why, _ in MISSING:
        line, fix = views.item_lines(words, Item(need=need, holds=False, why=why))
        assert "live." not in line + fix
        assert len(views.item_lines(words, Item(need=need, holds=True))) == 1


def labels(words: Words, role: Role, **values: Any) -> list[str]:
    screen = views.checklist(words, report(facts(**values)), role)
    return [button.data for row in screen.buttons for button in row]


def test_buttons_are_for_those_who_may() -> None:
    words = words_for("en")
    assert labels(words, Role.ADMIN, confirmation=None) == ["v1:live-ask", "v1:live"]
    assert labels(words, Role.TRADER, confirmation=None) == ["v1:live"]
    assert labels(words, Role.TRADER) == ["v1:live-off", "v1:live"]
    assert labels(words, Role.VIEWER) == ["v1:live"]
