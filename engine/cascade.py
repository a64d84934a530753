"""Base stage -> corrupted low-resolution condition -> upsampler (paper Sec. 3.4)."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.backends import PYTORCH, is_quantized
from engine.diffusion import vp_corrupt
from engine.errors import ModelError
from engine.model import Conditions
from engine.progress import OnStep, ShouldStop, StepEvent
from engine.quantized import quantized
from engine.sampling import KnownFrames, OnState, SamplerState
from engine.saved import SavedRuns
from engine.stage import Given, SampleSettings, Stage, Watch, load_stage, unit_noise
from engine.text import TextEncoder
from engine.video import to_clips, to_frames, upscale

BASE, UPSAMPLER = "base", "upsampler"
# Streams of a seed's noise, so many for each run.
DIFFUSION_STREAM, UPSAMPLER_STREAM, CORRUPTION_STREAM = 0, 1, 2
STREAMS = 3
# What the shipped model's training clips came from; a finer source means a sharper clip.
SOURCE_RESOLUTION = (288, 512)
# What a base is shown making before its products become whole numbers, and at which rates.
CALIBRATION = {"a dog walking to the left in the meadow": 12.0,
               "a red heart beating on a yellow background": 12.0,
               "a rocket flying up in space": 24.0,
               "a blue fish swimming to the right in the sea": 6.0}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prompts:
    """What a batch of clips shows: one text, seed and frame rate a clip.

    negative: texts that take the unconditional branch's place; none for dropped text.
    """

    texts: Sequence[str]
    seeds: Sequence[int]
    fps: Sequence[float]
    negative: Sequence[str] | None = None


@dataclass(frozen=True)
class Listener:
    """Who follows a generation: a callback a step, and a question before each evaluation.

    saved: where states are written between steps and found again.
    """

    on_step: OnStep | None = None
    should_stop: ShouldStop | None = None
    saved: SavedRuns | None = None

    def watch(self, stage: str, steps: int, run: str) -> Watch:
        """Return the watch of one run, of this name, of a stage."""
        resume = None if self.saved is None else self.saved.find(run)
        report = self._reporter(stage, steps, 0 if resume is None else resume.step)

        def on_state(state: SamplerState) -> bool | None:
            if self.saved is not None:
                self.saved.keep(run, state, is_last=state.step == steps)
            return report(state)

        return Watch(on_state, self.should_stop, resume)

    def _reporter(self, stage: str, steps: int, first: int) -> OnState:
        started = time.monotonic()

        def report(state: SamplerState) -> bool | None:
            if self.on_step is None:
                return None
            seconds_a_step = (time.monotonic() - started) / (state.step - first)
            return self.on_step(StepEvent(
                stage, state.step, steps, seconds_a_step * (steps - state.step),
                lambda: to_frames(state.denoised)))

        return report


def _check_reads(stage: Stage, folder: Path, encoder: TextEncoder, remedy: str) -> None:
    """Raise ModelError if a stage reads other text tokens than the encoder gives."""
    width = stage.config.network.text_width
    if encoder.width != width:
        raise ModelError(f"{folder} was trained with text tokens of width {width}; the encoder "
                         f"{encoder.name} gives {encoder.width}. {remedy}")


class Cascade:
    """The two stages and the text encoder they share."""

    def __init__(self, base: Stage, upsampler: Stage | None, encoder: TextEncoder):
        self.base, self.upsampler, self.encoder = base, upsampler, encoder

    @classmethod
    def load(cls, base: Path, upsampler: Path | None, device: str = "cpu",
             backend: str = PYTORCH) -> "Cascade":
        """Load the stages of a model. Raises: ModelError saying what is wrong."""
        stage = load_stage(base, device, backend)
        encoder = TextEncoder(stage.config.text_encoder, stage.config.text_length, device)
        large = None if upsampler is None else load_stage(upsampler, device, backend)
        _check_reads(stage, base, encoder, "Name the right encoder in its config.")
        if large is not None:
            _check_reads(large, upsampler, encoder, "Both stages read the base's text: choose an "
                                                    "upsampler that was trained with its encoder.")
            if not large.config.network.condition_channels:
                raise ModelError(f"{upsampler} holds no upsampler but a base stage: put an "
                                 "upsampler there, or take the folder away to make drafts.")
        made = cls(stage, large, encoder)
        return made.quantized() if is_quantized(backend) else made

    def quantized(self) -> "Cascade":
        """Return the same with a compiled base that computes in int8.

        The upsampler keeps its floats: clips to calibrate it on would take minutes.
        """
        if self.upsampler is not None:
            log.warning("The backend int8 is for drafts: upscaling computes with floats.")
        told = self.conditions(list(CALIBRATION), list(CALIBRATION.values()))
        return Cascade(quantized(self.base, told), self.upsampler, self.encoder)

    @property
    def backend(self) -> str:
        """What computes, and in which numbers."""
        return self.base.backend

    def draft(self, prompts: Prompts, settings: SampleSettings,
              listener: Listener | None = None,
              first_frame: np.ndarray | None = None) -> Tensor:
        """Make small clips, (b, 3, t, 36, 64) in [-1, 1].

        first_frame: uint8 (36, 64, 3) that all of them begin with.
        Raises: Cancelled, within one network evaluation of the listener's wish.
        """
        noise = unit_noise(prompts.seeds, self.base.clip_shape, DIFFUSION_STREAM)
        negative = None
        if prompts.negative is not None:
            negative = self.conditions(prompts.negative, prompts.fps)
        watch = (listener or Listener()).watch(BASE, settings.steps, BASE)
        return self.base.sample(noise, self.conditions(prompts.texts, prompts.fps), settings,
                                negative=negative, watch=watch,
                                given=Given(known=self._begun(first_frame, len(noise))))

    def _begun(self, first_frame: np.ndarray | None, count: int) -> KnownFrames | None:
        """Return clips of which only the first frame is known, steered by it as suits the base."""
        if first_frame is None:
            return None
        frames = self.base.clip_shape[1]
        clips = to_clips([np.repeat(first_frame[None], frames, axis=0)] * count)  # (b, c, t, h, w)
        return KnownFrames(clips.to(self.base.device),
                           torch.arange(frames, device=self.base.device) == 0,
                           self.base.known_weight(None))

    def upscale(self, drafts: Tensor, prompts: Prompts, settings: SampleSettings,
                noise_level: float, listener: Listener | None = None) -> Tensor:
        """Make large clips of drafts (b, 3, t, 36, 64). Returns: (b, 3, t, 288, 512).

        noise_level: of the corruption of the low-resolution input, 0 to 1. Drafts are rounded to
        8 bits first, so that a draft from a file gives the same large clip.
        """
        if self.upsampler is None:
            raise ModelError("This model has no upsampler: it makes drafts only. "
                             "Choose a model that has one.")
        low = self.corrupted(drafts, prompts.seeds, noise_level)
        conditions = self.conditions(prompts.texts, prompts.fps).corrupted_by(noise_level)
        noise = unit_noise(prompts.seeds, self.upsampler.clip_shape, UPSAMPLER_STREAM)
        watch = (listener or Listener()).watch(
            UPSAMPLER, settings.steps, "-".join([UPSAMPLER, *map(str, prompts.seeds)]))
        return self.upsampler.sample(noise, conditions, settings, given=Given(low), watch=watch)

    def corrupted(self, drafts: Tensor, seeds: Sequence[int], noise_level: float,
                  first_stream: int = 0) -> Tensor:
        """Return the upsampler's low-resolution condition of drafts, (b, 3, t, 288, 512).

        first_stream: added to the noise's stream, for runs of one seed that differ.
        """
        _, _, height, width = self.upsampler.clip_shape
        low = upscale(to_clips(list(to_frames(drafts))), height, width)
        noise = unit_noise(seeds, low.shape[1:], first_stream + CORRUPTION_STREAM)
        low = vp_corrupt(low, torch.full((len(low),), noise_level), noise)
        return low.to(self.upsampler.device)

    def conditions(self, texts: Sequence[str], fps: Sequence[float]) -> Conditions:
        """Return what both networks are told of clips of these texts and rates."""
        encoded = self.encoder.encode(texts)
        device = encoded.tokens.device
        return Conditions(
            encoded.tokens, encoded.mask,
            torch.ones(len(texts), dtype=torch.bool, device=device),
            torch.tensor(fps, dtype=torch.float32, device=device),
            torch.tensor([SOURCE_RESOLUTION] * len(texts), dtype=torch.float32, device=device))
