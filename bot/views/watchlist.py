"""The watch list: each symbol with how it stands, and buttons to add and remove."""

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.risk import back, rows_of
from engine.domain.person import Role
from engine.flow.watchlist import Watched, Watchlist

#: Symbols that get buttons; longer lists are changed by text.
_BUTTONS = 24


def watchlist(words: Words, seen: Watchlist, *, role: Role, edit: bool = False) -> Screen:
    """The symbols that may be traded without asking, and those beside the list."""
    lines = [words("watch.title"), words("watch.means"), Html("")]
    lines += [_line(words, symbol) for symbol in seen.symbols]
    lines += [words("watch.beside", symbol=symbol) for symbol in seen.others]
    rows: list[tuple[Button, ...]] = []
    if role.rank >= Role.ADMIN.rank:
        lines += [Html(""), words("watch.text")]
        add = [
            Button(words("watch.add", symbol=symbol), callbacks.pack("watchadd", symbol))
            for symbol in seen.others
        ]
        remove = [
            Button(words("watch.remove", symbol=one.symbol), callbacks.pack("watchdel", one.symbol))
            for one in seen.symbols[:_BUTTONS]
        ]
        rows = rows_of([*add, *remove], 3)
    else:
        lines += [Html(""), words("limits.admin")]
    rows.append((Button(words("button.refresh"), callbacks.pack("watch")), back(words, "hub")))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def stays(words: Words, seen: Watchlist, symbol: str) -> Html | None:
    """What is said of a symbol that is removed while a trade of it is open."""
    one = next((one for one in seen.symbols if one.symbol == symbol), None)
    if one is None or not one.open_trades:
        return None
    return words("watch.stays", symbol=symbol, count=one.open_trades)


def _line(words: Words, one: Watched) -> Html:
    state = words("watch.paused" if one.paused else "watch.watched")
    if not one.known:
        state = words("watch.unknown")
    parts = [words("watch.line", symbol=one.symbol, state=state)]
    if one.known:
        parts.append(words("watch.strategies", count=len(one.asked)))
    if one.open_trades:
        parts.append(words("watch.open", count=one.open_trades))
    return Html(" · ".join(parts))
