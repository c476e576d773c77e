"""Questions that wait for a typed answer."""

import asyncpg
import pytest
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import StorageKey

from bot.dialogues import DialogueStorage
from storage.database import open_database
from storage.dialogues import PostgresDialogues
from tests.conftest import Database


class Form(StatesGroup):
    price = State()
    reason = State()


@pytest.fixture
async def asked(database: Database):
    async with open_database(database.url):
        storage = DialogueStorage(PostgresDialogues())

        def of(user):
            return FSMContext(storage, StorageKey(bot_id=1, chat_id=user, user_id=user))

        yield of


async def test_a_question_waits_with_its_values_for_its_person_alone(asked):
    await asked(1).set_state(Form.price)
    await asked(1).update_data(position="7", digits=5)
    assert await asked(1).get_state() == "Form:price"
    assert await asked(1).get_data() == {"position": "7", "digits": 5}
    assert await asked(2).get_state() is None
    assert await asked(2).get_data() == {}


async def test_a_new_question_keeps_what_was_said_and_clearing_forgets_it(asked):
    await asked(1).set_state(Form.price)
    await asked(1).update_data(price="1.0850")
    await asked(1).set_state(Form.reason)
    assert await asked(1).get_state() == "Form:reason"
    assert await asked(1).get_data() == {"price": "1.0850"}
    await asked(1).clear()
    assert await asked(1).get_state() is None
    assert await asked(1).get_data() == {}


async def later(database: Database) -> None:
    """Eleven minutes go by."""
    connection = await asyncpg.connect(database.url)
    await connection.execute("UPDATE dialogue SET asked_at = asked_at - interval '11 minutes'")
    await connection.close()


async def test_an_old_question_does_not_wait_any_more(asked, database: Database):
    await asked(1).set_state(Form.price)
    await later(database)
    assert await asked(1).get_state() is None


async def test_values_kept_after_an_old_question_are_as_young_as_they_are(
    asked, database: Database
):
    await asked(1).set_state(Form.price)
    await later(database)
    await asked(1).set_data({"trial": "new"})
    assert await asked(1).get_data() == {"trial": "new"}
    assert await asked(1).get_state() is None


async def test_a_question_after_an_old_one_does_not_inherit_its_values(asked, database: Database):
    await asked(1).set_state(Form.price)
    await asked(1).update_data(price="1.0850")
    await later(database)
    await asked(1).set_state(Form.reason)
    assert await asked(1).get_data() == {}
