"""Every coefficient of the scaled EDM process, in one place (paper Table 1, PAPER.md 3).

D = c_skip x_s + c_out F(c_in x_s, c_noise). With sigma_in = 1 this is EDM up to the sign of F;
with sigma_data = 1 the target of F is v-prediction.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Preconditioning:
    """Coefficients as functions of sigma. sigma_in: clip dimming; sigma_data: clip deviation.

    Differs from the paper: c_out is negative, as its main text has it; Eqs. 41-42 misprint it.
    """

    sigma_in: float
    sigma_data: float = 1.0

    def c_in(self, sigma: Tensor) -> Tensor:
        """Scale of the network's input, so that its variance is one."""
        return (self.sigma_data**2 / self.sigma_in**2 + sigma**2).rsqrt()

    def c_skip(self, sigma: Tensor) -> Tensor:
        """Weight of the noisy clip in the denoised one."""
        return self.sigma_in * self.sigma_data**2 / self._mixture(sigma)

    def c_out(self, sigma: Tensor) -> Tensor:
        """Weight of the network's output in the denoised clip."""
        spread = (sigma**2 + self.sigma_data**2).sqrt()
        return -self.sigma_in * sigma * self.sigma_data * spread / self._mixture(sigma)

    def c_noise(self, sigma: Tensor) -> Tensor:
        """What the network is told of sigma."""
        return sigma.log() / 4

    def c_nrm(self, sigma: Tensor) -> Tensor:
        """Scale that gives the target of F unit variance."""
        return (sigma**2 + self.sigma_data**2).rsqrt() / self.sigma_data

    def target(self, clip: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """Return c_nrm * F_tgt, F_tgt = sigma_data^2 eps - sigma x. sigma broadcasts."""
        return self.c_nrm(sigma) * (self.sigma_data**2 * noise - sigma * clip)

    def loss_weight_denoised(self, sigma: Tensor) -> Tensor:
        """lambda: weight of |D - x|^2."""
        return 1 / self.sigma_data**2 + 1 / sigma**2

    def loss_weight_output(self, sigma: Tensor) -> Tensor:
        """w = lambda c_out^2: weight of |F - c_nrm F_tgt|^2; from 1 at high noise to sigma_in^2."""
        data = self.sigma_data**2
        return (sigma**2 + data) ** 2 / (sigma**2 + data / self.sigma_in) ** 2

    def _mixture(self, sigma: Tensor) -> Tensor:
        return self.sigma_in * sigma**2 + self.sigma_data**2
