"""The table of contents of the chat: one router per family of commands, the catch-all last."""

from aiogram import Router

from bot.handlers import (
    about,
    approvals,
    ask,
    backtest,
    changes,
    control,
    drafts,
    ea,
    history,
    live,
    market,
    models,
    notify,
    panic,
    paper,
    people,
    performance,
    position_prices,
    positions,
    risk,
    rule_edits,
    search,
    settings,
    status,
    strategies,
    sweep,
    system,
    trials,
    unknown,
    users,
    watchlist,
    webhooks,
    zones,
)


def routers() -> tuple[Router, ...]:
    """Fresh routers, in the order updates try them; a router belongs to one dispatcher."""
    tried = (backtest, sweep, search, trials)
    trading = (positions, position_prices, panic, approvals, control, live)
    joined = (people, about, users, zones, notify)
    seen = (status, performance, paper, history, ask, market, models, system, ea)
    kept = (webhooks, changes, risk, drafts, watchlist, strategies, rule_edits, settings)
    modules = (*joined, *seen, *tried, *trading, *kept)
    return (*(module.build() for module in modules), ask.build_replies(), unknown.build())
