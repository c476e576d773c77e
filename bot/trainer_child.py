"""The process that :mod:`bot.trainer` starts: reads rows, grows trees, says how far it is."""

from bot.children import given, tell
from bot.trainer import given_of
from engine.research.training import train
from engine.snapshot.canonical import plain


def main() -> None:
    """Train what standard input holds; a line for each word of progress, then the model."""
    rows, wish = given_of(*given())
    trained = train(rows, wish, lambda done, total: tell({"percent": 100 * done // total}))
    tell({"report": plain(trained.report)}, trees=trained.body)


if __name__ == "__main__":
    main()
