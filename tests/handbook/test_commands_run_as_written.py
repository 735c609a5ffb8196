"""The commands that README and handbook show run as they are written, against a running house."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from whole.house import House
from whole.waiting import until

ROOT = Path(__file__).parents[2]
# Every answer that is no success ends the script, which is otherwise what the page says.
STRICT = 'set -eu\ncurl() { command curl --fail-with-body "$@"; }\n'


def commands(page: str) -> list[str]:
    """The shell blocks of a page, without those that start a house or leave something to fill in."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [block for block in blocks if "…" not in block and not block.startswith("make ")]


def run(script: str, place: Path, **variables: str) -> str:
    """What a shell prints that runs the script in `place`; the test fails with it where the script does."""
    assert shutil.which("curl"), "the pages use curl"
    done = subprocess.run(
        ["bash", "-c", STRICT + script],
        cwd=place,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def the_customer(house: House) -> dict[str, Any] | None:
    items = house.get("/v1/customers", system="main", kind="customer_id", value="00004")["items"]
    return items[0] if items and items[0]["orders_count"] else None


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_what_the_readme_says_to_try_next(house: House, tmp_path: Path, page: str):
    (tmp_path / ".moat").symlink_to(house.home)

    said = run("".join(commands(page)), tmp_path)

    assert '"access_token"' in said
    assert '"accepted":1' in said
    until(lambda: the_customer(house) is not None, 60)
    customer = the_customer(house)
    assert customer is not None
    assert customer["orders_count"] == 1


def test_what_the_handbook_says_about_reading_and_acting(house: House, tmp_path: Path):
    (tmp_path / ".moat").symlink_to(house.home)
    run("".join(commands("README.md")), tmp_path)
    until(lambda: the_customer(house) is not None, 60)
    customer = the_customer(house)
    assert customer is not None
    token = house.post("/v1/auth/customer-tokens", {"customer_id": customer["id"]})["access_token"]
    until(lambda: house.get("/v1/inbox", token=token)["items"], 60)
    asked = {"customer_id": customer["id"], "kind": "question", "subject": "?", "body": "?", "channel": "app"}
    variables = {
        "URL": house.ready()["gateway_url"],
        "ADMIN": house.admin,
        "CUSTOMER": customer["id"],
        "TOKEN": token,
        "MESSAGE": house.get("/v1/inbox", token=token)["items"][0]["id"],
        "TICKET": house.post("/v1/tickets", asked)["id"],
        "KEY_ID": house.post("/v1/api-keys", {"name": "of a page", "scopes": ["events:write"]})["id"],
    }
    script = "".join(commands("docs/handbook/reading-and-acting.md"))

    said = run(script.replace('If-Match: "3"', f'If-Match: "{customer["version"]}"'), tmp_path, **variables)

    assert '"allowed_actions"' in said
    assert "王芳" in said
