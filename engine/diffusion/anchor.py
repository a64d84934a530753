"""What a low-resolution clip already says of the clean one, taken out of the process.

Differs from the paper, whose upsampler learns to pass its low-resolution clip through: of a clip
x = A + d r, with A the enlarged clip and d small, only the unit-size detail r is denoised. In the
noisy clip, (x_s - A / sigma_in) / d = r / sigma_in + (sigma / d) eps, so r follows the same process
at the level sigma / d. A network that knows nothing yet gives A, and its errors count d times as
much as they would in the clip. Super-resolution of pictures does alike (SRDiff, arXiv 2104.14951).
"""

from dataclasses import dataclass

from torch import Tensor

from engine.diffusion.noise import broadcast

CLIP_POWER = 0.5  # about the mean square of pixels in [-1, 1]


@dataclass(frozen=True)
class Anchor:
    """The known part A (b, c, t, h, w) of a clip, and the deviation d (b,) of the rest."""

    known: Tensor
    deviation: Tensor

    def detail(self, clip: Tensor) -> Tensor:
        """Return r of a clip, (b, c, t, h, w)."""
        return (clip - self.known) / broadcast(self.deviation, clip)

    def noisy_detail(self, noisy: Tensor, sigma: Tensor, sigma_in: float) -> tuple[Tensor, Tensor]:
        """Return the noisy r of a noisy clip at sigma (b,), and its own noise level."""
        rest = (noisy - self.known / sigma_in) / broadcast(self.deviation, noisy)
        return rest, sigma / self.deviation

    def clip(self, detail: Tensor) -> Tensor:
        """Return the clip of a detail r; inverse of `detail`."""
        return self.known + broadcast(self.deviation, detail) * detail


def anchored(low: Tensor, level: Tensor, detail: float) -> Anchor:
    """Anchor clips to their enlarged low-resolution clips, corrupted by `vp_corrupt`.

    low: (b, c, t, h, w); level: (b,), of the corruption; detail: deviation of a clip from its clean
    enlarged one. The corrupted clip counts as much as is left of it (Wiener's factor).
    """
    signal = (1 - level**2) * CLIP_POWER
    kept = signal / (signal + level**2)                                       # (b,)
    factor = kept / (1 - level**2).sqrt().clamp(min=1e-6)
    return Anchor(broadcast(factor, low) * low,
                  (detail**2 + (1 - kept) * CLIP_POWER).sqrt())
