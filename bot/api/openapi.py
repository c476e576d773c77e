"""The OpenAPI 3.1 document, made of the routes' own signatures."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from bot.api.credentials import KEY_HEADER, SESSION_COOKIE
from bot.api.problems import ErrorBody
from bot.api.reading import Place
from bot.api.routing import Route

_TEMPLATE = "#/components/schemas/{model}"
_TITLE = "ai-trader"
_SAYS = (
    "Everything that people and scripts do over HTTP. People log in with an address and a password"
    " and are known by a cookie; machines send a key as X-API-Key. Errors have a code that stays."
    " Numbers are exact to fifteen digits."
)
_MEANINGS = {
    400: "A value does not fit; the message says which and how to put it right.",
    401: "Nobody is logged in, or what was shown is not good any more.",
    403: "The role of the person or of the key does not reach.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "It is not how it was thought to be: look again.",
    413: "The body is too large.",
    415: "The body is not JSON, or is packed.",
    429: "Too many tries; Retry-After says how long to wait.",
    502: "The venue refused.",
    503: "Something that this needs does not answer.",
}
_Key = tuple[str, str]


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    schemas, components = _schemas(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": version("ai-trader"), "description": _SAYS},
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {
                str(status): _response(says, schemas[_ERROR]) for status, says in _MEANINGS.items()
            },
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
                "key": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
            },
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
    }


_ERROR: _Key = ("", "error")


def _schemas(routes: Sequence[Route]) -> tuple[dict[_Key, Any], dict[str, Any]]:
    """The schema of every argument and of every answer, and the models they share."""
    wanted: list[tuple[_Key, Any, TypeAdapter[Any]]] = [
        (_ERROR, "serialization", TypeAdapter(ErrorBody))
    ]
    for route in routes:
        wanted.append(((route.name, "told"), "serialization", route.told))
        wanted += [((route.name, one.name), "validation", one.adapter) for one in route.arguments]
    found, extra = TypeAdapter.json_schemas(wanted, ref_template=_TEMPLATE)
    return {key: schema for (key, _), schema in found.items()}, extra.get("$defs", {})


def _operation(route: Route, schemas: dict[_Key, Any]) -> dict[str, Any]:
    summary, _, more = (route.handler.__doc__ or "").strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": summary,
        "responses": {
            **{
                str(status): _response("As asked.", schemas[(route.name, "told")])
                for status in (route.status, *route.also)
            },
            **{str(status): _shared(status) for status in _statuses(route)},
        },
        "security": [] if route.role is None else [{"session": []}, {"key": []}],
    }
    if says := " ".join(more.split()):
        operation["description"] = says
    if route.role is not None:
        operation["x-role"] = str(route.role)
    for one in route.arguments:
        schema = schemas[(route.name, one.name)]
        if one.place is Place.BODY:
            operation["requestBody"] = {"required": True, "content": _json(schema)}
        else:
            required = one.place is Place.PATH or one.is_required
            told = {"name": one.name, "in": str(one.place), "required": required}
            operation.setdefault("parameters", []).append({**told, "schema": _present(schema)})
    return operation


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """What a parameter may be when it is there: an address has no null, it leaves it out."""
    parts = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    if len(parts) == 1:
        return {**{name: said for name, said in schema.items() if name != "anyOf"}, **parts[0]}
    return schema


def _statuses(route: Route) -> list[int]:
    """The errors a path can answer."""
    found = {400, 503, *route.statuses}
    if route.role is not None:
        found |= {401, 403}
    if route.changes:
        found |= {403}
    if any(one.place is Place.PATH for one in route.arguments):
        found.add(404)
    if any(one.place is Place.BODY for one in route.arguments):
        found |= {408, 413, 415}
    return sorted(found)


def _response(says: str, schema: Any) -> dict[str, Any]:
    return {"description": says, "content": _json(schema)}


def _shared(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{status}"}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
