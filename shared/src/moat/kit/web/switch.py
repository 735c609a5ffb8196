"""The way from a path to its route by a look at each segment, instead of asking every route there is.

A service has some two hundred routes, and asking them one after the other costs a command as much as a statement. What
is not found here (no such path, another method) goes on to the routes, which know how to refuse it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

_FOUND: Final = "moat.switch.route"


@dataclass(slots=True)
class _Branch:
    """What comes after the segments so far; routes that end here with their place in the order of all."""

    named: dict[str, "_Branch"] = field(default_factory=dict)
    any: "_Branch | None" = None
    ends: list[tuple[int, Route]] = field(default_factory=list)

    def grow(self, segment: str) -> "_Branch":
        """The branch of one more segment of a template."""
        if "{" not in segment:
            return self.named.setdefault(segment, _Branch())
        self.any = self.any or _Branch()
        return self.any


class Switch(BaseRoute):
    """Stands before the routes of an app and finds the one that they would: the first that takes path and method."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._root = _Branch()
        for place, route in enumerate(routes):
            # A parameter that may hold slashes ends nowhere in particular; such a route is left to itself.
            if isinstance(route, Route) and ":path}" not in route.path:
                branch = self._root
                for segment in route.path.split("/"):
                    branch = branch.grow(segment)
                branch.ends.append((place, route))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """FULL with what the route itself says, or NONE."""
        if scope["type"] == "http":
            for _, route in self._candidates(scope["path"]):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    return match, {**found, "route": route, _FOUND: route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route that was found answer."""
        await scope[_FOUND].handle(scope, receive, send)

    def _candidates(self, path: str) -> list[tuple[int, Route]]:
        """The routes whose template has these segments, in their order."""
        here = [self._root]
        for segment in path.split("/"):
            here = [after for branch in here for after in (branch.named.get(segment), branch.any) if after is not None]
            if not here:
                return []
        return here[0].ends if len(here) == 1 else sorted((end for branch in here for end in branch.ends), key=_place)


def _place(end: tuple[int, Route]) -> int:
    return end[0]
