"""``python -m bot`` and the console script ``ai-trader``."""

from bot.cli import app
from bot.cli_access import key, login
from bot.cli_api import api
from bot.cli_backtest import backtest
from bot.cli_backup import backup, restore
from bot.cli_chat import chat
from bot.cli_keys import keys
from bot.cli_models import models, train
from bot.cli_paper import paper
from bot.cli_provider import provider
from bot.cli_strategy import strategy
from bot.cli_sweep import sweep
from bot.hook_commands import webhook
from bot.operator_commands import command
from bot.user_commands import user

app.command()(chat)
app.command()(api)
app.command()(login)
app.command()(backtest)
app.command()(paper)
app.command()(backup)
app.command()(restore)
app.command()(train)
app.add_typer(strategy)
app.add_typer(user)
app.add_typer(key)
app.add_typer(command)
app.add_typer(keys)
app.add_typer(models)
app.add_typer(provider)
app.add_typer(sweep)
app.add_typer(webhook)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
