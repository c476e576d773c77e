"""A compiler for the Expert Advisor: the system's, else the one of the ``ziglang`` wheel."""

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.mql5.lint import lint
from tests.mql5.rewrite import rewrite

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "ea" / "mql5" / "AiTrader.mq5"
_SHIM = Path(__file__).parent / "shim"
_WARNINGS = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")


class Refused(Exception):
    """The lint or the compiler found something; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A command, and the sanitizers it brings."""

    command: tuple[str, ...]
    sanitizers: str


def compiler() -> Compiler:
    """The first that is there; none at all is an error, since an untested program must not pass."""
    for name in ("g++", "clang++"):
        found = shutil.which(name)
        if found:
            return Compiler((found,), "address,undefined")
    if importlib.util.find_spec("ziglang"):
        # zig has no run-time library for the address sanitizer
        return Compiler((sys.executable, "-m", "ziglang", "c++"), "undefined")
    raise Refused("no C++ compiler: install g++ or clang++, or the Python package ziglang")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)


def read_by_compiler(source: Path, folder: Path) -> None:
    """Rewrite, and let the compiler read it; raises :class:`Refused` with all it says."""
    code = rewrite(source, folder)
    _run(
        [
            *compiler().command, *_WARNINGS, "-fsyntax-only",
            f"-I{_SHIM}", f"-I{folder}", str(code),
        ]
    )  # fmt: skip


def build(source: Path, folder: Path) -> Path:
    """The program with sanitizers, ready to run; raises :class:`Refused`."""
    problems = lint(source)
    if problems:
        raise Refused("lint: " + "\n".join(problems))
    checks = (f"-fsanitize={compiler().sanitizers}", "-fno-sanitize-recover=all")
    return assemble(rewrite(source, folder), folder, checks)


def assemble(code: Path, folder: Path, checks: tuple[str, ...] = ()) -> Path:
    """A rewritten program as a binary, by default without sanitizers; raises :class:`Refused`."""
    binary = folder / "ea"
    _run(
        [
            *compiler().command, *_WARNINGS, "-O0", "-g1", *checks,
            f"-I{_SHIM}", f"-I{folder}", str(code), "-o", str(binary),
        ]
    )  # fmt: skip
    return binary
