"""What ``make audit`` ends with: was every locked package really looked at, and is it free of
known vulnerabilities? ``python -m tests.supply build/audit.json build/sbom.json requirements.lock``

A service that does not know a package says nothing about it, and neither does this.
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from packaging.markers import Marker

CLEAN, FOUND, UNKNOWN = 0, 1, 2
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==[^\s;]+(?: *;([^\\\n]+))?", re.MULTILINE)


def pins(lock: str, *, here: bool = False) -> set[str]:
    """The names that a lock file pins, as package indexes write them; with ``here`` only those that
    this system and interpreter install.
    """
    return {
        _named(name)
        for name, marker in _PIN.findall(lock)
        if not (here and marker) or Marker(marker.strip()).evaluate()
    }


def _named(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def judge(
    audit: dict[str, Any], sbom: dict[str, Any], lock: str, say: Callable[[str], None]
) -> int:
    """0 when every pin of this system was audited and is clean, 1 for a vulnerability, 2 when one
    was not audited or is missing from the bill of materials. ``audit`` is the JSON of pip-audit,
    ``sbom`` that of CycloneDX.
    """
    wanted = pins(lock, here=True)
    listed = {_named(part["name"]) for part in sbom.get("components", [])}
    found = {_named(part["name"]): part for part in audit.get("dependencies", [])}
    looked_at = {name for name, part in found.items() if "skip_reason" not in part}
    bad = [
        f"{name} {part['version']}: {flaw['id']}, mended in {flaw['fix_versions'] or 'no version'}"
        for name, part in sorted(found.items())
        for flaw in part.get("vulns", [])
    ]
    for line in bad:
        say(line)
    say(f"{len(bad)} known vulnerabilities in {len(looked_at & wanted)} packages that were audited")
    if missing := sorted(wanted - looked_at):
        say(f"NOT AUDITED: {len(missing)} of {len(wanted)} packages, such as {missing[0]}.")
        say("The vulnerability service does not know them or cannot be reached: nothing is proven.")
    if others := sorted(pins(lock) - wanted):
        say(f"For other systems, audit them there: {', '.join(others)}")
    if absent := sorted(pins(lock) - listed):
        say(f"NOT IN THE BILL OF MATERIALS: {', '.join(absent)}")
    return FOUND if bad else UNKNOWN if missing or absent else CLEAN


def main(paths: Sequence[str]) -> int:
    """Read the three files and judge; a file that is not there is one that says nothing."""
    audit, sbom = (
        json.loads(Path(path).read_text("utf-8")) if Path(path).exists() else {}
        for path in paths[:2]
    )
    return judge(audit, sbom, Path(paths[2]).read_text("utf-8"), print)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
