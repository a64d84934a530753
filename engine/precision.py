"""In which numbers a network computes: bfloat16 where the processor has instructions for it.

Weights, gradients, optimizers, losses and the sampler's state stay float32; only the network's
products and activations are short, and Muon's iteration. Processors without such instructions
emulate them, many times slower.
"""

import contextlib

import torch

BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether bfloat16 is faster than float32 on a device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capabilities.get(name, False) for name in BF16_INSTRUCTIONS)


def short(device: torch.device, enabled: bool = True) -> contextlib.AbstractContextManager:
    """Return a context in which a network computes in bfloat16 if that is fast on the device.

    One context a pass: autocast keeps the weights it has rounded, and those of a pass without
    gradients would have none in the next.
    """
    if not enabled or not has_fast_bfloat16(device):
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
