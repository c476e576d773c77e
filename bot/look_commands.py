"""The commands of ``ai-trader`` that only look: status, doctor, calibration, ask, alive."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.options import Home


def add(
    app: typer.Typer,
    read: Callable[[Path | None], Any],
    run: Callable[[Coroutine[Any, Any, int]], int],
    say: Callable[[str], None],
) -> None:
    """Add the commands, over the ways the terminal reads its settings, runs work and prints."""

    def end(work: Coroutine[Any, Any, int]) -> None:
        if code := run(work):
            raise typer.Exit(code)

    @app.command()
    def status(home: Home = None) -> None:
        """Show how it stands."""
        from bot import reports

        end(reports.status(read(home), say=say))

    @app.command()
    def doctor(home: Home = None) -> None:
        """Say what is wrong and the line that fixes it; the exit code is 1 when it cannot work."""
        from bot import reports

        end(reports.doctor(read(home), say=say))

    @app.command()
    def calibration(
        of: Annotated[
            str | None,
            typer.Argument(metavar="[OF]", help="One symbol, or one strategy by its name."),
        ] = None,
        home: Home = None,
    ) -> None:
        """Show how often ideas of each score reached their target, traded or not."""
        from bot import reports

        end(reports.calibration(read(home), of, say=say))

    @app.command()
    def ask(
        question: Annotated[list[str], typer.Argument(help="In your own words.")],
        language: Annotated[
            str, typer.Option("--language", help="Of the answer: en es pt-BR de ru ar.")
        ] = "en",
        in_words: Annotated[
            bool, typer.Option("--in-words", help="Let the language model say it in words too.")
        ] = False,
        home: Home = None,
    ) -> None:
        """Ask about the record; the exit code is 1 when there is no answer."""
        from bot import ask_reports

        end(ask_reports.ask(read(home), " ".join(question), language, in_words=in_words, say=say))

    @app.command()
    def alive(
        name: Annotated[str, typer.Argument(help="bot or worker.")], home: Home = None
    ) -> None:
        """Say whether a process is alive; the exit code is for health checks."""
        from bot import reports

        end(reports.alive(read(home), name, say=say))
