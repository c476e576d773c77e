"""Questions put to a model through the product, and whether anything untrue was ever shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.analyst_settings import ModelParts
from engine.domain.wording import Verdict
from engine.flow.ask.wording import Worded
from engine.llm.cleaning import clean
from tests.askers import Honest
from tests.asking import PARTS, wording_for
from tests.integration.conftest import ANN, Desk
from tests.model_server import ChatSite
from tests.served import served


@dataclass
class Tally:
    """What came of it. ``untrue`` are texts that were shown, at the end or on the way, in which a
    sentence is none of the true ones; ``silent`` are questions that ended without any end.
    """

    asked: int = 0
    shown: int = 0
    held_back: int = 0
    unavailable: int = 0
    untrue: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


async def interrogate(
    desk: Desk,
    questions: Sequence[tuple[str, str]],
    asker: Honest,
    parts: ModelParts = PARTS,
) -> Tally:
    """Ask each (language, text); what the record answers itself is asked for in words too."""
    tally = Tally()
    ask = replace(desk.talk.ask, per_minute=1_000_000)
    async with served(ChatSite(speak=asker)) as site:
        wording = wording_for(desk, site, parts)
        for language, text in questions:
            told = await ask(ANN.id, text, language=language)
            stream = wording.stream(ANN.id, text, told, language=language, in_words=True)
            if stream is None:
                continue
            tally.asked += 1
            async for piece in stream:
                shown = piece.text if isinstance(piece, Worded) else piece
                if not _is_true(shown, asker):
                    tally.untrue.append(f"{text}: {shown}")
                if isinstance(piece, Worded):
                    _count(tally, text, piece)
    return tally


def _is_true(shown: str, asker: Honest) -> bool:
    """Whether a text is made of true sentences only."""
    for sentence in sorted((clean(one, 900) for one in asker.true), key=len, reverse=True):
        shown = shown.replace(sentence, "")
    return not shown.strip()


def _count(tally: Tally, text: str, done: Worded) -> None:
    verdict = done.reply.verdict
    tally.shown += verdict is Verdict.SHOWN
    tally.held_back += verdict is Verdict.UNSUPPORTED
    tally.unavailable += verdict is Verdict.UNAVAILABLE
    if verdict is not Verdict.SHOWN:
        tally.why.append(f"{text} [{done.reply.reason}] {done.reply.said}")
