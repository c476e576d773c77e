"""How soon people see the first words of a language model's answer: ``first-words``.

A model on this machine speaks in pieces, as fast as is asked for. From the moment a piece has left
it, two spans are measured to the start of the call that shows the first words in the chat: from its
first piece of text, which holds the time it takes itself to end a sentence, and from the piece that
ends its first sentence, which is the product's own part: reading, holding it against the record,
the flood budget in the database, and the client.
"""

import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

from bot.inquiries import AnswerInquiries
from bot.limiter import Limiter, Limits
from bot.live_text import Drafts
from engine.flow.ask.inquiries import Inquiries
from engine.llm.sentences import Sentences
from storage.budget import Pace
from storage.embedded import Servers
from storage.outbox import PostgresDeliveries
from tests import histories
from tests.asking import STRANGE, confidence, wording_for
from tests.benchmarks.common import percentile
from tests.integration.conftest import ANN, RecordingBell
from tests.model_server import ChatSite
from tests.served import served

_LIMIT_MS = 100.0
_FAST = Limits(overall=Pace(1e4, 1000), chat=Pace(1e4, 1000), group=Pace(1e4, 1000))


@dataclass
class Timed(ChatSite):
    """Notes when each piece of text has left it."""

    left: list[tuple[float, str]] = field(default_factory=list)

    def _events(self, body: dict[str, Any], fault: str) -> Iterator[bytes]:
        for event in super()._events(body, fault):
            yield event
            choices = json.loads(event.removeprefix(b"data: "))["choices"]
            text = choices[0]["delta"].get("content") if choices else None
            if text:
                self.left.append((perf_counter(), text))


class Screen:
    """Stands where the client of Telegram does, and notes when words are sent to it."""

    def __init__(self) -> None:
        self.shown: list[float] = []

    async def send_message_draft(self, chat_id: int, draft_id: int, **values: Any) -> bool:
        if values["text"]:
            self.shown.append(perf_counter())
        return True


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """p50 and p95 of both spans."""
    parser = ArgumentParser(prog="first-words", description=__doc__)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between two pieces")
    wanted = parser.parse_args(arguments)
    async with histories.scratch(servers, "first_words"):
        desk = await histories.desk()
        await desk.until_idea()
        async with served(Timed(speak=confidence, pause=wanted.pause)) as site:
            screen = Screen()
            answering = AnswerInquiries(
                wording=wording_for(desk, site),
                inquiries=Inquiries(store=desk.world.store, ask=desk.talk.ask),
                find_person=desk.talk.find_person,
                deliveries=PostgresDeliveries(),
                bell=RecordingBell(),
                drafts=Drafts(bot=screen, limiter=Limiter(limits=_FAST)),  # type: ignore[arg-type]
            )
            await _measure(answering, site, screen, wanted.questions, wanted.pause)


async def _measure(
    answering: AnswerInquiries, site: Timed, screen: Screen, questions: int, pause: float
) -> None:
    tokens, sentences = [], []
    began = process_time()
    for number in range(questions + 2):
        site.left.clear()
        screen.shown.clear()
        # Another question each time: an equal one would be answered from memory.
        text = f"{number}: {STRANGE}"
        await answering.wording.inquire(ANN.id, text, key=f"bench:{number}", language="en")
        await answering.drain()
        assert screen.shown, "no words were shown"
        if number >= 2:
            tokens.append((screen.shown[0] - site.left[0][0]) * 1e3)
            sentences.append((screen.shown[0] - _first_end(site.left)) * 1e3)
    spent = (process_time() - began) / (questions + 2) * 1e3
    print(f"{questions} questions, a piece of 7 characters each {pause * 1e3:.0f} ms;"
          f" load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")  # fmt: skip
    for name, times in (("model's first piece → first words", tokens),
                        ("end of its first sentence → first words", sentences)):  # fmt: skip
        half, most = percentile(times, 50), percentile(times, 95)
        print(f"{name:<42} p50 {half:7.1f} ms   p95 {most:7.1f} ms   max {max(times):7.1f} ms")
    print(f"{'CPU of a question, with the model':<42} {spent:11.1f} ms")
    verdict = "within" if percentile(sentences, 95) <= _LIMIT_MS else "NOT within"
    print(f"p95 from the end of the sentence is {verdict} {_LIMIT_MS:.0f} ms")


def _first_end(left: Sequence[tuple[float, str]]) -> float:
    """When the piece had left that showed that the first sentence was over."""
    sentences = Sentences()
    for at, text in left:
        if sentences.add(text):
            return at
    raise AssertionError("the model ended no sentence")
