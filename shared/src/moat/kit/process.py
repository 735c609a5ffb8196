"""The dependencies of one running process, built once in `main`/`worker` and passed down."""

from dataclasses import dataclass

from moat.kit.auth.keyset import KeySet
from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.feature import Service
from moat.kit.messaging.log import Log
from moat.kit.settings import ProcessSettings


@dataclass(frozen=True, slots=True)
class Process:
    """What doors and loops may use."""

    service: Service
    settings: ProcessSettings
    db: Database
    log: Log
    clock: Clock
    keys: KeySet
