"""Back to an older version: from the terminal and by the use cases, always as a new version."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot import settings_reports, strategy_reports
from bot.settings import Settings
from engine.domain.settings import RiskSettings
from engine.domain.state import Control
from engine.errors import InvalidInput, NotAllowed, NotFound, Outdated
from engine.strategies.documents import shipped, text
from storage.database import open_database
from storage.seed import seed
from tests.conftest import Database
from tests.integration.conftest import ANN, LUIS, START, Desk


async def run(database: Database, work: Any, *arguments: Any, **named: Any) -> list[str]:
    said: list[str] = []
    settings = Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]
    await work(settings, *arguments, say=said.append, **named)
    return said


async def seeded(database: Database) -> None:
    async with open_database(database.url):
        await seed(shipped(), RiskSettings(), Control(changed_at=START))


async def test_the_terminal_compares_settings_and_goes_back(database: Database) -> None:
    await seeded(database)
    await run(database, settings_reports.change, ["max_spread_pips=2"], reason="calm")
    await run(database, settings_reports.change, ["long_flat=false"], reason="hedged")
    assert await run(database, settings_reports.compare, 1, 3) == [
        "max_spread_pips: 2.5 -> 2", "long_flat: true -> false",
    ]  # fmt: skip
    assert await run(database, settings_reports.compare, 2, 2) == ["no difference"]
    assert await run(database, settings_reports.roll_back, 1, reason=None) == [
        "max_spread_pips: 2 -> 2.5", "long_flat: false -> true",
        "Version 4 is in force, with the values of version 1.",
    ]  # fmt: skip
    told = await run(database, settings_reports.history, limit=1)
    assert "back to version 1" in told[0]
    with pytest.raises(NotFound, match="no version 9; the newest is 4"):
        await run(database, settings_reports.roll_back, 9, reason=None)
    with pytest.raises(InvalidInput, match="values of version 1 already"):
        await run(database, settings_reports.roll_back, 1, reason=None)


async def test_the_terminal_goes_back_to_an_older_strategy(
    database: Database, tmp_path: Path
) -> None:
    await seeded(database)
    file = tmp_path / "trend.json"
    file.write_text(text(shipped()[0]).replace('"RR>=2"', '"RR>=3"'), "utf-8")
    await run(database, strategy_reports.edit, "ema-trend", file, "further")
    await run(database, strategy_reports.switch, "ema-trend", "x", on=False)
    told = await run(database, strategy_reports.roll_back, "ema-trend", 1, None)
    assert told == [
        "off  v4  EMA trend: H1 both EURUSD", "  exit_rules.take_profit: RR>=3 -> RR>=2",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await run(database, strategy_reports.roll_back, "ema-trend", 9, None)


async def test_going_back_is_an_admins_and_bound_to_what_was_looked_at(desk: Desk) -> None:
    changes = desk.work.changes
    await desk.talk.change_settings(ANN.id, {"max_spread_pips": "2"}, reason="x", expected=1)
    with pytest.raises(NotAllowed):
        await changes.roll_back_settings(LUIS.id, 1, reason=None, expected=2)
    with pytest.raises(Outdated):
        await changes.roll_back_settings(ANN.id, 1, reason=None, expected=1)
    number, names = await changes.roll_back_settings(ANN.id, 1, reason="too tight", expected=2)
    assert (number, names) == (3, ("max_spread_pips",))
    (now,) = await desk.talk.read_settings(None)
    assert (now.settings.max_spread_pips, now.reason) == (Decimal("2.5"), "too tight")
    strategy = (await desk.talk.read_book(ANN.id))[0].strategy
    with pytest.raises(NotAllowed):
        await changes.roll_back_strategy(LUIS.id, strategy.id, 1, reason=None, expected=1)
    with pytest.raises(InvalidInput):
        await changes.roll_back_strategy(ANN.id, strategy.id, 1, reason=None, expected=1)
