"""Commands of the terminal as papers write them: do they exist, with these options?"""

from collections.abc import Sequence

import click
import typer

from bot.__main__ import app


def problem_of(words: Sequence[str]) -> str | None:
    """Why ``ai-trader`` would not take these words; None when it would. Nothing is run."""
    command: click.Command = typer.main.get_command(app)
    rest, parent = list(words), None
    try:
        while isinstance(command, click.Group):
            context = command.make_context(command.name, rest, parent=parent)
            rest = [*context._protected_args, *context.args]
            _, found, rest = command.resolve_command(context, rest)
            assert found is not None
            command, parent = found, context
        command.make_context(command.name, rest, parent=parent)
    except click.exceptions.NoArgsIsHelpError:
        return f"{' '.join(words)}: a command is missing"
    except click.UsageError as error:
        return f"{' '.join(words)}: {error.format_message()}"
    return None
