"""Secrets that are known beforehand, and the look for them in everything that was written or sent.

A secret is found as it is, in hexadecimal and in base64, and also in part: twelve of its characters
in a row at one of every six places.
"""

import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from string import ascii_letters, digits

#: The address of a webhook that an admin adds: stored as it is, and shown to nobody.
ADDRESS = "address of a webhook"
_WINDOW, _STEP = 12, 6
_LONG = 44


def made_up(chance: Random, length: int = _LONG) -> str:
    """A secret of letters and digits, in no form that a mask could know it by."""
    return "".join(chance.choices(ascii_letters + digits, k=length))


def needles(secret: str) -> Iterator[str]:
    """Parts of a secret in every form that is looked for."""
    raw = secret.encode()
    forms = [(secret, _WINDOW), (raw.hex(), 2 * _WINDOW), (raw.hex().upper(), 2 * _WINDOW)]
    for shift in range(3):
        # What stands before and behind it changes the characters at its edges.
        packed = b64encode(b"\0" * shift + raw).decode().rstrip("=")[4 if shift else 0 : -1]
        forms += [(packed, _WINDOW), (packed.replace("+", "-").replace("/", "_"), _WINDOW)]
    for text, length in forms:
        step = _STEP * length // _WINDOW
        starts = {*range(0, len(text) - length, step), len(text) - length}
        yield from (text[start : start + length] for start in sorted(starts))


@dataclass
class Watch:
    """The secrets by name. ``folder`` keeps what was seen, a file for each; ``belongs`` names the
    secrets that are in a file rightly, ``stored`` the channels in which one is, by its name.
    """

    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    belongs: dict[str, frozenset[str]] = field(default_factory=dict)
    stored: dict[str, frozenset[str]] = field(default_factory=dict)
    number: int = 0

    def add(self, name: str, secret: str) -> str:
        """Look for this one too, from now on and in what was kept already."""
        assert len(secret) >= 2 * _WINDOW, name
        self.secrets[name] = secret
        return secret

    def keep(self, channel: str, text: str | bytes, *belongs: str) -> None:
        """Keep something that was written or sent; ``belongs`` may be in it."""
        self.number += 1
        file = self.folder / channel / f"{self.number:06}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        file.write_bytes(raw)
        if belongs:
            self.belongs[str(file)] = frozenset(belongs)

    def found(self, others: Mapping[str, Path] | None = None) -> dict[str, set[str]]:
        """Which secrets are where they do not belong, by channel. ``others`` are files and folders
        beside those that were kept, by their channels.
        """
        whose: dict[str, str] = {}
        for name, secret in self.secrets.items():
            whose.update(dict.fromkeys(needles(secret), name))
        channels = {each.name: each for each in self.folder.iterdir() if each.is_dir()}
        leaks: dict[str, set[str]] = {}
        for channel, place in {**channels, **(others or {})}.items():
            for file, part in self._hits(place, whose):
                name = whose[part]
                if channel in self.stored.get(name, ()):
                    continue
                # A wrong one goes where a right one would.
                rightly = self.belongs.get(file, frozenset())
                if not any(name == one or name.startswith(f"misplaced {one} ") for one in rightly):
                    leaks.setdefault(channel, set()).add(f"{name} in {Path(file).name}")
        return leaks

    def _hits(self, place: Path, whose: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Files with a part of a secret, and the part."""
        patterns = self.folder / "needles"
        patterns.write_text("\n".join(whose) + "\n")
        # One pass for thousands of texts over whole databases.
        done = subprocess.run(
            [
                "grep",
                "-r",
                "-a",
                "-o",
                "-H",
                "-Z",
                "-D",
                "skip",
                "-F",
                "-f",
                str(patterns),
                str(place),
            ],
            capture_output=True,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        )
        if done.returncode > 1:
            raise RuntimeError(done.stderr.decode(errors="replace")[:500])
        for line in set(done.stdout.splitlines()):
            file, _, part = line.partition(b"\0")
            yield file.decode(), part.decode()
