"""What a language model was asked is forgotten as the settings say."""

from dataclasses import replace
from datetime import timedelta

from bot import jobs
from bot.settings import Settings
from bot.wiring import build_work
from bot.world import build_world
from engine.domain.wording import Reply, Verdict
from storage.transaction import PostgresStore
from tests.builders import NOW
from tests.conftest import Database
from tests.integration.conftest import RecordingBell


async def test_the_nightly_job_forgets_what_a_model_was_asked_as_the_settings_say(
    store: PostgresStore, database: Database
) -> None:
    settings = Settings(_env_file=None, database_url=database.url, llm_keep_days=2)  # type: ignore[call-arg]
    world = build_world(settings)
    asked = Reply(
        person_id=7, language="en", question="how so?", verdict=Verdict.UNAVAILABLE,
        reason="timeout", looked_up=(), said="", text="", model=None, asked_tokens=0,
        said_tokens=0, at=NOW,
    )  # fmt: skip
    async with store.begin() as tx:
        now = await tx.now()
        for days in (1, 3):
            at = now - timedelta(days=days)
            await tx.inquiries.keep(replace(asked, question=f"{days}", at=at))
    await jobs.retire({"work": build_work(world, RecordingBell())})
    async with store.begin() as tx:
        assert [reply.question for reply in await tx.inquiries.replies(10)] == ["1"]
    await world.close()
