"""The heart of a tier plan that is simulated: who stands where, and when members rose and fell by it. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from loyalty_svc.simulation.comparing import Outcome
from loyalty_svc.tiers.evaluation import TierPlan
from loyalty_svc.tiers.settled import Member, settle
from loyalty_svc.tiers.spans import Gains
from loyalty_svc.tiers.walking import steps_of


class Turn(NamedTuple):
    """A member rose, or fell, at an instant."""

    at: datetime
    is_up: bool


def outcome(published: TierPlan, draft: TierPlan, member: Member, gains: tuple[Gains, Gains], at: datetime) -> Outcome:
    """Where a member stands by either plan, with what was granted to him by hand. gains: by either plan's account type.

    What is compared are the places of the draft's tiers; a tier that it does not have keeps the place that it has now.
    """
    stands = settle(published, member, member, gains[0], at=at, event_id="").after.tier
    would = settle(draft, member, member, gains[1], at=at, event_id="").after.tier
    place = draft.place_of(stands)
    before = place if place >= 0 else published.place_of(stands)
    return Outcome(member.customer_id, before, draft.place_of(would), stands, would)


def turns(plan: TierPlan, gains: Gains, since: datetime, until: datetime) -> Iterator[Turn]:
    """When a member rose or fell by what he earned."""
    found = _of_a_lifetime(plan, gains) if plan.is_for_life else _of_a_span(plan, gains)
    return (turn for turn in found if since <= turn.at <= until)


def _of_a_lifetime(plan: TierPlan, gains: Gains) -> Iterator[Turn]:
    value, place = 0, 0
    for at, amount in gains:
        value += amount
        reached = plan.place_for(value)
        if reached != place:
            yield Turn(at, reached > place)
            place = reached


def _of_a_span(plan: TierPlan, gains: Gains) -> Iterator[Turn]:
    return (Turn(step.at, step.kind == "up") for step in steps_of(plan, gains) if step.kind != "retained")
