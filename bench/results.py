"""What a bench found: printed for people, kept as JSON for comparison."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(slots=True)
class Claim:
    """A figure with what was promised: at least, and what is aimed at. `higher_is_better` False for times."""

    what: str
    measured: float
    unit: str
    at_least: float | None = None
    aim: float | None = None
    higher_is_better: bool = True

    @property
    def verdict(self) -> str:
        """aim, kept, missed or written down."""
        if self.at_least is None and self.aim is None:
            return "written down"
        better = (lambda a, b: a >= b) if self.higher_is_better else (lambda a, b: a <= b)
        if self.aim is not None and better(self.measured, self.aim):
            return "aim"
        return "kept" if self.at_least is not None and better(self.measured, self.at_least) else "missed"


@dataclass(slots=True)
class Result:
    """All that one bench found."""

    name: str
    claims: list[Claim] = field(default_factory=list)
    runs: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)

    def add(self, what: str, value: float) -> None:
        """One run of one side."""
        self.runs.setdefault(what, []).append(value)

    def median(self, what: str) -> float:
        """Of the runs of one side."""
        return statistics.median(self.runs[what])

    def claim(self, claim: Claim) -> None:
        self.claims.append(claim)

    def finish(self) -> None:
        """Print and keep."""
        print(f"\n{self.name}  ({os.cpu_count()} cores, Python {platform.python_version()})")
        for what, values in self.runs.items():
            spread = f"{min(values):,.1f} … {max(values):,.1f}"
            print(f"  {what:<52} median {statistics.median(values):>12,.1f}   ({spread}; {len(values)} runs)")
        for claim in self.claims:
            promised = f"at least {claim.at_least:g}, aim {claim.aim:g}" if claim.at_least and claim.aim else "–"
            print(f"  {claim.what:<52} {claim.measured:>10.3f} {claim.unit:<6} ({promised}): {claim.verdict}")
        RESULTS.mkdir(exist_ok=True)
        document = {
            "name": self.name,
            "cores": os.cpu_count(),
            "claims": [asdict(claim) | {"verdict": claim.verdict} for claim in self.claims],
            "runs": self.runs,
            "notes": self.notes,
        }
        (RESULTS / f"{self.name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def environment_with(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment and these."""
    return {**os.environ, **variables}
