"""The import directions of the design, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIGHT = {"errors", "progress", "request", "media", "catalog", "drift", "backends", "vocabulary"}
LIGHT_EXTENSION = ("plan", "request", "segments", "material")
ALLOWED = {
    "errors": set(), "progress": set(),
    "request": {"errors", "progress"}, "media": {"errors", "progress", "request"},
    "catalog": {"errors", "progress", "vocabulary"}, "drift": set(), "precision": set(),
    "vocabulary": set(),
    "backends": {"errors"}, "compiled": {"model"},
    "video": {"errors", "progress"}, "text": {"errors", "progress"},
    "checkpoint": {"errors", "progress"}, "model": {"errors", "progress"},
    "diffusion": {"errors", "progress"}, "sampling": {"errors", "progress"},
    "storybook": {"errors", "progress"},
    "stage_config": {"model", "diffusion", "sampling"},
    "stage": {"errors", "progress", "precision", "backends", "compiled", "stage_config", "model",
              "diffusion", "sampling", "checkpoint"},
    "quantized": {"compiled", "stage", "model", "sampling"},
    "presets": {"stage_config", "model"},
    "saved": {"sampling"},
    "cascade": {"errors", "progress", "backends", "stage", "quantized", "saved", "video", "text",
                "model", "diffusion", "sampling"},
    "extension": {"errors", "progress", "request", "cascade", "stage", "saved", "video", "model",
                  "media", "sampling", "drift"},
    "generate": {"errors", "progress", "backends", "request", "cascade", "drift", "extension",
                 "saved", "presets", "catalog", "text", "video", "media", "stage"},
    "cli": {"errors", "progress", "backends", "request", "media", "catalog", "cli_extension",
            "cli_progress", "cli_jobs", "cli_resume", "extension", "generate"},
    "cli_jobs": {"errors", "request", "catalog", "cli_again", "cli_extension", "cli_resume"},
    "cli_again": {"errors", "request", "media", "cli_extension", "extension"},
    "cli_resume": {"errors", "request", "media"},
    "cli_extension": {"errors", "request", "media", "catalog", "extension"},
    "cli_progress": {"progress", "request", "extension"},
    "training": {"errors", "precision", "stage", "stage_config", "diffusion", "checkpoint", "video",
                 "media", "text", "presets", "storybook", "model", "vocabulary"},
    "evaluation": {"errors", "progress", "backends", "generate", "cascade", "stage", "storybook",
                   "catalog", "video", "checkpoint", "request", "extension", "drift", "sampling"},
}


def _imports(path: Path) -> set[str]:
    """Every absolute module a file imports, functions' own imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _files(part: str) -> list[Path]:
    folder = ROOT / "engine" / part
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def test_every_part_of_the_engine_has_its_place():
    parts = {path.stem for path in (ROOT / "engine").iterdir()}
    assert {part for part in parts if not part.startswith("__")} == set(ALLOWED)


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_engine_part_imports_only_what_lies_below_it(part):
    known = {p.stem for p in (ROOT / "engine").iterdir()}
    for path in _files(part):
        parts = {m.split(".")[1] for m in _imports(path) if m.startswith("engine.")} & known
        wrong = parts - ALLOWED[part] - {part}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_engine_never_imports_the_interface():
    for path in (ROOT / "engine").rglob("*.py"):
        tops = {m.split(".")[0] for m in _imports(path)}
        assert not tops & {"gradio", "snapui", "app"}, path


def test_interface_uses_only_the_light_part_of_the_engine():
    for path in (ROOT / "snapui").rglob("*.py"):
        names = _imports(path)
        allowed = LIGHT | ({"generate", "presets"} if path.name == "worker.py" else set())
        parts = {m.split(".")[1] for m in names if m.startswith("engine.")}
        parts &= {p.stem for p in (ROOT / "engine").iterdir()}
        if all(m.split(".")[2] in LIGHT_EXTENSION for m in names
               if m.startswith("engine.extension.")):
            parts -= {"extension"}
        assert parts <= allowed, f"{path.relative_to(ROOT)} imports {parts - allowed}"
        assert "torch" not in {m.split(".")[0] for m in names}, path


@pytest.mark.parametrize("module", LIGHT_EXTENSION)
def test_what_plans_a_long_clip_stays_light(module):
    parts = {m.split(".")[1] for m in _imports(ROOT / "engine" / "extension" / f"{module}.py")
             if m.startswith("engine.")}
    assert parts <= {"errors", "request", "media", "extension"}


def test_light_modules_load_without_torch():
    code = ("import sys, engine, engine.errors, engine.progress, engine.request, engine.media, "
            "engine.catalog, engine.drift, engine.extension.plan, engine.extension.material, "
            "engine.cli; "
            "sys.exit('torch' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("name", ["utils", "misc", "helpers", "common"])
def test_no_module_without_an_idea(name):
    assert not [p for top in ("engine", "snapui") for p in (ROOT / top).rglob(f"{name}.py")]
