"""``ai-trader ask``: the same answers in the terminal."""

from bot import ask_reports
from bot.settings import Settings
from tests.conftest import Database
from tests.integration.conftest import Desk


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
