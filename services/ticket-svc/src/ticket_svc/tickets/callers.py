"""Who is at the HTTP door of tickets, and whose tickets he may see."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request

from moat.customers.access import resolve
from moat.kit.auth import Allow, Caller, allow
from moat.kit.db.database import Database
from moat.kit.problems import FieldError, Forbidden, Invalid
from moat.kit.process import Process
from moat.kit.web import Db
from ticket_svc.tickets import queries
from ticket_svc.tickets.lifecycle import Actor
from ticket_svc.tickets.usecases import visible

WRITE_SCOPE: Final = "tickets:write"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A caller; `own` is the survivor's id when a customer calls himself, None for staff and keys."""

    caller: Caller
    own: UUID | None

    @property
    def actor(self) -> Actor:
        """Who the history will name; a customer by his present id."""
        return Actor(self.caller.kind, self.caller.id if self.own is None else str(self.own))

    @property
    def may_write(self) -> bool:
        """Whether any action is open to him."""
        return self.own is not None or WRITE_SCOPE in self.caller.scopes


def visitor(scope: str) -> Callable[..., Awaitable[Visitor]]:
    """The dependency of routes that customers may use for their own tickets, and staff and keys with `scope`."""

    async def visit(caller: Annotated[Caller, Depends(allow(scope, customers=True))], db: Db) -> Visitor:
        return await _visitor(caller, db)

    return visit


class OfficeDoor(Allow):
    """Lets in staff and keys to the ticket in the path; a customer learns no more than whether it is his."""

    async def __call__(self, request: Request) -> Visitor:  # type: ignore[override]
        """Raises Unauthenticated, Forbidden (a customer and his own ticket) or UnknownTicket (another's)."""
        caller = await allow(None, customers=True)(request)
        process: Process = request.app.state.process
        if caller.kind != "customer":
            await allow(self.scope)(request)
            return Visitor(caller, None)
        own = (await _visitor(caller, process.db)).own
        async with process.db.transaction(customer=own) as tx:
            visible(await queries.one(tx, _id_in_path(request)), own)
        raise Forbidden("This is not for customer tokens")


async def _visitor(caller: Caller, db: Database) -> Visitor:
    if caller.customer_id is None:
        return Visitor(caller, None)
    async with db.transaction() as tx:
        found = (await resolve(tx, caller.customer_id))[caller.customer_id]
    return Visitor(caller, found.survivor)


def _id_in_path(request: Request) -> UUID:
    try:
        return UUID(request.path_params["ticket_id"])
    except ValueError:
        raise Invalid(errors=[FieldError("#/path/ticket_id", "is not a UUID")]) from None


Reader = Annotated[Visitor, Depends(visitor("tickets:read"))]
Writer = Annotated[Visitor, Depends(visitor(WRITE_SCOPE))]
Officer = Annotated[Visitor, Depends(OfficeDoor(WRITE_SCOPE, customers=False))]
