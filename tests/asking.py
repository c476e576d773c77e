"""A language model beside people's questions: an honest one, and the product around it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.analyst_settings import ModelParts
from bot.wiring import build_look_up
from bot.wording import build_wording
from engine.domain.explanation import Budget
from engine.domain.provider import Plan, Provider
from engine.domain.secret import Secret
from engine.flow.ask.inquiries import Wording
from tests.integration.conftest import Desk
from tests.model_server import ChatSite, Speech
from tests.provider_server import KEY

PARTS = ModelParts(
    first=timedelta(seconds=3), whole=timedelta(seconds=5), budget=Budget(), per_minute=10_000
)
#: No phrase of the closed grammar.
STRANGE = "how sure was the machine about its newest thought?"


def wording_for(desk: Desk, site: ChatSite, parts: ModelParts = PARTS) -> Wording:
    """The product's own, with the model that a site serves."""
    plan = Plan(
        provider=Provider.OPENAI, enabled=True, model="gpt-4o", base_url=f"{site.url}/v1",
        key=Secret(KEY),
    )  # fmt: skip
    world = replace(desk.world, provider=replace(desk.world.provider, plan=plan), model=parts)
    made = build_wording(world, build_look_up(world, desk.talk.read_limits))
    assert made is not None
    return made


def confidence(body: dict[str, Any]) -> Speech:
    """An honest model: it looks up, then it says what it was told."""
    last = body["messages"][-1]
    if last["role"] != "tool":
        return [("confidence", "{}")]
    told = dict(line.split(" = ", 1) for line in last["content"].splitlines() if " = " in line)
    return (
        f"The confidence of idea #{told['number']} is {told['score']}."
        f" The threshold was {told['threshold']}."
    )
