"""From a notice to what is sent: facts are read fresh, words are those of the one who reads."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot import change_notices, model_notices
from bot.i18n import Html
from bot.reader import Reader
from bot.screen import Parcel, Screen, parcel_of
from bot.views import away as away_views
from bot.views import card as card_views
from bot.views import control as control_views
from bot.views import ea as ea_views
from bot.views import executor as executor_views
from bot.views import hooks as hook_views
from bot.views import live as live_views
from bot.views import notify as notify_views
from bot.views import position_orders as position_views
from bot.views import provider as provider_views
from bot.views import settings as settings_views
from bot.views import strategies as strategy_views
from bot.views import users as user_views
from bot.views.facts import badge, by, direction, paper
from engine.domain.notice import Kind
from engine.domain.order import ClosedTrade
from engine.domain.person import Role
from engine.domain.state import Control
from engine.flow.overview import Story, story
from engine.ports import Broker, Store, Transaction
from engine.snapshot.canonical import restore
from engine.strategies.changes import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Render one notice for one person; None when there is nothing to show any more."""

    store: Store
    broker: Broker

    async def __call__(self, kind: Kind, detail: dict[str, Any], to: Reader) -> Parcel | None:
        if not to.role.has_access and kind is not Kind.ROLE:
            return None  # They lost access after this was queued.
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
        closed_by = await self._closed_by(tx, trade)
        if closed_by is not None:
            text = Html(f"{text}\n{by(to.words, closed_by)}")
        return Parcel(text=text, reply_to_key=f"idea:{found.idea.id}")

    async def _closed_by(self, tx: Transaction, trade: ClosedTrade) -> str | None:
        if trade.reason != "manual":
            return None
        asked = await tx.position_orders.of_position(self.broker.account_id, trade.position_id)
        sent = (order for order in asked if order.closes_all and order.sending_at is not None)
        return next((order.asked_name for order in sent), None)

    async def position_order(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """What became of something that was wanted of an open trade, as an answer to its card."""
        order = await tx.position_orders.get(detail["client_id"])
        text = position_views.told(
            to.words,
            order,
            is_live=self.broker.is_live,
            silent=bool(detail.get("silent")),
        )
        return Parcel(
            text=text, reply_to_key=None if order.idea_id is None else f"idea:{order.idea_id}"
        )

    async def halt(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A halt: loud, and pinned until it was seen or is over."""
        control = restore(Control, detail["after"])
        seen = await tx.outbox.halt_seen(control.version)
        mine = any(person.person_id == to.person_id for person in seen)
        screen = control_views.halted(
            to.words, control, at_venue=len(detail.get("at_venue", ())), facts=detail
        )
        shown = notify_views.halt(
            to.words, screen, control.version, seen=seen, over=detail.get("over"), is_mine=mine
        )
        parcel = parcel_of(shown)
        return Parcel(text=parcel.text, buttons=parcel.buttons, pin=not mine)

    async def halt_open(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel | None:
        """Nobody has seen a halt yet; None when somebody has since, or it is over."""
        control = await tx.controls.read()
        seen = await tx.outbox.halt_seen(detail["version"])
        if control.may_open or any(person.role.rank >= Role.TRADER.rank for person in seen):
            return None
        parcel = parcel_of(notify_views.halt_open(to.words, control, detail["version"]))
        return Parcel(
            text=parcel.text,
            buttons=parcel.buttons,
            reply_to_key=f"control:{detail['version']}",
        )

    async def part_lost(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A part gives no sign of life."""
        return Parcel(text=notify_views.part_lost(to.words, detail))

    async def feed(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Market data is refused."""
        return Parcel(text=notify_views.feed(to.words, detail))

    async def unreachable(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Somebody cannot be written to."""
        text = to.words("notify.unreachable", name=detail["name"], id=str(detail["person_id"]))
        return Parcel(text=text)

    async def missed(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """What somebody missed while they could not be reached."""
        return Parcel(text=notify_views.missed(to.words, detail))

    async def digest(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """What came in somebody's quiet hours."""
        return Parcel(text=notify_views.digest(to.words, detail))

    async def filled(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """An order was filled."""
        idea = await tx.ideas.get(UUID(detail["idea_id"]))
        order = await tx.orders.get(detail["client_id"])
        kind = paper(to.words, is_live=self.broker.is_live)
        return Parcel(
            text=notify_views.filled(to.words, idea, order, kind), reply_to_key=f"idea:{idea.id}"
        )

    async def refused(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """An idea or its order came to nothing."""
        idea = await tx.ideas.get(UUID(detail["idea_id"]))
        text = notify_views.refused(to.words, idea, detail["reason"], detail["code"])
        return Parcel(text=text, reply_to_key=f"idea:{idea.id}")

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

    async def strategy(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A strategy has another version, and who wanted it."""
        changes = [restore(Change, change) for change in detail["changes"]]
        text = strategy_views.told(
            to.words, detail["name"], detail["version"], changes, detail["reason"], detail["by"]
        )
        return Parcel(text=text)

    async def unknown_order(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """An order whose outcome nobody knows."""
        idea = await tx.ideas.get(UUID(detail["idea_id"]))
        text = to.words("notice.unknown_order", number=idea.number, symbol=idea.proposal.symbol)
        return Parcel(text=text, reply_to_key=f"idea:{idea.id}")

    async def trade_lost(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A trade that the venue shows no more, nor its end."""
        idea = await tx.ideas.get(UUID(detail["idea_id"]))
        text = to.words("notice.trade_lost", number=idea.number, symbol=detail["symbol"])
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
        if "away" not in detail:
            return Parcel(text=text, silent=True)
        waiting = [await tx.ideas.get(id_) for id_ in await tx.ideas.pending()]
        return parcel_of(away_views.back(to.words, text, detail["away"], waiting))

    async def anchor(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Where the history stands, kept by the chat; not in digit groups, it is to be compared."""
        seq, hash_ = str(detail["seq"]), detail["hash"][:16]
        return Parcel(text=to.words("notice.anchor", seq=seq, hash=hash_), silent=True)

    async def asks_to_join(
        self, tx: Transaction, detail: dict[str, Any], to: Reader
    ) -> Parcel | None:
        """Somebody asks to be let in; or who has answered them since."""
        person = await tx.people.get(detail["id"])
        return None if person is None else parcel_of(user_views.request(to.words, person))

    async def stranger(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Somebody unknown tried something."""
        text = to.words("users.stranger", name=detail["name"], id=detail["id"])
        return Parcel(text=text, silent=True)

    async def role(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A person's own new role."""
        return parcel_of(user_views.own_role(to.words, detail))

    async def role_of(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Somebody else's new role."""
        return Parcel(text=user_views.role_of(to.words, detail))

    async def terminal(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Something odd about a trading terminal."""
        return Parcel(text=ea_views.alert(to.words, detail))

    async def command_failed(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """A command of the operator that came to nothing."""
        return Parcel(text=executor_views.failed(to.words, detail))

    async def webhook(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Events that do not reach whom they are posted to."""
        return Parcel(text=hook_views.told(to.words, detail))

    async def live(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """Real money was let in, or shut out, and by whom."""
        return Parcel(text=live_views.told(to.words, detail))

    async def provider(self, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel:
        """The language model's provider was connected, or is lost."""
        return Parcel(text=provider_views.told(to.words, detail))


def _currency(found: Story) -> str:
    return found.bundle.account.currency if found.bundle.account else "USD"


_RENDERERS = {
    Kind.IDEA: Render.idea,
    Kind.CARD: Render.idea,
    Kind.TRADE_CLOSED: Render.trade_closed,
    Kind.POSITION_ORDER: Render.position_order,
    Kind.HALT: Render.halt,
    Kind.STATE: Render.state,
    Kind.SETTINGS: Render.settings,
    Kind.STRATEGY: Render.strategy,
    Kind.UNKNOWN_ORDER: Render.unknown_order,
    Kind.STARTED: Render.started,
    Kind.ANCHOR: Render.anchor,
    Kind.ASKS_TO_JOIN: Render.asks_to_join,
    Kind.STRANGER: Render.stranger,
    Kind.ROLE: Render.role,
    Kind.ROLE_OF: Render.role_of,
    Kind.HALT_OPEN: Render.halt_open,
    Kind.PART_LOST: Render.part_lost,
    Kind.UNREACHABLE: Render.unreachable,
    Kind.MISSED: Render.missed,
    Kind.DIGEST: Render.digest,
    Kind.FILLED: Render.filled,
    Kind.REFUSED: Render.refused,
    Kind.TERMINAL: Render.terminal,
    Kind.COMMAND_FAILED: Render.command_failed,
    Kind.LIVE: Render.live,
    Kind.FEED: Render.feed,
    Kind.PROVIDER: Render.provider,
    Kind.WEBHOOK: Render.webhook,
    Kind.TRADE_LOST: Render.trade_lost,
    Kind.TRAINING: model_notices.training,
    Kind.TRAINING_CARD: model_notices.training,
    Kind.MODEL: model_notices.model,
    **change_notices.RENDERERS,
}
