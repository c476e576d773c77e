"""An idea is explained in words, after it was decided; what it is does not depend on them.

The idea, its size, its confidence and the gate's report are committed before anybody is asked. What
the model says is text for people, held against the record before it is shown; where it does not
hold, or nothing comes, the card keeps its own words (source 004, section 9.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from engine.domain.analyst import Conversation, Said, Trouble
from engine.domain.decision import Action, Entry
from engine.domain.explanation import DEGRADED, FALLBACK_RATIONALE, Explanation, Fate
from engine.domain.idea import Idea
from engine.domain.notice import Audience
from engine.errors import AnalystUnavailable
from engine.flow.ideas import card_notice
from engine.flow.judgement import Outcome
from engine.flow.overview import JUDGED
from engine.llm import prompts
from engine.llm.cleaning import clean, is_written_in
from engine.llm.evidence import Evidence
from engine.llm.grounding import ground
from engine.llm.ideas import evidence_of
from engine.ports import Analyst, Bell, Store, Transaction
from engine.snapshot.canonical import canonical, digest, plain, restore

#: An idea that is older is not explained any more: nobody reads its card.
RECENT = timedelta(hours=1)
#: Whoever explains one has so long; then somebody else may. Every language is asked for in it.
LEASE = timedelta(minutes=5)
#: All of an attempt, the last language included; less than the lease, so that it is not in vain.
_WITHIN = timedelta(minutes=4)
#: When one that did not come is asked for again: so long after the first attempt, the second, ...
PAUSES = (
    timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=10), timedelta(minutes=20),
)  # fmt: skip
#: Ideas that are looked for at once.
_MANY = 20


@dataclass(frozen=True, slots=True)
class Material:
    """What an explanation is made from, and its languages. ``attempt`` is the number of this
    attempt at the idea; ``is_told`` is whether people were told how an earlier one ended.
    """

    idea: Idea
    evidence: Evidence
    languages: tuple[str, ...]
    attempt: int = 1
    is_told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainIdeas:
    """Explain what is due, one idea after the other; answers what was explained.

    Several workers may call this at once; one of them explains an idea. It may be cut off at any
    point: a claim that ran out is free again, and nothing is written twice. An idea without an
    answer is due again after a pause, a few times, while it is recent.
    """

    store: Store
    analyst: Analyst
    bell: Bell

    async def __call__(self) -> tuple[UUID, ...]:
        async with self.store.begin() as tx:
            due = await tx.explanations.due(await tx.now() - RECENT, _MANY)
        return tuple([idea_id for idea_id in due if await self.one(idea_id)])

    async def one(self, idea_id: UUID) -> bool:
        """Explain one idea in the language of everyone who may see it; False when somebody else
        does, or did.
        """
        async with self.store.begin() as tx:
            attempt = await tx.explanations.claim(idea_id, LEASE)
            if attempt is None:
                return False
            material = await material_of(tx, idea_id, attempt)
        said: list[Explanation] = []
        trouble: str | None = None
        for language in material.languages:
            asked = prompts.rationale(material.evidence, language)
            conversation = replace(asked, within=_WITHIN / len(material.languages))
            try:
                # Who does not answer in one language would not in the next, and people wait; who
                # answers without words may find them.
                answer = trouble or await self.analyst.complete(conversation)
            except AnalystUnavailable as problem:
                answer = problem.reason
                trouble = None if problem.reason == Trouble.EMPTY else problem.reason
            async with self.store.begin() as tx:
                now = await tx.now()
            said.append(judged(material, language, conversation, answer, now))
        async with self.store.begin() as tx:
            await self._write(tx, material, said)
        await self.bell.ring("deliver")
        return True

    async def _write(
        self, tx: Transaction, material: Material, said: Sequence[Explanation]
    ) -> None:
        idea, attempt, now = material.idea, material.attempt, await tx.now()
        lost = sum(each.fate is Fate.UNAVAILABLE for each in said)
        pause = _pause(idea, attempt, now) if lost else None
        if pause is None:
            is_last = await tx.explanations.done(idea.id, attempt)
        else:
            is_last = await tx.explanations.later(idea.id, attempt, pause)
        if not is_last:
            return
        for each in said:
            await tx.explanations.add(each)
        unsupported = sum(each.fate is Fate.UNSUPPORTED for each in said)
        if unsupported:
            await tx.analyst_books.count(now.date(), unsupported=unsupported)
        # An attempt that only failed again changes nothing that people see.
        if said and (not material.is_told or lost < len(said)):
            change = f"explained:{attempt}" if material.is_told else "explained"
            await tx.outbox.tell(card_notice(idea.id, change), Audience())
            await tx.history.append(_entry(material, said, now))


def _pause(idea: Idea, attempt: int, now: datetime) -> timedelta | None:
    """How long nobody asks after an attempt that failed; None when it was the last."""
    pause = PAUSES[attempt - 1] if attempt <= len(PAUSES) else None
    return pause if pause is not None and now + pause < idea.created_at + RECENT else None


async def material_of(tx: Transaction, idea_id: UUID, attempt: int = 1) -> Material:
    """What an idea is explained from: the record that proposed it, and the bundle it rests on; in
    the languages of everyone who may see its card, without those in which the model answered.
    """
    idea = await tx.ideas.get(idea_id)
    made = (await tx.history.list(idea_id=idea_id, actions=JUDGED, limit=100))[-1]
    outcome = restore(Outcome, made.entry.detail["outcome"])
    bundle = await tx.bundles.get(idea.bundle_hash)
    evidence = evidence_of(idea, outcome.evaluation, outcome.report, bundle)
    before = await tx.explanations.of_idea(idea_id)
    done = {each.language for each in before if each.fate is not Fate.UNAVAILABLE}
    wanted = {person.language for person in await tx.people.list() if person.role.has_access}
    languages = sorted((wanted & set(prompts.LANGUAGES)) - done)
    return Material(idea, evidence, tuple(languages), attempt, bool(before))


def judged(
    material: Material, language: str, conversation: Conversation, answer: Said | str, at: datetime
) -> Explanation:
    """What is made of an answer, or of the reason why there is none. A pure function."""
    prompt = "\n\n".join(message.text for message in conversation.messages)
    hash_ = digest(canonical(plain(material.evidence.figures)))
    if isinstance(answer, str):
        return Explanation(
            idea_id=material.idea.id, language=language, fate=Fate.UNAVAILABLE, reason=answer,
            evidence_hash=hash_, prompt=prompt, at=at, attempt=material.attempt,
        )  # fmt: skip
    text = clean(answer.text, prompts.LONGEST)
    wrong = ground(text, material.evidence, language).unsupported
    is_theirs = is_written_in(text, language)
    is_shown = bool(text) and not wrong and is_theirs
    reason = None
    if not is_shown:
        other = "no sentence that fits" if is_theirs else "another language"
        reason = ", ".join(wrong)[:200] or other
    return Explanation(
        idea_id=material.idea.id,
        language=language,
        fate=Fate.SHOWN if is_shown else Fate.UNSUPPORTED,
        reason=reason,
        evidence_hash=hash_,
        prompt=prompt,
        answer=answer.text,
        text=text if is_shown else "",
        model=answer.model,
        asked_tokens=answer.usage.asked,
        said_tokens=answer.usage.said,
        at=at,
        attempt=material.attempt,
    )


def _entry(material: Material, said: Sequence[Explanation], now: datetime) -> Entry:
    """The record: what people are shown, and in degraded mode source 004's code."""
    idea = material.idea
    shown = [each for each in said if each.fate is Fate.SHOWN]
    lost = [each for each in said if each.fate is Fate.UNAVAILABLE]
    if lost:
        rationale = f"{DEGRADED}: {FALLBACK_RATIONALE} ({lost[0].reason})"
    elif shown:
        rationale = next((each.text for each in shown if each.language == "en"), shown[0].text)
    else:
        rationale = f"The model's text is not shown: {said[0].reason}."
    return Entry(
        action=Action.IDEA_EXPLAINED,
        occurred_at=now,
        actor="llm",
        symbol=idea.proposal.symbol,
        market_time=idea.market_time,
        rationale=rationale,
        strategy_id=idea.strategy_id,
        strategy_version=idea.strategy_version,
        idea_id=idea.id,
        detail={
            "idea": idea.number,
            "attempt": material.attempt,
            "explanations": [
                {
                    "language": each.language,
                    "fate": str(each.fate),
                    "reason": each.reason,
                    "model": each.model,
                    "evidence_hash": each.evidence_hash,
                }
                for each in said
            ],
        },
    )
