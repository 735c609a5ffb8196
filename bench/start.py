"""From a fresh clone to ready with the demo loaded, and a second start with everything still there."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.house import a_house, free_port, wait_for_ready
from bench.results import Claim, Result, environment_with

HOUSE = Path(__file__).parents[1]


async def run() -> Result:
    result = Result("start")
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        Path(folder).chmod(0o755)
        clone, home = Path(folder) / "clone", Path(folder) / "home"
        began = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(HOUSE), str(clone)], check=True)
        first = started_by_make(clone, home, began)
        result.add("clone → ready with the demo (s)", first)
        with a_house("embedded", demo="cdnow", home=home) as house:
            result.add("second start (s)", house.seconds_to_ready)
        shutil.rmtree(clone)
    result.claim(Claim("clone → ready with the demo", first, "s", aim=90, higher_is_better=False))
    result.claim(Claim("second start", result.median("second start (s)"), "s", aim=5, higher_is_better=False))
    return result


def started_by_make(clone: Path, home: Path, began: float) -> float:
    """Seconds until ready.json; then everything is stopped."""
    variables = environment_with({"MOAT_HOME": str(home), "MOAT_PORT": str(free_port())})
    variables.pop("VIRTUAL_ENV", None)
    child = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_ready(home, child)
        return time.monotonic() - began
    finally:
        os.killpg(child.pid, 15)
        child.wait(90)


if __name__ == "__main__":
    asyncio.run(run()).finish()
