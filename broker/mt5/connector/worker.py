"""The process that has the package: one thread, one call at a time, nothing else.

Each line of standard input is a call, each line of standard output its answer. It ends when its
input does, so that it does not outlive whoever started it, unless the package never returns.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

#: What may be called. ``last_error`` is read after every call, before anything else can happen.
CALLS = frozenset(
    (
        "initialize", "version", "terminal_info", "account_info", "symbols_get", "symbol_select",
        "symbol_info", "symbol_info_tick", "copy_rates_from_pos", "order_send",
        "order_calc_margin", "positions_get", "orders_get", "history_deals_get",
    )
)  # fmt: skip


def answer(module: ModuleType, request: dict[str, Any]) -> dict[str, Any]:
    """Do one call: ``value``, or ``error`` with the package's code and text where it gave none."""
    name = request["call"]
    if name not in CALLS:
        return {"value": None, "error": [-2, f"{name} is not called here"]}
    call: Callable[..., Any] = getattr(module, name)
    try:
        value = call(*request["args"], **request["named"])
    except Exception as error:  # whatever it is, the asker has to know and this process goes on
        return {"value": None, "error": [-1, f"{type(error).__name__}: {error}"[:200]]}
    if value is None or value is False:
        code, text = module.last_error()
        return {"value": value, "error": [int(code), str(text)]}
    return {"value": _plain(value, request.get("fields")), "error": None}


def _plain(value: Any, fields: list[str] | None = None) -> Any:
    """Named tuples as objects, of which ``fields`` chooses; arrays as lists."""
    if hasattr(value, "_asdict"):
        told = value._asdict()
        return {name: _plain(told[name]) for name in fields or told}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part, fields) for part in value]
    return value


def main(name: str) -> None:
    """Serve calls of the module of that name until the input ends."""
    lines, out = sys.stdin.buffer, sys.stdout.buffer
    # Whatever prints must not be taken for an answer.
    sys.stdout = sys.stderr
    module = import_module(name)
    for line in lines:
        out.write(json.dumps(answer(module, json.loads(line))).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    main(sys.argv[1])
