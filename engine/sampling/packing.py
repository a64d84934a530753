"""A sampler's state as named tensors, so that it can be written to a file between two steps."""

import torch
from torch import Tensor

from engine.sampling.guidance import GuidanceCarry
from engine.sampling.samplers import SamplerState


def pack(state: SamplerState) -> dict[str, Tensor]:
    """Return all that a solver, guidance and self-conditioning need to go on.

    state: whose denoiser carries a tensor of latents or nothing, with or without guidance.
    """
    tensors = {"x": state.x, "step": torch.tensor(state.step), "denoised": state.denoised}
    latents = state.carry
    if isinstance(latents, GuidanceCarry):
        tensors["evaluation"] = torch.tensor(latents.evaluation)
        latents = latents.inner
    tensors["latents"] = latents
    return {name: tensor.contiguous() for name, tensor in tensors.items() if tensor is not None}


def unpack(tensors: dict[str, Tensor]) -> SamplerState:
    """Return the state that `pack` took apart. Raises: KeyError if it is not one."""
    carry = tensors.get("latents")
    if "evaluation" in tensors:
        carry = GuidanceCarry(int(tensors["evaluation"]), carry)
    return SamplerState(tensors["x"], int(tensors["step"]), carry, tensors.get("denoised"))
