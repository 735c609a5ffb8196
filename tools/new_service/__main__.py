"""`python -m tools.new_service NAME [ROOT]`: a new service, whole and small, that passes `make check` at once."""

import sys
from pathlib import Path

from tools.new_service.making import make, next_steps
from tools.new_service.naming import Refused, named


def main() -> int:
    """Make it and say what was made; 1 with the reason if it cannot be."""
    given = sys.argv[1] if len(sys.argv) > 1 else ""
    root = Path(sys.argv[2] if len(sys.argv) > 2 else ".").resolve()
    try:
        name = named(given, root)
        new, changed = make(root, name)
    except Refused as why:
        print(f"new-service: {why}")
        return 1
    print(f"Made services/{name.service} ({len(new)} files, port {name.port}) and told {len(changed)} files of it:")
    print("\n".join(f"  {path}" for path in changed))
    print("Next:")
    print("\n".join(f"  {step}" for step in next_steps(name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
