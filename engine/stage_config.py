"""What a stage is made of, as config.json holds it."""

import math
from dataclasses import dataclass

from torch import Tensor

from engine.diffusion import Preconditioning, input_scale
from engine.model import FITConfig
from engine.sampling import SIGMA_MAX, SIGMA_MIN, sigmas


@dataclass(frozen=True)
class StageConfig:
    """A stage: its network's shape, its noise process, and the text encoder it was trained with.

    scale: factor per axis over 64 px images; with the frame count it gives sigma_in.
    sigma_max, sigma_min: noise levels that sampling starts from and takes its last step from. They
    differ from the paper's 80 and 0.002 where in units of the clip, sigma_in times as large, few
    steps are better spent between; an upsampler then starts from its low-resolution clip under so
    much noise.
    guidance_above: noise level from which on clips are guided, 0 for the paper's every level.
    overstated: how many times the sampler's noise the network is told of below that level.
    detail: deviation of a clip from its enlarged low-resolution one; above 0, an upsampler denoises
    only that (diffusion/anchor.py), 0 for the paper's whole clip.
    text_encoder: "minilm" for the embedded one, else a local folder or hub name.
    """

    network: FITConfig
    scale: float = 1.0
    sigma_data: float = 1.0
    sigma_max: float = SIGMA_MAX
    sigma_min: float = SIGMA_MIN
    guidance_above: float = 0.0
    overstated: float = 1.0
    detail: float = 0.0
    text_encoder: str = "minilm"
    text_length: int = 32

    def __post_init__(self) -> None:
        for name, above in (("scale", 0), ("sigma_data", 0), ("sigma_min", 0),
                            ("sigma_max", self.sigma_min), ("overstated", 0)):
            value = getattr(self, name)
            if not _is_number(value) or value <= above:
                raise ValueError(f"{name} must be a number above {above}, not {value!r}")
        for name in ("detail", "guidance_above"):
            value = getattr(self, name)
            if not _is_number(value) or value < 0:
                raise ValueError(f"{name} must be a number from 0 on, not {value!r}")
        if type(self.text_length) is not int or self.text_length < 1:
            raise ValueError("text_length must be a whole number above 0, "
                             f"not {self.text_length!r}")
        if not isinstance(self.text_encoder, str) or not self.text_encoder:
            raise ValueError(f"text_encoder must be a name, not {self.text_encoder!r}")

    @property
    def preconditioning(self) -> Preconditioning:
        """The coefficients of this stage's process."""
        return Preconditioning(input_scale(self.scale, self.network.frames), self.sigma_data)

    def levels(self, steps: int) -> Tensor:
        """Return the noise levels of so many steps and a final zero, (steps + 1,) float64."""
        return sigmas(steps, self.sigma_min, self.sigma_max)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
