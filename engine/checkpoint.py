"""A network's weights and config on disk: strict safetensors beside a JSON config, nothing else."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.errors import ModelError

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; it becomes `path` at the end, or nothing does."""
    unfinished = path.with_suffix(".tmp")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def save_weights(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors as safetensors, whole or not at all, readable by whom any new file is."""
    with whole(path) as unfinished:
        unfinished.touch()
        mode = unfinished.stat().st_mode    # the library's own files are for their owner alone
        save_file({k: v.contiguous() for k, v in tensors.items()}, unfinished)
        unfinished.chmod(mode)


def load_weights(network: nn.Module, path: Path) -> None:
    """Load every tensor strictly into float32. Raises: ModelError naming what does not fit."""
    tensors = read_tensors(path)
    own = network.state_dict()
    problems = [f"missing {name}" for name in own.keys() - tensors.keys()]
    problems += [f"unknown {name}" for name in tensors.keys() - own.keys()]
    problems += [f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(own[name].shape)}"
                 for name in own.keys() & tensors.keys()
                 if own[name].shape != tensors[name].shape]
    if problems:
        shown = "; ".join(sorted(problems)[:3])
        raise ModelError(f"The weights in {path} do not match their config ({len(problems)} "
                         f"differences: {shown}). Use the config.json the weights came with.")
    network.load_state_dict(tensors)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file. Raises: ModelError when missing, truncated or foreign."""
    if not path.is_file():
        raise ModelError(f"There are no weights at {path}. Choose a folder that holds "
                         f"{CONFIG_NAME} and {WEIGHTS_NAME}.")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is not a complete safetensors file ({error}). "
                         "Copy or download it again.") from error


def write_config(config: object, path: Path) -> None:
    """Write a (nested) dataclass as indented JSON, whole or not at all."""
    with whole(path) as unfinished:
        unfinished.write_text(json.dumps(asdict(config), indent=2) + "\n")


def read_config(path: Path) -> dict:
    """Read a config as a dict. Raises: ModelError when missing or not JSON."""
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ModelError(f"There is no {path}. A model folder needs {CONFIG_NAME} "
                         f"and {WEIGHTS_NAME}.") from error
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} does not hold named settings.")
    return values


def build_config(kind: type, values: dict, path: Path, described: str = "a network"):
    """Build a frozen config dataclass from JSON values. Raises: ModelError naming the setting."""
    unknown = values.keys() - {spec.name for spec in fields(kind)}
    if unknown:
        raise ModelError(f"{path} has settings this version does not know: "
                         f"{', '.join(sorted(unknown))}.")
    missing = [spec.name for spec in fields(kind)
               if spec.default is MISSING and spec.name not in values]
    if missing:
        raise ModelError(f"{path} does not describe {described}: it lacks {', '.join(missing)}.")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path} does not describe {described}: {error}.") from error
