"""The units for systemd: their commands exist, and they are as closed as they say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.settings import Settings
from tests.terminal import problem_of
from tests.unit.test_papers import SERVICES, SETTINGS

FOLDER = Path(__file__).parents[2] / "deploy/systemd"
COMMON = FOLDER / "ai-trader-.service.d/10-common.conf"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/ai-trader/bin/ai-trader"
SECRETS = "/etc/ai-trader/secrets"
#: Of the interpreter, not of ours.
OTHERS = {"MPLCONFIGDIR", "PYTHONDONTWRITEBYTECODE"}
CLOSED = {
    "User": "ai-trader",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictSUIDSGID": "yes",
    "StateDirectory": "ai-trader",
    "UMask": "0077",
}


def read(path: Path) -> list[tuple[str, str, str]]:
    """Section, name and value of each line; a name may come more than once."""
    found, section = [], ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, is_setting, value = line.partition("=")
            assert is_setting, f"{path.name}: {line!r}"
            found.append((section, name, value))
    return found


def values(path: Path, name: str) -> list[str]:
    return [value for _, found, value in read(path) if found == name]


def secrets_of(path: Path) -> set[str]:
    return {value.partition(":")[0] for value in values(path, "LoadCredential")}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_unit_starts_a_command_that_exists(unit: Path) -> None:
    (line,) = values(unit, "ExecStart")
    program, *words = line.replace("%H-%i", "host-1").split()
    assert program == PROGRAM
    assert problem_of(words) is None


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_secret_is_a_file_named_as_its_setting(unit: Path) -> None:
    for value in values(unit, "LoadCredential"):
        name, _, place = value.partition(":")
        assert place == f"{SECRETS}/{name}"
        assert name in Settings.model_fields
    assert values(unit, "Environment") == []


@pytest.mark.parametrize("name", ["migrate", "bot", "worker", "api", "ea"])
def test_a_unit_gets_the_secrets_that_its_container_gets(name: str) -> None:
    (unit,) = FOLDER.glob(f"ai-trader-{name}*.service")
    assert secrets_of(unit) == {*SERVICES[name]["secrets"]}


def test_the_owner_of_the_schema_is_given_to_nobody_who_stays() -> None:
    given = {unit.name for unit in UNITS if "database_owner_url" in secrets_of(unit)}
    assert given == {"ai-trader-migrate.service", "ai-trader-backup.service"}
    assert all(values(FOLDER / name, "Type") == ["oneshot"] for name in given)


def test_what_all_units_have_is_closed() -> None:
    for name, value in CLOSED.items():
        assert values(COMMON, name) == [value]
    told = dict(value.split("=", 1) for value in values(COMMON, "Environment"))
    assert {*told} - OTHERS <= {*SETTINGS}
    assert told["APP_SECRETS_DIR"] == "%d"
    assert told["APP_ENV"] == "production"


def test_what_runs_is_started_again_and_given_time_to_end() -> None:
    staying = [unit for unit in UNITS if not values(unit, "Type")]
    assert len(staying) == 5
    for unit in staying:
        assert values(unit, "Restart") == ["always"]
        assert int(*values(unit, "TimeoutStopSec")) >= 20
        assert values(unit, "Requires") == ["ai-trader-migrate.service"]
        assert values(unit, "After") == ["ai-trader-migrate.service"]


def test_the_target_starts_units_that_are_there() -> None:
    wanted = " ".join(values(FOLDER / "ai-trader.target", "Wants")).split()
    names = {re.sub(r"@\d+", "@", name) for name in wanted}
    assert names <= {unit.name for unit in UNITS}
    assert len(wanted) == 4


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    system = tmp_path / "etc/systemd/system"
    shutil.copytree(FOLDER, system)
    program = tmp_path / PROGRAM.lstrip("/")
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    for name in ("sysinit", "basic", "shutdown", "network-online", "multi-user", "timers"):
        (system / f"{name}.target").write_text("[Unit]\nDescription=stand-in\n")
    template = system / "ai-trader-worker@.service"
    for number in (1, 2):
        shutil.copy(template, system / f"ai-trader-worker@{number}.service")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}",
         "ai-trader.target", "ai-trader-backup.timer",
         *(unit.name for unit in UNITS if "@" not in unit.name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    for unit in ("ai-trader-bot.service", "ai-trader-worker@1.service"):
        # A score from 0 to 10; an ordinary service has 9.6. It sees the common file or not.
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--threshold=20",
             f"--root={tmp_path}", unit],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
