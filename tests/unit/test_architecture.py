"""The shape of the code, held by tests: layers, sizes, and what a process imports."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "engine", "storage", "broker", "ea")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_modules_are_small_enough_to_find_ones_way_in() -> None:
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in MODULES
        if "0001_initial" not in path.name
    }
    assert len(sizes) > 400
    assert {name: size for name, size in sizes.items() if size > 300} == {}


def test_console_scripts_can_be_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for target in project["scripts"].values():
        module, name = target.split(":")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("bot.worker", ("aiogram", "matplotlib", "sklearn")),
        ("bot.cli", ("aiogram", "matplotlib", "pandas", "tortoise", "telegram", "pydantic")),
        ("engine.domain.idea", ("pydantic", "pandas")),
        ("bot.sandbox", ("aiogram", "engine", "storage", "telegram")),
    ],
)
def test_process_does_not_pay_for_what_it_does_not_use(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
