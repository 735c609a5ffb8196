"""The switch finds the route that the routes themselves would find."""

import pytest
from starlette.responses import Response
from starlette.routing import Match, Route

from moat.kit.web.switch import Switch


async def answer(request) -> Response:
    return Response()


PATHS = (
    ("/v1/rewards", "GET"),
    ("/v1/rewards", "POST"),
    ("/v1/rewards/preview", "POST"),
    ("/v1/rewards/{code}", "GET"),
    ("/v1/rewards/{code}", "POST"),
    ("/v1/{anything}/last", "GET"),
    ("/v1/files/{name:path}", "GET"),
)
ROUTES = [Route(path, answer, methods=[method]) for path, method in PATHS]


@pytest.mark.parametrize(
    ("method", "path", "place"),
    [
        ("GET", "/v1/rewards", 0),
        ("POST", "/v1/rewards", 1),
        ("POST", "/v1/rewards/preview", 2),
        ("GET", "/v1/rewards/preview", 3),
        ("POST", "/v1/rewards/mug", 4),
        ("GET", "/v1/rewards/last", 3),
        ("GET", "/v1/coupons/last", 5),
    ],
)
def test_the_first_route_that_takes_path_and_method_is_found(method, path, place):
    scope = {"type": "http", "method": method, "path": path}

    match, found = Switch(ROUTES).matches(scope)

    assert (match, found["route"]) == (Match.FULL, ROUTES[place])
    first = next(route for route in ROUTES if route.matches(scope)[0] is Match.FULL)
    assert first is ROUTES[place]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/v1/rewards"), ("GET", "/v2"), ("GET", "/v1/files/a/b")])
def test_what_has_no_one_route_is_left_to_the_routes(method, path):
    assert Switch(ROUTES).matches({"type": "http", "method": method, "path": path}) == (Match.NONE, {})
