"""The HTTP door of earning: rules and the programme as documents, and what rules may ask."""

from fastapi import APIRouter, Depends

from loyalty_svc.earning import publishing
from loyalty_svc.earning.rules import PROGRAMMES, RULES
from loyalty_svc.earning.schemas import FieldsOut
from moat.kit.auth import allow
from moat.kit.documents import document_routes

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
