"""Ideas are explained after they were decided; a model moves nothing, whatever it says or does."""

import ast
import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from bot.explain_jobs import Explaining, explain_ideas
from bot.i18n import Words
from bot.views.explain import in_full, on_card
from engine.domain.decision import Action
from engine.domain.explanation import FALLBACK_RATIONALE, Explanation, Fate
from engine.domain.notice import Kind
from engine.domain.state import Mode
from engine.errors import NotAllowed
from engine.flow.explaining import PAUSES, ExplainIdeas
from engine.flow.in_words import WantInWords
from engine.llm.prompts import LANGUAGES as NAMES
from tests.analyst.bench import Silent, World
from tests.analyst.injections import Counts, run
from tests.analyst.texts import LANGUAGES, honest
from tests.builders import IDEA_ID, NOW, story
from tests.model_server import ChatSite
from tests.served import served
from tests.unit.test_analyst import analyst

FAULTS = ("hang", "hang later", "500", "429 later", "garbage", "cut", "wrong json", "huge", "401")


async def first_idea(world: World) -> UUID:
    for _ in range(20):
        ideas = await world.step()
        if ideas:
            return ideas[0]
    raise AssertionError("no idea in twenty candles")


async def said_of(world: World, idea_id: UUID) -> list[Explanation]:
    async with world.store.begin() as tx:
        return list(await tx.explanations.of_idea(idea_id))


async def records(world: World) -> list[Any]:
    async with world.store.begin() as tx:
        found = await tx.history.list(actions=(Action.IDEA_EXPLAINED,), limit=100)
    return [each.entry for each in found]


def cards(world: World) -> list[Any]:
    return [told for told in world.store.all("outbox") if told.notice.kind is Kind.CARD]


async def opened(mode: Mode = Mode.SUPERVISED) -> World:
    world = World(played=306)
    await world.open(mode)
    return world


async def test_an_idea_is_explained_to_everyone_in_their_language() -> None:
    world = await opened()
    idea_id = await first_idea(world)
    scene, random = await world.scene(idea_id), Random(1)

    def speak(body: dict[str, Any]) -> str:
        rules = body["messages"][0]["content"]
        language = next(code for code, name in NAMES.items() if f", in {name}," in rules)
        return honest(scene, language, random)[:330]

    async with served(ChatSite(speak=speak)) as site:
        assert await world.explain(analyst(site)) == (idea_id,)
        # Nothing is due any more, and nobody is asked again.
        assert await world.explain(analyst(site)) == ()
        assert len(site.talks) == len(LANGUAGES)
    said = await said_of(world, idea_id)
    assert {each.language for each in said} == set(LANGUAGES)
    assert {each.model for each in said} == {"gpt-4o"}
    for each in said:
        assert "EVIDENCE" in each.prompt
        assert each.asked_tokens > 0
        assert len(each.evidence_hash) == 64
    assert sum(each.fate is Fate.SHOWN for each in said) >= 5
    (entry,) = await records(world)
    assert entry.idea_id == idea_id
    assert entry.actor == "llm"
    assert len({card.person_id for card in cards(world)}) == len(cards(world)) == len(LANGUAGES)
    assert {kind for job in world.bell.rung for kind in job} >= {"deliver"}


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_an_answer_cards_and_history_say_so(fault: str) -> None:
    world = await opened()
    idea_id = await first_idea(world)
    bare = await world.record()
    async with served(ChatSite(always=fault)) as site:
        quick = analyst(site, first=timedelta(seconds=0.2), whole=timedelta(seconds=0.4))
        await world.explain(quick)
        # Who does not answer in one language is not asked in the next.
        assert len(site.asked) <= 3
    said = await said_of(world, idea_id)
    assert {each.fate for each in said} == {Fate.UNAVAILABLE}
    (entry,) = await records(world)
    assert entry.rationale.startswith(f"OPENAI_UNAVAILABLE: {FALLBACK_RATIONALE}")
    assert await world.record() == bare
    assert len(cards(world)) == len(LANGUAGES)


async def test_a_text_that_names_what_is_not_on_record_is_held_back_and_counted() -> None:
    world = await opened()
    idea_id = await first_idea(world)
    async with served(ChatSite(speak=lambda _: "RSI 14 is at 99.9, so buy GBPJPY.")) as site:
        await world.explain(analyst(site))
    said = await said_of(world, idea_id)
    assert {each.fate for each in said} == {Fate.UNSUPPORTED}
    assert {each.text for each in said} == {""}
    assert "GBPJPY" in str(said[0].reason)
    assert "99.9" in said[0].answer
    async with world.store.begin() as tx:
        spent = await tx.analyst_books.spent((await tx.now()).date())
    assert spent.unsupported == len(LANGUAGES)
    (entry,) = await records(world)
    assert "99.9" not in entry.rationale.replace(str(said[0].reason), "")


async def test_of_several_who_come_one_explains_and_a_crash_is_made_up_for() -> None:
    world = await opened()
    idea_id = await first_idea(world)

    class Crash(Silent):
        async def complete(self, conversation: Any) -> Any:
            raise RuntimeError("the process died")

    with pytest.raises(RuntimeError):
        await world.explain(Crash())
    assert await said_of(world, idea_id) == []
    # The claim is still held; when it has run out the next one explains it.
    assert await world.explain(Silent()) == ()
    await world.step()
    both = await asyncio.gather(
        *(
            ExplainIdeas(store=world.store, analyst=Silent(), bell=world.bell).one(idea_id)
            for _ in range(4)
        )
    )
    assert sorted(both) == [False, False, False, True]
    assert len(await records(world)) == 1


async def test_what_did_not_come_is_asked_for_again_and_then_stands_on_the_card() -> None:
    world = await opened()
    idea_id = await first_idea(world)
    asked: list[timedelta] = []

    async def attempt(analyst: Any) -> int:
        explained = await world.explain(analyst)
        asked.extend(world.later for _ in explained)
        return len(explained)

    # Every half minute the job looks; only what the record allows is asked.
    for _ in range(2 * 50):
        if await attempt(Silent("timeout")):
            # While nothing changes, people and the history are told once.
            assert len(await records(world)) == 1
            assert len(cards(world)) == len(LANGUAGES)
        world.later += timedelta(seconds=30)
    begun = [sum(PAUSES[:number], timedelta()) for number in range(len(PAUSES) + 1)]
    assert asked == begun
    assert {each.attempt for each in await said_of(world, idea_id)} == {len(begun)}

    # A person asks once more, long after it.
    world.later += timedelta(days=1)
    want = WantInWords(store=world.store, bell=world.bell)
    assert await world.explain(Silent()) == ()
    assert await want(1, idea_id)
    assert world.bell.rung[-1] == ("explain_ideas",)
    async with served(ChatSite(speak=lambda _: "The gate let EURUSD through.")) as site:
        assert await world.explain(analyst(site)) == (idea_id,)
        said = {each.language: each for each in await said_of(world, idea_id)}
        assert said["en"].fate is Fate.SHOWN
        told = [(each.detail["attempt"], each.rationale) for each in await records(world)]
        first, second = sorted(told)
        assert first[0] == 1
        assert first[1].startswith("OPENAI_UNAVAILABLE")
        assert second == (len(begun) + 1, "The gate let EURUSD through.")
        assert len(cards(world)) == 2 * len(LANGUAGES)
        # It is there; nobody need be asked again.
        assert not await want(1, idea_id)
        assert await world.explain(analyst(site)) == ()


async def test_only_the_languages_that_got_no_answer_are_asked_for_again() -> None:
    world = await opened()
    idea_id = await first_idea(world)
    async with served(ChatSite(faults=["", "", "500", "500", "500"])) as site:
        await world.explain(analyst(site))
        lost = {e.language for e in await said_of(world, idea_id) if e.fate is Fate.UNAVAILABLE}
        assert len(lost) == len(LANGUAGES) - 2
        before = len(site.talks)
        world.later += timedelta(minutes=1)
        assert await world.explain(analyst(site)) == (idea_id,)
        assert len(site.talks) - before == len(lost)
    said = await said_of(world, idea_id)
    assert Fate.UNAVAILABLE not in {each.fate for each in said}
    assert sorted(each.attempt for each in said) == [1, 1, *(2 for _ in lost)]


async def test_a_person_may_not_ask_over_and_over() -> None:
    world = await opened()
    idea_id = await first_idea(world)
    want = WantInWords(store=world.store, bell=world.bell)
    assert await want(1, idea_id)
    assert await want(1, idea_id)
    await world.explain(Silent())
    assert not await want(1, idea_id)
    world.later += timedelta(seconds=61)
    assert await want(1, idea_id)
    with pytest.raises(NotAllowed):
        await want(99, idea_id)


async def test_ideas_flow_while_a_model_hangs() -> None:
    """The loop and the job beside it: the same ideas at the same candles, in the same time."""
    loop = asyncio.get_running_loop()

    async def played(world: World) -> tuple[list[UUID], float]:
        begun, ideas = loop.time(), []
        for _ in range(12):
            ideas += await world.step()
        return ideas, loop.time() - begun

    bare, _ = await played(await opened(Mode.AUTONOMOUS))
    _, alone = await played(await opened(Mode.AUTONOMOUS))
    world = await opened(Mode.AUTONOMOUS)
    async with served(ChatSite(always="hang")) as site:
        slow = analyst(site, first=timedelta(seconds=30), whole=timedelta(seconds=30))
        # One idea is there and its explanation hangs before the others come.
        first = list(await world.step()) + list(await world.step()) + list(await world.step())
        job = asyncio.ensure_future(world.explain(slow))
        await site.heard.wait()
        begun = loop.time()
        for _ in range(9):
            first += await world.step()
        beside = loop.time() - begun
        assert not job.done()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
    assert first == bare
    assert len(bare) >= 2
    assert beside < alone * 2 + 1


async def test_no_job_of_a_worker_waits_for_a_model() -> None:
    world = await opened()
    await first_idea(world)
    async with served(ChatSite(always="hang")) as site:
        slow = analyst(site, first=timedelta(seconds=30), whole=timedelta(seconds=30))
        explain = ExplainIdeas(store=world.store, analyst=slow, bell=world.bell)
        explaining = Explaining(explain=explain, every=60.0)
        beside = asyncio.ensure_future(explaining.run())
        # The job rings and ends, whether anybody is asked already or not.
        async with asyncio.timeout(1):
            await explain_ideas({"explaining": explaining.rung})
            await site.heard.wait()
            for _ in range(50):
                await explain_ideas({"explaining": explaining.rung})
        assert not beside.done()
        assert len(site.talks) == 1
        # The worker ends while the model hangs.
        beside.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(beside, return_exceptions=True)


async def test_a_look_ends_however_long_a_model_takes() -> None:
    world = await opened()
    idea_id = await first_idea(world)
    async with served(ChatSite(always="hang")) as site:
        slow = analyst(site, first=timedelta(seconds=30), whole=timedelta(seconds=30))
        explain = ExplainIdeas(store=world.store, analyst=slow, bell=world.bell)
        async with asyncio.timeout(5):
            await Explaining(explain=explain, longest=0.2).look()
    # What it cut off is due again when its claim has run out.
    assert await world.explain(Silent()) == ()
    world.later += timedelta(minutes=5)
    assert await world.explain(Silent()) == (idea_id,)


def test_nothing_that_trades_knows_a_language_model() -> None:
    """By structure: of the engine only the explaining and its guards name one."""
    allowed = {"analyst_guards.py", "analyst_budget.py", "explaining.py"}
    for path in Path("engine/flow").glob("*.py"):
        if path.name in allowed:
            continue
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert "Analyst" not in names, path
        modules = path.read_text("utf-8")
        assert "engine.llm" not in modules, path
        assert "explaining" not in modules, path


async def test_a_stranger_moves_nothing() -> None:
    """The long counts: ``python -m tests.chaos injections``."""
    counts = Counts()
    for number in (1, 14, 27, 40, 59, 8):
        await run(number, 7, analyst, counts)
    assert counts.violations == []
    assert counts.ideas >= 6
    assert counts.explanations == counts.ideas * len(LANGUAGES)
    assert counts.lies > 20
    assert counts.shown > 0


def told(fate: Fate, **values: Any) -> Any:
    fields: dict[str, Any] = {
        "idea_id": IDEA_ID, "language": "en", "fate": fate, "evidence_hash": "e", "prompt": "p",
        "at": NOW, "model": "gpt-4o",
    }  # fmt: skip
    return replace(story(), explanations=(Explanation(**(fields | values)),))


def test_the_card_shows_words_as_text_and_says_what_is_missing() -> None:
    words = Words("en")
    shown = told(Fate.SHOWN, text="RSI < 30 & <b>falling</b>")
    assert on_card(words, shown) == ["💬 RSI &lt; 30 &amp; &lt;b&gt;falling&lt;/b&gt;"]
    assert "gpt-4o" in "".join(in_full(words, shown))
    assert on_card(Words("de"), shown) == []
    lost = told(Fate.UNAVAILABLE, reason="timeout")
    assert on_card(words, lost) == [f"💬 {FALLBACK_RATIONALE}"]
    held = told(Fate.UNSUPPORTED, reason="99")
    assert on_card(words, held) == []
    assert "not on record" in "".join(in_full(words, held))
    assert on_card(words, story()) == in_full(words, story()) == []
