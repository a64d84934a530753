"""Recipes as files: JSON or TOML with any settings of a recipe; the others are the preset's.

A run's own stands beside its weights, and `--dry-run` prints it, to be edited and given back.
"""

import json
import tomllib
from dataclasses import asdict, fields
from pathlib import Path

from engine.checkpoint import build_config
from engine.errors import DataError
from engine.training.recipe import Phase, Recipe

RECIPE_NAME = "recipe.json"


def read_recipe(path: Path, preset: Recipe) -> Recipe:
    """Read a file over a preset's recipe. Raises: DataError or ModelError naming the mistake."""
    values = _read(path)
    phases = values.get("phases", list(map(asdict, preset.phases)))
    if not isinstance(phases, list) or not all(isinstance(phase, dict) for phase in phases):
        raise DataError(f"{path} does not describe a recipe: phases must be a list of "
                        f"{', '.join(spec.name for spec in fields(Phase))} by name.")
    built = tuple(build_config(Phase, phase, path, "a phase") for phase in phases)
    own = {spec.name: getattr(preset, spec.name) for spec in fields(Recipe)}
    return build_config(Recipe, {**own, **values, "phases": built}, path, "a recipe")


def as_json(recipe: Recipe) -> str:
    """Write a recipe as `read_recipe` reads it."""
    return json.dumps(asdict(recipe), indent=2)


def changes(path: Path, recipe: Recipe) -> list[str]:
    """Say in which settings a recipe is not the one in a run's file; nothing if there is none."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(before, dict):
        return []
    now = json.loads(as_json(recipe))
    return [name if isinstance(value, list) else f"{name} {before.get(name)} -> {value}"
            for name, value in now.items() if before.get(name) != value]


def _read(path: Path) -> dict:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise DataError(f"--recipe {path} cannot be read ({error.strerror.lower()}).") from error
    except ValueError as error:
        raise DataError(f"--recipe {path} is neither JSON nor, with the ending .toml, TOML: "
                        f"{error}.") from error
    if not isinstance(values, dict):
        raise DataError(f"--recipe {path} does not hold named settings.")
    return values
