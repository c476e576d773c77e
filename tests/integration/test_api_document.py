"""The OpenAPI document and its page: valid, whole, and without a script."""

import base64
import json
import re
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from openapi_spec_validator import validate

from bot.api.app import routes
from bot.api.openapi import document as told
from engine.domain.person import Role
from tests.web import Web

#: The error statuses that a path may answer without saying so itself.
_ALWAYS = {"400", "503"}


@pytest.fixture
async def document(web: Web) -> dict[str, Any]:
    status, told = await web.ask(None, "GET", "/v1/openapi.json")
    assert status == 200
    return dict(told)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path, operation."""
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_the_document_is_openapi_and_has_every_route(document: dict[str, Any]) -> None:
    validate(document)
    found = {(method.upper(), path) for method, path, _ in operations(document)}
    assert found == {(route.method, route.path) for route in routes()}


async def test_every_operation_is_told_whole(document: dict[str, Any]) -> None:
    ids = Counter(operation["operationId"] for _, _, operation in operations(document))
    assert [name for name, count in ids.items() if count > 1] == []
    shared = document["components"]["responses"]
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert re.fullmatch(r"\S.*\.", operation["summary"]), where
        # The operation's own status, and every error by a shared shape.
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good, where
        assert all("content" in operation["responses"][status] for status in good), where
        errors = set(operation["responses"]) - set(good)
        assert errors >= _ALWAYS, where
        for status in errors:
            assert operation["responses"][status] == {"$ref": f"#/components/responses/{status}"}
            assert status in shared, where
        if "requestBody" in operation:
            assert errors >= {"408", "413", "415"}, where
        if "{" in path:
            assert "404" in errors, where
        assert {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"} == (
            set(re.findall(r"{(\w+)}", path))
        ), where


async def test_every_operation_says_who_may(document: dict[str, Any]) -> None:
    asked = {(route.method.lower(), route.path): route.role for route in routes()}
    for method, path, operation in operations(document):
        role = asked[(method, path)]
        if role is None:
            assert operation["security"] == []
            assert "x-role" not in operation
        else:
            assert operation["security"] == [{"session": []}, {"key": []}]
            assert operation["x-role"] in {Role.VIEWER, Role.TRADER, Role.ADMIN}
            assert operation["x-role"] == role
            assert set(operation["responses"]) >= {"401", "403"}


async def test_every_shape_refuses_what_it_does_not_know(document: dict[str, Any]) -> None:
    """A body that comes in has no room for a field that nobody reads."""
    schemas = document["components"]["schemas"]
    seen = set()

    def look(schema: Any) -> None:
        if isinstance(schema, list):
            for part in schema:
                look(part)
        elif isinstance(schema, dict):
            name = str(schema.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                look(schemas[name])
            if schema.get("type") == "object":
                # Either closed, or a map whose values have a shape.
                kept = schema.get("additionalProperties", schema.get("patternProperties", True))
                assert kept is not True, schema
            look([part for key, part in schema.items() if key != "$ref"])

    for _, _, operation in operations(document):
        look(operation.get("requestBody", {}))
    assert len(seen) >= 5


async def test_the_page_shows_every_operation_and_runs_nothing(
    web: Web, document: dict[str, Any]
) -> None:
    answer = await web.answer(None, "GET", "/v1/docs")
    page = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    for method, path, operation in operations(document):
        assert f'<span class="m {method}">{method.upper()}</span><code>{path}</code>' in page
        assert operation["summary"].split("``")[0].split("'")[0].split('"')[0] in page
    assert page.count("<details><summary><span class=role>") == len(operations(document))
    # Every shape that is linked to is on the page.
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))

    assert not re.search(
        r"<script|<iframe|<object|<img|javascript:|\son\w+=|(?:src|href)=.?https?:|style=", page
    )
    policy = answer.headers["Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"script-src|unsafe|\*", policy)


def test_no_number_may_be_smaller_than_can_be_written_out() -> None:
    """``above 0`` allows 5e-324, which every reader of a body refuses; the rules of a strategy say
    themselves how many decimals a number may have.
    """
    shapes = told(routes())["components"]["schemas"]
    ours = {name: shape for name, shape in shapes.items() if not name.startswith("Rules")}
    assert "minimum" in json.dumps(ours["OrderWanted"])
    assert "exclusiveMinimum" not in json.dumps(ours)
