"""The databases of one home: provisioned at the first start, migrated whenever the migrations have changed."""

import asyncio
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from moat.kit.db.provision import Passwords, as_role, at_database, provision
from moat.kit.embedded.postgres import Postgres
from moat_local.child import last_words
from moat_local.home import Home
from moat_local.plan import LOG, PARTS, Layout, Part, environment_of
from moat_local.secrets import Secrets
from moat_local.supervisor import Command, python, run_once
from moat_local.troubles import Trouble

SHORT_NAMES = (*(part.short for part in PARTS), LOG)


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses by short name."""

    owner: Mapping[str, str]
    app: Mapping[str, str]


async def provision_all(postgres: Postgres, secrets: Secrets, home: Home) -> Urls:
    """Make the databases and roles this home does not have yet; a home that has them all is not asked again."""
    if (home.read("provisioned.json") or {}).get("databases") != list(SHORT_NAMES):
        for short in SHORT_NAMES:
            await provision(postgres.url(), short, _passwords(secrets, short))
        home.write("provisioned.json", {"databases": list(SHORT_NAMES)})
    urls = {short: at_database(postgres.url(), f"moat_{short}") for short in SHORT_NAMES}
    return Urls(
        {short: as_role(url, f"{short}_owner", secrets.owner_passwords[short]) for short, url in urls.items()},
        {short: as_role(url, f"{short}_app", secrets.app_passwords[short]) for short, url in urls.items()},
    )


def _passwords(secrets: Secrets, short: str) -> Passwords:
    return Passwords(secrets.owner_passwords[short], secrets.app_passwords[short])


async def migrate_all(home: Home, layout: Layout, secrets: Secrets, kept: Mapping[str, str]) -> None:
    """Bring every database up to its service's newest revision, two at a time; none when nothing has changed."""
    fingerprints = await asyncio.to_thread(lambda: {part.short: _fingerprint(part) for part in PARTS})
    done = home.read("migrated.json") or {}
    waiting = [part for part in PARTS if done.get(part.short) != fingerprints[part.short]]
    # Each is mostly the start of an interpreter; more than two at once gain nothing on a small machine.
    gate = asyncio.Semaphore(2)

    async def migrate(part: Part) -> None:
        environment = environment_of(part, layout, secrets, migrate=True)
        command = Command(f"{part.name}-migrate", python(part.package, "--role", "migrate"), environment)
        async with gate:
            code = await run_once(command, home.logs, kept)
        if code != 0:
            log_path = home.logs / f"{command.name}.log"
            raise Trouble(
                f"The database of {part.name} could not be migrated. {log_path} ends with: {last_words(log_path)}"
            )

    async with asyncio.TaskGroup() as group:
        for part in waiting:
            group.create_task(migrate(part))
    if waiting:
        home.write("migrated.json", fingerprints)


def _fingerprint(part: Part) -> str:
    """A digest of everything that a migration runs: the service's revisions, the kit's tables, the bootstrap."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _sources(part):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(part: Part) -> Sequence[Path]:
    """Found by name and read as files: importing what migrates takes half a second of every start."""
    package = _folder_of(part.package)
    folders = [package / "migrations", package.parent.parent / "migrations", _folder_of("moat.kit") / "db"]
    if part.package == "gateway":
        folders.append(package / "identity")
    return sorted(path for folder in folders if folder.is_dir() for path in folder.rglob("*.py"))


def _folder_of(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise Trouble(f"The package {package} is not installed here; `make .venv` installs it.")
    return Path(spec.origin).parent
