"""Options that many commands of the terminal share."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where this machine's data is kept.", show_default=False),
]
