"""Carries out calls of the Bot API: decode, check, do, check the result, record."""

import copy
import inspect
from collections import deque
from dataclasses import dataclass
from typing import Any

from bot.sandbox.errors import NOT_IMPLEMENTED, ApiError, bad_request, not_implemented
from bot.sandbox.faults import Faults
from bot.sandbox.methods import METHODS
from bot.sandbox.methods.call import Call
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Upload

Json = dict[str, Any]

CALLS_KEPT = 5000
# What these ask for would silently not happen.
UNMODELLED = {
    "allow_paid_broadcast",
    "business_connection_id",
    "direct_messages_topic_id",
    "ephemeral_message_parameters",
    "inline_message_id",
    "message_effect_id",
    "suggested_post_parameters",
}
FACTS_SHOWN = ("at", "method", "status", "description", "violations", "params", "flood")


def shown_call(record: Json) -> Json:
    """What the page lists of a call; results would be too much."""
    return {fact: record.get(fact) for fact in FACTS_SHOWN}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Json

    @property
    def headers(self) -> dict[str, str]:
        retry_after = self.body.get("parameters", {}).get("retry_after")
        return {} if retry_after is None else {"Retry-After": str(retry_after)}


class Dispatch:
    def __init__(self, telegram: Telegram, *, strict: bool) -> None:
        self._telegram = telegram
        self._strict = strict
        self.faults = Faults()
        self.calls: deque[Json] = deque(maxlen=CALLS_KEPT)

    async def call(self, method: str, raw: Json, files: dict[str, Upload]) -> Answer:
        """Raises Disconnected when a fault says so; every other failure is an answer."""
        name = self._telegram.schema.method_name(method) or method
        record: Json = {
            "at": self._telegram.clock.now(),
            "method": name,
            "params": raw,
            "files": {key: [file.name, len(file.data)] for key, file in files.items()},
        }
        try:
            answer = await self._answer(name, raw, files, record)
        finally:
            # Polls that brought nothing would drown the log.
            if name != "getUpdates" or record.get("updates") or record.get("status") != 200:
                self._record(record)
        return answer

    async def _answer(self, name: str, raw: Json, files: dict[str, Upload], record: Json) -> Answer:
        fault = self.faults.take(name, raw)
        floods = self._telegram.flood.violations
        try:
            if fault and not fault.after:
                await fault.strike()
            result = await self._perform(name, raw, files, record)
            if fault and fault.after:
                await fault.strike()
        except ApiError as error:
            record |= {"status": error.code, "description": error.description}
            if error.code == NOT_IMPLEMENTED:
                # A made-up success would hide it from the author of the bot: it is red instead.
                record["violations"] = [*record.get("violations", []), error.description]
                self._telegram.blame(name, [error.description])
            body = {"ok": False, "error_code": error.code, "description": error.description}
            if error.parameters:
                body["parameters"] = error.parameters
            return Answer(error.code, body)
        finally:
            record["flood"] = self._telegram.flood.violations > floods
        record |= {"status": 200, "result": copy.deepcopy(result)}
        if name == "getUpdates":
            record["updates"] = len(result)
        return Answer(200, {"ok": True, "result": result})

    async def _perform(self, name: str, raw: Json, files: dict[str, Upload], record: Json) -> Any:
        schema = self._telegram.schema
        if schema.method_name(name) is None:
            raise ApiError(404, "Not Found: method not found")
        params, errors = schema.decode(name, raw, files)
        record["params"] = params
        if errors:
            record["violations"] = errors
            self._telegram.blame(name, errors)
            if self._strict:
                raise bad_request(f"schema {schema.version}: " + "; ".join(errors))
        handler = METHODS.get(name)
        if handler is None:
            raise not_implemented(name)
        for parameter in sorted(UNMODELLED & set(params)):
            raise not_implemented(f"{parameter} of {name}")
        try:
            result = handler(Call(self._telegram, params, files, self.call))
            if inspect.isawaitable(result):
                result = await result
        except (AttributeError, KeyError, TypeError) as error:
            if not errors:
                raise
            raise bad_request("wrong parameters") from error  # lenient, but not that much
        self._telegram.blame(f"own result of {name}", schema.check_result(name, result))
        return result

    def _record(self, record: Json) -> None:
        self.calls.append(record)
        self._telegram.hub.emit("call", **shown_call(record))
