"""The papers say what the code does: README, settings, compose file, lock files."""

import ast
import re
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
import typer
import yaml
from redis.exceptions import ConnectionError as RedisConnectionError
from typer.core import TyperGroup

from bot.__main__ import app
from bot.cli import _guard
from bot.commands import COMMANDS
from bot.settings import Settings
from engine.domain.gate import Check
from engine.flow import pipeline

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
SETTINGS = (*(name.upper() for name in Settings.model_fields), "APP_SECRETS_DIR")
PAPERS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
        *(ROOT / name for name in ("Dockerfile", "docker-compose.yml", ".env.example")),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "docker").rglob("*.sh"),
    ]
)


def _map(text: str) -> list[str]:
    """The lines of the map of the loop, without their indentation."""
    return [line.strip() for line in text.splitlines() if re.match(r"\s*\d[ab]? [a-z]", line)]


def test_readme_shows_the_map_of_the_pipeline() -> None:
    block = next(part for part in README.split("```") if "1 market data" in part)
    assert len(_map(block)) == 8
    assert _map(block) == _map(pipeline.__doc__ or "")


def test_readme_counts_the_checks_of_the_gate() -> None:
    assert f"gate of {len(Check)} checks" in " ".join(README.split())


@pytest.mark.parametrize(
    "paper", [p for p in PAPERS if p.suffix == ".md"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_link_leads_to_a_file(paper: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", paper.read_text("utf-8"))
    missing = [link for link in links if ":" not in link and not (paper.parent / link).exists()]
    assert missing == []


def test_readme_lists_the_commands_of_the_chat() -> None:
    assert sorted(re.findall(r"^\| `/(\w+)", README, re.MULTILINE)) == sorted(
        command.name for command in COMMANDS
    )


def test_readme_lists_the_commands_of_the_terminal() -> None:
    listed = re.findall(r"^\| `ai-trader (\w+)", README, re.MULTILINE)
    known = [
        command.name or (command.callback.__name__ if command.callback else "")
        for command in app.registered_commands
    ]
    known += [str(group.name or group.typer_instance.info.name) for group in app.registered_groups]
    assert sorted(listed) == sorted(known)


def test_every_terminal_command_in_the_papers_exists() -> None:
    known = {c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands}
    known |= {str(group.name or group.typer_instance.info.name) for group in app.registered_groups}
    text = "\n".join(p.read_text("utf-8") for p in PAPERS if p.suffix == ".md")
    assert set(re.findall(r"`(?:\.venv/bin/)?ai-trader (\w+)", text)) <= known


def test_every_subcommand_and_option_in_the_papers_exists() -> None:
    commands = cast(TyperGroup, typer.main.get_command(app)).commands
    text = "\n".join(p.read_text("utf-8") for p in PAPERS if p.suffix == ".md")
    shown = re.findall(r"ai-trader ([a-z]+)((?: [^\s`|<]+)*)", text)
    unknown, looked_at = [], 0
    for name, rest in shown:
        command, words = commands.get(name), rest.split()
        if isinstance(command, TyperGroup) and words:
            command = command.commands.get(words[0])
            if command is None:
                unknown.append(f"{name} {words[0]}")
        if command is None:
            continue
        known = {"--help", *(o for p in command.params for o in (*p.opts, *p.secondary_opts))}
        options = [w for w in words if re.fullmatch(r"--[a-z-]+", w)]
        looked_at += len(options)
        unknown += [f"{name} {option}" for option in options if option not in known]
    assert unknown == []
    assert looked_at > 20


def test_every_make_target_in_the_papers_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    text = "\n".join(p.read_text("utf-8") for p in PAPERS if p.suffix == ".md")
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) <= set(targets)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_explained(name: str) -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    table = (ROOT / "docs/operations.md").read_text("utf-8")
    assert re.search(rf"^# .+\n#{name}=", example, re.MULTILINE)
    assert re.search(rf"^\| `{name}` \|", table, re.MULTILINE)


def test_no_setting_is_explained_that_does_not_exist() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    assert set(re.findall(r"^#?([A-Z0-9_]+)=", example, re.MULTILINE)) == set(SETTINGS)


@pytest.mark.parametrize(
    "name", ["CHAT_PORT", "ACCOUNT_ID", "BROKER_TIMEZONE", "MARKET_START", "MARKET_PACE_SECONDS"]
)
def test_the_shown_default_is_the_default(name: str) -> None:
    default = str(Settings.model_fields[name.lower()].default)
    assert f"#{name}={default}\n" in (ROOT / ".env.example").read_text("utf-8")
    assert f"| `{name}` | `{default}` |" in (ROOT / "docs/operations.md").read_text("utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])
    assert {*service["deploy"]["resources"]["limits"]} == {"cpus", "memory", "pids"}
    # What is published is for this machine alone; a proxy with a certificate stands before it.
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_names_its_major_version(name: str) -> None:
    assert re.search(r":\d+(\.\d+)*$", SERVICES[name]["image"])


def test_the_bot_and_two_workers_are_watched() -> None:
    assert SERVICES["bot"]["healthcheck"]["test"] == ["CMD", "ai-trader", "alive", "bot"]
    assert SERVICES["worker"]["healthcheck"]["test"] == ["CMD", "ai-trader", "alive", "worker"]
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    for name in ("bot", "worker"):
        assert SERVICES[name]["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }


def test_secrets_are_files_and_named_as_settings() -> None:
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./docker/secrets/{name}"}
    for name in ("migrate", "bot", "worker"):
        assert {*SERVICES[name]["secrets"]} <= {*Settings.model_fields}
        assert SERVICES[name]["environment"]["APP_SECRETS_DIR"] == "/run/secrets"


def test_what_is_added_to_the_compose_file_fits_it() -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    added = yaml.safe_load(block)
    assert set(added["services"]) == {"bot", "worker", "api"} <= set(SERVICES)
    assert set(added["x-mine"]["environment"]) <= set(SETTINGS)
    for name, where in added["secrets"].items():
        assert name.upper() in SETTINGS
        assert name not in COMPOSE["secrets"]
        assert where == {"file": f"./docker/secrets/{name}"}
    assert added["x-mine"]["secrets"] == list(added["secrets"])


def test_no_secret_is_written_into_the_compose_file() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY|URL", variable):
                assert str(value).startswith("/run/secrets")
    assert "://" not in (ROOT / "docker-compose.yml").read_text("utf-8")


def test_made_secrets_are_kept_out_of_git_and_of_the_image() -> None:
    assert "*\n" in (ROOT / "docker/secrets/.gitignore").read_text("utf-8")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    assert not [line for line in ignored if line.startswith(("!docker", "!.env"))]


def test_the_image_is_made_of_locked_packages_and_runs_as_an_ordinary_user() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert "--require-hashes --only-binary :all: -r requirements.lock" in text
    last = text.split("\nFROM ")[-1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["ai-trader"]' in last
    assert all(
        re.match(r"python:3\.\d+-slim( AS \w+)?$", base)
        for base in re.findall(r"^FROM (.+)$", text, re.MULTILINE)
    )


def test_the_image_has_nothing_that_builds_and_keeps_no_cache() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    first, last = text.split("\nFROM ")[-2:]
    assert "PIP_NO_CACHE_DIR=1" in first
    assert not re.search(r"apt-get|apk |gcc|build-essential", text)
    assert "RUN pip uninstall -y" in last
    assert re.findall(r"^COPY .*$", last, re.MULTILINE) == ["COPY --from=build /opt/venv /opt/venv"]
    # Written to below its root: the home volume and /tmp only.
    assert "PYTHONDONTWRITEBYTECODE=1" in last
    assert "MPLCONFIGDIR=/tmp/" in last


def test_whatever_stays_is_watched() -> None:
    """By the compose file, not by the image: each command has a question of its own."""
    staying = {name for name, service in SERVICES.items() if service["restart"] != "no"}
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == staying


def test_the_image_gets_every_package_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    wheel = re.search(r"^packages = (\[.+\])$", project, re.MULTILINE)
    assert wheel is not None
    copied = re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert sorted(copied) == sorted(ast.literal_eval(wheel[1]))
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert all(f"!{package}" in ignored for package in copied)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    pins = re.sub(r"\\\n", " ", text).splitlines()
    pins = [pin for pin in pins if pin.strip() and not pin.startswith("#")]
    assert pins
    assert [pin for pin in pins if not re.match(r"[\w.\-\[\],]+==\S+.* --hash=sha256:", pin)] == []


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_paper_names_a_path_of_the_machine_it_was_written_on(paper: Path) -> None:
    text = paper.read_text("utf-8")
    assert str(ROOT) not in text
    assert not re.search(r"/(work|root|Users)/|/home/(?!trader\b)", text)


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (asyncpg.InvalidPasswordError("password authentication failed"), "authentication failed"),
        (
            RedisConnectionError("Error 111 connecting to 127.0.0.1:1."),
            "connecting to 127.0.0.1:1.",
        ),
    ],
)
def test_a_server_that_lets_nobody_in_is_one_line(
    capsys: pytest.CaptureFixture[str], problem: Exception, line: str
) -> None:
    def refused() -> None:
        raise problem

    with pytest.raises(typer.Exit) as ended:
        _guard(refused)
    assert ended.value.exit_code == 2
    told = capsys.readouterr().err
    assert told.startswith("ai-trader: ")
    assert told.endswith(f"{line}\n")
    assert told.count("\n") == 1
