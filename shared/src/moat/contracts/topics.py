"""The topics of the house. Names and their 12 partitions never change."""

from typing import Final

CANONICAL: Final = (
    "moat.orders",
    "moat.customers",
    "moat.tickets",
    "moat.loyalty",
    "moat.scoring",
    "moat.engagement",
)
INTAKE: Final = "moat.intake"
REQUESTS: Final = (
    "moat.loyalty.requests",
    "moat.tickets.requests",
    "moat.engagement.requests",
    "moat.customers.requests",
)
DAY_MS: Final = 86_400_000
# Retention in milliseconds; -1 keeps for ever.
RETENTION_MS: Final[dict[str, int]] = {
    **dict.fromkeys(CANONICAL, -1),
    **dict.fromkeys(REQUESTS, -1),
    INTAKE: 7 * DAY_MS,
    **{f"{topic}.dlt": 14 * DAY_MS for topic in (*CANONICAL, *REQUESTS, INTAKE)},
}
