"""A task that is simulated: facts to its heart, twice, and what completing it gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from loyalty_svc.earning.rules import Programmes, zone_at
from loyalty_svc.simulation.comparing import DRAFT, PUBLISHED, Measure, Tally, week_of
from loyalty_svc.simulation.completions import Order, Refunds, TaskRun
from loyalty_svc.simulation.problems import TooMuch
from loyalty_svc.tasks import usecases as tasks
from loyalty_svc.tasks.plans import CouponCode, Points, Task
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.documents import Published, Ref
from moat.kit.events import Event

COMPLETIONS: Final = "#completions"
"""How completions are named in a tally beside account types; no account type has such a code."""
COUPONS: Final = "#coupons"
FACTS_MAX: Final = 3_000_000
"""So many facts of both runs are remembered at most."""


@dataclass(slots=True)
class Completing:
    """Both runs: the task as it is and was published, and the draft as if it always had been."""

    runs: tuple[TaskRun, TaskRun]
    programmes: Programmes
    refunds: Refunds = field(default_factory=Refunds)

    @classmethod
    def over(cls, ref: Ref, draft: Task, known: Sequence[Published[Task]], programmes: Programmes) -> "Completing":
        """Nothing has happened yet."""
        always = [Published(ref, None, None, True, draft)]
        runs = TaskRun({ref.code: known} if known else {}), TaskRun({ref.code: always})
        return cls(runs, programmes)

    def asks(self) -> set[str]:
        """The event types that either counts."""
        return self.runs[PUBLISHED].asks() | self.runs[DRAFT].asks()

    def take(self, events: Sequence[Event[Any]]) -> None:
        """The next facts. Raises TooMuch."""
        for event in events:
            data = event.data
            if isinstance(data, OrderRefunded):
                self.refunds.add(data.order_uid, data.refund_id, data.currency, data.amount_minor)
                continue
            on = event.type.removeprefix("moat.").removesuffix(".v1")
            one, row = tasks.happening(event, on), tasks.row_of(event)
            zone = zone_at(self.programmes, event.time)
            order = Order(data.currency, data.total_minor) if isinstance(data, OrderPaid) else None
            for run in self.runs:
                run.count(run.watch.counted(one, row, zone), order)
        if sum(run.counted for run in self.runs) + len(self.refunds.known) > FACTS_MAX:
            raise TooMuch

    def judged(self) -> tuple[Tally, Measure]:
        """What completing gives, and what makes somebody better off: points where only points are given."""
        tally, gives_points = Tally(), True
        for number, run in enumerate(self.runs):
            for instance, (task, at) in run.completed(self.refunds):
                week = week_of(at, zone_at(self.programmes, at))
                tally.add(number, instance.customer_id, week, COMPLETIONS, 1)
                if isinstance(task.reward, Points):
                    who, reward = instance.customer_id, task.reward
                    tally.add(number, who, week, reward.account_type, reward.points)
                elif isinstance(task.reward, CouponCode):
                    tally.add(number, instance.customer_id, week, COUPONS, 1)
                gives_points = gives_points and isinstance(task.reward, Points)
        return tally, "points" if gives_points and len(tally.names) > 1 else "completions"
