"""Make the windows of a plan with a cascade, one after another.

Each finished window is shown and, with a work folder, on disk: stopped work goes on from there, to
the same bits. Only finished frames grow with the clip; a window costs the same anywhere in it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.cascade import (
    BASE,
    DIFFUSION_STREAM,
    STREAMS,
    UPSAMPLER,
    UPSAMPLER_STREAM,
    Cascade,
    Listener,
)
from engine.drift import eased_end
from engine.errors import Cancelled, ModelError
from engine.extension.canvas import Canvas
from engine.extension.material import Material
from engine.extension.plan import Plan, Window, evaluations, plan
from engine.extension.request import ExtensionRequest, layout_of
from engine.model import Conditions
from engine.progress import OnStep, OnWindow, ShouldStop, WindowEvent
from engine.request import GenerationRequest
from engine.sampling import KnownFrames
from engine.saved import OnFound, SavedRuns, SealedFiles
from engine.stage import Given, SampleSettings, Stage, unit_noise
from engine.video import to_clips, to_frames

PREVIEW_FRAMES = 240    # of a clip that grows; a longer one is shown at a lower rate


@dataclass(frozen=True)
class Followers:
    """Who follows a run: callbacks before it, one a step, one a window, and two questions.

    on_cost is told the plan and about how many seconds it takes, for which an evaluation of each
    stage is timed first. on_window is also told of windows that an earlier run finished, and
    on_found, with nothing, whenever anything is gone on with that such a run left.
    should_stop is asked at each evaluation. should_keep is asked at each window: whether to end
    with the clip as it is then.
    """

    on_plan: Callable[[Plan], None] | None = None
    on_cost: Callable[[Plan, float], None] | None = None
    on_step: OnStep | None = None
    on_window: OnWindow | None = None
    on_found: OnFound | None = None
    should_stop: ShouldStop | None = None
    should_keep: ShouldStop | None = None


@dataclass(frozen=True)
class Work:
    """Where finished windows are kept, and a description of all that decides their bits."""

    folder: Path
    description: str


@dataclass(frozen=True)
class LongClip:
    """A finished clip: frames of the base stage and of the last stage, uint8 (t, h, w, 3).

    fps: the request's rate, or the lower one of a clip that was kept as it was.
    """

    plan: Plan
    draft_frames: np.ndarray
    frames: np.ndarray
    fps: float


MakeWindow = Callable[[int, Window, Listener], Tensor]


def base_settings(request: GenerationRequest) -> SampleSettings:
    """Return how a request samples the base stage."""
    return SampleSettings(request.steps, request.guidance, request.sampler, request.oscillating)


def make(cascade: Cascade, request: ExtensionRequest, material: Material | None = None,
         followers: Followers | None = None, work: Work | None = None) -> LongClip:
    """Make a longer clip: the base stage rate by rate, then the upsampler if asked for.

    Raises: Cancelled within one network evaluation; RequestError if what is given does not go
    together; ModelError without the upsampler asked for.
    """
    material = material or Material()
    if request.clip.upscale and cascade.upsampler is None:
        raise ModelError("This model has no upsampler: make the clip without it, or choose a "
                         "model that has one.")
    run = _Run(cascade, request, followers or Followers(), work)
    _, frames, height, width = cascade.base.clip_shape
    layout = layout_of(request, material.given, frames)
    draft = Canvas(layout, height, width)
    draft.give(material.placed(layout.frames, step=request.in_between), crop=run.crop)
    if not request.clip.upscale:
        planned = plan(layout)
        run.tell_plan(planned, draft, None)
        stride = run.fill(BASE, planned.base, draft, run.base_window(draft))
        _close(draft, stride)
        return _long_clip(planned, draft, draft, stride)
    _, frames, height, width = cascade.upsampler.clip_shape
    fine_enough = material.placed(layout.frames, step=request.in_between, least_height=height)
    planned = plan(layout, frames, frozenset(n for places, _ in fine_enough for n in places))
    large = Canvas(replace(layout, rates=layout.rates[-1:]), height, width)    # made at one rate
    large.give(fine_enough, crop=run.crop)
    run.tell_plan(planned, draft, large)
    stride = run.fill(BASE, planned.base, draft, run.base_window(draft))
    _close(draft, stride)
    if stride:
        return _long_clip(planned, draft, draft, stride)
    stride = run.fill(UPSAMPLER, planned.upsampler, large, run.upsampler_window(draft, large))
    _close(large, stride)
    return _long_clip(planned, draft, large, stride)


def _close(canvas: Canvas, stride: int | None) -> None:
    """Ease the closing of a loop that is whole: the network's own jumps 1.3 to 1.5 times as far as
    its frames change (assets/storybook/TRIALS.md).
    """
    if canvas.layout.is_loop and stride is None:
        canvas.frames[-1] = eased_end(canvas.frames)


def _long_clip(planned: Plan, draft: Canvas, last: Canvas, stride: int | None) -> LongClip:
    """Return the clip; only what there is of it if it was kept at a rate, told by its stride."""
    fps = planned.layout.rates[-1]
    if stride is None:
        return LongClip(planned, draft.frames, last.frames, fps)
    frames = last.grown(stride)
    if stride == last.layout.coarsest:    # beyond a gap lies what was given, such as an end picture
        frames = frames[:last.begun(stride)]
    return LongClip(planned, draft.grown(stride)[:len(frames)], frames, fps / stride)


@dataclass(frozen=True)
class _Run:
    """One run's tools, and how it makes a window of each stage."""

    cascade: Cascade
    request: ExtensionRequest
    followers: Followers
    work: Work | None

    @property
    def crop(self) -> bool:
        """Whether given pictures lose their edges."""
        return self.request.fit == "crop"

    def fill(self, stage: str, windows: Sequence[Window], canvas: Canvas,
             make_window: MakeWindow) -> int | None:
        """Make the windows of a stage that an earlier run has not finished.

        Returns: None, or the stride of the last window if the clip is to be kept before its end.
        """
        # Windows of another plan are other work: a newer program may lay out the same request anew.
        work = None if self.work is None else replace(
            self.work, description=f"{self.work.description}\n{windows}")
        finished = None if work is None else SealedFiles(
            work.folder, work.description, self.followers.on_found)
        started, made = time.monotonic(), 0
        for number, window in enumerate(windows):
            name = f"{stage}-{number:04d}.frames"
            shape = (len(window.new), *canvas.frames.shape[1:])
            found = None if finished is None else finished.read(name)
            if found is not None:
                canvas.put(window, np.frombuffer(found, np.uint8).reshape(shape))
                self._tell(stage, number, windows, canvas, 0.0)
                continue
            clip = self._listened(work, name, lambda listener, number=number, window=window:
                                  make_window(number, window, listener))
            new = to_frames(clip)[0][list(window.new)]
            canvas.put(window, new)
            if finished is not None:
                finished.write(name, new.tobytes())
            made += 1
            self._tell(stage, number, windows, canvas, (time.monotonic() - started) / made)
            if number + 1 < len(windows) and self._is_kept():
                return window.stride
        return None

    def tell_plan(self, planned: Plan, draft: Canvas, large: Canvas | None) -> None:
        """Tell what is going to be made. large: of the upsampler if there is a part for it."""
        if self.followers.on_plan is not None:
            self.followers.on_plan(planned)
        if self.followers.on_cost is not None:
            self.followers.on_cost(planned, self._seconds(planned, draft, large))

    def _seconds(self, planned: Plan, draft: Canvas, large: Canvas | None) -> float:
        """Return how long the windows of a plan take, by the second evaluation of each stage: the
        first one compiles its network.
        """
        clip = self.request.clip
        once = replace(self, request=replace(self.request, clip=replace(
            clip, steps=1, upscale_steps=1, sampler="euler")))
        parts = [(planned.base, once.base_window(draft),
                  evaluations(len(planned.base), clip.steps, clip.sampler)
                  * self.cascade.base.relative_cost(base_settings(clip)))]
        if large is not None:
            parts.append((planned.upsampler, once.upsampler_window(draft, large),
                          len(planned.upsampler) * clip.upscale_steps))
        seconds = 0.0
        for windows, make_window, count in parts:
            if windows:
                # The last one: it has known frames, and steering by them takes its time.
                evaluate = partial(make_window, 0, windows[-1],
                                   Listener(should_stop=self.followers.should_stop))
                evaluate()
                started = time.monotonic()
                evaluate()
                seconds += count * (time.monotonic() - started)
        return seconds

    def _is_kept(self) -> bool:
        return self.followers.should_keep is not None and self.followers.should_keep()

    def base_window(self, canvas: Canvas) -> MakeWindow:
        """Return what makes a window of the base stage, steered by the frames there are."""
        clip, stage = self.request.clip, self.cascade.base
        settings = base_settings(clip)

        def made(number: int, window: Window, listener: Listener) -> Tensor:
            noise = unit_noise([clip.seed], stage.clip_shape, number * STREAMS + DIFFUSION_STREAM)
            negative = None
            if clip.negative_prompt.strip():
                negative = self.cascade.conditions([clip.negative_prompt], [window.fps])
            known = _known(canvas, window, stage, stage.known_weight(self.request.known_weight))
            return stage.sample(noise, self._conditions(window), settings, negative=negative,
                                given=Given(known=known),
                                watch=listener.watch(BASE, settings.steps, "window"))

        return made

    def upsampler_window(self, draft: Canvas, canvas: Canvas) -> MakeWindow:
        """Return what makes a window of the upsampler, the overlap replaced by what is there.

        Without guidance by the known frames, whose gradient would triple the cost: the draft
        already ties each frame to its neighbours.
        """
        clip, stage = self.request.clip, self.cascade.upsampler
        settings = SampleSettings(clip.upscale_steps, guidance=0.0)

        def made(number: int, window: Window, listener: Listener) -> Tensor:
            first = number * STREAMS
            noise = unit_noise([clip.seed], stage.clip_shape, first + UPSAMPLER_STREAM)
            low = self.cascade.corrupted(
                to_clips([draft.of(window, stage.clip_shape[1])]), [clip.seed],
                clip.upscale_noise, first)
            conditions = self._conditions(window).corrupted_by(clip.upscale_noise)
            known = _known(canvas, window, stage, weight=0.0)
            return stage.sample(noise, conditions, settings, given=Given(low, known),
                                watch=listener.watch(UPSAMPLER, settings.steps, "window"))

        return made

    def _conditions(self, window: Window) -> Conditions:
        """Return what the network is told of a window: the texts in the share of its new frames."""
        times = [(window.start + i) / window.fps for i in window.new]
        weights = self.request.timeline.weights(times)
        rows = self.cascade.conditions(list(weights), [window.fps] * len(weights))
        share = torch.tensor(list(weights.values()), device=rows.text_tokens.device)[:, None]
        return replace(
            rows.map(lambda values: values[:1]),
            text_tokens=(share[..., None] * rows.text_tokens).sum(0, keepdim=True),  # (1, l, k)
            # A token that most of the mixture lacks would be noise: the network normalises it.
            text_mask=(share * rows.text_mask).sum(0, keepdim=True) >= 0.5)          # (1, l)

    def _listened(self, work: Work | None, name: str,
                  make_clip: Callable[[Listener], Tensor]) -> Tensor:
        """Make a clip while its sampler's states are kept, in one file for all windows."""
        saved = None if work is None else SavedRuns(
            work.folder, f"{work.description}\n{name}", self.cascade.base.device,
            self.followers.on_found)
        try:
            return make_clip(Listener(self.followers.on_step, self.followers.should_stop, saved))
        except Cancelled:
            if saved is not None:
                saved.flush()
            raise

    def _tell(self, stage: str, number: int, windows: Sequence[Window], canvas: Canvas,
              seconds_a_window: float) -> None:
        if self.followers.on_window is None:
            return
        window = windows[number]
        # A minute in full would cost more to show than to make.
        apart = -(-len(canvas.frames) // (window.stride * PREVIEW_FRAMES))
        self.followers.on_window(WindowEvent(
            stage, number + 1, len(windows), seconds_a_window * (len(windows) - number - 1),
            window.fps / apart, lambda: canvas.grown(window.stride * apart)))


def _known(canvas: Canvas, window: Window, stage: Stage, weight: float) -> KnownFrames:
    """Return the frames of a window that are there."""
    frames = stage.clip_shape[1]
    mask = torch.zeros(frames, dtype=torch.bool)
    mask[list(window.known)] = True
    return KnownFrames(to_clips([canvas.of(window, frames)]).to(stage.device),
                       mask.to(stage.device), weight)
