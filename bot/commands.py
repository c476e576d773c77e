"""The commands of the chat: who may use each, and under which heading help lists it."""

from dataclasses import dataclass
from enum import StrEnum

from engine.domain.person import Role


class Family(StrEnum):
    """Headings of /help, in the order people need them."""

    TRADE = "trade"
    RECORD = "record"
    CONTROL = "control"
    MARKET = "market"
    SYSTEM = "system"
    SELF = "self"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the menu. Its description is ``command.<name>`` in the catalogues."""

    name: str
    family: Family
    role: Role = Role.VIEWER


#: The menu, in the order people need it. A stranger has /start alone.
COMMANDS = (
    Command("status", Family.TRADE),
    Command("ideas", Family.TRADE),
    Command("idea", Family.TRADE),
    Command("approve", Family.TRADE, Role.TRADER),
    Command("reject", Family.TRADE, Role.TRADER),
    Command("positions", Family.TRADE),
    Command("today", Family.RECORD),
    Command("performance", Family.RECORD),
    Command("history", Family.RECORD),
    Command("why", Family.RECORD),
    Command("replay", Family.RECORD),
    Command("pause", Family.CONTROL, Role.TRADER),
    Command("resume", Family.CONTROL, Role.TRADER),
    Command("stop", Family.CONTROL, Role.TRADER),
    Command("mode", Family.CONTROL),
    Command("risk", Family.CONTROL),
    Command("calendar", Family.MARKET),
    Command("news", Family.MARKET),
    Command("indicators", Family.MARKET),
    Command("chart", Family.MARKET),
    Command("evaluate", Family.MARKET),
    Command("ea", Family.SYSTEM),
    Command("doctor", Family.SYSTEM),
    Command("events", Family.SYSTEM),
    Command("language", Family.SELF),
    Command("whoami", Family.SELF),
    Command("help", Family.SELF),
    Command("start", Family.SELF, Role.PENDING),
)


def commands_of(role: Role) -> tuple[Command, ...]:
    """What somebody of this role may use."""
    return tuple(command for command in COMMANDS if role.rank >= command.role.rank)
