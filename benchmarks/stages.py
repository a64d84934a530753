"""The stages to measure, and inputs for them: shipped weights where there are some, else random."""

from pathlib import Path

import torch

from engine.backends import PYTORCH
from engine.checkpoint import WEIGHTS_NAME
from engine.model import Conditions
from engine.presets import PRESETS
from engine.stage import Stage, load_stage


def stage(model: Path, name: str, preset: str = "",
          backend: str = PYTORCH) -> tuple[Stage, str]:
    """Load `name` ("base" or "upsampler") of a model, or make it from its preset.

    preset: taken instead of the model, if one is named. backend: of a model's stage.
    Returns: the stage, and a sentence on where its weights come from.
    """
    folder = model / name
    if not preset and (folder / WEIGHTS_NAME).is_file():
        return load_stage(folder, backend=backend), f"weights of {folder}"
    torch.manual_seed(0)
    made = Stage(PRESETS[preset or f"storybook_{name}"])
    made.network.eval()
    return made, f"random weights of {preset}" if preset else \
        f"random weights: {folder} holds none"


def conditions(of: Stage, rows: int = 1) -> Conditions:
    """Random text and plain scalars for some clips."""
    config = of.config
    tokens = torch.randn(rows, config.text_length, config.network.text_width)
    return Conditions(
        tokens, torch.ones(tokens.shape[:2], dtype=torch.bool),
        torch.ones(rows, dtype=torch.bool), torch.full((rows,), 12.0),
        torch.tensor([[288.0, 512.0]] * rows),
        torch.full((rows,), 0.1) if config.network.augmented else None)
