"""The MetaTrader terminal: its state, its connect code, and what is odd about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views import push
from engine.domain.person import Role
from engine.domain.terminal import SKEW_SECONDS
from engine.flow.signal_status import QueueStatus
from engine.flow.terminals import TerminalReport


def overview(
    words: Words,
    found: Sequence[TerminalReport],
    *,
    role: Role,
    is_used: bool,
    mark: str,
    queue: QueueStatus,
    edit: bool = False,
) -> Screen:
    """Every terminal with what keeps it from trading; an admin also gets the buttons.
    ``mark`` is the newest connect code that was seen.
    """
    lines = [words("ea.title")]
    if not is_used:
        lines += [words("ea.not_used")]
    elif not found:
        lines += [words("ea.none")]
    for report in found:
        lines += [Html(""), *_lines(words, report)]
    lines += push.lines(words, queue)
    rows = [(Button(words("button.refresh"), callbacks.pack("ea")),)]
    if role is Role.ADMIN:
        rows.insert(0, (Button(words("button.ea_code"), callbacks.pack("ea-code", mark)),))
        rows += [
            (
                Button(
                    words("button.ea_disconnect", account=report.terminal.account_id),
                    callbacks.pack("ea-off", report.terminal.login),
                ),
            )
            for report in found
            if report.terminal.token_digest
        ]
    return Screen(text=cut(lines), buttons=tuple(rows), edit=edit)


def _lines(words: Words, report: TerminalReport) -> list[Html]:
    terminal = report.terminal
    lines = [
        words(
            "ea.account",
            account=terminal.account_id,
            login=str(terminal.login),
            server=terminal.server,
            kind=words(f"ea.kind.{terminal.trade_mode}"),
        ),
        words(f"ea.state.{report.hindrance or 'ready'}"),
    ]
    if terminal.beat_at is not None and terminal.beat is not None:
        lines.append(words("ea.heard", time=words.stamp(terminal.beat_at, "HH:mm:ss")))
        if abs(terminal.beat.skew_seconds) > SKEW_SECONDS:
            lines.append(words("ea.skew", seconds=words.number(terminal.beat.skew_seconds)))
    if terminal.synced_at is not None:
        loss = words.number(terminal.daily_loss_percent, 2)
        lines += [
            words("ea.synced", time=words.stamp(terminal.synced_at, "HH:mm:ss")),
            words("ea.figures", positions=words.number(terminal.open_positions), loss=loss),
        ]
    version = {"version": terminal.ea_version, "build": str(terminal.build)}
    return [*lines, *_commands(words, report), words("ea.version", **version)]


def _commands(words: Words, report: TerminalReport) -> list[Html]:
    """How fast the last command was fetched, and the last result."""
    lines = []
    waits = [command.fetched_after for command in report.commands]
    wait = next((each for each in waits if each is not None), None)
    if wait is not None:
        milliseconds = max(0, round(wait.total_seconds() * 1000))
        lines.append(words("ea.latency", ms=words.number(milliseconds)))
    told = [command for command in report.commands if command.result is not None]
    if told and told[0].result is not None:
        status = words(f"ea.status.{told[0].result.status}")
        lines.append(
            words("ea.last", type=str(told[0].type), id=Html(f"<code>{told[0].id}</code>"),
                  status=status)
        )  # fmt: skip
    return lines


def code(words: Words, text: str, until: datetime) -> Screen:
    """A new connect code, over the chat: it is in no message, and is stored nowhere."""
    shown = words("ea.code", code=text, time=words.stamp(until, "HH:mm"))
    return Screen(toast=shown, alert=True)


def ask_disconnect(words: Words, report: TerminalReport) -> Screen:
    """Whether a terminal is really to be disconnected."""
    yes = Button(
        words("button.ea_disconnect_yes"),
        callbacks.pack("ea-off-yes", report.terminal.login, _mark(report)),
        "danger",
    )
    text = words("ea.disconnect_ask", account=report.terminal.account_id)
    return Screen(text=text, buttons=((yes,),))


def _mark(report: TerminalReport) -> int:
    """The registration that was looked at: a newer one is not disconnected by an old button."""
    return int(report.terminal.registered_at.timestamp())


def is_same(report: TerminalReport, login: str, mark: str) -> bool:
    """Whether a button means this terminal, as it is registered now."""
    return str(report.terminal.login) == login and str(_mark(report)) == mark


def alert(words: Words, detail: Mapping[str, Any]) -> Html:
    """Something about a terminal that an admin should look at."""
    return words(
        f"ea.alert.{detail['what']}",
        account=detail["account_id"],
        command=detail.get("command", ""),
        seconds=words.number(int(detail.get("seconds", 0))),
    )
