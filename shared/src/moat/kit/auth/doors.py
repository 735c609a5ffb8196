"""What a route lets in, as a dependency: `caller: Annotated[Caller, Depends(allow("tickets:write"))]`."""

from functools import cache
from typing import Final

from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from moat.kit.auth.caller import Caller
from moat.kit.problems import Forbidden

CALLER: Final = "moat.caller"
"""Where the verified caller stands in the ASGI scope."""


class Allow(SecurityBase):
    """Lets in staff and keys that have `scope`, and customers where the route is for them.

    A customer's token has no scopes: on a route for customers it may enter, and the route (or row-level security
    under it) narrows the answer to his own rows; on any other route it is refused, whatever id is asked for.
    """

    def __init__(self, scope: str | None, *, customers: bool) -> None:
        self.scope = scope
        self.customers = customers
        self.scheme_name = "token"
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description="A staff or customer token, or an API key (`mk_<id>_<secret>`) itself."
        )

    async def __call__(self, request: Request) -> Caller:
        """The verified caller. Raises Unauthenticated or Forbidden."""
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None:
            caller = request.scope[CALLER] = await request.scope["app"].state.authenticate(request)
        assert caller is not None
        if caller.kind == "customer":
            if not self.customers:
                raise Forbidden("This is not for customer tokens")
        elif self.scope is not None and self.scope not in caller.scopes:
            raise Forbidden(f"The scope {self.scope} is needed", scope=self.scope)
        return caller


@cache
def allow(scope: str | None = None, *, customers: bool = False) -> Allow:
    """The dependency that lets in callers with `scope` (None: any verified one), customers only if it says so."""
    return Allow(scope, customers=customers)


def caller_of(request: Request) -> Caller | None:
    """The caller of a request that has passed `allow`, else None."""
    caller: Caller | None = request.scope.get(CALLER)
    return caller
