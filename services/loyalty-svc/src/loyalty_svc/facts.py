"""What happens to members, as far as rules, tasks, honours and clubs may ask about it."""

from typing import Final

from moat.contracts.customers import (
    CustomerActivityRecorded,
    CustomerConsentChanged,
    CustomerCreated,
    CustomerIdentified,
    CustomerProfileUpdated,
)
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.contracts.tickets import TicketClosed, TicketSolved
from moat.kit.events import EventData

ORDERS: Final[tuple[type[EventData], ...]] = (OrderPaid, OrderRefunded)
OTHERS: Final[tuple[type[EventData], ...]] = (
    CustomerCreated,
    CustomerIdentified,
    CustomerProfileUpdated,
    CustomerConsentChanged,
    CustomerActivityRecorded,
    TicketSolved,
    TicketClosed,
)
FACTS: Final = (*ORDERS, *OTHERS)
"""All of them, money first; which fields each has for a condition stands in `earning/events.py`."""
JUDGES: Final = ("earning_rule", "programme", "milestone", "task", "honour", "club")
"""The kinds of documents that judge each fact; a batch reads them together."""
