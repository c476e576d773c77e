"""The table of contents of the chat: one router per family of commands, the catch-all last."""

from aiogram import Router

from bot.handlers import (
    approvals,
    control,
    history,
    market,
    panic,
    people,
    performance,
    position_prices,
    positions,
    status,
    system,
    unknown,
)


def routers() -> tuple[Router, ...]:
    """Fresh routers, in the order updates try them; a router belongs to one dispatcher."""
    modules = (
        people, status, positions, position_prices, panic, performance, approvals, history, market,
        control, system, unknown,
    )  # fmt: skip
    return tuple(module.build() for module in modules)
