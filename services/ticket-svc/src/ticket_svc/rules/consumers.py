"""Event door of rules: the signals that tickets are born from."""

from typing import Final

from moat.contracts.customers import CustomerMerged
from moat.contracts.scoring import RiskChanged, RiskCleared, RiskRaised
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions
from ticket_svc.rules import usecases
from ticket_svc.rules.documents import RISK

subscriptions: Final = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Follow merges before any signal is acted on."""
    await usecases.follow_merges(tx, batch)


@subscriptions.on(RiskRaised, RiskChanged, RiskCleared)
async def act_on_risks(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Open and solve follow-ups; a second delivery changes nothing."""
    await usecases.act_on(tx, RISK, batch, at=clock.now())
