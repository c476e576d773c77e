"""The OpenAPI document held against the API: ``schema --examples 200 --seed 1``.

Schemathesis, all its phases, once with an administrator's key and once with none: no 5xx, no answer
that the document does not have, nothing refused that it allows and nothing taken that it forbids,
and no path open that should not be.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from itertools import product
from pathlib import Path

import aiohttp

from engine.strategies.documents import shipped
from tests.chaos import alone
from tests.chaos.api_site import Site, site

#: Where a value can be of the right form and still mean nothing: limits that contradict each
#: other, a rule with a word nobody knows, candles that are none, an address that leads nowhere, a
#: symbol that is not watched. No schema says it; everything else is held against them too.
_MEANT = (
    "settings_put_risk", "strategies_put_strategy", "strategies_add_strategy", "ideas_approve",
    "history_replay", "trading_analysis", "trading_metrics", "data_indicators", "data_news",
    "system_change_state", "backtests_start", "sweeps_start",
    "judging_evaluate_strategy", "judging_evaluate_signals", "approvals_approve", "commands_give",
    "provider_callback", "provider_store_key", "webhooks_add", "webhooks_change",
    "proposals_propose", "by_hand_live_order", "versions_settings_back", "versions_strategy_back",
)  # fmt: skip
#: What has an id: half of the cases ask for one that there is, else they would meet 404 alone.
_KNOWN: dict[str, list[str | int]] = {
    "strategy_id": [str(one.id) for one in shipped()],
    "idea_id": [1, 2, 3], "record_id": [1, 5, 40, 80], "webhook_id": [1, 2, 3, 4, 5, 6],
    "delivery_id": [1, 2, 3], "command_id": [1, 2, 3], "proposal_id": [1, 2, 3],
    "model_id": [1, 2], "training_id": [1, 2, 3], "backtest_id": [],
}  # fmt: skip
_PLAYED = {"symbol": "EURUSD", "timeframe": "H1", "strategy": "EMA trend"}
_WHO, _PARTS = ("with a key", "without"), ("plain", "meant")
_REFUSED = [400, 401, 403, 404, 405, 408, 409, 413, 415, 429]
_CASES = re.compile(r"(\d[\d,]*) generated")


async def look(
    where: Site,
    key: str | None,
    known: dict[str, list[str | int]],
    *,
    meant: bool,
    examples: int,
    seed: int,
    only: str | None = None,
) -> tuple[int, str]:
    """One run of the tool, over the paths of ``_MEANT`` or over all others, of those whose name a
    pattern finds: its exit code, and what it printed.
    """
    without = ["positive_data_acceptance"] if meant else []
    more = [f"--{'include' if meant else 'exclude'}-operation-id={name}" for name in _MEANT]
    if only is not None:
        more.append(f"--include-operation-id-regex={only}")
    if key is not None:
        more += ["-H", f"X-API-Key: {key}"]
        # A key that is always sent is good whatever else a case sends; the run without asks that.
        without.append("ignored_auth")
    if without:
        more += ["--exclude-checks", ",".join(without)]
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        (Path(folder) / "schemathesis.toml").write_text(_configuration(known))
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("st")), "run", f"{where.url}/v1/openapi.json",
            "--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure",
            "--suppress-health-check", "all", "--no-color", "--output-sanitize", "false",
            "--generation-database", "none", "--request-timeout", "30", *more,
            cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await process.communicate()
    return process.returncode or 0, told.decode(errors="replace")


def _configuration(known: dict[str, list[str | int]]) -> str:
    # The tool does not know that a body may be too large besides.
    lines = ["[checks]", f"negative_data_rejection = {{ expected-statuses = {_REFUSED} }}"]
    for name, values in known.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in known]
    return "\n".join(lines)


async def _known(where: Site) -> dict[str, list[str | int]]:
    """What has an id, with the backtests that wait: their ids are drawn."""
    headers, ids = {"X-API-Key": where.keys["Ann"]}, []
    async with aiohttp.ClientSession(where.url, headers=headers) as http:
        for balance in (1_000, 2_000, 3_000):
            wanted = {**_PLAYED, "starting_balance": balance}
            async with http.post("/v1/backtests", json=wanted) as answer:
                ids.append((await answer.json())["id"])
    return {**_KNOWN, "backtest_id": ids}


async def run(
    url: str, owner: str, wanted: argparse.Namespace
) -> tuple[dict[str, object], list[str]]:
    """Each run that is wanted, against one server."""
    counts: dict[str, object] = {}
    wrong = []
    async with site(url, owner) as where:
        keys = {"with a key": where.keys["Ann"], "without": None}
        known = await _known(where)
        for name, part in product(wanted.who, wanted.parts):
            code, told = await look(
                where, keys[name], known, meant=part == "meant",
                examples=wanted.examples, seed=wanted.seed, only=wanted.only,
            )  # fmt: skip
            found, which = _CASES.search(told), f"cases {name}, {part}"
            counts[which] = found[1] if found else "?"
            print(f"{which}: {counts[which]}, {'found something' if code else 'good'}", flush=True)
            if code:
                print(told, flush=True)
                wrong.append(f"{name}: see above")
        counts |= await where.stop()
    return counts, wrong


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="schema --examples 200"``."""
    parser = argparse.ArgumentParser(prog="schema", description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--who", nargs="+", choices=_WHO, default=_WHO)
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--only", help="operations whose name this finds; with --parts plain")
    wanted = parser.parse_args(arguments)
    with alone.both() as (url, owner):
        counts, violations = asyncio.run(run(url, owner, wanted))
    return alone.report(counts, violations)
