"""What the settings say of the language model itself, and the model with its guards around it."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.settings import Settings
from broker.ai.analyst import OpenAiAnalyst
from engine.domain.diagnosis import Finding, Level
from engine.domain.explanation import Budget
from engine.domain.provider import Credential, Plan
from engine.errors import InvalidInput
from engine.flow.analyst_budget import Budgeted, ReadSpent, Remembering
from engine.flow.analyst_guards import Resting, Throttled
from engine.flow.provider_records import credential_of
from engine.ports import Analyst, Store

#: Tokens of an explanation, its question included: a day with less left is a day without.
_ONE = 2_500


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParts:
    """How long an answer may take, what a day may cost, how often a person may ask, and how long
    questions and replies are kept.
    """

    first: timedelta
    whole: timedelta
    budget: Budget
    per_minute: int
    kept: timedelta = timedelta(days=90)


def model_of(settings: Settings) -> ModelParts:
    """What is set; raises :class:`InvalidInput` for a limit of money without a price."""
    budget = Budget(
        tokens=settings.llm_daily_tokens or None,
        cost=settings.llm_daily_cost or None,
        price_asked=settings.llm_price_in,
        price_said=settings.llm_price_out,
    )
    if budget.cost is not None and not (budget.price_asked > 0 and budget.price_said > 0):
        raise InvalidInput("LLM_DAILY_COST needs LLM_PRICE_IN and LLM_PRICE_OUT")
    return ModelParts(
        first=timedelta(seconds=settings.llm_first_timeout),
        whole=timedelta(seconds=settings.llm_timeout),
        budget=budget,
        per_minute=settings.llm_per_minute,
        kept=timedelta(days=settings.llm_keep_days),
    )


def build_analyst(plan: Plan, parts: ModelParts, store: Store) -> Analyst | None:
    """The model behind its guards; None when none is to be used. One for each process: how it
    fares is remembered in it.
    """
    if not plan.enabled:
        return None

    async def credential() -> Credential:
        async with store.begin() as tx:
            return await credential_of(tx, plan)

    model = OpenAiAnalyst(plan=plan, credential=credential, first=parts.first, whole=parts.whole)
    budgeted = Budgeted(
        inner=model, store=store, budget=parts.budget, room=lambda: model.dialect.room
    )
    resting = Resting(inner=budgeted, tick=time.monotonic)
    named = f"{plan.provider} {plan.base_url} {plan.model}"
    remembering = Remembering(inner=resting, store=store, model=named)
    return Throttled(inner=remembering, tick=time.monotonic, per_minute=parts.per_minute)


def model_faults(
    plan: Plan, parts: ModelParts, store: Store
) -> Callable[[], Awaitable[Sequence[Finding]]]:
    """What tells how the model fares today, and that its budget is used up."""

    async def look() -> Sequence[Finding]:
        if not plan.enabled:
            return ()
        if plan.model is None:
            return (Finding(code="model_unnamed", level=Level.WARNING),)
        spent = await ReadSpent(store=store)()
        budget = parts.budget
        facts: dict[str, str | int] = {
            "tokens": spent.tokens, "cost": f"{spent.cost.normalize():f}",
            "answered": spent.answered, "failed": spent.failed, "remembered": spent.remembered,
            "unsupported": spent.unsupported,
        }  # fmt: skip
        out = budget.tokens is not None and spent.tokens + _ONE > budget.tokens
        dear = budget.cost is not None and (spent.cost + budget.cost_of(_ONE, 0) > budget.cost)
        found = [Finding(code="model_spent", level=Level.NOTE, facts=facts)]
        if out or dear:
            found.append(Finding(code="model_budget", level=Level.WARNING, facts=facts))
        return found

    return look
