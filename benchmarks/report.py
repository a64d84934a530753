"""A benchmark's outcome: a table on the terminal and the same rows as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, how much, and what it should be ("" where nothing says)."""

    what: str
    value: float
    unit: str
    target: str = ""


@dataclass(frozen=True)
class Report:
    """The rows of one run, and sentences on how they were measured."""

    name: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()

    def table(self) -> str:
        """Return the rows as aligned text."""
        cells = [("", "measured", "target")]
        cells += [(r.what, f"{_figure(r.value)} {r.unit}".rstrip(), r.target) for r in self.rows]
        widths = [max(len(line[i]) for line in cells) for i in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:<{widths[2]}}".rstrip()
                 for a, b, c in cells]
        return "\n".join([self.name, *lines, *self.notes])

    def publish(self) -> None:
        """Print the table and write benchmarks/results/<name>.json."""
        sys.stdout.write(self.table() + "\n")
        RESULTS.mkdir(exist_ok=True)
        record = {"name": self.name, "machine": _machine(), "notes": list(self.notes),
                  "rows": [asdict(row) for row in self.rows]}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(record, indent=2) + "\n")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _machine() -> dict[str, object]:
    return {"processor": platform.machine(), "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2), "python": platform.python_version()}
