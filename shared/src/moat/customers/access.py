"""Who may touch which customer over HTTP, in one place for all services.

A customer's token reaches his own id only: another's is 404 on every route, his own on a route that is not for
customers is 403. Ids of customers who were merged away, in the path or in a token, mean the survivor.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Path
from starlette.requests import Request

from moat.kit.auth import Allow, Caller, allow
from moat.kit.clock import Clock
from moat.kit.db.loader import Loader
from moat.kit.db.transaction import Transaction
from moat.kit.ids import instant_of
from moat.kit.problems import FieldError, Forbidden, Invalid, NotFound, Unavailable
from moat.kit.process import Process

ON_THE_WAY_FOR: Final = timedelta(seconds=30)
"""How long after an id was made the news of it may still be on its way here."""
ENTERED: Final = "moat.customer_access"
_RESOLVE = """
SELECT wanted.id, coalesce(alias.to_id, wanted.id) AS survivor,
       EXISTS (SELECT FROM known_customer k WHERE k.customer_id IN (wanted.id, alias.to_id)) AS known
FROM unnest(CAST(:ids AS uuid[])) AS wanted (id) LEFT JOIN customer_alias alias ON alias.from_id = wanted.id
"""
# For one id: a plan that fits every id, so that none is made anew for each.
_RESOLVE_ONE = """
SELECT wanted.id, coalesce(alias.to_id, wanted.id) AS survivor,
       EXISTS (SELECT FROM known_customer k WHERE k.customer_id = wanted.id)
       OR EXISTS (SELECT FROM known_customer k WHERE k.customer_id = alias.to_id) AS known
FROM (VALUES (CAST(:id AS uuid))) AS wanted (id) LEFT JOIN customer_alias alias ON alias.from_id = wanted.id
"""


class UnknownCustomer(NotFound):
    """No customer has this id, or none that this caller may know of."""

    code, title = "customers.unknown", "There is no such customer"


class CustomerOnTheWay(Unavailable):
    """The customer was made a moment ago and is not known here yet."""

    code, title = "customers.on-the-way", "This customer is not known here yet, try again in a moment"


@dataclass(frozen=True, slots=True)
class CustomerAccess:
    """A caller who may act on one customer; `id` is the survivor's."""

    id: UUID
    caller: Caller

    @property
    def own(self) -> UUID | None:
        """The customer when he calls himself, for `db.transaction(customer=…)`; None for staff and keys."""
        return self.id if self.caller.kind == "customer" else None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is known of an id here."""

    survivor: UUID
    known: bool


async def resolve(tx: Transaction, *ids: UUID) -> dict[UUID, Resolved]:
    """Follow merges and say which ids are known."""
    return await _resolve(tx, ids)


async def _resolve(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, Resolved]:
    rows = await (tx.all(_RESOLVE_ONE, id=next(iter(ids))) if len(ids) == 1 else tx.all(_RESOLVE, ids=list(ids)))
    return {row.id: Resolved(row.survivor, row.known) for row in rows}


def must_be_known(customer_id: UUID, resolved: Resolved, clock: Clock) -> UUID:
    """The survivor's id. Raises UnknownCustomer, or CustomerOnTheWay while the id is younger than 30 s."""
    if resolved.known:
        return resolved.survivor
    made_at = instant_of(customer_id)
    if made_at is not None and timedelta(0) <= clock.now() - made_at < ON_THE_WAY_FOR:
        raise CustomerOnTheWay(retry_after_seconds=1)
    raise UnknownCustomer


async def accessible(tx: Transaction, caller: Caller, customer_id: UUID, clock: Clock, *, customers: bool) -> UUID:
    """The survivor's id, if this caller may reach it; for ids that do not stand in a path."""
    return _judged(await resolve(tx, *_concerned(caller, customer_id)), caller, customer_id, clock, customers=customers)


def _concerned(caller: Caller, customer_id: UUID) -> tuple[UUID, ...]:
    """The ids to follow: his own too where a customer asks."""
    return (customer_id,) if caller.customer_id is None else (customer_id, caller.customer_id)


def _judged(
    resolved: Mapping[UUID, Resolved], caller: Caller, customer_id: UUID, clock: Clock, *, customers: bool
) -> UUID:
    if caller.kind != "customer" or caller.customer_id is None:
        return must_be_known(customer_id, resolved[customer_id], clock)
    if resolved[customer_id].survivor != resolved[caller.customer_id].survivor:
        raise UnknownCustomer
    if not customers:
        raise Forbidden("This is not for customer tokens")
    return must_be_known(customer_id, resolved[customer_id], clock)


class CustomerDoor(Allow):
    """Lets a caller in to the customer in the path.

    It stands before body and parameters, so it reads the path itself.
    """

    async def __call__(self, request: Request) -> CustomerAccess:  # type: ignore[override]
        """Raises Unauthenticated, Forbidden, UnknownCustomer or CustomerOnTheWay; Invalid for an id that is none."""
        entered: CustomerAccess | None = request.scope.get(ENTERED)
        if entered is not None:
            return entered
        caller = await allow(None, customers=True)(request)
        if caller.kind != "customer":
            await allow(self.scope)(request)
        customer_id = _id_in_path(request)
        process: Process = request.scope["app"].state.process
        resolved = await _followed(request).ask(*_concerned(caller, customer_id))
        id_ = _judged(resolved, caller, customer_id, process.clock, customers=self.customers)
        access = request.scope[ENTERED] = CustomerAccess(id_, caller)
        return access


def _followed(request: Request) -> Loader[UUID, Resolved]:
    """What follows ids for this app: one statement for all requests that come while another is under way."""
    state = request.scope["app"].state
    if not hasattr(state, "customers_followed"):
        state.customers_followed = Loader(state.process.db, _resolve)
    loader: Loader[UUID, Resolved] = state.customers_followed
    return loader


def _id_in_path(request: Request) -> UUID:
    try:
        return UUID(request.path_params["customer_id"])
    except ValueError:
        raise Invalid(errors=[FieldError("#/path/customer_id", "is not a UUID")]) from None


@cache
def customer_access(scope: str, *, customers: bool = False) -> Callable[..., Awaitable[CustomerAccess]]:
    """The dependency of routes with `{customer_id}` in the path."""
    door = CustomerDoor(scope, customers=customers)

    async def enter(
        customer_id: Annotated[UUID, Path(description="Moat's id of the customer; a merged one means the survivor")],
        access: Annotated[CustomerAccess, Depends(door)],
    ) -> CustomerAccess:
        return access

    return enter


class OwnDoor(Allow):
    """Lets in customers only, each to what is his own."""

    async def __call__(self, request: Request) -> CustomerAccess:  # type: ignore[override]
        """Raises Unauthenticated or Forbidden."""
        entered: CustomerAccess | None = request.scope.get(ENTERED)
        if entered is not None:
            return entered
        caller = await allow(None, customers=True)(request)
        if caller.kind != "customer" or caller.customer_id is None:
            raise Forbidden("This is for customer tokens only")
        resolved = (await _followed(request).ask(caller.customer_id))[caller.customer_id]
        access = request.scope[ENTERED] = CustomerAccess(resolved.survivor, caller)
        return access


own_access: Final = OwnDoor(None, customers=True)
"""The dependency of routes that are about the calling customer."""
