"""HTTP door: facts in. The answer 202 is given once the log has them for good."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from gateway.intake.appending import Appender
from gateway.intake.checking import pointers
from gateway.intake.problems import LogAway, NoneAcceptable, NotCloudEvents, UnreadableBody, WrongBatch
from gateway.intake.reading import events_of, is_batch
from gateway.intake.schemas import REQUEST_BODY, TakenOut
from gateway.intake.usecases import take_in
from moat.kit.auth import Caller, allow
from moat.kit.messaging.log import LogUnavailable, RecordRefused
from moat.kit.web import Now, problems
from moat.kit.web.rendering import BodyTooLarge

router = APIRouter(tags=["events"])


async def appender_of(request: Request) -> Appender:
    """The way into the log of this process."""
    appender: Appender = request.app.state.appender
    return appender


@router.post(
    "/v1/events",
    status_code=202,
    response_model=TakenOut,
    openapi_extra=REQUEST_BODY,
    responses=problems(UnreadableBody, NotCloudEvents, WrongBatch, NoneAcceptable, BodyTooLarge, LogAway),
)
async def take_events(
    request: Request,
    clock: Now,
    appender: Annotated[Appender, Depends(appender_of)],
    _: Annotated[Caller, Depends(allow("events:write"))],
) -> Response:
    """Take one CloudEvent or a batch of up to 500; each bad one is named by its index, the others are taken."""
    batch = is_batch(request.headers.get("content-type", ""))
    events = events_of(await request.body(), batch=batch)
    try:
        outcome = await take_in(appender, events, now=clock.now(), traceparent=request.headers.get("traceparent", ""))
    except (LogUnavailable, RecordRefused):
        raise LogAway(retry_after_seconds=2) from None
    rejected = [
        {"index": index, "id": event.id, "code": event.code, "errors": pointers(event.errors)}
        for index, event in outcome.rejected
    ]
    if outcome.accepted == 0:
        raise NoneAcceptable(accepted=0, rejected=rejected)
    taken = TakenOut.model_validate({"accepted": outcome.accepted, "rejected": rejected})
    return Response(taken.model_dump_json(), 202, media_type="application/json")
