"""A script that was written from source 004's examples alone, with curl, as anybody would."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.integration.conftest import ANN, desk, mode, web  # noqa: F401
from tests.integration.test_api_ideas import with_a_worker
from tests.web import PASSWORD, Web

EMAIL = "user@example.com"
RISK = {
    "ai_trading_enabled": bool, "min_confidence_threshold": float, "max_lot_size": float,
    "max_concurrent_trades": int, "daily_profit_target": float, "stop_after_target": bool,
    "max_drawdown_amount": float, "halt_on_drawdown": bool,
    "allow_off_watchlist_autotrade": bool, "last_halt_reason": (str, type(None)),
}  # fmt: skip
IDEA = {
    "id": str, "symbol": str, "direction": str, "entry_price": float, "stop_loss": float,
    "take_profit": list, "expected_hold": str, "rationale": str, "confidence_score": float,
    "status": str,
}  # fmt: skip
RECORD = {
    "id": str, "occurred_at": str, "symbol": str, "action": str, "rationale": str,
    "confidence_score": float, "risk_check_result": str, "strategy_id": str, "trade_idea_id": str,
    "snapshot_ref": str, "human_override": bool,
}  # fmt: skip
#: What stands behind the documented fields; clients of the document read over it.
IDEA_MORE = {
    "number", "timeframe", "volume", "strategy_id", "snapshot_ref", "created_at", "expires_at",
}  # fmt: skip
RECORD_MORE = {"number", "actor", "market_time"}
STRATEGY = {
    "id": str, "name": str, "is_active": bool, "allowed_symbols": list, "session_windows": list,
    "entry_conditions": dict, "exit_rules": dict, "forbidden_conditions": dict, "risk_caps": dict,
    "rr_expectation": float,
}  # fmt: skip
EVENT = {
    "event_time": str, "currency": str, "impact_level": str, "title": str,
    "minutes_until_release": int,
}  # fmt: skip
MONEY = {"balance": float, "equity": float, "margin_free": float, "open_positions": int}


class Script:
    """curl with a file of cookies."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.cookies = url, folder / "cookies.txt"

    async def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """What was answered; anything but a success ends the script."""
        jar = str(self.cookies)
        given = ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        process = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--fail-with-body", "-b", jar, "-c", jar, "-X", method,
            *(given if body is not None else ()), f"{self.url}/v1{path}",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, (out, err)
        # The cookie is for TLS; the server of the test has none.
        if self.cookies.exists():
            text = self.cookies.read_text().replace("\tTRUE\t", "\tFALSE\t")
            self.cookies.write_text(text)
        return json.loads(out)


def has(told: dict[str, Any], wanted: dict[str, Any], more: set[str] | None = None) -> None:
    """The documented keys, each of its JSON type, and none but those that are known beside them."""
    assert list(told)[: len(wanted)] == list(wanted)
    if more is not None:
        assert told.keys() == wanted.keys() | more
    for name, kind in wanted.items():
        value = told[name]
        # JSON has one kind of number: 1000.00 comes as 1000.
        whole = kind is float and type(value) is int
        assert whole or isinstance(value, kind), (name, value)
        assert kind is bool or not isinstance(value, bool), name


async def test_a_script_of_the_documents_examples_works(web: Web, tmp_path: Path) -> None:  # noqa: F811
    await web.uses.access.set_login.by_operator(ANN.id, EMAIL, PASSWORD)
    idea = await web.desk.until_idea()
    script = Script(str(web.server.make_url("")).rstrip("/"), tmp_path)

    login = await script("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
    assert login.keys() == {"status", "user"}
    assert login["status"] == "ok"
    has(login["user"], {"id": str, "email": str}, set())

    risk = await script("GET", "/settings/risk")
    has(risk, RISK)
    wanted = {name: risk[name] for name in RISK if name != "last_halt_reason"}
    assert await script("PUT", "/settings/risk", {**wanted, "max_lot_size": 0.1}) == {
        "status": "ok"
    }
    assert (await script("GET", "/settings/risk"))["max_lot_size"] == 0.1

    for strategy in await script("GET", "/strategies"):
        assert strategy.keys() >= STRATEGY.keys()
        has({name: strategy[name] for name in STRATEGY}, STRATEGY, set())

    (shown,) = await script("GET", "/ai/ideas/active")
    has(shown, IDEA, IDEA_MORE)
    assert shown["id"] == str(idea.id)
    approval = script("POST", f"/ai/ideas/{shown['id']}/approve", {"lot_size": 0.1})
    done = await with_a_worker(web.desk, approval)
    has(done, {"status": str, "mt5_order_id": int}, set())
    assert done["status"] == "executed"

    records = await script("GET", "/ai/history?symbol=EURUSD&action=human_approved&limit=10")
    has(records[0], RECORD, RECORD_MORE)
    assert records[0]["human_override"] is True
    assert (await script("GET", "/ai/history?action=settings_changed"))[0]["symbol"] is None

    seen = await script("GET", f"/ai/history/{records[0]['id']}/snapshot")
    assert seen.keys() >= {"market", "calendar", "account"}
    has(seen["market"], {"symbol": str, "timeframe": str, "price": dict, "indicators": dict}, set())
    has(seen["market"]["price"], dict.fromkeys(("open", "high", "low", "close"), float), set())
    assert {"rsi_14", "atr"} <= seen["market"]["indicators"].keys()
    has(seen["account"], MONEY, set())
    for event in seen["calendar"]:
        has(event, EVENT, {"previous", "forecast", "actual"})
    assert (await script("POST", "/auth/logout"))["status"] == "ok"
