"""The table of contents of the chat: one router per family of commands, the catch-all last."""

from aiogram import Router

from bot.handlers import (
    approvals,
    control,
    drafts,
    history,
    market,
    people,
    performance,
    risk,
    rule_edits,
    settings,
    status,
    strategies,
    system,
    unknown,
    watchlist,
)


def routers() -> tuple[Router, ...]:
    """Fresh routers, in the order updates try them; a router belongs to one dispatcher."""
    everyday = (people, status, performance, approvals, history, market, control, system)
    kept = (risk, drafts, watchlist, strategies, rule_edits, settings)
    modules = (*everyday, *kept, unknown)
    return tuple(module.build() for module in modules)
