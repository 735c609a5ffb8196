"""The images, built and started against a local PostgreSQL and Kafka as docker-compose.yml says; one order goes
through. `make images-test` runs it; where images cannot be built it says why."""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import httpx
import pytest

from moat.kit.embedded.kafka import LocalKafka
from moat.kit.embedded.postgres import Postgres

sys.path.insert(0, str(Path(__file__).parents[1]))

import compose_env
import compose_file
import images

PODMAN = ("podman", *images.STORAGE, "--runtime", "runc")
READY_SECONDS_MAX = 90
# podman's own defaults are higher than what a machine without CAP_SYS_RESOURCE may set; lower is always allowed.
LIMITS = ("--ulimit", "nofile=8192:8192", "--ulimit", "nproc=4096:4096")
ORDER = {
    "specversion": "1.0",
    "id": "image-1-paid",
    "source": "/shops/images",
    "type": "moat.intake.order.paid.v1",
    "time": "2026-01-05T08:30:00Z",
    "data": {
        "order_id": "image-1",
        "customer": [{"system": "images", "kind": "customer_id", "value": "00004"}],
        "currency": "CNY",
        "total_minor": 2933,
        "lines": [],
    },
}


def podman(*arguments, check=True):
    done = subprocess.run([*PODMAN, *arguments], capture_output=True, text=True, timeout=180, check=False)
    if check and done.returncode:
        raise AssertionError(f"podman {arguments[0]}: {done.stdout}{done.stderr}")
    return done


@pytest.fixture(scope="session")
def built():
    try:
        images.build_all()
    except images.CannotBuild as why:
        pytest.skip(f"images were not built here: {why}")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    server = Postgres.start(tmp_path_factory.mktemp("postgres"), durable=False, max_connections=300)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory):
    broker = LocalKafka.start(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def variables(postgres_server, kafka_broker, tmp_path_factory):
    made = compose_env.values("admin@moat.example", "smtp://127.0.0.1:1", "care@moat.example")
    return made | {"POSTGRES_ADDRESS": f"127.0.0.1:{postgres_server.port}", "KAFKA_ADDRESS": kafka_broker.bootstrap}


@pytest.fixture(scope="session")
def signing(tmp_path_factory):
    directory = tmp_path_factory.mktemp("signing")
    # A container's user cannot pass through pytest's private folders, so the mount is the folder itself.
    compose_env.write_signing_key(directory)
    directory.chmod(0o755)
    return directory


@pytest.fixture(scope="session")
def processes(variables):
    return compose_file.our_processes(compose_file.read(variables))


def arguments_of(process, signing, hosts):
    environment = [part for name, value in process.environment.items() for part in ("--env", f"{name}={value}")]
    volumes = [
        part
        for volume in process.volumes
        for part in ("--volume", volume.replace("./deploy/docker/signing", str(signing)))
    ]
    entrypoint = ["--entrypoint", f"[{', '.join(chr(34) + e + chr(34) for e in process.entrypoint)}]"]
    return [
        *("--name", f"moat-test-{process.name}", "--network", "host", "--read-only", *LIMITS),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *hosts,
        *environment,
        *volumes,
        *(entrypoint if process.entrypoint else []),
        f"localhost/{process.image}",
        *process.command,
    ]


def port_of(process):
    (port,) = {int(value) for name, value in process.environment.items() if name.endswith("_PORT")}
    return port


def wait_until_ready(process, url):
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    logs = podman("logs", f"moat-test-{process.name}", check=False)
    raise AssertionError(f"{process.name} is not ready:\n{(logs.stdout + logs.stderr)[-3000:]}")


@pytest.fixture(scope="session")
def house(built, postgres_server, kafka_broker, variables, signing, processes):
    """Every container of ours, started in the order that the compose file asks for."""
    names = {process.name for process in processes}
    hosts = [part for name in sorted(names) for part in ("--add-host", f"{name}:127.0.0.1")]
    running = [process for process in processes if not process.runs_once]
    for port in map(port_of, running):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    make_superuser(postgres_server, variables["POSTGRES_PASSWORD"])
    for name in names:
        podman("rm", "--force", "--time", "0", f"moat-test-{name}", check=False)
    try:
        for process in processes:
            if process.runs_once:
                podman("run", *arguments_of(process, signing, hosts))
        for process in running:
            podman("run", "--detach", *arguments_of(process, signing, hosts))
        for process in running:
            wait_until_ready(process, f"http://127.0.0.1:{port_of(process)}")
        yield running
    finally:
        for name in names:
            podman("rm", "--force", "--time", "0", f"moat-test-{name}", check=False)


def make_superuser(server, password):
    async def make():
        admin = await asyncpg.connect(server.url())
        try:
            quoted = await admin.fetchval("SELECT quote_literal($1::text)", password)
            await admin.execute(f"CREATE ROLE postgres SUPERUSER LOGIN PASSWORD {quoted}")
        finally:
            await admin.close()

    asyncio.run(make())


def test_one_order_goes_through_the_images(house, variables):
    gateway = "http://127.0.0.1:8000"
    key = {"Authorization": f"Bearer {variables['GATEWAY_ADMIN_API_KEY']}"}
    taken = httpx.post(
        f"{gateway}/v1/events", json=ORDER, headers=key | {"Content-Type": "application/cloudevents+json"}, timeout=10
    )
    assert (taken.status_code, taken.json()["accepted"]) == (202, 1), taken.text

    customer = wait_for(
        lambda: (
            httpx.get(
                f"{gateway}/v1/customers",
                params={"system": "images", "kind": "customer_id", "value": "00004"},
                headers=key,
                timeout=10,
            )
            .raise_for_status()
            .json()["items"]
        )
    )[0]
    overview = wait_for(lambda: complete(gateway, customer["id"], key))

    assert overview["missing"] == []
    assert overview["loyalty"]["tier"]["code"] == "member"


def complete(gateway, customer_id, key):
    """The overview once loyalty has credited the order."""
    answer = httpx.get(f"{gateway}/v1/customers/{customer_id}/overview", headers=key, timeout=10)
    if answer.status_code != 200 or answer.json()["loyalty"] is None:
        return None
    points = next(a for a in answer.json()["loyalty"]["accounts"] if a["type"] == "points")
    return answer.json() if points["available"] == 29 else None


def wait_for(look, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError("it did not come")


def test_containers_run_as_nobody_special_and_their_health_check_holds(house):
    for process in house:
        name = f"moat-test-{process.name}"
        assert podman("exec", name, "id", "-u").stdout.strip() == "10001"
        variable = next(v for v in process.environment if v.endswith("_PORT"))
        podman("exec", name, "/opt/moat/bin/python", "-m", "moat.kit.web.probe", variable)


def test_images_carry_no_secret_and_no_installer(house):
    for name in images.DOCKERFILES:
        found = podman(
            "run",
            "--rm",
            *LIMITS,
            "--entrypoint",
            '["/bin/sh", "-c"]',
            f"localhost/moat/{name}",
            "env; ls /opt/moat/bin",
        )
        assert "PASSWORD" not in found.stdout
        assert "pip" not in found.stdout.replace("PIP_", "").split()


def test_every_container_stops_in_order_when_asked(house):
    for process in reversed(house):
        name = f"moat-test-{process.name}"
        podman("stop", "--time", "50", name)
        assert podman("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip() == "0", process.name
