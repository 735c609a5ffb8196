"""What tests stand on: real databases, real logs, signed callers, a frozen clock, builders.

The fixtures are in `plugin`; what tests call by name is here and in `events`, `web` and `callers`.
"""

from moat.kit.testing.batches import Published, deliver, published
from moat.kit.testing.databases import TestDatabase
from moat.kit.testing.events import an_event

__all__ = ("Published", "TestDatabase", "an_event", "deliver", "published")
