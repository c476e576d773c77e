"""The look for secrets sees what it has to: part of one, packed, and where it does not belong."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.chaos.leaks import Watch, made_up


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    made = Watch(tmp_path / "kept")
    made.folder.mkdir()
    for number, name in enumerate(("first", "second")):
        made.add(name, made_up(Random(number)))
    return made


@pytest.mark.parametrize(
    "written",
    [
        lambda secret: secret,
        lambda secret: f"key={secret[:18]}***",
        lambda secret: f"...{secret[-18:]}",
        lambda secret: secret.encode().hex(),
        lambda secret: secret.encode().hex().upper(),
        *(
            lambda secret, shift=shift: b64encode(f"{'u' * shift}:{secret}".encode()).decode()
            for shift in range(3)
        ),
    ],
)
def test_a_secret_is_found_in_every_form(watch: Watch, written: Callable[[str], str]) -> None:
    watch.keep("log", f"line\n\0 {written(watch.secrets['first'])} more")
    assert watch.found() == {"log": {"first in 000001.txt"}}


def test_what_belongs_somewhere_belongs_there_alone(watch: Watch) -> None:
    both = " ".join(watch.secrets.values())
    watch.keep("sent", both, "first")
    watch.keep("sent", watch.secrets["second"], "second")
    watch.keep("log", "nothing of it, nor " + watch.secrets["first"][:11])
    assert watch.found() == {"sent": {"second in 000001.txt"}}


def test_other_files_are_looked_through_as_well(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows").write_bytes(b"\xff\0" + watch.secrets["second"].encode())
    assert watch.found({"files": tmp_path / "data"}) == {"files": {"second in rows"}}
