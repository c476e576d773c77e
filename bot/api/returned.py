"""The page on which a person comes back from the provider: what happened, and where to go on.

It is the only page of the API that a person gets without having asked for it. Plain HTML, no
script, nothing from elsewhere.
"""

import base64
from hashlib import sha256

from aiohttp import web

from bot.api.problems import answer_to
from bot.i18n import LANGUAGES, Html, Words, words_for
from engine.errors import TraderError
from engine.flow.provider_records import ProviderStatus

_STYLE = """
body{font:18px/1.5 system-ui,sans-serif;margin:0 auto;max-width:32rem;padding:2rem 1rem;
color:#e6e6e6;background:#14171c}code{font:16px ui-monospace,monospace;overflow-wrap:anywhere}
"""
#: The page's own policy: its style, known by its digest, and nothing else.
POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; style-src"
    f" 'sha256-{base64.b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)
#: Languages of a browser that are looked at, at most.
_MOST = 10


def is_read_by_a_person(request: web.Request) -> bool:
    """Whether a browser shows the answer: it asks for HTML, a script does not."""
    return "text/html" in request.headers.get("Accept", "")


def words_of(request: web.Request, known: str | None) -> Words:
    """Words in the person's language where it is known, else in the first that the browser names
    and we have.
    """
    if known is not None:
        return words_for(known)
    short = {language.split("-")[0] for language in LANGUAGES}
    for part in request.headers.get("Accept-Language", "").split(",")[:_MOST]:
        code = part.partition(";")[0].strip().lower()
        if code.split("-")[0] in short:
            return words_for(code)
    return words_for(LANGUAGES[0])


def came_back(words: Words, status: ProviderStatus) -> web.Response:
    """The page of a connection as it stands now."""
    key = "connected" if status.connected else f"lost_{status.lost}"
    sign = "✅" if status.connected else "❌"
    said = words(f"provider.{key}", provider=status.provider.shown)
    return _page(words, 200, sign, said)


def did_not(words: Words, error: TraderError) -> web.Response:
    """The page of a connection that was not made: the same status as the answer to a script."""
    key = error.key if words.has(error.key) else "error.internal"
    return _page(words, answer_to(error).status, "❌", words(key))


def _page(words: Words, status: int, sign: str, said: Html) -> web.Response:
    way = "rtl" if words.is_rtl else "ltr"
    text = (
        f'<!doctype html><html lang="{words.language}" dir="{way}"><meta charset=utf-8>'
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{words('returned.title')}</title><style>{_STYLE}</style>"
        f"<p>{sign} {said}</p><p>{words('returned.back')}</p></html>"
    )
    headers = {"Content-Security-Policy": POLICY}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)
