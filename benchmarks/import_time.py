"""How long `import engine` takes, whether it brings torch along, and how soon the page answers."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.program import program
from benchmarks.report import Report, Row

LIGHT = "engine, engine.errors, engine.progress, engine.request, engine.media, engine.catalog"
PROGRAM = """
import json, sys, time
begun = time.perf_counter()
import {modules}
print(json.dumps([time.perf_counter() - begun, "torch" in sys.modules]))
"""


def measure(options: argparse.Namespace) -> Report:
    """Import in fresh interpreters and start the program; report medians."""
    rows, notes = [], []
    for label, modules, target in (("import engine", "engine", "< 0.2 s"),
                                   ("with every light module", LIGHT, "")):
        runs = [_imported(modules) for _ in range(max(5, options.repeats))]
        rows.append(Row(label, statistics.median(seconds for seconds, _ in runs), "s", target))
        loaded = any(torch for _, torch in runs)
        notes.append(f"{label}: torch is {'' if loaded else 'not '}among the loaded modules")
    pages = [_first_page() for _ in range(options.repeats)]
    rows.append(Row("first page of app.py", statistics.median(pages), "s", "< 6 s"))
    return Report("import", rows, notes)


def _first_page() -> float:
    """Return the seconds from the start of the real program to the answer of its first page."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        with program(Path(folder)):
            return time.perf_counter() - begun


def _imported(modules: str) -> tuple[float, bool]:
    result = subprocess.run([sys.executable, "-c", PROGRAM.format(modules=modules)],
                            capture_output=True, text=True, check=True)
    return tuple(json.loads(result.stdout))
