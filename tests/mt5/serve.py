"""A connector in a process of its own, to be killed: ``python -m tests.mt5.serve``."""

import json
import sys

from broker.mt5.connector.__main__ import serve
from broker.mt5.connector.settings import ConnectorSettings
from tests.mt5 import MODULE, TOKEN

if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    made = ConnectorSettings(_env_file=None, token=TOKEN, **told["settings"])  # type: ignore[call-arg]
    serve(made, module=MODULE, absence_seconds=told["absence_seconds"])
