"""Strategies as the documents they are (source 004 §6.3)."""

from typing import Any
from uuid import UUID

from pydantic import GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bot.api.fields import PLAIN, Instant, Told
from bot.api.routing import Call, Routes
from engine.domain.exact import written
from engine.domain.person import Role
from engine.domain.settings import NO_REASON
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.strategies.documents import document
from engine.strategies.problems import schema

routes = Routes("strategies")

_VERSION = {"type": "integer", "minimum": 1, "maximum": 1_000_000_000}
_REASON = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": PLAIN}


def _shape(*required: str, **further: Any) -> dict[str, Any]:
    """The rule documents' own schema with more fields, and without references of its own."""
    rules = schema()
    properties = {**rules["properties"], **further}
    conditions = rules["$defs"]["conditions"]
    for name in ("entry_conditions", "nice_to_have"):
        properties[name] = {**conditions, "description": rules["properties"][name]["description"]}
    return {
        "type": "object",
        "description": rules["description"],
        "additionalProperties": False,
        "required": [*rules["required"], *required],
        "properties": properties,
    }


class _Document(RootModel[dict[str, Any]]):
    """A JSON object whose schema is the one that strategies are judged by."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return cls.shape()

    @classmethod
    def shape(cls) -> dict[str, Any]:
        """The schema."""
        return _shape()


class Rules(_Document):
    """A strategy: its whole document, its id and its version."""

    @classmethod
    def shape(cls) -> dict[str, Any]:
        id_ = {"type": "string", "format": "uuid"}
        return _shape("id", "is_active", "version", "entry_conditions", id=id_, version=_VERSION)


class RulesWanted(_Document):
    """A whole document as GET tells it. ``version`` is the one that was looked at: while another is
    current the answer is OUTDATED.
    """

    @classmethod
    def shape(cls) -> dict[str, Any]:
        return _shape(version=_VERSION, reason=_REASON)


class RulesNew(_Document):
    """A whole document of a strategy that there is not yet; it is off unless it says otherwise."""

    @classmethod
    def shape(cls) -> dict[str, Any]:
        return _shape(reason=_REASON)


class Version(Told):
    """A version that a strategy has or had: who wrote it, when, and why."""

    version: int
    changed_by: str
    reason: str
    created_at: Instant
    strategy: Rules


@routes.get("/v1/strategies", role=Role.VIEWER)
async def strategies(call: Call) -> list[Rules]:
    """Every strategy with its rules."""
    return [_rules(one) for one in await call.uses.reads.strategies(call.person_id)]


@routes.get("/v1/strategies/{strategy_id}", role=Role.VIEWER)
async def strategy(call: Call, strategy_id: UUID) -> Rules:
    """One strategy with its rules."""
    return _rules(await call.uses.reads.strategies.one(call.person_id, strategy_id))


@routes.put("/v1/strategies/{strategy_id}", role=Role.TRADER, statuses=(409,))
async def put_strategy(call: Call, strategy_id: UUID, body: RulesWanted) -> Rules:
    """Put a whole document in a strategy's place; every change is a version and a record.

    One that differs in ``is_active`` alone switches the strategy: off is a trader's right, on an
    admin's, as every edit. Mistakes come with their places.
    """
    given = dict(body.root)
    expected, reason = _version(given.pop("version", None)), _reason(given)
    made = await call.uses.reads.put_strategy(
        call.caller, strategy_id, written(given), reason=reason, expected=expected
    )
    return _rules(made)


@routes.post("/v1/strategies", role=Role.ADMIN, status=201)
async def add_strategy(call: Call, body: RulesNew) -> Rules:
    """Add a strategy. Its id comes of its name, which no other may have."""
    given = dict(body.root)
    reason = _reason(given)
    made = await call.uses.reads.add_strategy(call.person_id, written(given), reason=reason)
    return _rules(made.after)


@routes.get("/v1/strategies/{strategy_id}/versions", role=Role.VIEWER)
async def versions(call: Call, strategy_id: UUID) -> list[Version]:
    """Every version of a strategy, newest first."""
    return [
        Version(
            version=one.strategy.version,
            changed_by=one.by,
            reason=one.reason,
            created_at=one.at,
            strategy=_rules(one.strategy),
        )
        for one in await call.uses.talk.read_versions(call.person_id, strategy_id)
    ]


def _rules(strategy: Strategy) -> Rules:
    told = document(strategy)
    targets = list(strategy.exit_rules.take_profit)
    return Rules(
        {
            "id": str(strategy.id),
            "name": told.pop("name"),
            "is_active": strategy.is_active,
            **told,
            "exit_rules": {**told["exit_rules"], "take_profit": targets},
            "version": strategy.version,
        }
    )


def _version(given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 10**9:
        raise InvalidInput("version is the number that GET told", field="version")
    return given


def _reason(given: dict[str, Any]) -> str:
    """Why, taken out of what was given."""
    reason = given.pop("reason", NO_REASON)
    if not isinstance(reason, str) or not reason.isprintable():
        raise InvalidInput("reason is a text of 1 to 200 plain characters", field="reason")
    return reason
