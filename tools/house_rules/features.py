"""A feature is a folder with known doors, and everything else in it is a heart, which is pure.

The story: in the models we looked at the decision sits in the middle of a handler, between a query and a commit, and
is tested by mocking both. Here the file names are the same in every feature of every service, so nobody looks twice;
a module with any other name decides, with values in and values out. Doors never see each other.
"""

import sys
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source

DOORS: Final = frozenset({"api", "consumers", "timers", "loops"})
INNER: Final = frozenset({"__init__", "schemas", "usecases", "announcing", "queries", "tables", "problems"})
# Modules that are neither: each has I/O of its own and says why here. Nothing joins them without a review.
NAMED: Final = {
    "notify_svc.channels.contacts": "asks the gateway for addresses",
    "notify_svc.channels.email": "speaks SMTP",
    "customer_svc.intake.joining": "the use case of a fact that makes two customers one, over all stores",
    "customer_svc.intake.translating": "from the contract of raw facts to that of canonical ones",
    "loyalty_svc.checkout.foreseeing": "asks the heart of earning what it would give, with its documents and counters",
    "loyalty_svc.checkout.quoting": "the use case that only looks, over coupons, points, earning and tiers",
    "loyalty_svc.clubs.following": "the use cases of what arrives: payments, values reached, merges",
    "loyalty_svc.clubs.invitations": "the SQL of invitations",
    "loyalty_svc.clubs.settling": "what every door of clubs ends in, over facts, rows, timers and events",
    "loyalty_svc.earning.publishing": "what a rule is checked against: the documents beside it",
    "loyalty_svc.ledger.audit": "the invariants as SQL",
    "loyalty_svc.ledger.debits": "the SQL of taking from accounts",
    "loyalty_svc.ledger.ownership": "the SQL of splits",
    "loyalty_svc.ledger.splitting": "the use case of a customer who parts again, over postings, accounts and lots",
    "loyalty_svc.ledger.settling": "what every change of an account ends with, over accounts, lots and postings",
    "loyalty_svc.ledger.spending": "the use cases of what leaves accounts, over debits, postings and lots",
    "loyalty_svc.referrals.merging": "the SQL of merges",
    "loyalty_svc.referrals.settling": "the use case that every door of referrals ends in",
    "loyalty_svc.rewards.redeeming": "the use cases in which a redemption begins, one or many at once",
    "loyalty_svc.simulation.awarding": "asks the heart of earning over facts of the log, those of members beside them",
    "loyalty_svc.simulation.completing": "from events of the log to the heart of tasks",
    "loyalty_svc.simulation.drafts": "the kinds of documents that are simulated, with what their own doors check",
    "loyalty_svc.simulation.facts": "reads the log",
    "loyalty_svc.simulation.running": "runs one simulation, over the log and many short transactions",
    "loyalty_svc.simulation.standing": "walks all members in one snapshot",
    "loyalty_svc.surprises.giving": "the part of the use cases that goes on with a draw, slice by slice",
    "loyalty_svc.tasks.ownership": "the SQL of merges and splits",
    "loyalty_svc.tasks.rewarding": "the part of the use cases that gives rewards and takes them back",
    "loyalty_svc.tiers.granting": "the use case of a tier that staff give by hand",
    "loyalty_svc.tiers.joining": "the use cases of members who become one, or two again",
    "loyalty_svc.tiers.publishing": "what a tier plan is checked against, and how everybody is judged by it",
    "loyalty_svc.tiers.settling": "what every judging of members ends with, over histories, rows, timers and events",
    "ticket_svc.tickets.announcements": "publishes what happened to a ticket",
    "ticket_svc.tickets.callers": "who is asking, a dependency of the HTTP door",
}
_PURE: Final = (
    *("moat.kit.clock", "moat.kit.ids", "moat.kit.instants", "moat.kit.money", "moat.kit.problems", "moat.rules"),
    *("moat.kit.documents.kind", "moat.kit.documents.model"),
    *("numpy", "scipy", "pydantic", "phonenumbers", "jinja2"),
)
_IMPURE_STDLIB: Final = frozenset(
    {"asyncio", "socket", "ssl", "subprocess", "threading", "urllib.request", "os", "sqlite3"}
)


def feature_of(module: str) -> tuple[str, str, str] | None:
    """(service, feature, module within it) of a module in a feature folder of a service, or None."""
    parts = module.split(".")
    if len(parts) < 3 or not parts[0].endswith("_svc") or parts[1] == "migrations":
        return None
    return parts[0], parts[1], parts[2]


def check(source: Source) -> Iterator[Finding]:
    """Doors that see each other, and hearts that are not pure."""
    place = feature_of(source.module or "")
    if place is None or source.path.endswith("__init__.py"):
        return
    service, feature, name = place
    if name in DOORS:
        for node, imported in source.imports():
            parts = imported.split(".")
            if parts[0] == service and len(parts) > 2 and parts[2] in DOORS:
                yield source.at(node, f"the door {name} sees the door {imported}")
    elif name not in INNER and source.module not in NAMED:
        yield from _heart(source, service, feature)


def _heart(source: Source, service: str, feature: str) -> Iterator[Finding]:
    for node, imported in source.imports():
        if not _is_pure(imported, service):
            yield source.at(node, f"the heart {source.module} imports {imported}; hearts are pure")


def _is_pure(imported: str, service: str) -> bool:
    parts = imported.split(".")
    if parts[0] == service:
        return len(parts) > 2 and parts[2] not in DOORS | (INNER - {"problems"}) and ".".join(parts[:3]) not in NAMED
    if parts[0] in sys.stdlib_module_names:
        return parts[0] not in _IMPURE_STDLIB and ".".join(parts[:2]) not in _IMPURE_STDLIB
    return any(imported == pure or imported.startswith(f"{pure}.") for pure in _PURE)
