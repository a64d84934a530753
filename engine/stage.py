"""One trained resolution: network, noise process and sampler; the only place the three meet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine import checkpoint
from engine.backends import OPENVINO, PYTORCH, is_compiled
from engine.compiled import CompiledNetwork, Quantizer
from engine.diffusion import Anchor, anchored, broadcast
from engine.errors import Cancelled, ModelError
from engine.model import FIT, Carry, Conditions, FITConfig, Part, known_channels
from engine.precision import has_fast_bfloat16, short
from engine.progress import ShouldStop
from engine.sampling import (
    SOLVERS,
    Denoise,
    KnownFrames,
    OnState,
    SamplerState,
    constant_weights,
    guided,
    guided_above,
    oscillating_weights,
    overstated,
    sample,
    threshold_above,
    thresholded,
    with_known_frames,
)
from engine.stage_config import StageConfig

# Of a network that is not shown its known frames: replaced alone, they leave the others up to
# a fifth further off (assets/storybook/TRIALS.md).
UNSEEN_WEIGHT = 2.0


@dataclass(frozen=True)
class SampleSettings:
    """How a stage is sampled. guidance: w of D_u + (1 + w)(D_c - D_u); 0 runs one branch."""

    steps: int = 24
    guidance: float = 1.5
    sampler: str = "dpmpp_2m"
    oscillating: bool = False
    threshold: bool = True


@dataclass(frozen=True)
class Given:
    """Pixels a run starts from besides noise.

    low: the upsampler's low-resolution clips at its size, (b, c, t, h, w).
    known: frames that are given, which come out exact.
    """

    low: Tensor | None = None
    known: KnownFrames | None = None


@dataclass(frozen=True)
class Watch:
    """What a run tells and asks the outside: every new state, and whether it should stop.

    resume: the state an earlier run of the same work had reached, to go on from.
    """

    on_state: OnState | None = None
    should_stop: ShouldStop | None = None
    resume: SamplerState | None = None


class Stage:
    """A network that denoises clips of one size.

    is_short: compute in bfloat16 where that is fast (precision.py). is_compiled: evaluate by
    OpenVINO wherever no gradient is wanted, on the CPU alone. quantizer: what then makes its
    products whole numbers (quantized.py).
    """

    def __init__(self, config: StageConfig, network: FIT | None = None, *, is_short: bool = False,
                 is_compiled: bool = False, quantizer: Quantizer | None = None):
        self.config = config
        self.is_short, self.is_quantized = is_short, quantizer is not None
        self.preconditioning = config.preconditioning
        self.network = network if network is not None else FIT(config.network)
        self.compiled = CompiledNetwork(
            self.network, is_short=is_short and has_fast_bfloat16(self.device),
            quantizer=quantizer) if is_compiled else None

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """(c, t, h, w) of the clips this stage makes."""
        net = self.config.network
        return net.channels, net.frames, net.height, net.width

    @property
    def backend(self) -> str:
        """What computes, and in which numbers: the same backend gives the same bits."""
        is_short = self.is_short and has_fast_bfloat16(self.device)
        maker = PYTORCH if self.compiled is None else OPENVINO
        numbers = ("int8 " if self.is_quantized else "") + ("bfloat16" if is_short else "float32")
        return f"{maker} {self.device.type} {numbers}"

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.network.latents.device

    def known_weight(self, asked: float | None) -> float:
        """Return how strongly known frames steer the others: as asked, else as suits the network.

        One that is shown its known frames needs no more than that, which is weight 0.
        """
        if asked is not None:
            return asked
        return 0.0 if self.config.network.known_frames else UNSEEN_WEIGHT

    def relative_cost(self, settings: SampleSettings) -> float:
        """Return what an evaluation of a run costs on average, of its first, the most noisy."""
        if settings.guidance == 0:
            return 1.0
        levels = self.config.levels(settings.steps)[:-1]
        return (1 + (levels >= self.config.guidance_above).double().mean().item()) / 2

    def output(self, noisy: Tensor, sigma: Tensor, conditions: Conditions,
               beside: Tensor | None = None, carry: Carry | None = None,
               part: Part | None = None) -> tuple[Tensor, Tensor]:
        """Evaluate F and the latents, of the detail alone where there is an anchor.

        noisy: (b, c, t, h, w), x / sigma_in + sigma eps. sigma: (b,). beside: what the network
        sees beside it, (b, k, t, h, w), not scaled by c_in: the upsampler's low-resolution clip
        at this size, or the known frames of a network that takes them; none if none are known.
        """
        scaled = broadcast(self.preconditioning.c_in(sigma), noisy) * noisy
        if beside is None and self.config.network.known_frames:
            beside = known_channels(torch.zeros_like(noisy), noisy.new_zeros(noisy.shape[2]))
        if beside is not None:
            scaled = torch.cat((scaled, beside), dim=1)
        if self.compiled is not None and part is None and not torch.is_grad_enabled():
            return self.compiled(scaled, self.preconditioning.c_noise(sigma), conditions, carry)
        with short(self.device, self.is_short):
            output, latents = self.network(
                scaled, self.preconditioning.c_noise(sigma), conditions, carry, part)
        return output.float(), latents.float()

    def denoise(self, noisy: Tensor, sigma: Tensor, conditions: Conditions,
                beside: Tensor | None = None, carry: Carry | None = None) -> tuple[Tensor, Tensor]:
        """Estimate the clean clip, D = c_skip x_s + c_out F. Returns: D and the latents."""
        pre, anchor = self.preconditioning, self.anchor(beside, conditions)
        if anchor is not None:
            noisy, sigma = anchor.noisy_detail(noisy, sigma, pre.sigma_in)
        output, latents = self.output(noisy, sigma, conditions, beside, carry)
        denoised = (broadcast(pre.c_skip(sigma), noisy) * noisy
                    + broadcast(pre.c_out(sigma), noisy) * output)
        return denoised if anchor is None else anchor.clip(denoised), latents

    def anchor(self, beside: Tensor | None, conditions: Conditions) -> Anchor | None:
        """Return what the low-resolution clips say of the clean ones; None if all is denoised."""
        if not self.config.detail:
            return None
        return anchored(beside, conditions.augmentation, self.config.detail)

    def denoiser(self, conditions: Conditions, beside: Tensor | None = None,
                 should_stop: ShouldStop | None = None, branches: int = 1) -> Denoise:
        """Return `denoise(x, sigma, carry)` for a sampler. Raises: Cancelled when asked to.

        branches: how many rows each clip has, far apart; 2 when guided. A CPU takes one clip at a
        time, which is as fast as many: so a clip's bits never depend on its company.
        """
        def some(x: Tensor, sigma: Tensor, latents: Tensor | None, rows: slice):
            if should_stop is not None and should_stop():
                raise Cancelled("Stopped.")
            x = x[rows]
            carry = None if latents is None else Carry(
                latents[rows], torch.ones(len(x), dtype=torch.bool, device=x.device))
            return self.denoise(x, sigma.to(x).expand(len(x)),
                                conditions.map(lambda values: values[rows]),
                                None if beside is None else beside[rows], carry)

        def denoise(x: Tensor, sigma: Tensor, latents: Tensor | None):
            parts = len(x) // branches if x.device.type == "cpu" else 1
            made = (some(x, sigma, latents, slice(part, None, parts)) for part in range(parts))
            denoised, latents = (torch.stack(one, dim=1).flatten(0, 1)
                                 for one in zip(*made, strict=True))
            return denoised, latents.detach()    # guidance differentiates one evaluation only

        return denoise

    @torch.no_grad()
    def sample(self, noise: Tensor, conditions: Conditions, settings: SampleSettings, *,
               negative: Conditions | None = None, given: Given | None = None,
               watch: Watch | None = None) -> Tensor:
        """Make clips from unit noise (b, c, t, h, w). Returns: clips in data units, same shape.

        negative: conditions of the unconditional branch; dropped text when none are given.
        Raises: Cancelled, within one network evaluation of `watch.should_stop` turning true.
        """
        watch, given = watch or Watch(), given or Given()
        self.network.eval()
        levels = self.config.levels(settings.steps)
        denoise = self._guided(
            conditions, settings, negative, self._beside(given), watch.should_stop)
        threshold = threshold_above(self.config.guidance_above) if settings.threshold else None
        sigma_in = self.preconditioning.sigma_in
        if given.known is not None:
            denoise = with_known_frames(denoise, given.known, sigma_in, threshold)
        elif threshold is not None:
            denoise = thresholded(denoise, threshold)
        start = levels[0].float() * noise.to(self.device)
        if given.low is not None:
            start = start + given.low / sigma_in
        state = watch.resume or SamplerState(start)
        with short(self.device, self.is_short):    # so that weights are rounded once, not each step
            clips = sample(
                denoise, state, levels, sigma_in, SOLVERS[settings.sampler], watch.on_state)
        return clips if given.known is None else given.known.put_into(clips)

    def _beside(self, given: Given) -> Tensor | None:
        """Show known frames to a network that takes them, unless guidance by them is asked for."""
        known = given.known
        if known is None or known.weight > 0 or not self.config.network.known_frames:
            return given.low
        return known_channels(given.known.clip.to(self.device), given.known.mask)

    def _guided(self, conditions: Conditions, settings: SampleSettings,
                negative: Conditions | None, beside: Tensor | None,
                should_stop: ShouldStop | None) -> Denoise:
        """Return the denoiser steered by the prompt, without a threshold."""
        single = overstated(self.denoiser(conditions, beside, should_stop), self.config.overstated,
                            self.config.guidance_above)
        if settings.guidance == 0:
            return single
        pair = Conditions.cat(conditions, negative or conditions.without_text())
        twice = None if beside is None else torch.cat((beside, beside))
        weights = oscillating_weights if settings.oscillating else constant_weights
        per_step = SOLVERS[settings.sampler].evaluations_per_step
        both = guided(self.denoiser(pair, twice, should_stop, branches=2),
                      weights(settings.guidance, settings.steps, per_step))
        return guided_above(self.config.guidance_above, both, single)


def unit_noise(seeds: Sequence[int], shape: tuple[int, ...], stream: int = 0) -> Tensor:
    """Draw one clip's noise a seed on the CPU, (b, *shape); streams of a seed are unrelated."""
    def one(seed: int) -> Tensor:
        # A generator heeds the lower 32 bits alone, to which the higher ones are added here.
        mixed = (seed + (seed >> 32) * 0x85EBCA6B + stream * 0x9E3779B97F4A7C15) % 2**63
        return torch.randn(shape, generator=torch.Generator().manual_seed(mixed))

    return torch.stack([one(seed) for seed in seeds])


def load_stage(folder: Path, device: str = "cpu", backend: str = PYTORCH) -> Stage:
    """Load config and weights of one stage, evaluated by one of BACKENDS.

    int8 is openvino here: what calibrates it needs texts, which cascade.py has.
    Raises: ModelError saying what is wrong.
    """
    path = folder / checkpoint.CONFIG_NAME
    values = checkpoint.read_config(path)
    network = values.get("network")
    if not isinstance(network, dict):
        raise ModelError(f"{path} has no network settings.")
    fit = checkpoint.build_config(FITConfig, network, path)
    config = checkpoint.build_config(StageConfig, {**values, "network": fit}, path)
    compiled = is_compiled(backend, device)
    try:
        stage = Stage(config, is_short=True, is_compiled=compiled)
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise ModelError(f"{path} describes a network that cannot be built here: "
                         f"{str(error).splitlines()[0]}") from error
    checkpoint.load_weights(stage.network, folder / checkpoint.WEIGHTS_NAME)
    with using(device):
        stage.network.to(device).eval()
    return stage


@contextmanager
def using(device: str) -> Iterator[None]:
    """Raise ModelError, in a sentence, for what fails because a device cannot be used here."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0].rstrip(".")
        raise ModelError(f"The device {device!r} cannot be used here: {reason}. "
                         "Try --device cpu.") from error
