"""Outbound webhooks, as the chat tells of them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views.facts import NO, YES
from engine.domain.webhooks import Endpoint, Reply

_WIDTH = 3


def told(words: Words, detail: Mapping[str, Any]) -> Html:
    """An endpoint that did not take an event, or that was switched off; and what to do."""
    which = {"id": str(detail["id"]), "host": detail["host"]}
    if detail["what"] == "failed":
        lines = [
            words("webhook.failed", count=detail["attempts"], type=detail["type"], **which),
            words(f"webhook.why_{detail['why']}", status=str(detail["status"])),
            words("webhook.look", **which),
        ]
    else:
        lines = [
            words(f"webhook.{detail['what']}", **which),
            *(
                [words("webhook.cancelled", count=detail["cancelled"])]
                if detail["cancelled"]
                else []
            ),
            words("webhook.switch_on", **which),
        ]
    return Html("\n".join(lines))


def endpoints(
    words: Words,
    found: Sequence[tuple[Endpoint, int]],
    *,
    may_test: bool,
    tried: tuple[int, Reply] | None = None,
    edit: bool = False,
) -> Screen:
    """Every endpoint with what waits for it; ``tried`` is what became of a test just now."""
    lines = [words("webhooks.title")]
    if tried is not None:
        lines += [Html(""), _tried(words, *tried)]
    for endpoint, waiting in found:
        lines += [Html(""), *_endpoint(words, endpoint, waiting)]
    if not found:
        lines += [Html(""), words("webhooks.none")]
    elif not may_test:
        lines += [Html(""), words("webhooks.no_secret")]
    tests = [
        Button(words("webhooks.test", id=str(one.id)), callbacks.pack("hooktest", one.id))
        for one, _ in found
        if may_test
    ]
    rows = [tuple(tests[start : start + _WIDTH]) for start in range(0, len(tests), _WIDTH)]
    again = Button(words("button.refresh"), callbacks.pack("hooks"))
    return Screen(text=cut(lines), buttons=(*rows, (again,)), edit=edit)


def _endpoint(words: Words, endpoint: Endpoint, waiting: int) -> list[Html]:
    if endpoint.off is not None:
        sign, state = "⚪", words(f"webhooks.off_{endpoint.off}")
    elif endpoint.failing_since is not None:
        sign = "🟠"
        state = words("webhooks.failing", time=words.moment(endpoint.failing_since))
    else:
        sign, state = "🟢", words("webhooks.on")
    types = ", ".join(endpoint.types) if endpoint.types else words("webhooks.every")
    return [
        words("webhooks.head", sign=sign, id=str(endpoint.id), host=endpoint.host),
        words("webhooks.state", state=state, waiting=words("webhooks.waiting", count=waiting)),
        words("webhooks.types", types=types),
    ]


def _tried(words: Words, which: int, reply: Reply) -> Html:
    if reply.why is None:
        took = str(reply.took // timedelta(milliseconds=1))
        return words("webhooks.took", sign=YES, id=str(which), milliseconds=took)
    why = words(f"webhook.why_{reply.why}", status=str(reply.status))
    return words("webhooks.refused", sign=NO, id=str(which), why=why)
