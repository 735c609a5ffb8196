"""An authenticated GET through the gateway with 32 connections, against nginx before the same upstream, and direct.

wrk and nginx are Debian's packages, installed here where they are missing. The upstream is loyalty-svc; direct and
behind nginx it is asked with the same token that the gateway would pass on.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bench.house import House, a_house, free_port
from bench.results import Claim, Result

CONNECTIONS = 32
SECONDS = 6
RUNS = 3
NGINX = """
daemon off; worker_processes 1; pid {home}/nginx.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {home}; proxy_temp_path {home}; fastcgi_temp_path {home};
  uwsgi_temp_path {home}; scgi_temp_path {home};
  upstream service {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


async def run() -> Result:
    """Interleaved: direct, nginx, gateway; medians of requests per second."""
    ensure_tools()
    result = Result("gateway")
    # The limit per caller is what is not measured here, so it is set out of the way.
    os.environ.update(GATEWAY_LIMIT_PER_SECOND="1000000", GATEWAY_LIMIT_BURST="1000000")
    with a_house("embedded") as house:
        path, token, upstream = prepared(house)
        with nginx(upstream) as port:
            for _ in range(RUNS):
                for name, base in (
                    ("direct", f"http://127.0.0.1:{upstream}"),
                    ("nginx", f"http://127.0.0.1:{port}"),
                    ("gateway", house.url),
                ):
                    result.add(f"{name} (requests/s)", requests_per_second(base + path, token))
    mine = result.median("gateway (requests/s)")
    result.claim(Claim("gateway ÷ nginx", mine / result.median("nginx (requests/s)"), "×", 0.2, 0.35))
    result.claim(Claim("gateway ÷ direct", mine / result.median("direct (requests/s)"), "×"))
    return result


def ensure_tools() -> None:
    missing = [tool for tool in ("wrk", "nginx") if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True)


def prepared(house: House) -> tuple[str, str, int]:
    """A customer with points: the path of his loyalty, a staff token that all three accept, the upstream's port."""
    event = {
        "specversion": "1.0",
        "id": "bench-1",
        "source": "/bench",
        "type": "moat.intake.order.paid.v1",
        "time": datetime.now(UTC).isoformat(),
        "data": {
            "order_id": "bench-1",
            "customer": [{"system": "bench", "kind": "customer_id", "value": "1"}],
            "currency": "CNY",
            "total_minor": 12_345,
        },
    }
    headers = house.headers() | {"Content-Type": "application/cloudevents+json"}
    httpx.post(f"{house.url}/v1/events", json=event, headers=headers).raise_for_status()
    deadline = time.monotonic() + 30
    query = {"system": "bench", "kind": "customer_id", "value": "1"}
    while time.monotonic() < deadline:
        items = httpx.get(f"{house.url}/v1/customers", params=query, headers=house.headers()).json()["items"]
        if items:
            break
        time.sleep(0.1)
    staff = house.ready["staff"]
    token = httpx.post(f"{house.url}/v1/auth/tokens", json=staff).raise_for_status().json()["access_token"]
    path = f"/v1/customers/{items[0]['id']}/loyalty"
    answer = httpx.get(house.url + path, headers={"Authorization": f"Bearer {token}"})
    while answer.status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.2)
        answer = httpx.get(house.url + path, headers={"Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    return path, token, listening_port(house.ready["processes"]["loyalty-svc"])


def listening_port(pid: int) -> int:
    """The TCP port that a process of ours listens on, as the kernel says."""
    inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            return int(fields[1].rpartition(":")[2], 16)
    raise LookupError("the service listens nowhere")


def requests_per_second(url: str, token: str) -> float:
    """wrk's figure; any answer that is not 2xx spoils the run."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-H", f"Authorization: Bearer {token}", url]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    if "Non-2xx" in told:
        raise RuntimeError(told)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])


@contextmanager
def nginx(upstream: int) -> Iterator[int]:
    """nginx as a plain proxy on a free port."""
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        port = free_port()
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text("user root;" + NGINX.format(home=folder, upstream=upstream, port=port))
        binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        child = subprocess.Popen([binary, "-c", str(configuration), "-p", folder])
        try:
            time.sleep(0.5)
            yield port
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(10)


if __name__ == "__main__":
    asyncio.run(run()).finish()
