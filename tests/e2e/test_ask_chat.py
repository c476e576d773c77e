"""Questions through the real chat: by command, by button, and as a reply to a card."""

from tortoise import connections

from tests.e2e.conftest import Chat, chat, desk, label_of, mode  # noqa: F401

LUIS, EVE = 1002, 1003


async def test_a_question_is_answered_with_buttons_that_open_the_proof(
    chat: Chat,  # noqa: F811
) -> None:
    idea = await chat.desk.until_idea()
    card = await chat.card()
    (said,) = await chat.say(f"/ask who approved idea {idea.number}?", EVE)
    assert f"Idea #{idea.number}" in said["text"]
    assert "still waits" in said["text"]
    before = len(chat.sandbox.messages(EVE))
    await chat.tap(said, label_of(said, "Record"), EVE)
    opened = chat.sandbox.messages(EVE)[before:]
    assert any("equal, bit for bit" in (m.get("text") or m.get("caption", "")) for m in opened)

    # In one's own language, and a figure as that language writes it.
    (hablado,) = await chat.say(f"/ask ¿Cuál es la confianza de la idea {idea.number}?", LUIS)
    assert "umbral de entonces 60" in hablado["text"]

    # A reply to the card is about its idea.
    start = len(chat.sandbox.messages(1001))
    await chat.sandbox.send(1001, "why?", reply_to=card["message_id"])
    await chat.settle()
    answer = chat.sandbox.messages(1001)[start + 1 :]
    assert f"Why idea #{idea.number}" in answer[0]["text"]

    # What is not understood is answered with what can be asked, each at a tap.
    (offered,) = await chat.say("/ask what will EURUSD do tomorrow", EVE)
    assert "I do not understand: will tomorrow" in offered["text"]
    before = len(chat.sandbox.messages(EVE))
    await chat.tap(offered, label_of(offered, "blocks"), EVE)
    (state,) = chat.sandbox.messages(EVE)[before:]
    assert "Trading is ON" in state["text"]
    assert "EMA trend" in state["text"]

    # Two meanings are asked back; /why takes words too; plain text is no question.
    (asked,) = await chat.say("/ask why 1", EVE)
    assert "Which of these" in asked["text"]
    (why,) = await chat.say("/why no EURUSD", EVE)
    assert "The last answer of each strategy" in why["text"]
    (plain,) = await chat.say("what was refused today?", EVE)
    assert "Which" not in plain["text"]
    (empty,) = await chat.say("/ask", EVE)
    assert "For example" in empty["text"]


async def test_so_many_questions_a_minute_and_no_more(chat: Chat) -> None:  # noqa: F811
    await connections.get("default").execute_query(
        "INSERT INTO question_budget VALUES ($1, clock_timestamp(), 12)", [EVE]
    )
    (more,) = await chat.say("/ask is trading on?", EVE)
    assert "Go on in a minute" in more["text"]
    (other,) = await chat.say("/ask is trading on?", LUIS)
    assert "Trading ACTIVO" in other["text"]


async def test_the_brief_is_chosen_in_the_list_of_notices(chat: Chat) -> None:  # noqa: F811
    (listed,) = await chat.say("/notify", EVE)
    await chat.tap(listed, label_of(listed, "Daily brief"), EVE)
    async with chat.desk.world.store.begin() as tx:
        eve = await tx.people.get(EVE)
    assert eve is not None
    assert eve.notify.chosen == {"briefs": "on"}
    listed = chat.sandbox.messages(EVE)[-1]
    await chat.tap(listed, label_of(listed, "Brief at"), EVE)
    hours = chat.sandbox.messages(EVE)[-1]
    assert "07:00" in hours["text"]
    await chat.tap(hours, "18:00", EVE)
    assert "18:00" in chat.sandbox.messages(EVE)[-1]["text"]
