"""``ai-trader login`` and ``ai-trader key``: who comes in over HTTP, from the terminal."""

import pytest

from bot import access_reports
from engine.errors import InvalidInput, NotAllowed, NotFound
from storage.database import open_database
from storage.transaction import PostgresStore
from tests.conftest import Database
from tests.integration.conftest import ANN, EVE
from tests.integration.test_user_terminal import run, seated
from tests.web import PASSWORD


async def test_a_login_is_given_and_its_word_is_nowhere(database: Database) -> None:
    await seated(database, ANN, EVE)
    told = await run(database, access_reports.set_login, 1001, "Ann@Example.com", PASSWORD)
    assert told == ["Ann (1001) logs in as ann@example.com"]
    async with open_database(database.url), PostgresStore().begin() as tx:
        login = await tx.access.login_of("ann@example.com")
        records = await tx.history.list(limit=9)
    assert login is not None
    assert login.password_hash.startswith("$argon2id$")
    assert [(str(one.entry.action), one.entry.actor) for one in records] == [
        ("access_changed", "cli")
    ]
    assert PASSWORD not in str(records)
    for problem, arguments in (
        (InvalidInput, (1003, "ann@example.com", PASSWORD)),
        (InvalidInput, (1003, "eve", PASSWORD)),
        (InvalidInput, (1003, "eve@example.com", "short")),
        (NotAllowed, (4711, "nobody@example.com", PASSWORD)),
    ):
        with pytest.raises(problem):
            await run(database, access_reports.set_login, *arguments)


async def test_a_key_is_made_shown_once_listed_and_revoked(database: Database) -> None:
    await seated(database, ANN, EVE)
    assert "No keys" in (await run(database, access_reports.list_keys))[0]
    (made,) = await run(database, access_reports.add_key, 1001, "desk", "trader", 90)
    row, secret, _ = made.split("\n")
    assert row.startswith("1  att_")
    assert secret.startswith("att_")
    (listed,) = await run(database, access_reports.list_keys)
    assert listed == row
    assert secret not in listed
    for problem, arguments in (
        (NotAllowed, (1003, "more", "trader", 90)),
        (InvalidInput, (1001, "desk", "owner", 90)),
        (InvalidInput, (1001, "desk", "pending", 90)),
        (InvalidInput, (1001, "desk", "viewer", -1)),
        (InvalidInput, (1001, "-desk", "viewer", 1)),
    ):
        with pytest.raises(problem):
            await run(database, access_reports.add_key, *arguments)
    assert await run(database, access_reports.revoke_key, 1) == ["key 1 opens nothing more"]
    assert "No keys" in (await run(database, access_reports.list_keys))[0]
    with pytest.raises(NotFound):
        await run(database, access_reports.revoke_key, 2)
