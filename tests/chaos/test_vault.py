"""The short form of the rotation under SIGKILL."""

from storage.database import open_database
from storage.rotation import count_by_key, rotate, unreadable
from storage.sealing import KeyRing, new_key_line, read_keys
from tests.chaos import vault
from tests.conftest import Database


async def test_a_rotation_that_is_killed_loses_nothing(database: Database) -> None:
    found = await vault.run(database.url, rows=300, kills=2, seed=1)
    assert found.violations == []
    assert found.counts["kills"] == 2
    assert found.counts["kills at work"]


async def test_the_run_would_see_a_value_that_was_lost(database: Database) -> None:
    keys = KeyRing(read_keys(f"{new_key_line('new')},{new_key_line('old')}", "keys"))
    await vault.fill(database.url, 3, keys)
    assert await vault.readable(database.url, 3, keys) == []
    assert len(await vault.readable(database.url, 3, KeyRing(keys.keys[:1]))) == 3
    assert len(await vault.readable(database.url, 4, keys)) == 2


async def test_what_no_key_opens_is_named_and_the_others_are_rotated(database: Database) -> None:
    keys = KeyRing(read_keys(f"{new_key_line('new')},{new_key_line('old')}", "keys"))
    lost = KeyRing((keys.keys[0], *read_keys(new_key_line("lost"), "keys")))
    await vault.fill(database.url, 2, keys)
    async with open_database(database.url):
        assert (await rotate(lost)).unreadable == ("row/000000", "row/000001")
        assert await unreadable(lost) == ("row/000000", "row/000001")
        done = await rotate(keys)
        assert (done.done, done.unreadable) == (2, ())
        assert await count_by_key() == {"new": 2}
        assert (await rotate(keys)).done == 0


def test_nonces_are_counted() -> None:
    assert vault.nonces(50) == 50
