"""Commands of the terminal as papers write them: do they exist, with these options?"""

from collections.abc import Sequence
from typing import Any

import typer

from bot.__main__ import app


def problem_of(words: Sequence[str]) -> str | None:
    """Why ``ai-trader`` would not take these words; None when it would. Nothing is run."""
    # typer brings its own copy of click, so groups and errors are known by what they can do.
    command: Any = typer.main.get_command(app)
    rest, parent = list(words), None
    try:
        while hasattr(command, "resolve_command"):
            if not rest:
                alone = command.invoke_without_command
                return None if alone else f"{' '.join(words)}: a command is missing"
            parent = command.make_context(command.name, rest, parent=parent)
            _, command, rest = command.resolve_command(
                parent, [*parent._protected_args, *parent.args]
            )
        command.make_context(command.name, rest, parent=parent)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return f"{' '.join(words)}: {error.format_message()}"
    return None
