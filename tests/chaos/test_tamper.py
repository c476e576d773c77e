"""What is changed behind the product's back is found, and nothing else is called changed."""

from pathlib import Path
from random import Random

from tests.chaos import tamper
from tests.conftest import Database


async def test_edits_cuts_and_rewrites_are_all_found(opened: Database, tmp_path: Path) -> None:
    done = await tamper.run(
        opened.owner_url, tmp_path, Random(1), rows=2_000, edits=60, cuts=8, rewrites=3
    )
    assert done.violations == []
    assert done.counts == {
        "edits": 60,
        "edits found": 60,
        "rewrites": 3,
        "rewrites found": 3,
        "cuts": 4,
        "cuts found": 4,
        "cuts with the head": 4,
        "cuts with the head found": 4,
    }


async def test_honest_writers_raise_no_alarm(opened: Database, tmp_path: Path) -> None:
    done = await tamper.honest(tmp_path, Random(1), rows=2_000)
    assert done.counts == {"honest records": 2_000, "false alarms": 0}
