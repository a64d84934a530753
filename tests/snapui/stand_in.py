"""A worker with an engine that only pretends, so the journal can be tested without a model.

Run as `python -m tests.snapui.stand_in` with the flags of snapui.worker. A frame is the seed's
colour with a bar that moves right; the prompt says what goes wrong: "fail", "die", "dienow".
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.errors import Cancelled, ModelError
from engine.media import request_metadata, write_clip
from engine.progress import StepEvent
from snapui.errand import Engine
from snapui.worker import main
from tests.snapui.stand_in_longer import extend, nearest
from tests.snapui.stand_in_steps import done_steps, write_done

STEP_SECONDS = float(os.environ.get("STAND_IN_STEP_SECONDS", "0.02"))


@dataclass(frozen=True)
class StandInClip:
    request: object
    frames: np.ndarray
    draft_frames: np.ndarray
    notes: tuple[str, ...] = ()
    model_hash: str = "stand-in"
    backend: str = "stand-in"


def moving_bar(seed: int, height: int, width: int, clearness: float = 1.0) -> np.ndarray:
    """Return uint8 (16, h, w, 3) of a bar over a colour, noisier the less clear it is."""
    noise = np.random.default_rng(seed).integers(0, 256, (16, height, width, 3))
    colour = np.array([60 + 40 * (seed % 4), 120, 200 - 30 * (seed % 5)])
    clip = np.broadcast_to(colour, (16, height, width, 3)).copy()
    for t in range(16):
        left = t * width // 16
        clip[t, height // 3: 2 * height // 3, left: left + width // 5] = (250, 220, 120)
    return (clearness * clip + (1 - clearness) * noise).astype(np.uint8)


def generate(request, *, start, on_step=None, should_stop=None):
    """Take as many steps as asked, asking before each whether to stop."""
    draft_frames, work_folder = start.get("draft_frames"), start.get("work_folder")
    if "fail" in request.prompt:
        raise ModelError("The model folder is incomplete: model.safetensors is missing.")
    stages = [("base", request.steps, 36, 64)] if draft_frames is None else []
    if request.upscale:
        stages.append(("upsampler", request.upscale_steps, 288, 512))
    for stage, steps, height, width in stages:
        for step in range(done_steps(work_folder, stage) + 1, steps + 1):
            if should_stop and should_stop():
                raise Cancelled("stopped")
            time.sleep(STEP_SECONDS)
            if "die" in request.prompt and step == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            write_done(work_folder, stage, step)
            preview = lambda: np.stack([  # noqa: E731
                moving_bar(seed, height, width, step / steps)  # noqa: B023
                for seed in request.draft_seeds])
            if on_step and on_step(StepEvent(stage, step, steps, (steps - step) * STEP_SECONDS,
                                             preview)):
                break
    size = (288, 512) if request.upscale else (36, 64)
    clips = [StandInClip(request.single(seed), moving_bar(seed, *size), moving_bar(seed, 36, 64))
             for seed in request.draft_seeds]
    if start.get("picture") is not None and not request.upscale:
        for clip in clips:
            clip.frames[0] = nearest(start["picture"])
    return clips


def write(path, clip, about):
    """Write a clip as the worker does."""
    metadata = {} if about is None else request_metadata(
        clip.request, {"model_hash": clip.model_hash} | about)
    write_clip(path, clip.frames, clip.request.fps, metadata)


def load(*_):
    return Engine(generate, write, partial(extend, STEP_SECONDS))


if __name__ == "__main__":
    sys.exit(main(load=load))
