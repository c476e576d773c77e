"""How the machine stands: what trading needs, what is wrong, who is here, and real money."""

from datetime import datetime
from html import unescape
from re import sub
from typing import Literal

from bot.api.fields import Instant, Told
from bot.api.routing import Call, Routes
from bot.i18n import words_for
from bot.views.doctor import lines_of
from engine.domain.diagnosis import Finding, Level
from engine.domain.live import AccountKind, Need
from engine.domain.person import Person, Role
from engine.flow.readiness import Standing
from engine.flow.steering import Sign as Heard

routes = Routes("machine")

Problem = Literal["silent", "missing", "old", "warming_up", "broken", "unrecorded"]


class Part(Told):
    """Something that trading needs. ``problem`` is null when it is there, else why not;
    ``warming_up`` has ``have`` of ``need`` candles.
    """

    name: str
    ok: bool
    problem: Problem | None
    have: int | None = None
    need: int | None = None


class Sign(Told):
    """A sign of life of a process, a broker or a feed."""

    name: str
    at: Instant
    is_alive: bool


class ReadinessTold(Told):
    """Whether trading could start now."""

    ready: bool
    parts: list[Part]
    heartbeats: list[Sign]


class FindingTold(Told):
    """One thing that was found: ``code`` and ``facts`` for machines, ``text`` and ``fix`` for
    people.
    """

    code: str
    level: Level
    facts: dict[str, str | int]
    text: str
    fix: str


class PersonTold(Told):
    """Somebody the bot knows."""

    id: str
    name: str
    role: Role
    language: str
    timezone: str
    reachable: bool
    last_seen: datetime | None
    decided_by: str
    decided_at: datetime | None


class NeedTold(Told):
    """One item of the list; ``why`` is a code where there is more than one reason."""

    need: Need
    holds: bool
    mandatory: bool
    why: str | None


class AccountTold(Told):
    """The account by the venue's own name for it."""

    venue: str
    name: str
    kind: AccountKind


class LiveTold(Told):
    """What must hold before an order may go to a real account; ``missing`` is what does not."""

    account: AccountTold
    ready: bool
    items: list[NeedTold]
    missing: list[Need]
    confirmed_by: str | None
    confirmed_at: datetime | None


@routes.get("/v1/system/readiness", role=Role.VIEWER)
async def readiness(call: Call) -> ReadinessTold:
    """Everything that trading needs: database, queue, broker, candles, history, processes."""
    found = await call.uses.acts.read_readiness(call.person_id)
    return ReadinessTold(
        ready=not found.missing,
        parts=[part_of(one) for one in found.standings],
        heartbeats=[sign_of(one) for one in found.signs],
    )


@routes.get("/v1/system/diagnosis", role=Role.VIEWER)
async def diagnosis(call: Call) -> list[FindingTold]:
    """What is wrong, the worst first, and the line that fixes it; the same as /doctor."""
    return [_finding(one) for one in await call.uses.talk.diagnose(call.person_id)]


@routes.get("/v1/system/people", role=Role.ADMIN)
async def people(call: Call) -> list[PersonTold]:
    """Everybody: who waits to be let in first, who was put out last."""
    return [_person(one) for one in await call.uses.talk.read_people(call.person_id)]


@routes.get("/v1/system/live", role=Role.VIEWER)
async def live(call: Call) -> LiveTold:
    """The checklist of real money, item by item."""
    report = await call.uses.talk.read_live(call.person_id)
    known = report.confirmation
    account = report.identity
    return LiveTold(
        account=AccountTold(venue=account.venue, name=account.name, kind=account.kind),
        ready=not report.missing,
        items=[
            NeedTold(need=one.need, holds=one.holds, mandatory=one.is_mandatory, why=one.why)
            for one in report.items
        ],
        missing=[one.need for one in report.missing],
        confirmed_by=None if known is None else known.by,
        confirmed_at=None if known is None else known.at,
    )


def part_of(standing: Standing) -> Part:
    """A part as it is told."""
    facts = dict(standing.facts)
    ok = standing.problem is None
    return Part.model_validate(
        {"name": standing.name, "ok": ok, "problem": standing.problem, **facts}
    )


def sign_of(heard: Heard) -> Sign:
    """A sign of life as it is told."""
    return Sign(name=heard.name, at=heard.at, is_alive=heard.is_alive)


def _finding(found: Finding) -> FindingTold:
    said, fix = lines_of(words_for("en"), found)
    return FindingTold(
        code=found.code, level=found.level, facts=found.facts, text=_plain(said), fix=_plain(fix)
    )


def _plain(html: str) -> str:
    return unescape(sub(r"<[^>]+>", "", html))


def _person(one: Person) -> PersonTold:
    return PersonTold(
        id=str(one.id),
        name=one.name,
        role=one.role,
        language=one.language,
        timezone=one.timezone,
        reachable=one.reachable,
        last_seen=one.last_seen,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
    )
