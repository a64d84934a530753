"""ODE solvers over one denoiser contract, and the guidance that wraps a denoiser."""

from engine.sampling.exposure import overstated
from engine.sampling.guidance import (
    constant_weights,
    dynamic_threshold,
    guided,
    guided_above,
    oscillating_weights,
    threshold_above,
    thresholded,
)
from engine.sampling.known_frames import KnownFrames, with_known_frames
from engine.sampling.packing import pack, unpack
from engine.sampling.samplers import SOLVERS, Denoise, OnState, SamplerState, Solver, sample
from engine.sampling.schedule import SIGMA_MAX, SIGMA_MIN, sigmas

__all__ = ["SIGMA_MAX", "SIGMA_MIN", "SOLVERS", "Denoise", "KnownFrames", "OnState",
           "SamplerState", "Solver", "constant_weights", "dynamic_threshold", "guided",
           "guided_above", "oscillating_weights", "overstated", "pack", "sample", "sigmas",
           "threshold_above", "thresholded", "unpack", "with_known_frames"]
