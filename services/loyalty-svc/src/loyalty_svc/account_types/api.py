"""The HTTP door of account types."""

from fastapi import APIRouter

from loyalty_svc.account_types import usecases
from loyalty_svc.accounts.types import ACCOUNT_TYPES
from moat.kit.documents import document_routes

router = APIRouter(tags=["loyalty"])
router.include_router(
    document_routes(
        ACCOUNT_TYPES,
        path="/v1/loyalty/account-types",
        read="loyalty:read",
        write="loyalty:write",
        on_publish=usecases.publish,
        on_retire=usecases.refuse_while_named,
    )
)
