"""The scaled EDM process: forward noise, preconditioning, loss."""

from engine.diffusion.anchor import Anchor, anchored
from engine.diffusion.loss import output_errors
from engine.diffusion.noise import (
    NoiseDistribution,
    add_noise,
    broadcast,
    input_scale,
    vp_corrupt,
)
from engine.diffusion.preconditioning import Preconditioning

__all__ = ["Anchor", "NoiseDistribution", "Preconditioning", "add_noise", "anchored", "broadcast",
           "input_scale", "output_errors", "vp_corrupt"]
