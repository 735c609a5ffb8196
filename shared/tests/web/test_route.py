"""What a route of ours may ask for, and how it is answered."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request

from moat.kit.auth import allow
from moat.kit.web.route import CalledInThread, strict_routes


def blocking() -> int:
    return 1


async def asked() -> int:
    return 1


async def asked_deeply(number: Annotated[int, Depends(blocking)]) -> int:
    return number


class Called:
    async def __call__(self) -> int:
        return 1


def routes_asking_for(dependency):
    router = APIRouter()

    @router.get("/v1/numbers")
    async def read(number: Annotated[int, Depends(dependency)]) -> int:
        return number

    return strict_routes(router)


@pytest.mark.parametrize("dependency", [blocking, asked_deeply])
def test_a_route_that_would_be_handed_to_a_thread_is_refused(dependency):
    with pytest.raises(CalledInThread, match=r"blocking.*/v1/numbers"):
        routes_asking_for(dependency)


def test_an_endpoint_that_would_be_handed_to_a_thread_is_refused():
    router = APIRouter()
    router.get("/v1/numbers")(blocking)

    with pytest.raises(CalledInThread, match="blocking"):
        strict_routes(router)


@pytest.mark.parametrize("dependency", [asked, Called()])
def test_what_runs_in_the_loop_may_be_asked_for(dependency):
    assert len(routes_asking_for(dependency)) == 1


class Asked:
    """Dependencies that note when they are called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def called(self, name: str, error: Exception | None = None) -> Any:
        async def answer(request: Request) -> str:
            self.calls.append(name)
            if error is not None:
                raise error
            return f"{name} of {request.url.path}"

        return answer


async def answered(router: APIRouter, path: str) -> httpx.Response:
    app = FastAPI()
    app.router.routes.extend(strict_routes(router))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(path)


async def test_what_asks_for_the_request_alone_is_called_once_wherever_it_stands():
    asked, router = Asked(), APIRouter()
    clock, door = asked.called("clock"), asked.called("door")

    async def owner(owner_id: int, request: Request, door: Annotated[str, Depends(door)]) -> list[Any]:
        return [owner_id, request.url.path, door]

    @router.get("/v1/owners/{owner_id}", dependencies=[Depends(door)])
    async def read(
        owner: Annotated[list[Any], Depends(owner)],
        clock: Annotated[str, Depends(clock)],
        door: Annotated[str, Depends(door)],
        limit: int = 3,
    ) -> list[Any]:
        return [*owner, clock, door, limit]

    answer = await answered(router, "/v1/owners/7?limit=5")

    at = "/v1/owners/7"
    assert answer.json() == [7, at, f"door of {at}", f"clock of {at}", f"door of {at}", 5]
    assert asked.calls == ["door", "clock"]


async def test_it_is_called_before_parameters_are_judged_and_its_refusal_is_the_answer():
    asked, router = Asked(), APIRouter()
    no = asked.called("no", PermissionError("not you"))

    @router.get("/v1/numbers/{number}")
    async def read(number: int, no: Annotated[str, Depends(no)]) -> int:
        return number

    with pytest.raises(PermissionError):
        await answered(router, "/v1/numbers/none")
    assert asked.calls == ["no"]


def test_the_document_tells_of_all_that_a_route_asks_for():
    (route,) = routes_asking_for(allow("numbers:read"))

    app = FastAPI()
    app.router.routes.append(route)

    assert app.openapi()["paths"]["/v1/numbers"]["get"]["security"] == [{"token": []}]
