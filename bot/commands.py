"""The commands and buttons of the chat: who may use each, and where help lists a command."""

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
    """A command of the menu. Its description is ``command.<name>`` in the catalogues, and the way
    it is written ``usage.<name>``, where something may follow it. ``example`` is one of its uses.
    """

    name: str
    family: Family
    role: Role = Role.VIEWER
    example: str = ""


#: The menu, in the order people need it. A stranger has /start alone.
COMMANDS = (
    Command("status", Family.TRADE),
    Command("ideas", Family.TRADE),
    Command("idea", Family.TRADE, example="/idea 12"),
    Command("approve", Family.TRADE, Role.TRADER, "/approve 12"),
    Command("reject", Family.TRADE, Role.TRADER, "/reject 12"),
    Command("positions", Family.TRADE),
    Command("close", Family.TRADE, Role.TRADER, "/close EURUSD half"),
    Command("stoploss", Family.TRADE, Role.TRADER, "/stoploss 3 1.0850"),
    Command("target", Family.TRADE, Role.TRADER, "/target 3 1.0900 1.0950"),
    Command("breakeven", Family.TRADE, Role.TRADER, "/breakeven 3"),
    Command("today", Family.RECORD),
    Command("performance", Family.RECORD, example="/performance week"),
    Command("paper", Family.RECORD, Role.TRADER),
    Command("history", Family.RECORD, example="/history EURUSD no_trade"),
    Command("why", Family.RECORD, example="/why 12"),
    Command("ask", Family.RECORD, example="/ask what was refused this week"),
    Command("replay", Family.RECORD, example="/replay 40 max_spread_pips=1.5"),
    Command("pause", Family.CONTROL, Role.TRADER, "/pause EURUSD"),
    Command("resume", Family.CONTROL, Role.TRADER, "/resume EURUSD"),
    Command("stop", Family.CONTROL, Role.TRADER),
    Command("panic", Family.CONTROL, Role.TRADER),
    Command("mode", Family.CONTROL),
    Command("live", Family.CONTROL),
    Command("risk", Family.CONTROL, example="/risk max_daily_loss_percent 2.5 because of news"),
    Command("strategies", Family.CONTROL),
    Command("train", Family.CONTROL, Role.TRADER, "/train EURUSD"),
    Command("models", Family.CONTROL),
    Command("approvals", Family.CONTROL),
    Command("watchlist", Family.CONTROL, example="/watchlist add GBPUSD"),
    Command("calendar", Family.MARKET, example="/calendar all"),
    Command("news", Family.MARKET, example="/news EURUSD"),
    Command("indicators", Family.MARKET, example="/indicators EURUSD H1"),
    Command("chart", Family.MARKET, example="/chart EURUSD H4"),
    Command("evaluate", Family.MARKET, example="/evaluate EURUSD"),
    Command("signals", Family.MARKET),
    Command("backtest", Family.MARKET, Role.TRADER),
    Command("sweep", Family.MARKET, Role.TRADER),
    Command("broker", Family.SYSTEM),
    Command("settings", Family.SYSTEM),
    Command("ea", Family.SYSTEM),
    Command("doctor", Family.SYSTEM),
    Command("events", Family.SYSTEM),
    Command("webhooks", Family.SYSTEM, Role.ADMIN),
    Command("users", Family.SYSTEM, Role.ADMIN),
    Command("version", Family.SYSTEM),
    Command("notify", Family.SELF),
    Command("language", Family.SELF),
    Command("timezone", Family.SELF, example="/timezone madrid"),
    Command("whoami", Family.SELF),
    Command("web", Family.SELF),
    Command("help", Family.SELF, example="/help history"),
    Command("start", Family.SELF, Role.PENDING),
)


#: Who may use the buttons of each action. An action that is not here does nothing.
ACTIONS = {
    "status": Role.VIEWER,
    "card": Role.VIEWER,
    "why": Role.VIEWER,
    "inwords": Role.VIEWER,
    "saw": Role.VIEWER,
    "hist": Role.VIEWER,
    "ask": Role.VIEWER,
    "words": Role.VIEWER,
    "hush": Role.VIEWER,
    "nh": Role.VIEWER,
    "nhs": Role.VIEWER,
    "record": Role.VIEWER,
    "cal": Role.VIEWER,
    "ind": Role.VIEWER,
    "chart": Role.VIEWER,
    "eval": Role.VIEWER,
    "perf": Role.VIEWER,
    "csv": Role.VIEWER,
    "doctor": Role.VIEWER,
    "cancel": Role.VIEWER,
    "lang": Role.VIEWER,
    "regions": Role.VIEWER,
    "cities": Role.VIEWER,
    "zone": Role.VIEWER,
    "tour": Role.VIEWER,
    "show": Role.VIEWER,
    "ai": Role.VIEWER,
    "aitest": Role.TRADER,
    "broker": Role.VIEWER,
    "hub": Role.VIEWER,
    "hublang": Role.VIEWER,
    "hubmode": Role.VIEWER,
    "hubzone": Role.VIEWER,
    "limit": Role.VIEWER,
    "notices": Role.VIEWER,
    "positions": Role.VIEWER,
    "exposure": Role.VIEWER,
    "pos": Role.VIEWER,
    "risk": Role.VIEWER,
    "rule": Role.VIEWER,
    "rulediff": Role.VIEWER,
    "rules": Role.VIEWER,
    "rulev": Role.VIEWER,
    "rulevs": Role.VIEWER,
    "version": Role.VIEWER,
    "versions": Role.VIEWER,
    "watch": Role.VIEWER,
    "file": Role.VIEWER,
    "nt": Role.VIEWER,
    "nr": Role.VIEWER,
    "nq": Role.VIEWER,
    "nqs": Role.VIEWER,
    "nql": Role.VIEWER,
    "nd": Role.VIEWER,
    "nb": Role.VIEWER,
    "seen": Role.VIEWER,
    "ea": Role.VIEWER,
    "live": Role.VIEWER,
    "models": Role.VIEWER,
    "model": Role.VIEWER,
    "drift": Role.VIEWER,
    "signals": Role.VIEWER,
    "props": Role.VIEWER,
    "prop": Role.VIEWER,
    "paper": Role.TRADER,
    "paperlog": Role.TRADER,
    "trial": Role.TRADER,
    "trialtype": Role.TRADER,
    "sweepgo": Role.TRADER,
    "searches": Role.TRADER,
    "search": Role.TRADER,
    "search-no": Role.TRADER,
    "swnew": Role.TRADER,
    "swshow": Role.TRADER,
    "swcancel": Role.TRADER,
    "btgo": Role.TRADER,
    "btcancel": Role.TRADER,
    "btagain": Role.TRADER,
    "ok": Role.TRADER,
    "flat": Role.TRADER,
    "pclose": Role.TRADER,
    "peven": Role.TRADER,
    "pgo": Role.TRADER,
    "phalf": Role.TRADER,
    "pno": Role.TRADER,
    "pstop": Role.TRADER,
    "ptargets": Role.TRADER,
    "switch": Role.TRADER,
    "swgo": Role.TRADER,
    "no": Role.TRADER,
    "half": Role.TRADER,
    "resume": Role.TRADER,
    "go": Role.TRADER,
    "live-off": Role.TRADER,
    "train": Role.TRADER,
    "train-no": Role.TRADER,
    "signal": Role.TRADER,
    "prop-no": Role.TRADER,
    "prop-new": Role.TRADER,
    "mode": Role.ADMIN,
    "prop-ok": Role.ADMIN,
    "live-ask": Role.ADMIN,
    "model-ask": Role.ADMIN,
    "model-go": Role.ADMIN,
    "live-yes": Role.ADMIN,
    "hooks": Role.ADMIN,
    "hooktest": Role.ADMIN,
    "ea-code": Role.ADMIN,
    "ea-off": Role.ADMIN,
    "ea-off-yes": Role.ADMIN,
    "apply": Role.ADMIN,
    "change": Role.ADMIN,
    "drop": Role.ADMIN,
    "edit": Role.ADMIN,
    "keep": Role.ADMIN,
    "rerule": Role.ADMIN,
    "restore": Role.ADMIN,
    "save": Role.ADMIN,
    "undo": Role.ADMIN,
    "watchadd": Role.ADMIN,
    "watchdel": Role.ADMIN,
    "join": Role.ADMIN,
    "users": Role.ADMIN,
    "user": Role.ADMIN,
    "role": Role.ADMIN,
    "give": Role.ADMIN,
}


def command_role(name: str) -> Role | None:
    """The least role of a command; None for one that there is not."""
    return next((command.role for command in COMMANDS if command.name == name), None)


def commands_of(role: Role) -> tuple[Command, ...]:
    """What somebody of this role may use."""
    return tuple(command for command in COMMANDS if role.rank >= command.role.rank)
