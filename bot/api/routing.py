"""Routes as typed functions: a signature is what comes in, a return type what goes out.

    routes = Routes("ideas")

    @routes.post("/v1/ai/ideas/{idea_id}/reject", role=Role.TRADER)
    async def reject(call: Call, idea_id: UUID, body: Why, limit: int = 10) -> Rejected:
        ...

An argument whose name stands in the path is taken from there, a model from the body, and everything
else from the query. The same signature makes the OpenAPI document (``bot.api.openapi``), so that
the two cannot differ. Who calls, and whether they may, is decided before (``bot.api.guard``).
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from bot.api.problems import invalid
from bot.api.reading import Argument, Place, arguments
from bot.api.uses import Uses
from engine.domain.access import Caller
from engine.domain.person import Role
from engine.errors import NotKnown

Body = TypeVar("Body")
#: What is called: (call, **arguments) -> what is told, or an :class:`Answer` around it.
Handler = Callable[..., Awaitable[Any]]

#: Who is asking; set before a handler runs.
CALLER = web.RequestKey("caller", Caller)
USES = web.AppKey("uses", Uses)
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, as a handler sees it."""

    uses: Uses
    request: web.Request
    who: Caller | None
    address: str

    @property
    def caller(self) -> Caller:
        """Who asks; raises :class:`NotKnown` on a path that is open to everybody."""
        if self.who is None:
            raise NotKnown("log in first")
        return self.who

    @property
    def person_id(self) -> int:
        """The person who asks."""
        return self.caller.person.id


@dataclass(frozen=True, slots=True)
class Answer(Generic[Body]):
    """A body with something beside it: another status, headers, cookies."""

    body: Body
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Done to the response: cookies are set so.
    then: Callable[[web.StreamResponse], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. ``role`` None is open to everybody; ``statuses`` are the errors it adds to
    those that every path can answer, ``also`` the other statuses it answers its body with.
    """

    method: str
    path: str
    tag: str
    handler: Handler
    role: Role | None
    status: int
    statuses: tuple[int, ...]
    also: tuple[int, ...]
    arguments: tuple[Argument, ...]
    told: TypeAdapter[Any]

    @property
    def name(self) -> str:
        """The operation's id: its tag and its handler's name."""
        return f"{self.tag}_{self.handler.__name__}"

    @property
    def changes(self) -> bool:
        """Whether it may change anything."""
        return self.method not in _SAFE

    async def __call__(self, call: Call) -> web.StreamResponse:
        """Read, call, write."""
        found, wrong = await arguments(call.request, self.arguments)
        if wrong:
            return invalid(wrong)
        told = await self.handler(call, **found)
        if isinstance(told, web.StreamResponse):
            return told
        answer = told if isinstance(told, Answer) else Answer(told)
        response = web.Response(
            status=answer.status or self.status,
            body=self.told.dump_json(answer.body),
            content_type="application/json",
            headers=answer.headers,
        )
        if answer.then is not None:
            answer.then(response)
        return response


@dataclass(slots=True)
class Routes:
    """The operations of one subject."""

    tag: str
    found: list[Route] = field(default_factory=list)

    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Read something."""
        return self._add("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Do something."""
        return self._add("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Put something in the place of another."""
        return self._add("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Change a part of something."""
        return self._add("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Take something away."""
        return self._add("DELETE", path, **options)

    def _add(
        self,
        method: str,
        path: str,
        *,
        role: Role | None,
        status: int = 200,
        statuses: tuple[int, ...] = (),
        also: tuple[int, ...] = (),
    ) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            hints = get_type_hints(handler, include_extras=True)
            route = Route(
                method=method,
                path=path,
                tag=self.tag,
                handler=handler,
                role=role,
                status=status,
                statuses=statuses,
                also=also,
                arguments=_arguments(handler, path, hints),
                told=TypeAdapter(_told(hints["return"])),
            )
            self.found.append(route)
            return handler

        return keep


def _arguments(handler: Handler, path: str, hints: dict[str, Any]) -> tuple[Argument, ...]:
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    return tuple(
        Argument(
            name=one.name,
            place=_place(one.name, hints[one.name], path),
            adapter=TypeAdapter(hints[one.name]),
            is_required=one.default is inspect.Parameter.empty,
        )
        for one in parameters
    )


def _place(name: str, kind: Any, path: str) -> Place:
    if f"{{{name}}}" in path:
        return Place.PATH
    is_model = inspect.isclass(kind) and issubclass(kind, BaseModel)
    return Place.BODY if is_model else Place.QUERY


def _told(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Answer else kind
