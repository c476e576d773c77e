"""What a person wants to be told, how loudly, and when they want quiet."""

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.errors import InvalidInput


class Topic(StrEnum):
    """Kinds of events that people choose by."""

    IDEAS = "ideas"
    FILLS = "fills"
    CLOSES = "closes"
    REFUSALS = "refusals"
    HALTS = "halts"
    SETTINGS = "settings"
    SYSTEM = "system"
    DIGEST = "digest"
    BRIEFS = "briefs"
    REVIEWS = "reviews"


class Loudness(StrEnum):
    """How a message comes: with a sound, without one, or not at all."""

    ON = "on"
    SILENT = "silent"
    OFF = "off"


#: The card of an idea shows its fill or refusal anyway; the start of a process is no news; a brief
#: is for who asks for one.
DEFAULTS = {
    Topic.IDEAS: Loudness.ON,
    Topic.FILLS: Loudness.OFF,
    Topic.CLOSES: Loudness.ON,
    Topic.REFUSALS: Loudness.OFF,
    Topic.HALTS: Loudness.ON,
    Topic.SETTINGS: Loudness.ON,
    Topic.SYSTEM: Loudness.SILENT,
    Topic.DIGEST: Loudness.ON,
    Topic.BRIEFS: Loudness.OFF,
    Topic.REVIEWS: Loudness.OFF,
}

#: The topics whose events have reasons to choose by, and these.
REASONS = {
    Topic.CLOSES: ("stop_loss", "take_profit", "time_limit", "stop_out", "manual"),
    Topic.REFUSALS: ("gate", "price_moved", "broker", "cancelled"),
}

_CLOCK = "%H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """``chosen`` maps a topic, or ``topic:reason``, to how it comes; what is not in it comes by the
    topic, and then by :data:`DEFAULTS`. Quiet hours are local times, ``22:00``; ``digest`` asks for
    one message after them that sums up what came. ``brief_at`` is when the daily brief comes, a
    local time too.
    """

    chosen: dict[str, Loudness] = field(default_factory=dict)
    quiet_from: str | None = None
    quiet_until: str | None = None
    digest: bool = True
    brief_at: str = "07:00"

    def loudness(self, topic: Topic, reason: str | None = None) -> Loudness:
        """How an event of this topic, with this reason, comes; a halt always comes loudly."""
        if topic is Topic.HALTS:
            return Loudness.ON
        general = self.chosen.get(topic, DEFAULTS[topic])
        return general if reason is None else self.chosen.get(f"{topic}:{reason}", general)

    def choose(self, topic: Topic, reason: str | None, loudness: Loudness) -> "Preferences":
        """With another choice. ``reason`` "*" is every reason alike: what was chosen for single
        ones is forgotten. Raises :class:`InvalidInput` for what cannot be chosen.
        """
        if topic is Topic.HALTS and loudness is not Loudness.ON:
            raise InvalidInput("halts are always told, and loudly")
        if reason is not None and reason != "*" and reason not in REASONS.get(topic, ()):
            raise InvalidInput(f"{topic} has no reason {reason[:24]!r}")
        chosen = dict(self.chosen)
        if reason == "*":
            chosen = {k: v for k, v in chosen.items() if not k.startswith(f"{topic}:")}
        single = reason is not None and reason != "*"
        chosen[f"{topic}:{reason}" if single else str(topic)] = loudness
        return replace(self, chosen=chosen)

    def quiet(self, since: str, until: str) -> "Preferences":
        """With quiet hours; raises :class:`InvalidInput` for what are no two different times."""
        if _clock(since) == _clock(until):
            raise InvalidInput("quiet hours need a beginning and another end")
        return replace(
            self,
            quiet_from=f"{_clock(since):{_CLOCK}}",
            quiet_until=f"{_clock(until):{_CLOCK}}",
        )

    def is_quiet(self, instant: datetime, zone: str) -> bool:
        """Whether an instant lies in the quiet hours of somebody in a zone."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        now = instant.astimezone(_zone(zone)).time().replace(second=0, microsecond=0)
        since, until = _clock(self.quiet_from), _clock(self.quiet_until)
        return since <= now < until if since < until else now >= since or now < until

    def last_quiet(self, instant: datetime, zone: str) -> tuple[datetime, datetime] | None:
        """The quiet hours that ended last before an instant, in the person's zone."""
        if self.quiet_from is None or self.quiet_until is None:
            return None
        local = instant.astimezone(_zone(zone))
        end = datetime.combine(local.date(), _clock(self.quiet_until), local.tzinfo)
        if end > local:
            end -= timedelta(days=1)
        start = datetime.combine(end.date(), _clock(self.quiet_from), local.tzinfo)
        return (start if start < end else start - timedelta(days=1)), end

    def brief(self, at: str) -> "Preferences":
        """With another time of the brief; raises :class:`InvalidInput` for what is no time."""
        return replace(self, brief_at=f"{_clock(at):{_CLOCK}}")

    def last_brief(self, instant: datetime, zone: str) -> datetime:
        """When the brief fell due last before an instant, in the person's zone."""
        local = instant.astimezone(_zone(zone))
        at = datetime.combine(local.date(), _clock(self.brief_at), local.tzinfo)
        # By the wall's clock: a day that summer time makes longer has one brief as well.
        yesterday = local.date() - timedelta(days=1)
        return at if at <= local else datetime.combine(yesterday, at.time(), local.tzinfo)

    def local_day(self, instant: datetime, zone: str) -> str:
        """The person's day of an instant."""
        return instant.astimezone(_zone(zone)).date().isoformat()


def _clock(text: str) -> time:
    """A time of day; raises :class:`InvalidInput`."""
    try:
        return datetime.strptime(text.strip(), _CLOCK).time()  # noqa: DTZ007
    except ValueError as error:
        raise InvalidInput(f"{text[:20]!r} is no time of day; write one such as 22:00") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
