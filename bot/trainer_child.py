"""The process that :mod:`bot.trainer` starts: reads rows, grows trees, says how far it is."""

import json
import os
import sys

from bot.trainer import unpacked
from engine.research.training import train
from engine.snapshot.canonical import plain

#: Trading on the same machine goes first.
_NICE = 10


def main() -> None:
    """Train what standard input holds; a line of JSON for each word of progress, then the model."""
    os.nice(_NICE)
    given, wish = unpacked(sys.stdin.buffer.read())
    trained = train(given, wish, _tell)
    head = {"report": plain(trained.report), "bytes": len(trained.body)}
    _write(head)
    sys.stdout.buffer.write(trained.body)
    sys.stdout.buffer.flush()


def _tell(done: int, total: int) -> None:
    _write({"percent": 100 * done // total})


def _write(document: object) -> None:
    sys.stdout.buffer.write(json.dumps(document).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
