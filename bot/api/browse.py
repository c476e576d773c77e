"""The OpenAPI document as a page to read: plain HTML, no script, nothing from elsewhere."""

import base64
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#e6e6e6;
background:#14171c}a{color:#7ab8ff}h1{margin-bottom:0}h2{border-bottom:1px solid #333;
margin-top:2.5rem}details{border:1px solid #2c313a;border-radius:8px;margin:.5rem 0;
padding:.5rem .75rem;background:#1b1f26}summary{cursor:pointer}code,pre{font:14px/1.45 ui-monospace,
monospace}pre{overflow:auto;background:#0f1216;padding:.75rem;border-radius:6px}.m{display:inline-block;
min-width:5rem;font-weight:700}.get{color:#6fcf97}.post{color:#f2c94c}.put,.patch{color:#56ccf2}
.delete{color:#eb5757}.role{float:right;color:#9aa4b2}table{border-collapse:collapse}td,th{text-align:
left;padding:.15rem .9rem .15rem 0;vertical-align:top}
"""
#: The page's own policy: its style, known by its digest, and nothing else.
POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; style-src"
    f" 'sha256-{base64.b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)


def page(document: dict[str, Any]) -> str:
    """The page: every operation by subject, with what goes in and what comes out."""
    info = document["info"]
    return "".join(
        (
            "<!doctype html><html lang=en><meta charset=utf-8>",
            '<meta name=viewport content="width=device-width,initial-scale=1">',
            f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>",
            f"<h1>{escape(info['title'])} API</h1><p>version {escape(info['version'])} · ",
            '<a href="/v1/openapi.json">openapi.json</a></p>',
            f"<p>{escape(info['description'])}</p>",
            *_subjects(document),
            "<h2>Shapes</h2>",
            *(_shape(name, shape) for name, shape in document["components"]["schemas"].items()),
            "</html>",
        )
    )


def _subjects(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    yield _operation(method, path, operation)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{one['in']}"
        f"{', needed' if one['required'] else ''}<td><code>{_short(one['schema'])}</code>"
        for one in operation.get("parameters", ())
    )
    body = operation.get("requestBody")
    answers = "".join(
        f"<tr><td>{status}<td>{_answer(answer)}"
        for status, answer in sorted(operation["responses"].items())
    )
    return "".join(
        (
            f"<details><summary><span class=role>{escape(operation.get('x-role', 'everybody'))}",
            f'</span><span class="m {method}">{method.upper()}</span>',
            f"<code>{escape(path)}</code><br>{_prose(operation['summary'])}</summary>",
            f"<p>{_prose(operation.get('description', ''))}</p>" * ("description" in operation),
            f"<table>{rows}</table>" if rows else "",
            f"<p>Body: {_reference(_schema(body))}</p>" if body else "",
            f"<table>{answers}</table></details>",
        )
    )


def _prose(text: str) -> str:
    """A docstring's words: what stands between double backquotes is code."""
    return re.sub(r"``(.+?)``", r"<code>\1</code>", escape(text))


def _answer(answer: dict[str, Any]) -> str:
    return "an error" if "$ref" in answer else _reference(_schema(answer))


def _schema(part: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = part["content"]["application/json"]["schema"]
    return schema


def _reference(schema: dict[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    if "items" in schema:
        return f"a list of {_reference(schema['items'])}"
    parts = schema.get("anyOf", ())
    return " or ".join(_reference(part) for part in parts) or f"<code>{_short(schema)}</code>"


def _shape(name: str, schema: dict[str, Any]) -> str:
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return (
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<pre>{text}</pre></details>"
    )


def _short(schema: dict[str, Any]) -> str:
    kept = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return escape(json.dumps(kept, ensure_ascii=False))
