"""The HTTP door of earning: rules and the programme as documents, what rules may ask, and what an order earned."""

from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.earning import publishing, usecases
from loyalty_svc.earning.problems import UnknownOrder
from loyalty_svc.earning.rules import PROGRAMMES, RULES
from loyalty_svc.earning.schemas import FieldsOut, OrderOut
from moat.kit.auth import allow
from moat.kit.documents import document_routes
from moat.kit.web import Db, problems

READ, WRITE = "loyalty:read", "loyalty:write"

router = APIRouter(tags=["loyalty: earning"])
router.include_router(
    document_routes(
        RULES,
        path="/v1/loyalty/earning-rules",
        read=READ,
        write=WRITE,
        preview=publishing.preview_rule,
        doubts=publishing.doubts_about_rule,
        on_publish=publishing.check_rule,
        on_retire=publishing.refuse_below_others,
    )
)
router.include_router(
    document_routes(
        PROGRAMMES,
        path="/v1/loyalty/programmes",
        read=READ,
        write=WRITE,
        on_publish=publishing.check_programme,
    )
)


@router.get("/v1/loyalty/earning-fields", dependencies=[Depends(allow(READ))])
async def read_fields() -> FieldsOut:
    """The event types that rules can be about, and what they may ask of each."""
    return FieldsOut.all()


@router.get("/v1/loyalty/orders/{order_uid}", dependencies=[Depends(allow(READ))], responses=problems(UnknownOrder))
async def read_order(order_uid: UUID, db: Db) -> OrderOut:
    """What an order has earned and what its refunds took back, line by line where lines earned something."""
    async with db.transaction() as tx:
        return OrderOut.of(*await usecases.read_order(tx, order_uid))
