"""`python -m tools.deployment`: compose files keep the compose specification, Dockerfiles please hadolint."""

import subprocess
import sys
from pathlib import Path

# DL3008 and DL3013: versions of Debian packages come with the pinned base, those of Python from requirements.lock.
HADOLINT = ("--no-color", "--failure-threshold", "warning", "--ignore", "DL3008", "--ignore", "DL3013")
DOCKERFILES = ("gateway/Dockerfile", "services/*/Dockerfile", "deploy/docker/Dockerfile*")


def main() -> int:
    """Run both over what is there; 1 if one of them finds something."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    composed = sorted(map(str, root.glob("docker-compose*.yml")))
    dockerfiles = sorted(str(path) for pattern in DOCKERFILES for path in root.glob(pattern))
    tools = Path(sys.executable).parent
    commands = []
    if composed:
        commands.append(
            [str(tools / "check-jsonschema"), "--color", "never", "--builtin-schema", "vendor.compose-spec", *composed]
        )
    if dockerfiles:
        commands.append([str(tools / "hadolint"), *HADOLINT, *dockerfiles])
    failed = [command for command in commands if subprocess.run(command, check=False).returncode != 0]
    if not failed:
        print(f"deployment: {len(composed)} compose files and {len(dockerfiles)} Dockerfiles are well formed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
