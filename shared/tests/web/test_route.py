"""What a route of ours may ask for."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends

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
