"""`python -m bench [NAME …]`: run these benches, or all."""

import asyncio
import importlib
import sys

NAMES = (
    "drain",
    "rules",
    "relay",
    "growth",
    "gateway",
    "latency",
    "journey",
    "codes",
    "redeem",
    "expiry",
    "checkout",
    "simulation",
    "start",
)


def main(names: list[str]) -> int:
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
        return 2
    for name in names or NAMES:
        print(f"bench {name} …", flush=True)
        asyncio.run(importlib.import_module(f"bench.{name}").run()).finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
