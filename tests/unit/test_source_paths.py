"""The page that maps every path of the sources to ours: nothing is missing, nothing is made up."""

import re
from pathlib import Path
from typing import Any, cast

from bot.api.app import routes
from bot.api.probes import Probes
from bot.commands import COMMANDS
from bot.webhook_settings import PATH as WEBHOOK
from broker.mt5.connector.app import create_app as create_connector
from ea.app import Endpoint

PAGE = Path(__file__).parents[2] / "docs/source-paths.md"

#: The paths that each source names, as it writes them.
SOURCES = {
    "000": """
        POST /admin/login   POST /ea/register   POST /telegram/webhook   GET /oauth/openai/start
        GET /oauth/openai/callback   GET /health   POST /admin/logout   POST /bot/pause
        POST /bot/resume   GET /dashboard/summary   GET /events   GET /oauth/openai/status
        POST /oauth/openai/disconnect   POST /admin/signals/evaluate   POST /admin/strategy/evaluate
        POST /ea/heartbeat   POST /ea/sync   POST /ea/execute   POST /ea/result
        """,
    "001": """
        GET /api/system/state   GET /api/system/readiness   POST /api/system/state
        POST /api/system/emergency-stop   GET /api/system/scheduler
        POST /api/system/scheduler/start   POST /api/system/scheduler/stop
        POST /api/trading/paper/cycle   POST /api/trading/live/order   GET /api/trading/position
        GET /api/trading/orders   GET /api/trading/fills   GET /api/trading/metrics
        GET /api/trading/equity/history   POST /api/ai/proposals/generate   GET /api/ai/llm/status
        POST /api/ai/llm/test   GET /api/ai/approvals   POST /api/ai/approvals/{id}/approve
        POST /api/ai/approvals/{id}/reject   POST /api/ai/approvals/expire-check
        GET /api/ai/events   POST /api/ai/optimizer/train   GET /api/ai/optimizer/propose
        POST /api/auth/login   GET /api/auth/me   GET /docs
        """,
    "002": "POST /auth/login   POST /commands",
    "003": """
        POST /ea/generate-signal   GET /ea/test-connection   GET /ea/queue-status
        POST /ea/push-signals   POST /ingest   GET /docs   POST /signals   GET /health
        """,
    "004": """
        POST /auth/login   GET /settings/risk   PUT /settings/risk   GET /strategies
        PUT /strategies/{id}   GET /ai/ideas/active   POST /ai/ideas/{id}/approve
        POST /ai/ideas/{id}/reject   GET /ai/history   GET /ai/history/{id}/snapshot
        POST /mt5/order   GET /mt5/account   POST /ai/test-connection
        """,
}
#: Pages for people that sources 001 and 004 name.
PAGES = "/login /dashboard /analysis /data /settings /ai-trading"

#: What there is not yet. A path that exists must go from here, and from the page's notes.
NOT_YET = {}
_PATH = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/[^\s`|]*)")
_NOT_YET = "not yet: "


def same(method: str, path: str) -> str:
    """A path without the names of its parts."""
    return f"{method} {re.sub(r'{[^}]*}', '{}', path)}"


def rows() -> list[tuple[str, str, str, str]]:
    """Source, their path, ours, notes."""
    found = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in PAGE.read_text("utf-8").splitlines()
        if re.match(r"\| 00\d \|", line)
    ]
    assert all(len(row) == 4 for row in found)
    return cast(list[tuple[str, str, str, str]], found)


def ours() -> set[str]:
    """Every path that is served somewhere, without the names of its parts."""
    found = [(route.method, route.path) for route in routes()]
    endpoint: Any = Endpoint.__new__(Endpoint)
    probes = Probes(check_readiness=cast(Any, None))
    found += [(one.method, one.path) for one in (*endpoint.routes(), *probes.routes())]
    connector = create_connector(cast(Any, None))
    for route in connector.router.routes():
        assert route.resource is not None
        found.append((route.method, route.resource.canonical))
    found += [("POST", WEBHOOK), ("GET", "/v1/docs"), ("GET", "/v1/openapi.json")]
    return {same(*one) for one in found}


def test_every_path_of_every_source_has_one_row() -> None:
    wanted = [
        (source, f"{method} {path}")
        for source, text in SOURCES.items()
        for method, path in _PATH.findall(text)
    ]
    assert len(wanted) == 19 + 27 + 2 + 8 + 13
    listed = [(source, theirs.strip("`")) for source, theirs, _, _ in rows()]
    assert sorted(listed) == sorted(wanted)


def test_every_path_of_ours_on_the_page_is_served_or_marked() -> None:
    known = ours()
    marked = {}
    for source, theirs, mine, notes in rows():
        paths = _PATH.findall(mine)
        if not paths:
            assert mine == "–", (source, theirs)
            assert notes, f"{theirs} of source {source} is nowhere, and nothing says why"
        for method, path in paths:
            name = same(method, path)
            if notes.startswith(_NOT_YET):
                marked[name] = notes.removeprefix(_NOT_YET)
                assert name not in known, f"{name} is here: take the mark away"
            else:
                assert name in known, f"{name} is not served"
    assert marked == NOT_YET


def test_every_page_of_the_sources_has_a_place_in_the_chat() -> None:
    text = PAGE.read_text("utf-8")
    found = re.findall(r"^\| page `(/[a-z-]+)` \| (.*) \|$", text, re.MULTILINE)
    assert [page for page, _ in found] == PAGES.split()
    names = {command.name for command in COMMANDS}
    for page, places in found:
        commands = re.findall(r"`/([a-z]+)`", places)
        assert commands, page
        assert set(commands) <= names
