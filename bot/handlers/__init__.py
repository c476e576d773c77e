"""The table of contents of the chat: one router per family of commands, the catch-all last."""

from aiogram import Router

from bot.handlers import (
    approvals,
    control,
    ea,
    history,
    market,
    people,
    performance,
    status,
    system,
    unknown,
)


def routers() -> tuple[Router, ...]:
    """Fresh routers, in the order updates try them; a router belongs to one dispatcher."""
    modules = (
        people,
        status,
        performance,
        approvals,
        history,
        market,
        control,
        ea,
        system,
        unknown,
    )
    return tuple(module.build() for module in modules)
