"""Its table of contents."""

from typing import Final

from moat.kit.feature import Feature, Service
from thing_svc.api import router

SERVICE: Final = Service(
    name="thing-svc",
    title="Things",
    features=(Feature("things", routes=router),),
    strict_topics=frozenset({"moat.intake"}),
)
