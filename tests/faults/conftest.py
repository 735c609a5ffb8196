"""A loyalty-svc that can be killed, once a session; who uses it brings members of his own."""

from collections.abc import Iterator

import pytest

from moat.kit.testing.databases import Templates
from whole.mortal import Mortal


@pytest.fixture(scope="session")
def loyalty(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    """It runs when a test begins, and the test leaves it running."""
    with Mortal.on(templates, tmp_path_factory.mktemp("mortal") / "loyalty-svc.log") as running:
        yield running
