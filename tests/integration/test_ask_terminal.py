"""``ai-trader ask``: the same answers in the terminal."""

from bot import ask_reports
from bot.settings import Settings
from tests.asking import STRANGE, confidence
from tests.conftest import Database
from tests.integration.conftest import Desk
from tests.model_server import ChatSite
from tests.provider_server import KEY
from tests.served import served


async def test_the_terminal_answers_and_says_what_to_replay(desk: Desk, database: Database) -> None:
    idea = await desk.until_idea()
    settings = Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]
    said: list[str] = []
    question = f"confidence of idea {idea.number}"
    assert await ask_reports.ask(settings, question, "en", say=said.append) == 0
    assert f"Idea #{idea.number} EURUSD: confidence {idea.confidence.score}" in said[0]
    assert said[-1].startswith("ai-trader replay ")
    unread: list[str] = []
    assert await ask_reports.ask(settings, "¿qué hará EURUSD?", "es", say=unread.append) == 1
    assert "No entiendo: hara" in unread[0]
    assert len(unread) == 7


async def test_the_terminal_says_the_models_sentences_as_they_come(
    desk: Desk, database: Database
) -> None:
    idea = await desk.until_idea()
    async with served(ChatSite(speak=confidence)) as site:
        settings = Settings(  # type: ignore[call-arg]
            _env_file=None, database_url=database.url, llm_enabled=True, llm_model="gpt-4o",
            llm_base_url=f"{site.url}/v1", llm_api_key=KEY,
        )  # fmt: skip
        said: list[str] = []
        assert await ask_reports.ask(settings, STRANGE, "en", say=said.append) == 0
        first, second, whose, replay = said
        assert first.startswith(f"The confidence of idea #{idea.number} is")
        assert second.startswith("The threshold was")
        assert "gpt-4o" in whose
        assert replay.startswith("ai-trader replay ")

        site.always = "503"
        none: list[str] = []
        assert await ask_reports.ask(settings, STRANGE + "?", "en", say=none.append) == 1
        assert "not available" in none[0]
        assert "I do not understand" in none[1]
