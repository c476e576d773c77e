"""A hundred questions over a played market: each answer is what the plain rows say."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import asyncpg
import pytest

from bot.i18n import LANGUAGES, words_for
from bot.views import ask as views
from engine.domain.ask import Asked, Evidence, Intent, asked_of
from engine.domain.idea import IdeaStatus
from engine.errors import NotAllowed, TooManyQuestions
from engine.flow.approvals import Choice
from engine.flow.ask.periods import period_of
from tests.askers import Honest, Liar
from tests.conftest import Database
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.interrogation import interrogate
from tests.questions import ANSWERED, UNANSWERED

#: Hourly candles that are played, a month of them; the ideas' answers go round.
_CANDLES = 530


@dataclass
class Facts:
    """The rows as they are, and the market's now."""

    records: list[Any]
    trades: list[Any]
    ideas: list[Any]
    now: datetime
    zone: Any

    def span(self, asked: Asked) -> tuple[datetime, datetime]:
        found = period_of(asked.period, self.now, self.zone)
        return found.since, found.until

    def of(self, asked: Asked, *actions: str) -> list[Any]:
        since, until = self.span(asked)
        return [
            row
            for row in self.records
            if row["action"] in actions
            and row["market_time"] is not None
            and since <= row["market_time"] < until
            and asked.symbol in (None, row["symbol"])
        ]

    def ended(self, asked: Asked) -> list[Any]:
        since, until = self.span(asked)
        return [
            row
            for row in self.trades
            if since <= row["closed_at"] < until
            and asked.symbol in (None, row["symbol"])
            and asked.direction in (None, row["direction"])
            and asked.strategy in (None, row["strategy"])
        ]

    def made(self, asked: Asked) -> list[Any]:
        since, until = self.span(asked)
        return [
            row
            for row in self.ideas
            if since <= row["market_time"] < until and asked.symbol in (None, row["symbol"])
        ]

    def idea(self, number: int | None) -> Any:
        (found,) = [row for row in self.ideas if row["number"] == number]
        return found


async def facts_of(desk: Desk, database: Database) -> Facts:
    """Plain rows, read without any of the product's code."""
    connection = await asyncpg.connect(database.url)
    records = await connection.fetch(
        "SELECT seq, action, market_time, symbol, risk_check_result AS result, actor,"
        " trade_idea_id, human_override, confidence_score, body::json ->> 'detail' AS detail"
        " FROM decision_history ORDER BY seq"
    )
    trades = await connection.fetch(
        "SELECT p.client_id, p.symbol, sum(p.profit) AS profit, max(p.closed_at) AS closed_at,"
        " min(p.document ->> 'direction') AS direction, min(i.number) AS number,"
        " min(i.document ->> 'strategy_name') AS strategy FROM trade_position p"
        " LEFT JOIN trade_order o USING (client_id) LEFT JOIN trade_ideas i ON i.id = o.idea_id"
        " WHERE p.closed_at IS NOT NULL GROUP BY 1, 2"
    )
    ideas = await connection.fetch(
        "SELECT i.number, i.id, i.status, i.market_time, i.symbol, i.confidence_score, a.ending,"
        " a.document ->> 'decided_name' AS by, f.result, f.r FROM trade_ideas i"
        " LEFT JOIN approval a ON a.idea_id = i.id LEFT JOIN idea_outcome f ON f.idea_id = i.id"
    )
    await connection.close()
    now = await desk.world.market.instant()
    return Facts(records, trades, ideas, now, desk.world.zone)


async def play(desk: Desk) -> None:
    """A market with every kind of answer: yes, no, none, refused, stopped, sent by itself."""
    store, answers = desk.world.store, 0
    for number in range(_CANDLES):
        if number == 120:
            await desk.change_risk(max_spread_pips=Decimal("0.1"))
        if number == 150:
            await desk.change_risk(max_spread_pips=Decimal(3))
        if number == 200:
            await desk.talk.change_control.pause(ANN.id)
        if number == 215:
            await desk.talk.change_control.resume(LUIS.id)
        for decision in await desk.next_candle():
            if decision.entry.idea_id is None:
                continue
            async with store.begin() as tx:
                idea = await tx.ideas.get(decision.entry.idea_id)
            if idea.status is not IdeaStatus.NEEDS_APPROVAL:
                continue
            answers += 1
            if answers % 4 == 0:
                await _let_expire(desk)
                continue
            who = LUIS if answers % 4 == 3 else ANN
            choice = Choice.REJECT if answers % 4 == 3 else Choice.APPROVE
            await desk.talk.decide_idea(idea.id, choice, person_id=who.id, chat_id=who.chat_id)
        sends = desk.is_rung
        await desk.send_all()
        if sends:
            await desk.work.sync_broker()
    await desk.work.follow_ideas("EURUSD", desk.world.symbols[0][1])


async def _let_expire(desk: Desk) -> None:
    from storage.database import transaction

    async with transaction() as connection:
        await connection.execute_query(
            "UPDATE approval SET expires_at = clock_timestamp() - interval '1 second'"
            " WHERE ending = 'pending'"
        )
    await desk.work.expire_ideas()


def numbers(facts: Facts) -> dict[str, int]:
    """Ideas of each kind to ask about; the last of each."""

    def last(**wanted: str) -> int:
        return max(
            row["number"] for row in facts.ideas if all(row[k] == v for k, v in wanted.items())
        )

    return {
        "idea": min(row["number"] for row in facts.ideas),
        "approved": last(ending="approved"),
        "rejected": last(ending="rejected"),
        "refused": max(
            row["number"]
            for row in facts.ideas
            if row["ending"] is None and row["status"] in ("rejected", "halted_by_risk")
        ),
        "decision": max(row["seq"] for row in facts.records if row["action"] == "no_trade"),
    }


@pytest.mark.timeout(300)  # a market is played, then a hundred questions are asked
async def test_every_answer_is_what_the_plain_rows_say(desk: Desk, database: Database) -> None:
    await play(desk)
    facts = await facts_of(desk, database)
    ask = replace(desk.talk.ask, per_minute=10_000)
    values, seen, wrong = numbers(facts), Counter[str](), []
    for language, text, _ in ANSWERED:
        told = await ask(ANN.id, text.format(**values), language=language)
        assert told.evidence is not None, text
        found = told.evidence
        try:
            CHECKS[found.asked.intent](found, facts)
        except AssertionError as error:
            wrong.append((text, str(error)))
        seen[found.asked.intent] += 1
        screen = views.told(words_for(language), told)
        assert screen.text
        assert "{" not in screen.text
        for row in screen.buttons:
            assert all(len(button.data.encode()) <= 64 for button in row)
    assert wrong == []
    assert sum(seen.values()) >= 100
    assert set(seen) >= set(Intent) - {Intent.LOST, Intent.HELP}
    for language, text in UNANSWERED:
        told = await ask(EVE.id, text, language=language)
        assert told.evidence is None, text
        assert views.told(words_for(language), told).text
    # The month has something of everything, or an answer of nothing would prove nothing.
    everything = Asked(intent=Intent.RESULT, period="all")
    for action in ("human_approved", "human_rejected", "idea_expired", "risk_rejected",
                   "ai_halted", "order_filled"):  # fmt: skip
        assert facts.of(everything, action), action
    assert len(facts.ended(everything)) >= 3
    await _what_is_not_recorded(ask)
    await _in_words(desk, values)
    await _rights_and_rates(desk)


async def _what_is_not_recorded(ask: Any) -> None:
    for code, missing in (
        ("refused;s=GBPUSD", "symbol"),
        ("result;p=2001-01-01", "period"),
        ("why;i=999999", "idea"),
        ("why;r=999999", "decision"),
        ("blocked;s=GBPUSD", "not_watched"),
        ("would;i=999999", "idea"),
        ("news;i=999999", "idea"),
    ):
        told = await ask.again(ANN.id, asked_of(code))
        assert told.evidence is not None
        assert told.evidence.missing == missing, code
        for language in LANGUAGES:
            assert views.told(words_for(language), told).text
    many = await ask.again(ANN.id, asked_of("threshold;n=80;p=all"))
    assert many.evidence is not None
    assert many.evidence.missing in (None, "too_many_replays")


async def _in_words(desk: Desk, values: dict[str, int]) -> None:
    """Every sixth question to an honest model, every third to one that lies, and some that
    nothing answers to both: nothing untrue is shown at any time.
    """
    asked = [(language, text.format(**values)) for language, text, _ in ANSWERED]
    honest = await interrogate(desk, asked[::6] + list(UNANSWERED[::20]), Honest(Random(1)))
    assert honest.untrue == []
    assert honest.shown * 10 >= honest.asked * 8, honest.why
    liar = await interrogate(desk, asked[::3] + list(UNANSWERED[::10]), Liar(Random(2)))
    assert liar.untrue == []
    assert liar.held_back > liar.asked // 4


async def _rights_and_rates(desk: Desk) -> None:
    question = asked_of("refused;p=d7")
    with pytest.raises(NotAllowed):
        await desk.talk.ask(4711, "what was refused today", language="en")
    with pytest.raises(NotAllowed):
        await desk.talk.ask.look_up(4711, question)
    few = replace(desk.talk.ask, per_minute=2)
    await few.again(LUIS.id, question)
    await few.again(LUIS.id, question)
    with pytest.raises(TooManyQuestions):
        await few.again(LUIS.id, question)
    await few.again(None, question)  # the machine itself


# ---- what each answer has to be ----------------------------------------------------------------


def _why(found: Evidence, facts: Facts) -> None:
    asked = found.asked
    if asked.decision is not None:
        assert found.records == (asked.decision,)
        assert found.text("action") == "no_trade"
        return
    number = asked.idea
    if number is None:
        filled = [row for row in facts.records if row["action"] == "order_filled"]
        newest = {row["trade_idea_id"] for row in filled}
        bought = [row for row in facts.ideas if row["id"] in newest]
        assert found.missing is None
        assert found.count("number") in {row["number"] for row in bought}
        assert found.text("direction") == (asked.direction or found.text("direction"))
        return
    row = facts.idea(number)
    assert found.count("number") == number
    assert found.number("score") == row["confidence_score"]
    assert found.text("status") == row["status"]


def _none(found: Evidence, facts: Facts) -> None:
    rows = facts.of(found.asked, "no_trade", "risk_rejected")
    assert found.count("records") == len(rows)
    assert found.count("filled") == len(facts.of(found.asked, "order_filled"))
    told = {f"{row['kind']}:{row['code']}": row["records"] for row in found.rows}
    counted = Counter(row["result"] for row in rows)
    assert told == {code: counted[code] for code in told}
    assert sorted(told.values(), reverse=True) == sorted(counted.values(), reverse=True)[:6]


def _who(found: Evidence, facts: Facts) -> None:
    asked = found.asked
    if asked.idea is not None:
        row = facts.idea(asked.idea)
        assert (found.text("ending"), found.figures["by"]) == (row["ending"], row["by"])
        return
    actions = {"approve": ["human_approved"], "reject": ["human_rejected"]}[asked.what or ""]
    if asked.what == "approve" and asked.person is None:
        actions.append("ai_auto_executed")
    rows = facts.of(asked, *actions)
    if asked.person is not None:
        rows = [row for row in rows if row["actor"] == f"person:{asked.person}"]
    assert found.count("answers") == len(rows)
    names = {"person:1001": "Ann", "person:1002": "Luis"}
    counted = Counter(names.get(row["actor"], row["actor"]) for row in rows)
    assert {row["by"]: row["records"] for row in found.rows} == counted


def _refused(found: Evidence, facts: Facts) -> None:
    refused = facts.of(found.asked, "risk_rejected")
    held = [r for r in facts.of(found.asked, "no_trade") if r["result"].startswith("blocked:")]
    assert (found.count("refused"), found.count("held")) == (len(refused), len(held))
    counted = Counter(row["result"] for row in (*refused, *held))
    assert {f"{row['kind']}:{row['code']}": row["records"] for row in found.rows} == counted
    order = [row["records"] for row in found.rows if row["kind"] == "fail"]
    assert order == sorted(order, reverse=True)


def _result(found: Evidence, facts: Facts) -> None:
    profits = [row["profit"] for row in facts.ended(found.asked)]
    assert found.count("trades") == len(profits)
    assert found.number("profit") == sum(profits, Decimal(0))
    assert found.count("wins") == sum(profit > 0 for profit in profits)
    assert found.count("losses") == sum(profit < 0 for profit in profits)
    if profits:
        assert found.number("best") == max(profits)
        assert found.number("worst") == min(profits)


def _best(found: Evidence, facts: Facts) -> None:
    asked, sums = found.asked, defaultdict[Any, Decimal](Decimal)
    for row in facts.ended(asked):
        sums[{
            "hour": row["closed_at"].hour,
            "weekday": row["closed_at"].weekday(),
            "trade": row["number"],
            "strategy": row["strategy"],
            "symbol": row["symbol"],
        }[asked.by or ""]] += row["profit"]  # fmt: skip
    wanted = (max if asked.what == "best" else min)(sums.values())
    assert found.rows[0]["profit"] == wanted
    assert {row["key"]: row["profit"] for row in found.rows} == {
        key: sums[key] for key in (row["key"] for row in found.rows)
    }
    told = {row["key"] for row in found.rows if row["profit"] == wanted}
    assert told == {key for key, made in sums.items() if made == wanted}


def _would(found: Evidence, facts: Facts) -> None:
    asked = found.asked
    if asked.idea is not None:
        row = facts.idea(asked.idea)
        assert found.text("result") == (row["result"] or "open")
        assert found.figures.get("r") == row["r"]
        return
    groups = {
        "rejected": [r for r in facts.made(asked) if r["ending"] == "rejected"],
        "expired": [r for r in facts.made(asked) if r["ending"] == "expired"],
        "refused": [
            r
            for r in facts.made(asked)
            if r["ending"] is None and r["status"] in ("rejected", "halted_by_risk")
        ],
        "unsent": [
            r for r in facts.made(asked) if r["ending"] in ("price_moved", "gate_closed", "halted")
        ],
    }
    rows = [row for name, some in groups.items() if asked.what in (name, "untaken") for row in some]
    assert found.count("ideas") == len(rows)
    for result in ("target", "stop", "timed_out", "unknown"):
        assert found.count(result) == sum(row["result"] == result for row in rows)
    assert found.count("open") == sum(row["result"] is None for row in rows)
    assert found.number("total_r") == sum((row["r"] or 0 for row in rows), Decimal(0))


def _threshold(found: Evidence, facts: Facts) -> None:
    made = [
        row
        for row in facts.of(found.asked, "ai_proposed", "ai_auto_executed", "risk_rejected")
        if not row["human_override"]
    ]
    assert found.count("ideas") == len(made)
    assert found.count("unreadable") == 0
    reached = [row for row in made if row["confidence_score"] >= found.asked.number]
    assert found.count("reached_after") == len(reached)


def _confidence(found: Evidence, facts: Facts) -> None:
    row = facts.idea(found.asked.idea)
    assert found.number("score") == row["confidence_score"]
    assert found.number("threshold") == 60
    assert found.number("distance") == row["confidence_score"] - 60


def _last(found: Evidence, facts: Facts) -> None:
    actions = {
        "decision": ("ai_proposed", "ai_auto_executed", "risk_rejected", "no_trade"),
        "refuse": ("risk_rejected",),
        "approve": ("human_approved",),
    }[found.asked.what or ""]
    assert found.records == (max(r["seq"] for r in facts.records if r["action"] in actions),)


def _halts(found: Evidence, facts: Facts) -> None:
    stops, starts = facts.of(found.asked, "ai_halted"), facts.of(found.asked, "ai_resumed")
    assert (found.count("halted"), found.count("resumed")) == (len(stops), len(starts))
    assert [row["number"] for row in found.rows] == sorted(
        (row["seq"] for row in (*stops, *starts)), reverse=True
    )
    assert {row["by"] for row in found.rows} == {"Ann", "Luis"}


def _activity(found: Evidence, facts: Facts) -> None:
    counted = Counter(row["action"] for row in facts.of(found.asked, *found.figures))
    for action, number in found.figures.items():
        if action not in ("closed", "first", "last", "recorded"):
            assert number == counted[action], action
    assert found.count("closed") == len(facts.ended(found.asked))


def _news(found: Evidence, facts: Facts) -> None:
    row = facts.idea(found.asked.idea)
    assert found.moment("at") == row["market_time"]
    assert found.count("events") >= len([r for r in found.rows if r["kind"] == "event"])
    for one in found.rows:
        at = one["at"]
        assert isinstance(at, datetime)
        assert abs(at - row["market_time"]) <= timedelta(hours=12)


def _blocked(found: Evidence, facts: Facts) -> None:
    assert found.text("state") == "running"
    latest = {row["strategy"]: row["at"] for row in found.rows}
    assert latest
    assert all(at == facts.now for at in latest.values())


def _now(found: Evidence, facts: Facts) -> None:
    """Figures of the account are the gate's own; see the tests of limits and exposures."""
    assert found.missing is None
    assert found.currency == "USD"
    for row in found.rows:
        if "left" in row:
            assert row["left"] == max(Decimal(0), row["limit"] - row["used"])  # type: ignore[operator]


CHECKS = {
    Intent.WHY: _why,
    Intent.NONE: _none,
    Intent.WHO: _who,
    Intent.REFUSED: _refused,
    Intent.LIMITS: _now,
    Intent.CONFIDENCE: _confidence,
    Intent.EXPOSURE: _now,
    Intent.RESULT: _result,
    Intent.BEST: _best,
    Intent.WOULD: _would,
    Intent.THRESHOLD: _threshold,
    Intent.BLOCKED: _blocked,
    Intent.LAST: _last,
    Intent.NEWS: _news,
    Intent.HALTS: _halts,
    Intent.ACTIVITY: _activity,
}
