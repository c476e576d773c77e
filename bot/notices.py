"""From a notice to what is sent: facts are read fresh, words are those of the one who reads."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.i18n import Html, Words
from bot.screen import Parcel, Screen, parcel_of
from bot.views import card as card_views
from bot.views import control as control_views
from bot.views import ea as ea_views
from bot.views import settings as settings_views
from bot.views.facts import badge, by, direction, paper
from engine.domain.notice import Kind
from engine.domain.order import ClosedTrade
from engine.domain.person import Role
from engine.domain.state import Control
from engine.flow.overview import Story, story
from engine.ports import Broker, Store, Transaction
from engine.snapshot.canonical import restore


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told: in which words, and what they may do."""

    words: Words
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Render one notice for one person; None when there is nothing to show any more."""

    store: Store
    broker: Broker

    async def __call__(self, kind: Kind, detail: dict[str, Any], to: Reader) -> Parcel | None:
        async with self.store.begin() as tx:
            return await _RENDERERS[kind](self, tx, detail, to)

    async def idea(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """The card of an idea, as the idea stands now."""
        found = await story(tx, UUID(detail["idea_id"]))
        return parcel_of(
            card_views.card(to.words, found, is_live=self.broker.is_live, role=to.role)
        )

    async def trade_closed(
        self, tx: Transaction, detail: dict[str, Any], to: Reader
    ) -> Parcel | None:
        """A trade's end, as an answer to its card."""
        trade = await tx.orders.trade_of(detail["client_id"]) if detail["client_id"] else None
        if not isinstance(trade, ClosedTrade) or detail["idea_id"] is None:
            return None
        found = await story(tx, UUID(detail["idea_id"]))
        text = to.words(
            "notice.closed",
            kind=paper(to.words, is_live=self.broker.is_live),
            symbol=trade.symbol,
            direction=direction(to.words, trade.direction),
            volume=to.words.number(trade.volume),
            stamp=card_views.closed(to.words, trade, _currency(found)),
        )
        return Parcel(text=text, reply_to_key=f"idea:{found.idea.id}")

    async def halt(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A halt: loud, and pinned."""
        control = restore(Control, detail["after"])
        parcel = parcel_of(
            control_views.halted(
                to.words, control, at_venue=len(detail.get("at_venue", ())), facts=detail
            )
        )
        return Parcel(text=parcel.text, buttons=parcel.buttons, pin=True)

    async def state(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A change of state, mode or a paused symbol, and who made it."""
        control = restore(Control, detail["after"])
        screen = control_views.changed(to.words, control)
        causes = control_views.causes(to.words, detail)
        lines = [screen.text or "", *causes]
        if not causes:
            lines.append(by(to.words, control.changed_by))
        return parcel_of(Screen(text=Html("\n".join(lines)), buttons=screen.buttons))

    async def settings(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Other limits are in force, and who wanted them."""
        text = settings_views.changed(to.words, detail["by"], detail["reason"], detail["changes"])
        return Parcel(text=text)

    async def unknown_order(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """An order whose outcome nobody knows."""
        idea = await tx.ideas.get(UUID(detail["idea_id"]))
        text = to.words("notice.unknown_order", number=idea.number, symbol=idea.proposal.symbol)
        return Parcel(text=text, reply_to_key=f"idea:{idea.id}")

    async def started(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """The bot is up: the state it woke in, and the limits that hold."""
        control = await tx.controls.read()
        _, settings = await tx.settings.risk()
        text = to.words(
            "notice.started",
            kind=paper(to.words, is_live=self.broker.is_live),
            badge=badge(to.words, control),
            risk=to.words.number(settings.risk_per_trade_percent),
            loss=to.words.number(settings.max_daily_loss_percent),
            trades=to.words.number(settings.max_concurrent_trades),
        )
        return Parcel(text=text, silent=True)

    async def anchor(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Where the history stands, kept by the chat; not in digit groups, it is to be compared."""
        seq, hash_ = str(detail["seq"]), detail["hash"][:16]
        return Parcel(text=to.words("notice.anchor", seq=seq, hash=hash_), silent=True)

    async def terminal(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Something odd about a trading terminal."""
        return Parcel(text=ea_views.alert(to.words, detail))


def _currency(found: Story) -> str:
    return found.bundle.account.currency if found.bundle.account else "USD"


_RENDERERS = {
    Kind.IDEA: Render.idea,
    Kind.CARD: Render.idea,
    Kind.TRADE_CLOSED: Render.trade_closed,
    Kind.HALT: Render.halt,
    Kind.STATE: Render.state,
    Kind.SETTINGS: Render.settings,
    Kind.UNKNOWN_ORDER: Render.unknown_order,
    Kind.STARTED: Render.started,
    Kind.ANCHOR: Render.anchor,
    Kind.TERMINAL: Render.terminal,
}
