"""An audit that could not look is no clean audit."""

import re
from typing import Any

import pytest

from tests.supply import CLEAN, FOUND, UNKNOWN, judge, pins
from tests.unit.test_papers import ROOT

LOCK = """\
aiohttp==3.14.4 \\
    --hash=sha256:aa
Ta_Lib==0.8.2 ; python_version > '3' \\
    --hash=sha256:bb
elsewhere==1.0 ; sys_platform == 'nowhere' \\
    --hash=sha256:cc
"""
SBOM: dict[str, Any] = {
    "components": [{"name": "aiohttp"}, {"name": "Ta_Lib"}, {"name": "elsewhere"}]
}
GOOD = [
    {"name": "aiohttp", "version": "3.14.4", "vulns": []},
    {"name": "ta-lib", "version": "0.8.2", "vulns": []},
]
FLAW = {"id": "PYSEC-1", "fix_versions": ["3.14.5"]}


@pytest.mark.parametrize(
    ("dependencies", "sbom", "ends", "words"),
    [
        (GOOD, SBOM, CLEAN, "0 known vulnerabilities in 2 packages"),
        ([{**GOOD[0], "vulns": [FLAW]}, GOOD[1]], SBOM, FOUND, "PYSEC-1, mended in ['3.14.5']"),
        ([GOOD[0], {"name": "ta-lib", "skip_reason": "?"}], SBOM, UNKNOWN, "NOT AUDITED: 1 of 2"),
        ([], SBOM, UNKNOWN, "NOT AUDITED: 2 of 2"),
        (GOOD, {}, UNKNOWN, "NOT IN THE BILL OF MATERIALS: aiohttp, elsewhere, ta-lib"),
    ],
)
def test_only_what_was_looked_at_is_clean(
    dependencies: list[Any], sbom: dict[str, Any], ends: int, words: str
) -> None:
    said: list[str] = []
    assert judge({"dependencies": dependencies}, sbom, LOCK, said.append) == ends
    assert words in "\n".join(said)


def test_the_names_of_the_lock_are_found() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert {"aiohttp", "asyncpg", "tortoise-orm"} <= pins(lock)
    lines = re.findall(r"^([a-zA-Z0-9._-]+)", lock, re.MULTILINE)
    assert pins(lock) == {re.sub(r"[-_.]+", "-", line).lower() for line in lines}
    assert pins(lock, here=True) < pins(lock)
