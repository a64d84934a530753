"""Longer clips of the pretended engine: real plans, windows that only pretend.

An upscale repeats every pixel eight times.

A frame is a colour with a bar that moves right and back, the colour that of the first given frame
or the seed's. What a prompt says goes wrong from where it is shown: "bright", "die" (in the second
window), "fail".
"""

import os
import signal
import time
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import Cancelled, ModelError
from engine.extension.plan import plan
from engine.extension.request import layout_of
from engine.progress import StepEvent, WindowEvent
from tests.snapui.stand_in_steps import done_steps, write_done

T, HEIGHT, WIDTH = 16, 36, 64


@dataclass(frozen=True)
class StandInLongClip:
    plan: object
    draft_frames: np.ndarray
    frames: np.ndarray
    fps: float


@dataclass(frozen=True)
class StandInExtended:
    request: object
    clip: StandInLongClip
    text_notes: tuple[str, ...] = ("A stand-in made it.",)
    model_hash: str = "stand-in"
    backend: str = "stand-in"

    @property
    def frames(self):
        return self.clip.frames


def nearest(pixels):
    """Return pixels (..., h, w, 3) at the stand-in's size."""
    rows, columns = pixels.shape[-3:-1]
    return pixels[..., np.arange(HEIGHT)[:, None] * rows // HEIGHT,
                  np.arange(WIDTH) * columns // WIDTH, :]


def frame(colour, number, prompt):
    shown = np.broadcast_to(colour, (HEIGHT, WIDTH, 3)).astype(int)
    number %= 2 * T
    # Back again without a jump, and no two frames the same, which the loop's format would merge.
    left = number * WIDTH // T if number < T else (2 * T - number) * WIDTH // T - 2
    shown[HEIGHT // 3:2 * HEIGHT // 3, left:left + WIDTH // 5] = (250, 220, 120)
    return np.minimum(shown + 60, 255) if "bright" in prompt else shown


def shown_at(timeline, seconds):
    """Return what has the largest share of a moment; of two equal shares, the later."""
    shares = timeline.weights([seconds])
    return max(reversed(shares), key=shares.get)


def extend(step_seconds, request, material, hooks, work_folder):
    """Make the windows of the real plan, one frame like the other."""
    clip = request.clip
    if "fail" in clip.prompt:
        raise ModelError("The model folder is incomplete: model.safetensors is missing.")
    planned = plan(layout_of(request, material.given, T), T if clip.upscale else None)
    hooks["on_plan"](planned)
    frames = np.zeros((planned.layout.frames, HEIGHT, WIDTH, 3), np.uint8)
    for places, pixels in material.placed(len(frames), step=request.in_between):
        frames[places] = nearest(pixels)
    given = material.video if material.video is not None else material.start
    colour = np.array([60 + 40 * (clip.seed % 4), 120, 200 - 30 * (clip.seed % 5)])
    if given is not None:
        colour = frames[0, 0, 0]
    for number, window in enumerate(planned.base):
        places = [(window.start + i) * window.stride % len(frames) for i in window.new]
        prompts = [shown_at(request.timeline, place / clip.fps) for place in places]
        take_steps(step_seconds, clip, hooks, work_folder, number, prompts)
        for place, prompt in zip(places, prompts, strict=True):
            frames[place] = frame(colour, place, prompt)
        grown = frames[:max(places) + 1:window.stride].copy()
        hooks["on_window"](WindowEvent("base", number + 1, len(planned.base), 0.0, window.fps,
                                       lambda grown=grown: grown))
        if number + 1 < len(planned.base) and hooks["should_keep"]():
            return StandInExtended(replace(clip, fps=window.fps),
                                   StandInLongClip(planned, grown, grown, window.fps))
    large = enlarged(step_seconds, clip, hooks, planned, frames) if clip.upscale else frames
    return StandInExtended(clip, StandInLongClip(planned, frames, large, clip.fps))


def enlarged(step_seconds, clip, hooks, planned, frames):
    """Pretend the windows of the upsampler."""
    large = frames.repeat(8, axis=1).repeat(8, axis=2)
    windows = planned.upsampler
    for number, window in enumerate(windows):
        for step in range(1, clip.upscale_steps + 1):
            if hooks["should_stop"]():
                raise Cancelled("stopped")
            time.sleep(step_seconds)
            hooks["on_step"](StepEvent("upsampler", step, clip.upscale_steps,
                                       (clip.upscale_steps - step) * step_seconds, lambda: None))
        hooks["on_window"](WindowEvent("upsampler", number + 1, len(windows), 0.0, window.fps,
                                       lambda: large))
    return large


def take_steps(step_seconds, clip, hooks, work_folder, number, prompts):
    """Take one window's steps, but for those an earlier run has taken."""
    before = number * clip.steps
    for step in range(1, clip.steps + 1):
        if before + step <= done_steps(work_folder, "base"):
            continue
        if hooks["should_stop"]():
            raise Cancelled("stopped")
        time.sleep(step_seconds)
        if any("die" in prompt for prompt in prompts) and number == 1 and step == 1:
            write_done(work_folder, "base", before + step)
            os.kill(os.getpid(), signal.SIGKILL)
        write_done(work_folder, "base", before + step)
        hooks["on_step"](StepEvent("base", step, clip.steps,
                                   (clip.steps - step) * step_seconds, lambda: None))
