"""Known frames wrap a denoiser: given frames come out exact, the others are steered to fit them.

Replacement puts the given frames into every estimate; reconstruction guidance moves the others
against the gradient of the error that the network makes on the given ones (PAPER.md 6).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.sampling.guidance import Threshold
from engine.sampling.samplers import Denoise


@dataclass(frozen=True)
class KnownFrames:
    """Frames that are given.

    clip: (b, c, t, h, w) in data units; only its known frames are looked at.
    mask: (t,) bool, true where a frame is known.
    weight: w_r of reconstruction guidance, as the paper has it; 0 is replacement alone, at a third
    of the time, and all that a network needs which is shown its known frames.
    """

    clip: Tensor
    mask: Tensor
    weight: float

    def put_into(self, clip: Tensor) -> Tensor:
        """Return a clip (b, c, t, h, w) with the known frames in their places, bit for bit."""
        return torch.where(self.mask[:, None, None], self.clip.to(clip), clip)

    def error(self, denoised: Tensor) -> Tensor:
        """Return each clip's sum of squares, not its mean, of error on the known frames, (b,)."""
        return (self.clip.to(denoised) - denoised)[:, :, self.mask].square().sum((1, 2, 3, 4))

    def bounded(self, correction: Tensor, error: Tensor) -> Tensor:
        """Return a correction whose size on the unknown frames is at most the known ones' error.

        Both are root mean squares of a clip. error: (b,), as above.
        """
        known, unknown = (max(1, int(part.sum())) for part in (self.mask, ~self.mask))
        size = correction[:, :, ~self.mask].square().sum((1, 2, 3, 4)) / unknown
        share = (error / known / size.clamp(min=1e-20)).sqrt().clamp(max=1)
        return share[:, None, None, None, None] * correction


def with_known_frames(denoise: Denoise, known: KnownFrames, sigma_in: float,
                      threshold: Threshold | None = None) -> Denoise:
    """Wrap a denoiser: D^b - w_r / (2 sigma_in) grad_{x_s} |x^a - D^a|^2, and D^a = x^a.

    a are the known frames and b the others. The wrapped denoiser may be guided by a prompt: the
    gradient is then of the guided estimate. Overriding D^a makes any ODE solver carry the known
    frames with one fixed noise, so the three solvers stay as they are.

    denoise: without a threshold of its own, and its carry without a graph.
    threshold: applied after guidance and before the known frames are put in, so that they stay.
    Source: VDM (Ho 2022) Eq. 7 with alpha = 1 / sigma_in; the paper's App. C.5.
    Differs from the paper: the correction is bounded by the error it corrects. A network's
    gradient, larger still when a prompt guides it, is no covariance: unbounded it was measured at
    forty times the error, which ends in noise.
    """
    def estimate(x: Tensor, sigma: Tensor, carry):
        if known.weight == 0 or not known.mask.any():
            return denoise(x, sigma, carry)
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            denoised, carry = denoise(x, sigma, carry)
            error = known.error(denoised)
            gradient, = torch.autograd.grad(error.sum(), x)
        correction = known.weight / (2 * sigma_in) * gradient
        return denoised.detach() - known.bounded(correction, error.detach()), carry

    def wrapped(x: Tensor, sigma: Tensor, carry):
        denoised, carry = estimate(x, sigma, carry)
        if threshold is not None:
            denoised = threshold(denoised, sigma)
        return known.put_into(denoised), carry

    return wrapped
