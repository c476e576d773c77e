"""Questions over millions of records, by the code that answers ``/ask``, templates included.

A history is made by the server as in ``history-pages``, over some years; then a market is played
behind it, so that there are ideas, trades and snapshots to ask about.
"""

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import asyncpg

from bot.i18n import words_for
from bot.views import ask as views
from engine.domain.decision import Action
from engine.flow.approvals import Choice
from storage.embedded import Servers
from tests import histories
from tests.benchmarks.common import percentile
from tests.benchmarks.history_pages import fill
from tests.integration.conftest import ANN, Desk

#: Ten million of them are four years and nine months.
_EVERY = timedelta(seconds=15)
_CANDLES = 150
_LIMIT_MS = 300.0
_QUESTIONS = (
    "why idea {idea}", "why EURUSD", "why no trade on EURUSD",
    "why no trade on EURUSD today", "why no trade this month", "who approved idea {idea}",
    "who approved in the last 30 days", "what was refused in the last 30 days",
    "which check refused most on EURUSD this week", "how close are we to the limits",
    "what is the confidence of idea {idea}", "what is our exposure", "profit in the last 30 days",
    "win rate of EURUSD overall", "best hour in the last 30 days", "worst trade this month",
    "what would have happened to the refused ideas in the last 30 days",
    "what would idea {idea} have become", "what if the threshold were 80 today",
    "what if the threshold were 80 in the last 6 days",
    "what is blocking EURUSD now", "last decision on EURUSD", "last approved idea",
    "news around idea {idea}", "when was trading stopped in the last 30 days",
    "what happened today", "what happened in the last 30 days", "how many trades this week",
    "¿Qué control rechazó más en los últimos 30 días?", "Wie hoch ist die Trefferquote heute?",
    "profit of XAUUSD yesterday",
)  # fmt: skip


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """p50 and p95 of all questions, and of each."""
    parser = ArgumentParser(prog="ask", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=10, help="times each question is asked")
    parser.add_argument("--explain", action="store_true", help="show how counts are read")
    wanted = parser.parse_args(arguments)
    async with histories.scratch(servers, "ask") as (_, owner_url):
        owner = await asyncpg.connect(owner_url)
        desk = await histories.desk()
        start, now = perf_counter(), await desk.world.market.instant()
        await fill(owner, wanted.rows, now - wanted.rows * _EVERY, _EVERY)
        await owner.execute(
            "UPDATE history_head SET seq = $1::bigint,"
            " hash = md5(($1::bigint)::text) || md5(($1::bigint)::text)",
            wanted.rows,
        )
        print(f"{wanted.rows:,} records made in {perf_counter() - start:.0f} s")
        for _ in range(_CANDLES):
            for decision in await desk.next_candle():
                if decision.entry.action is Action.AI_PROPOSED and decision.entry.idea_id:
                    await desk.talk.decide_idea(
                        decision.entry.idea_id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.id
                    )
            await desk.send_all()
        await owner.execute("ANALYZE")
        await _measure(desk, wanted.rounds)
        if wanted.explain:
            await _explain(owner, desk)
        await owner.close()


async def _measure(desk: Desk, rounds: int) -> None:
    ask = replace(desk.talk.ask, per_minute=1_000_000)
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 2):
        for text in _QUESTIONS:
            start = perf_counter()
            told = await ask(ANN.id, text.format(idea=1 + turn % 3), language="en")
            screen = views.told(words_for("en"), told)
            spent = (perf_counter() - start) * 1e3
            assert told.evidence is not None, text
            assert screen.text
            if turn >= 2:  # the connection learns its statements first
                taken[text].append(spent)
    for text, times in taken.items():
        print(f"{text[:60]:<62} p50 {percentile(times, 50):7.2f} ms   max {max(times):7.2f} ms")
    everything = [spent for times in taken.values() for spent in times]
    half, most = percentile(everything, 50), percentile(everything, 95)
    print(
        f"{'all questions':<62} p50 {half:7.2f} ms   p95 {most:7.2f} ms"
        f"   {_LIMIT_MS / most:5.1f} × faster than 300 ms"
    )


async def _explain(owner: asyncpg.Connection, desk: Desk) -> None:
    now = await desk.world.market.instant()
    rows = await owner.fetch(
        "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT risk_check_result, count(*), max(seq)"
        " FROM decision_history WHERE action = 'no_trade' AND market_time >= $1"
        " AND market_time < $2 GROUP BY 1",
        now - timedelta(days=30), now,
    )  # fmt: skip
    print("\n".join(row[0] for row in rows))
