"""Answers to what people did with a message: a tap's toast or alert, a reaction back."""

from typing import Any

from bot.sandbox.errors import QUERY_TOO_OLD, bad_request
from bot.sandbox.methods.call import Call

Json = dict[str, Any]

# From core.telegram.org/bots/api#reactiontypeemoji; a bot sets one, of these.
LISTED = (
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭 💯 "
    "🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 "
    "☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡"
)
REACTIONS = frozenset(LISTED.split())
MOST_REACTIONS = 1


def answer_callback_query(call: Call) -> bool:
    query_id = call.params["callback_query_id"]
    query = call.telegram.account.queries.pop(query_id, None)
    if query is None or call.telegram.clock.now() > query.until:
        raise bad_request(QUERY_TOO_OLD)
    answer = {
        "text": call.params.get("text", ""),
        "show_alert": bool(call.params.get("show_alert")),
        "url": call.params.get("url", ""),
    }
    call.telegram.answers[query_id] = answer
    call.telegram.hub.emit(
        "answer",
        query=query_id,
        user=query.user_id,
        chat=query.chat_id,
        message_id=query.message_id,
        **answer,
    )
    return True


def _is_free(reaction: Json) -> bool:
    return reaction["type"] == "emoji" and reaction["emoji"] in REACTIONS


def set_message_reaction(call: Call) -> bool:
    chat = call.target()
    post = chat.posts.get(call.params["message_id"])
    if post is None:
        raise bad_request("message to react not found")
    wanted = list(call.params.get("reaction") or [])
    if len(wanted) > MOST_REACTIONS or not all(map(_is_free, wanted)):
        raise bad_request("REACTION_INVALID")
    post.reactions = wanted
    call.telegram.show("edit", chat, post)
    return True
