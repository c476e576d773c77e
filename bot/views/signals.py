"""Signals in the chat: what approved models say now, and the last ones that were queued."""

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.push import lines as queue_lines
from engine.domain.person import Role
from engine.domain.signal import decide
from engine.flow.generating import Generated
from engine.flow.signal_list import Said, SignalList
from engine.flow.signal_status import QueueStatus


def listing(
    words: Words, seen: SignalList, queue: QueueStatus, *, role: Role, edit: bool = False
) -> Screen:
    """/signals."""
    lines = [words("signals.title")]
    if not seen.said:
        lines.append(words("signals.no_model"))
    lines += [_said(words, said) for said in seen.said]
    lines += [Html(""), words("signals.last" if seen.queued else "signals.empty")]
    for one in seen.queued:
        signal = one.signal
        lines.append(
            words(
                "signals.line",
                time=words.stamp(one.created_at),
                symbol=signal.symbol,
                timeframe=str(signal.timeframe),
                side=words(f"direction.{signal.side.lower()}"),
                confidence=words.number(signal.confidence, 2),
                state=words(f"signals.{one.state.lower()}"),
            )
        )
    lines += queue_lines(words, queue)
    rows = []
    if role.rank >= Role.TRADER.rank:
        rows = [
            (
                Button(
                    words("signals.make", symbol=said.symbol, timeframe=str(said.timeframe)),
                    callbacks.pack("signal", said.symbol, said.timeframe),
                ),
            )
            for said in seen.said
            if said.prediction is not None
        ]
    refresh = Button(words("button.refresh"), callbacks.pack("signals"))
    return Screen(text=Html("\n".join(lines)), buttons=(*rows, (refresh,)), edit=edit)


def _said(words: Words, said: Said) -> Html:
    facts = {"symbol": said.symbol, "timeframe": str(said.timeframe), "name": said.model.name}
    if said.prediction is None:
        return words("signals.silent", **facts)
    decided = decide(said.prediction.probability)
    side = words("signals.nothing") if decided is None else words(f"direction.{decided[0].lower()}")
    chance = words.number(said.prediction.probability, 2)
    return words("signals.now", probability=chance, side=side, **facts)


def made(words: Words, generated: Generated) -> str:
    """What became of a signal that was asked for, in a word over the chat."""
    if generated.signal is None:
        return words("signals.between")
    return words("signals.made" if generated.is_new else "signals.again")
