"""Build the house's images without a Docker engine: buildah, on a base made by debootstrap where there is no registry.

`python deploy/docker/images.py`. Needs root and Debian's packages, which it installs; says why where it cannot.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HOUSE: Final = Path(__file__).parents[2]
CACHE: Final = Path("/var/cache/moat-images")
BASE: Final = "localhost/python:3.11-slim"
PACKAGES: Final = ("buildah", "podman", "runc", "debootstrap")
STORAGE: Final = ("--storage-driver", "overlay")
CERTIFICATES: Final = "/etc/ssl/certs"
_OF_SERVICES: Final = "services/*-svc/Dockerfile"
DOCKERFILES: Final = {
    "gateway": "gateway/Dockerfile",
    **{path.parent.name: f"services/{path.parent.name}/Dockerfile" for path in sorted(HOUSE.glob(_OF_SERVICES))},
}
_NOT_NEEDED: Final = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")


class CannotBuild(Exception):
    """Why images cannot be built on this machine, as a sentence."""


def run(*command: str, timeout_seconds: float = 900) -> str:
    """Run to the end and return what it printed. Raises CannotBuild with the last lines."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, check=False, cwd=HOUSE)
    except FileNotFoundError as error:
        raise CannotBuild(f"{command[0]} is not installed") from error
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise CannotBuild(f"{' '.join(command[:4])} … failed:\n{last}")
    return done.stdout


def ensure_tools() -> None:
    """Install Debian's packages where they are missing. Raises CannotBuild."""
    missing = [name for name in PACKAGES if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if os.getuid() != 0:
        raise CannotBuild("Building images here needs root (buildah with chroot isolation)")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CannotBuild(f"{', '.join(missing)} not installed, and there is no apt-get to install them with")
    say(f"installing {', '.join(missing)}")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)


def ensure_base() -> None:
    """A base with Python 3.11, made once and kept."""
    if BASE in run("buildah", *STORAGE, "images", "--format", "{{.Name}}:{{.Tag}}").split():
        return
    root = CACHE / "bookworm"
    if not (root / ".complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        say("making the base (debootstrap, about a minute)")
        include = "--include=python3,python3-venv,ca-certificates"
        run("debootstrap", "--variant=minbase", include, "bookworm", str(root))
        for unneeded in _NOT_NEEDED:
            shutil.rmtree(root / unneeded, ignore_errors=True)
        (root / ".complete").touch()
    container = run("buildah", *STORAGE, "from", "scratch").strip()
    try:
        run("buildah", *STORAGE, "add", container, str(root), "/")
        run("buildah", *STORAGE, "commit", container, BASE)
    finally:
        run("buildah", *STORAGE, "rm", container)


def build(name: str) -> None:
    """Build one image as `moat/<name>`."""
    certificate = os.environ.get("PIP_CERT", "")
    pip = ("--build-arg", f"PIP_CERT={certificate}") if certificate else ()
    run(
        *("buildah", *STORAGE, "bud", "--isolation", "chroot", "--layers", "--pull-never"),
        *("--build-arg", f"BASE={BASE}", *pip, "--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"),
        *("--tag", f"localhost/moat/{name}", "--file", DOCKERFILES[name], "."),
    )


def build_all(names: Sequence[str] = tuple(DOCKERFILES)) -> None:
    """Tools, base, images. Raises CannotBuild."""
    ensure_tools()
    ensure_base()
    for name in names:
        began = time.monotonic()
        build(name)
        say(f"built moat/{name} in {time.monotonic() - began:.0f} s")


def say(text: str) -> None:
    """One line of progress."""
    print(f"images: {text}", flush=True)


if __name__ == "__main__":
    try:
        build_all()
    except CannotBuild as why:
        say(str(why))
        sys.exit(1)
