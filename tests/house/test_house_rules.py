"""Each house rule catches a planted break, and leaves alone what is right."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEDGER = "services/loyalty-svc/src/loyalty_svc/ledger"


def broken(tree: Path, files: dict[str, str]) -> list[str]:
    """What the house rules say about a tree with these files."""
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "tools.house_rules", str(tree)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    lines = done.stdout.splitlines()
    assert (lines[-1] == "house rules: kept") is (done.returncode == 0)
    return lines[:-1]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (f"{LEDGER}/usecases.py", "async def f(tx):\n    await tx.connection.commit()\n", "a commit outside"),
        (f"{LEDGER}/usecases.py", "async def f(c):\n    async with c.begin():\n        pass\n", "begin() commits"),
        (f"{LEDGER}/queries.py", "async def f(tx):\n    await tx.execute('commit;')\n", "SQL that ends"),
        (f"{LEDGER}/usecases.py", "from datetime import datetime\nnow = datetime.now()\n", "reads the machine's clock"),
        (f"{LEDGER}/usecases.py", "import datetime\nf = datetime.datetime.utcnow\n", "reads the machine's clock"),
        (f"{LEDGER}/usecases.py", "from datetime import date\ntoday = date.today()\n", "reads the machine's clock"),
        (f"{LEDGER}/usecases.py", "import time\nnow = time.time()\n", "reads the machine's clock"),
        (f"{LEDGER}/usecases.py", "from time import time_ns\n", "reads the machine's clock"),
        (f"{LEDGER}/usecases.py", "async def f(self):\n    await self._producer.send([])\n", "only moat.kit.messaging"),
        (
            f"{LEDGER}/usecases.py",
            "async def f(kafka):\n    await kafka.send_and_wait('t')\n",
            "only moat.kit.messaging",
        ),
        (f"{LEDGER}/usecases.py", "import aiokafka\n", "speaks with Kafka"),
        (f"{LEDGER}/usecases.py", "import os\nurl = os.environ['X']\n", "outside a settings module"),
        (f"{LEDGER}/usecases.py", "from os import getenv\n", "outside a settings module"),
        (f"{LEDGER}/queries.py", "x = 1\n" * 301, "301 lines"),
        (f"{LEDGER}/queries.py", "def f():\n" + "    x = 1\n" * 50, "f has 51 lines"),
        (f"{LEDGER}/posting.py", "import fastapi\n", "hearts are pure"),
        (f"{LEDGER}/posting.py", "from sqlalchemy import text\n", "hearts are pure"),
        (f"{LEDGER}/posting.py", "from moat.contracts.orders import OrderPaid\n", "hearts are pure"),
        (f"{LEDGER}/posting.py", "from moat.kit.db.transaction import Transaction\n", "hearts are pure"),
        (f"{LEDGER}/posting.py", "from loyalty_svc.ledger import queries\n", "hearts are pure"),
        (f"{LEDGER}/posting.py", "import asyncio\n", "hearts are pure"),
        (f"{LEDGER}/utils.py", "import httpx\n", "hearts are pure"),
        (f"{LEDGER}/consumers.py", "from loyalty_svc.ledger.api import router\n", "sees the door"),
        (f"{LEDGER}/timers.py", "from loyalty_svc.tiers import consumers\n", "sees the door"),
        ("shared/src/moat/contracts/orders.py", "from moat.kit.db import database\n", "may not import"),
        ("shared/src/moat/rules/sql.py", "import sqlalchemy\n", "may not import"),
        ("shared/src/moat/kit/money.py", "import pydantic\n", "may not import"),
        ("README.md", "see " + "/" + "home/ann/moat\n", "path of somebody's machine"),
        ("requirements.lock", "-" + "-index-url something\n", "names a package index"),
        ("docs/setup.md", "from https://pip." + "arti" + "factory.example/simple\n", "address of a package index"),
        (f"{LEDGER}/usecases.py", "def f(:\n", "no Python"),
    ],
)
def test_a_planted_break_is_caught(tmp_path: Path, path: str, text: str, said: str):
    findings = broken(tmp_path, {path: text})

    assert findings
    assert all(path in finding for finding in findings)
    assert any(said in finding for finding in findings), findings


def test_a_feature_order_other_than_in_the_import_contract_is_caught(tmp_path: Path):
    contents = 'SERVICE = Service(features=(Feature("tiers"), Feature("ledger")))\n'
    contract = "type = 'layers'\ncontainers = ['loyalty_svc']\nlayers = ['features', '(tiers)', '(ledger)']\n"
    files = {
        "pyproject.toml": f"[tool.importlinter]\n[[tool.importlinter.contracts]]\n{contract}",
        "services/loyalty-svc/src/loyalty_svc/features.py": contents,
        f"{LEDGER}/tables.py": "",
        f"{LEDGER}/../tiers/tables.py": "",
    }

    [finding] = broken(tmp_path, files)

    assert "the order here is ['tiers', 'ledger']" in finding


def test_a_feature_folder_that_no_contract_looks_at_is_caught(tmp_path: Path):
    files = {"pyproject.toml": "", f"{LEDGER}/__init__.py": ""}

    [finding] = broken(tmp_path, files)

    assert "loyalty_svc.ledger is in no layers contract" in finding


def test_what_is_right_is_left_alone(tmp_path: Path):
    files = {
        f"{LEDGER}/posting.py": "from datetime import datetime\nimport numpy\nfrom moat.kit.ids import uuid7\n",
        f"{LEDGER}/usecases.py": "import time\nbegan = time.monotonic()\nasync def f(r):\n    await r.commit({})\n",
        "services/loyalty-svc/src/loyalty_svc/settings.py": "import os\nurl = os.environ\n",
        "shared/src/moat/kit/clock.py": "from datetime import datetime\nnow = datetime.now()\n",
        "shared/src/moat/kit/messaging/relay.py": "async def f(self):\n    await self._producer.send([])\n",
        "shared/tests/test_clock.py": "from datetime import datetime\nnow = datetime.now()\n",
    }

    assert broken(tmp_path, files) == []
