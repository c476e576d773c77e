"""A command that only looks, in a home where nothing ever ran: it says so and makes nothing."""

from pathlib import Path

import pytest

from bot import backup_reports, reports
from bot.backtest_reports import book_of
from bot.settings import Settings
from engine.errors import InvalidInput
from engine.strategies.documents import shipped
from storage.embedded import data_folder


def settings(home: Path) -> Settings:
    return Settings(_env_file=None, database_url=None, ai_trader_home=home)  # type: ignore[call-arg]


def made_in(home: Path) -> Path:
    """The folder of a database, as far as one can tell that it is one."""
    cluster = data_folder(home) / "postgres-16"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    return cluster


def inside(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_looking_makes_no_database(tmp_path: Path) -> None:
    home = tmp_path / "a typing error"
    said: list[str] = []
    with pytest.raises(InvalidInput, match=r"no database in .*ai-trader up makes one"):
        await reports.verify(settings(home), say=said.append)
    with pytest.raises(InvalidInput, match="there is no database in"):
        await backup_reports.make(settings(home), tmp_path / "copy", say=said.append)
    assert (said, inside(tmp_path)) == ([], [])


async def test_the_demo_is_named_where_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as without:
        reports.must_have_database(settings(tmp_path))
    made_in(tmp_path / "demo")
    with pytest.raises(InvalidInput) as with_one:
        reports.must_have_database(settings(tmp_path))
    assert "--home" not in str(without.value)
    assert str(with_one.value).endswith(f"--home {tmp_path / 'demo'}")


def test_a_home_with_a_database_and_an_address_are_let_through(tmp_path: Path) -> None:
    reports.must_have_database(
        settings(tmp_path).model_copy(update={"database_url": "postgres://elsewhere/x"})
    )
    made_in(tmp_path)
    reports.must_have_database(settings(tmp_path))


async def test_a_backtest_needs_none_even_where_a_start_was_cut_off(tmp_path: Path) -> None:
    data_folder(tmp_path).mkdir(parents=True)
    said: list[str] = []
    book = await book_of(settings(tmp_path), None, say=said.append)
    assert book.strategies == tuple(shipped())
    assert said == ["No database here: the shipped strategies and the default settings are tried."]
