"""The OpenAPI document held against the API: ``schema --examples 200 --seed 1``.

Schemathesis, all its phases, once with an administrator's key and once with none: no 5xx, no answer
that the document does not have, nothing refused that it allows and nothing taken that it forbids,
and no path open that should not be.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from pathlib import Path

from tests.chaos import alone
from tests.chaos.api_site import Site, site

_ROOT = Path(__file__).parents[2]
_CASES = re.compile(r"(\d[\d,]*) generated")


async def look(where: Site, key: str | None, *, examples: int, seed: int) -> tuple[int, str]:
    """One run of the tool: its exit code and what it printed."""
    # A key that is always sent is good whatever else a case sends; the run without one asks that.
    more = () if key is None else ("-H", f"X-API-Key: {key}", "--exclude-checks", "ignored_auth")
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("st")), "run", f"{where.url}/v1/openapi.json",
            "--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure",
            "--suppress-health-check", "all", "--no-color", "--output-sanitize", "false",
            "--generation-database", "none", "--request-timeout", "30", *more,
            cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await process.communicate()
    return process.returncode or 0, told.decode(errors="replace")


async def run(
    url: str, owner: str, *, examples: int, seed: int
) -> tuple[dict[str, object], list[str]]:
    """Both runs, against one server."""
    counts: dict[str, object] = {}
    wrong = []
    async with site(url, owner) as where:
        for name, key in (("with a key", where.keys["Ann"]), ("without", None)):
            code, told = await look(where, key, examples=examples, seed=seed)
            found = _CASES.search(told)
            counts[f"cases {name}"] = found[1] if found else "?"
            if code:
                print(told)
                wrong.append(f"{name}: see above")
        counts |= await where.stop()
    return counts, wrong


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="schema --examples 200"``."""
    parser = argparse.ArgumentParser(prog="schema", description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.both() as (url, owner):
        counts, violations = asyncio.run(
            run(url, owner, examples=wanted.examples, seed=wanted.seed)
        )
    return alone.report(counts, violations)
