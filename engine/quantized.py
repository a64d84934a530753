"""A network whose large products are of whole numbers: int8 where that hardly shows.

NNCF rounds weights and activations to 8 bits, in ranges that it saw while the float network made
a few clips from noise. So a quantized graph is a function of its network alone. What is told
(few rows) and what meets pixels keep their floats: there rounding costs most and gains nothing.
Figures are in assets/storybook/TRIALS.md.
"""

import hashlib
import io
import logging
import warnings
from contextlib import redirect_stdout
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine import compiled
from engine.compiled import CompiledNetwork, Inputs
from engine.model import Carry, Conditions
from engine.sampling import KnownFrames
from engine.stage import Given, SampleSettings, Stage, unit_noise

if TYPE_CHECKING:
    import openvino

CALIBRATION_STEPS = 12    # of each clip, from noise to picture
# Code that decides which clips are made, besides the network's own.
CALIBRATING = ("quantized.py", "stage.py", "sampling/*.py", "diffusion/*.py")
FLOATS = [
    ".*to_shift_scale.*", ".*overview.words.*", ".*overview.loudness.*", ".*gain.log_gain.*",
    ".*stem.to_tokens.*", ".*coarse.to_tokens.*", ".*refiner.from_pixels.*", ".*to_pixels.*",
    ".*pixel_skip.factor.*"]

log = logging.getLogger(__name__)


def quantized(stage: Stage, told: Conditions) -> Stage:
    """Return a stage of the same network, compiled, that computes in int8.

    told: what the clips show that it is calibrated on, a row each.
    """
    return Stage(stage.config, stage.network, is_short=stage.is_short, is_compiled=True,
                 quantizer=CalibratedQuantizer(stage, told))


class CalibratedQuantizer:
    """Quantizes graphs of one stage's network, calibrated on clips that it makes when first asked.

    name: says which code, which NNCF and which clips.
    """

    def __init__(self, stage: Stage, told: Conditions):
        self._stage, self._told = stage, told

    def __call__(self, graph: "openvino.Model", inputs: Inputs) -> "openvino.Model":
        """Return a float graph for inputs of these shapes with products in int8; it is used up."""
        log.warning("The network is made ready to compute in int8. Once done, in a minute or "
                    "more, this is kept for the next start.")
        return whole_numbers(graph, in_rows(self._states, len(inputs["video"])))

    @cached_property
    def name(self) -> str:
        """All that decides a quantized graph but the float one."""
        made_by = f"{version('nncf')} {self._stage.config} {self._stage.backend}"
        digest = hashlib.blake2b(made_by.encode(), digest_size=16)
        for pattern in CALIBRATING:
            for path in sorted(Path(__file__).parent.glob(pattern)):
                digest.update(path.read_bytes())
        for values in vars(self._told).values():
            digest.update(b"" if values is None else values.numpy().tobytes())
        return f"int8 {digest.hexdigest()}"

    @cached_property
    def _states(self) -> list[Inputs]:
        return calibration_states(self._stage, self._told)


class Recorder:
    """A compiled network that remembers what it is given."""

    def __init__(self, network: CompiledNetwork):
        self._network, self.seen = network, []

    def __call__(self, video: Tensor, c_noise: Tensor, conditions: Conditions,
                 carry: Carry | None = None) -> tuple[Tensor, Tensor]:
        """Evaluate as the network does."""
        self.seen.append(self._network.inputs(video, c_noise, conditions, carry))
        return self._network(video, c_noise, conditions, carry)


def calibration_states(stage: Stage, told: Conditions) -> list[Inputs]:
    """Return what a network is given, at all noise levels, while it makes guided clips as told.

    Every second clip begins with the last frame of the one before, as those of longer clips do.
    """
    floats = Stage(stage.config, stage.network, is_short=stage.is_short, is_compiled=True)
    recorder = floats.compiled = Recorder(floats.compiled)
    frames, clip = stage.clip_shape[1], None
    for row in range(len(told.fps)):
        known = KnownFrames(clip.flip(2), torch.arange(frames) == 0, weight=0.0) \
            if row % 2 else None
        clip = floats.sample(
            unit_noise([row], stage.clip_shape), told.map(lambda values, row=row: values[[row]]),
            SampleSettings(CALIBRATION_STEPS), given=Given(known=known))
    return recorder.seen


def in_rows(states: list[Inputs], rows: int) -> list[Inputs]:
    """Deal the rows of all states out anew, so many to each; the last ones if they do not fill one
    are left out. A network's rows know nothing of one another.
    """
    together = {name: torch.cat([state[name] for state in states]) for name in states[0]}
    dealt = zip(*(values.split(rows) for values in together.values()), strict=True)
    return [dict(zip(together, state, strict=True)) for state in dealt if len(state[0]) == rows]


def whole_numbers(graph: "openvino.Model", states: list[Inputs]) -> "openvino.Model":
    """Return a graph whose products are in int8, in the ranges that these states need.

    Ranges hold all that was seen: means over states, NNCF's default, cut off the noise levels
    that differ most. SmoothQuant, which moves ranges by those of a few states, made it worse, and
    correcting biases changed nothing.
    """
    nncf = imported()
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet
    from openvino._offline_transformations import apply_moc_transformations

    apply_moc_transformations(graph, cf=True)    # else element types are missing afterwards
    given = [[values.numpy() for values in state.values()] for state in states]
    with redirect_stdout(io.StringIO()):    # its bars
        return nncf.quantize(
            graph, nncf.Dataset(given), subset_size=len(given),
            preset=nncf.QuantizationPreset.MIXED, model_type=nncf.ModelType.TRANSFORMER,
            ignored_scope=nncf.IgnoredScope(patterns=FLOATS, validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
                disable_bias_correction=True,
                smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=-1)))


def imported() -> ModuleType:
    """Import NNCF without its reports to its makers and its lines, and keep Python's loggers."""
    compiled.imported()    # which keeps the reporter of both from being imported
    loggers = logging.getLoggerClass()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nncf
    logging.setLoggerClass(loggers)
    logging.getLogger("nncf").setLevel(logging.ERROR)    # its own way mutes others' handlers too
    return nncf
