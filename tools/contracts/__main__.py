"""`python -m tools.contracts write | check`: the committed contract documents.

`write` makes them anew. `check` fails when they differ from the code, or when they break what was committed before: the
newest release (tag `v*`), the point where this branch left origin/main, and HEAD.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from moat.contracts.asyncapi import asyncapi_document
from moat.contracts.schemas import schemas
from tools.contracts.compatibility import breaks

SCHEMAS = Path("shared/schemas")
ASYNCAPI = Path("docs/asyncapi.json")


def wanted() -> dict[Path, str]:
    """Every document by its path, as it has to be."""
    documents = {SCHEMAS / f"{name}.json": schema for name, schema in schemas().items()}
    documents[ASYNCAPI] = asyncapi_document()
    return {path: json.dumps(document, ensure_ascii=False, indent=2) + "\n" for path, document in documents.items()}


def write() -> int:
    """Write what is wanted and remove what is not."""
    documents = wanted()
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for path in set(SCHEMAS.glob("*.json")) - documents.keys():
        path.unlink()
    for path, text in documents.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(documents)} documents written")
    return 0


def stale() -> list[str]:
    """Documents that differ from the code."""
    documents = wanted()
    found = [
        f"{path}: differs from the code; run `make contracts`"
        for path, text in documents.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    left = sorted(set(SCHEMAS.glob("*.json")) - documents.keys())
    return found + [f"{path}: nobody's any more; run `make contracts`" for path in left]


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def bases() -> list[str]:
    """The revisions that made promises; none outside a repository."""
    tag = _git("describe", "--tags", "--abbrev=0", "--match", "v*")
    fork = _git("merge-base", "HEAD", "origin/main")
    return list(dict.fromkeys(revision for revision in (tag, fork, _git("rev-parse", "HEAD")) if revision))


def committed(revision: str) -> dict[str, Any]:
    """The schemas by type name as they were at a revision."""
    listed = _git("ls-tree", "--name-only", revision, f"{SCHEMAS}/") or ""
    texts = {path: _git("show", f"{revision}:{path}") for path in listed.splitlines()}
    return {Path(path).stem: json.loads(text) for path, text in texts.items() if text}


def check() -> int:
    """Say what is stale or broken; 1 if anything is."""
    problems = stale()
    for revision in bases():
        problems += [f"breaks {revision[:12]}: {what}" for what in breaks(committed(revision), schemas())]
    print("\n".join(problems) or "contracts: as committed, and compatible")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit({"write": write, "check": check}[sys.argv[1]]())
