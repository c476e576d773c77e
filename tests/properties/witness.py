"""Watches every commit and every order that reaches the venue, and writes down what may not be."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from engine.domain.approval import Approval, Ending
from engine.domain.decision import Action, Decision
from engine.domain.idea import Idea
from engine.domain.order import Order
from engine.domain.snapshot import Bundle
from engine.domain.state import Control
from storage.chain import GENESIS
from tests.memory import Change, MemoryStore
from tests.memory.records import chained
from tests.properties import moves
from tests.properties.oracle import ASKS, asked_again, asked_first, closed

_LIFE = timedelta(seconds=60)


class Witness:
    """Everything seen so far, and the ``violations`` among it."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.violations: list[str] = []
        self.sent: list[str] = []
        #: What happened, counted: a run in which nothing happens proves nothing.
        self.seen: Counter[str] = Counter()
        self._head = (0, GENESIS)
        store.watchers.append(self.commit)

    def _must(self, holds: bool, violation: str) -> None:
        if not holds:
            self.violations.append(violation)

    # what the venue receives

    def submit(self, order: Order) -> None:
        """An order reaches the venue, now."""
        rows = self._store.rows.tables
        name = order.client_id
        self.seen["submitted"] += 1
        self._must(name not in self.sent, f"{name} was submitted twice")
        ideas = [rows["order"][sent].idea_id for sent in self.sent]
        self._must(order.idea_id not in ideas, f"two orders of idea {order.idea_id} were submitted")
        self.sent.append(name)
        control: Control = rows["control"][1]
        self._must(str(control.state) == "running", f"{name} left while {control.state}")
        stored: Order | None = rows["order"].get(name)
        self._must(
            stored is not None and str(stored.state) == "sending", f"{name} left before it was sent"
        )
        records = [
            decision
            for decision in self._store.all("decision")
            if decision.entry.action is Action.ORDER_SENDING
            and decision.entry.detail["order"]["client_id"] == name
        ]
        self._must(len(records) == 1, f"{name} left with {len(records)} records of it")
        for record in records:
            self._may_leave(order, record)

    def _may_leave(self, order: Order, record: Decision) -> None:
        """The checks, computed again from the bundle that the record names."""
        idea: Idea = self._store.rows.tables["idea"][order.idea_id]
        bundle = self._bundle(record)
        asked = asked_again(idea, bundle, order.volume, order.client_id)
        found = closed(asked)
        if str(idea.status) == "approved":
            found -= ASKS
        self._must(not found, f"{order.client_id} left with {sorted(found)} closed")
        for field in ("symbol", "direction", "stop_loss"):
            same = getattr(order, field) == getattr(idea.proposal, field)
            self._must(same, f"{order.client_id} has another {field} than its idea")
        self._must(order.volume <= idea.sizing.volume, f"{order.client_id} outgrew its card")
        risked = order.volume * abs(asked.entry - asked.stop) * bundle.instrument.contract_size
        assert bundle.account is not None
        percent = bundle.settings.risk_per_trade_percent + Decimal("0.005")  # shown to 0.01
        self._must(risked * 100 <= percent * bundle.account.equity, f"{order.client_id} risks more")

    def _bundle(self, record: Decision) -> Bundle:
        bundle: Bundle = self._store.rows.tables["bundle"][record.entry.bundle_hash]
        return bundle

    # what is committed

    def commit(self, changes: Sequence[Change]) -> None:
        """A transaction was committed."""
        records = sorted(
            (change.after for change in changes if change.table == "decision"),
            key=lambda decision: decision.seq,
        )
        for record in records:
            self._chained(record)
            self._judged(record)
        for change in changes:
            check = _CHECKS.get(change.table)
            if check is not None:
                check(self, change, [record.entry for record in records])
        control = self._store.rows.tables["control"].get(1)
        if control is not None and str(control.state) in ("halted", "emergency_stop"):
            queued = [o.client_id for o in self._orders("intent")]
            self._must(not queued, f"{queued} still queued while {control.state}")

    def _orders(self, state: str) -> list[Order]:
        return [order for order in self._store.all("order") if str(order.state) == state]

    def _chained(self, record: Decision) -> None:
        tied = record == chained(*self._head, record.entry)
        self._must(tied, f"decision {record.seq} is not tied to decision {self._head[0]}")
        self._head = (record.seq, record.hash)

    def _judged(self, record: Decision) -> None:
        """A recorded report says of each check what the contract says of it, no more, no less."""
        detail = record.entry.detail
        answer = detail.get("answer") or detail.get("outcome") or {}
        if answer.get("report") is None:
            return
        idea: Idea = self._store.rows.tables["idea"][record.entry.idea_id]
        bundle, volume = self._bundle(record), Decimal(answer["sizing"]["volume"])
        own = detail.get("question", {}).get("own_order")
        if "answer" in detail:
            asked = asked_again(idea, bundle, volume, own)
        else:
            asked = asked_first(idea, bundle, volume)
        expected = closed(asked)
        for check in answer["report"]["checks"]:
            if check["code"] not in moves.CHECKED:
                continue
            self.seen[f"{check['code']} {'open' if check['passed'] else 'closed'}"] += 1
            wrong = check["passed"] is (check["code"] in expected)
            self._must(not wrong, f"decision {record.seq} is wrong about {check}")

    def _idea(self, change: Change, entries: Sequence[Any]) -> None:
        before = None if change.before is None else str(change.before.status)
        after: Idea = change.after
        status = str(after.status)
        self.seen[f"idea {status}"] += 1
        self._must((before, status) in moves.IDEA, f"idea {after.number}: {before} -> {status}")
        actions = {str(e.action) for e in entries if e.idea_id == after.id}
        self._must(
            bool(actions & moves.IDEA_RECORDS[status]),
            f"idea {after.number} became {status} without a record",
        )

    def _approval(self, change: Change, _: Sequence[Any]) -> None:
        after: Approval = change.after
        now = self._store.clock()
        if change.before is None:
            self._must(after.ending is Ending.PENDING, f"{after.idea_id} never waited")
            return
        self.seen[f"approval {after.ending}"] += 1
        self._must(change.before.ending is Ending.PENDING, f"{after.idea_id} was answered twice")
        late = now >= after.expires_at
        if after.ending is Ending.EXPIRED:
            self._must(late, f"{after.idea_id} expired before its time")
            return
        self._must(not late, f"{after.idea_id} was {after.ending} after it had expired")
        person = self._store.rows.tables["person"].get(after.decided_by)
        self._must(
            person is not None and str(person.role) in ("trader", "admin"),
            f"{after.idea_id} was {after.ending} by {after.decided_by}, who may not",
        )

    def _order(self, change: Change, entries: Sequence[Any]) -> None:
        before = None if change.before is None else str(change.before.state)
        order: Order = change.after
        state = str(order.state)
        self.seen[f"order {state}"] += 1
        self._must((before, state) in moves.ORDER, f"{order.client_id}: {before} -> {state}")
        if before is None:
            actions = {str(e.action) for e in entries if e.idea_id == order.idea_id}
        else:
            actions = {
                str(e.action)
                for e in entries
                if e.detail.get("order", {}).get("client_id") == order.client_id
            }
        self._must(
            bool(actions & moves.ORDER_RECORDS[state])
            or (state == "cancelled" and self._stopped_unrecorded()),
            f"{order.client_id} became {state} without a record",
        )
        idea: Idea = self._store.rows.tables["idea"][order.idea_id]
        self._must(
            str(idea.status) in ("approved", "auto_executed"),
            f"{order.client_id} came of a {idea.status} idea",
        )
        self._must(order.volume <= idea.sizing.volume, f"{order.client_id} outgrew its card")
        if state == "sending":
            self._sending(order, entries)

    def _sending(self, order: Order, entries: Sequence[Any]) -> None:
        """What was looked at before the order left is what is in force."""
        name, now = order.client_id, self._store.clock()
        self._must(now <= order.created_at + _LIFE, f"{name} left too late")
        rows = self._store.rows.tables
        for entry in entries:
            if entry.action is not Action.ORDER_SENDING:
                continue
            bundle: Bundle = rows["bundle"][entry.bundle_hash]
            self._must(
                bundle.settings_version == max(rows["settings"]),
                f"{name} was judged by settings {bundle.settings_version}",
            )
            self._must(
                bundle.control.version == rows["control"][1].version,
                f"{name} was judged by control {bundle.control.version}",
            )
            held = {position.client_id for position in bundle.positions}
            seen = {o.client_id for o in bundle.orders} | held
            unproven = [o for s in ("intent", "sending", "unknown") for o in self._orders(s)]
            missed = {o.client_id for o in unproven} - seen
            self._must(not missed, f"{name} left without a look at {missed}")
            unknown = [
                o.client_id
                for o in self._orders("unknown")
                # One that the venue reports as a position is known, and counted as one.
                if o.symbol == order.symbol and o.client_id not in held
            ]
            self._must(not unknown, f"{name} left while {unknown} of its symbol is unknown")

    def _stopped_unrecorded(self) -> bool:
        """An emergency stop is pulled even when nothing can be written down."""
        rows = self._store.rows.tables
        return 1 not in rows["head"] and str(rows["control"][1].state) == "emergency_stop"

    def _control(self, change: Change, entries: Sequence[Any]) -> None:
        before: Control | None = change.before
        after: Control = change.after
        if before is None:
            return
        self.seen[f"control {after.state}"] += 1
        pair = (str(before.state), str(after.state))
        self._must(pair[0] == pair[1] or pair in moves.CONTROL, f"control: {pair[0]} -> {pair[1]}")
        told = sum(str(entry.action) in moves.CONTROL_RECORDS for entry in entries)
        changes = after.version - before.version
        # A stop that could not be recorded owes its record, which then comes with the next change.
        owed = before.reason == "stop_unrecorded" and told == changes + 1
        self._must(
            changes == told > 0 or owed or self._stopped_unrecorded(),
            f"control {before.version} -> {after.version} with {told} records",
        )


_CHECKS = {
    "idea": Witness._idea,
    "approval": Witness._approval,
    "order": Witness._order,
    "control": Witness._control,
}
