"""``python -m bot`` and the console script ``ai-trader``."""

from bot.cli import app
from bot.cli_chat import chat
from bot.cli_strategy import strategy

app.command()(chat)
app.add_typer(strategy)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
