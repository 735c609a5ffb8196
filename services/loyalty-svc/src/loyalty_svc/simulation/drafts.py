"""The drafts that can be simulated: their kinds, and what each is asked and checked against when it is published."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import ValidationError

from loyalty_svc.earning import publishing as earning
from loyalty_svc.earning.rules import RULES
from loyalty_svc.tasks import usecases as tasks
from loyalty_svc.tasks.plans import TASKS
from loyalty_svc.tiers import publishing as tiers
from loyalty_svc.tiers.plans import TIER_PLANS
from moat.kit.db.transaction import Transaction
from moat.kit.documents import DocumentKind, Doubt, Published, Ref, WrongDocument, editing, queries
from moat.kit.documents.editing import Change
from moat.kit.documents.kind import NoDraft, UnknownDocument
from moat.kit.problems import FieldError

Kind = Literal["earning_rule", "tier_plan", "task"]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A kind, and what its own door does when one is published."""

    kind: DocumentKind[Any, Any]
    check: Callable[[Transaction, Published[Any], datetime], Awaitable[None]]
    doubts: Callable[[Transaction, Any], Awaitable[Sequence[Doubt]]] | None = None


KINDS: Final[Mapping[str, Simulated]] = {
    "earning_rule": Simulated(RULES, earning.check_rule, earning.doubts_about_rule),
    "tier_plan": Simulated(TIER_PLANS, tiers.check_publishable, tiers.doubts_about_plan),
    "task": Simulated(TASKS, tasks.check_publishable),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is now. revision: of its document, sent as If-Match by whoever publishes it."""

    version: int
    revision: int
    document: dict[str, Any]


async def draft_of(tx: Transaction, kind: Kind, code: str) -> Draft:
    """The draft of a document. Raises UnknownDocument, NoDraft, WrongDocument."""
    known = await queries.versions_of(tx, kind, code)
    if not known:
        raise UnknownDocument
    draft = next((one for one in known if one.status == "draft"), None)
    if draft is None:
        raise NoDraft
    found = Draft(draft.version, max(one.revision for one in known), await queries.document_of(tx, draft.id))
    compiled(kind, code, found.version, found.document)
    return found


def compiled(kind: str, code: str, version: int, document: Mapping[str, Any]) -> Any:
    """What a draft decides with. Raises WrongDocument, or what the kind's compiling raises."""
    of = KINDS[kind].kind
    try:
        model = of.model.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False)
        errors = [FieldError("/" + "/".join(map(str, one["loc"])), one["msg"]) for one in found[:20]]
        raise WrongDocument(errors=errors) from None
    return of.compile(model, Ref(of.name, code, version))


async def publish(tx: Transaction, kind: str, code: str, change: Change, *, valid_from: datetime | None) -> None:
    """Publish the draft as its own door would. Raises what that door would."""
    of = KINDS[kind]
    live = await editing.publish(tx, of.kind, code, change, of.doubts, valid_from=valid_from)
    await of.check(tx, live.published, change.at)
