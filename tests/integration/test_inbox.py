"""The inbox: stored once, each person's order kept, nobody behind another's pile, halts first."""

import asyncpg
from tortoise import connections

from storage.inbox import ATTEMPTS, ROOM, Begun, PostgresInbox, sender
from storage.migrate import migrate
from tests.conftest import Database

ANN, LUIS = 1001, 1002


def update(number: int, who: int = ANN, text: str = "hello") -> dict:
    person = {"id": who, "is_bot": False, "first_name": "A"}
    return {"update_id": number, "message": {"from": person, "text": text}}


async def put(inbox: PostgresInbox, *updates: dict, urgent: bool = False) -> dict[int, bool]:
    return await inbox.put_all([(one["update_id"], one, urgent) for one in updates])


async def test_update_that_comes_again_is_stored_once(opened: Database) -> None:
    inbox = PostgresInbox()
    assert await put(inbox, update(1), update(2)) == {1: False, 2: False}
    assert await put(inbox, update(2), update(3)) == {3: False}
    assert await put(inbox, update(1)) == {}
    assert [waiting.update_id for waiting in await inbox.waiting()] == [1, 2, 3]


async def test_nobody_waits_behind_a_pile_and_everybody_keeps_their_order(
    opened: Database,
) -> None:
    inbox = PostgresInbox()
    await put(inbox, *(update(number) for number in range(1, 21)))
    await put(inbox, update(30, LUIS), update(31, LUIS))
    found = [waiting.update_id for waiting in await inbox.waiting(each=5)]
    assert found == [1, 30, 2, 31, 3, 4, 5]


async def test_halt_comes_before_everything_that_waits(opened: Database) -> None:
    inbox = PostgresInbox()
    await put(inbox, *(update(number) for number in range(1, 6)))
    await put(inbox, update(6, LUIS, "/stop"), urgent=True)
    first, *_ = await inbox.waiting()
    assert (first.update_id, first.person_id, first.urgent) == (6, LUIS, True)


async def test_flood_of_one_person_is_bounded_and_takes_no_room_from_another_or_from_a_halt(
    opened: Database,
) -> None:
    inbox = PostgresInbox()
    flood = [update(number) for number in range(1, 101)]
    stored = await put(inbox, *flood)
    assert [id_ for id_, refused in stored.items() if refused] == list(range(ROOM + 1, 101))
    assert await put(inbox, *flood) == {}, "a flood that comes again"
    assert await put(inbox, update(200, LUIS)) == {200: False}
    assert await put(inbox, update(201), urgent=True) == {201: False}
    assert await put(inbox, update(202)) == {202: True}
    await inbox.done(1)
    assert await put(inbox, update(203)) == {203: False}
    ids = {waiting.update_id for waiting in await inbox.waiting(each=1000, limit=1000)}
    assert ids == {*range(2, ROOM + 1), 200, 201, 203}


async def test_update_is_overtaken_by_a_later_halt_of_its_own_sender_only(
    opened: Database,
) -> None:
    inbox = PostgresInbox()
    await put(inbox, update(1), update(2, LUIS))
    await put(inbox, update(3, text="/stop"), urgent=True)
    await put(inbox, update(4))
    await inbox.done(3)
    assert await inbox.begin(1) == Begun(1, overtaken=True)
    assert await inbox.begin(2) == Begun(1, overtaken=False)
    assert await inbox.begin(4) == Begun(1, overtaken=False)
    assert await inbox.begin(1) == Begun(2, overtaken=True)
    assert await inbox.begin(3) is None


async def test_update_that_fails_leaves_after_three_attempts_and_frees_its_room(
    opened: Database,
) -> None:
    inbox = PostgresInbox()
    await put(inbox, *(update(number) for number in range(1, ROOM + 1)))
    for attempt in range(ATTEMPTS):
        assert 1 in {waiting.update_id for waiting in await inbox.waiting()}
        await inbox.begin(1)
        assert await inbox.failed(1, "broken") is (attempt == ATTEMPTS - 1)
    assert 1 not in {waiting.update_id for waiting in await inbox.waiting()}
    assert await put(inbox, update(99)) == {99: False}


def test_sender_is_read_from_every_kind_of_update() -> None:
    person = {"id": ANN}
    for kind in ("message", "callback_query", "my_chat_member", "edited_message"):
        assert sender({"update_id": 1, kind: {"from": person}}) == ANN
    for broken in ({}, {"poll": {"id": "1"}}, {"message": {"from": {"id": "x"}}},
                   {"message": {"from": {"id": 1 << 64}}}, {"message": None}):  # fmt: skip
        assert sender({"update_id": 1, **broken}) is None


async def test_updates_that_waited_before_the_migration_know_their_sender(
    database: Database,
) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await migrate(database.owner_url, to="0009_dialogues")
    await owner.execute(
        "INSERT INTO telegram_inbox (update_id, payload, received_at, attempts) VALUES"
        """ (1, '{"message": {"from": {"id": 1001}}}', now(), 0),"""
        """ (2, '{"callback_query": {"from": {"id": 1002}}}', now(), 0)"""
    )
    await migrate(database.owner_url)
    rows = await owner.fetch("SELECT person_id, urgent FROM telegram_inbox ORDER BY update_id")
    assert [tuple(row) for row in rows] == [(ANN, False), (LUIS, False)]
    await owner.close()


async def test_what_waits_is_found_by_an_index(opened: Database) -> None:
    connection = connections.get("default")
    await connection.execute_script(
        "INSERT INTO telegram_inbox (update_id, payload, received_at, attempts, done_at, person_id)"
        " SELECT n, '{}', now(), 1, now(), 1001 FROM generate_series(1, 20000) n;"
        " ANALYZE telegram_inbox;"
    )
    await put(PostgresInbox(), update(30_000))
    rows = await connection.execute_query_dict(
        "EXPLAIN SELECT * FROM telegram_inbox WHERE done_at IS NULL"
    )
    assert "telegram_inbox_waiting" in str(rows)
