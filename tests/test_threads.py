"""The same request makes the same bits, however many threads its worker computes with.

So a clip need not say how many there were: `--workers 2` halves them, and a job may go on in
another worker.
"""

import numpy as np
import pytest
import torch

from engine import precision
from engine.cascade import Cascade, Prompts
from engine.extension.run import base_settings
from engine.generate import _cascade, generate
from engine.request import GenerationRequest
from engine.stage import SampleSettings
from engine.video import to_frames
from tests.extension.test_run import Letters, stage

REQUEST = GenerationRequest("a dog walking to the left", seed=7, drafts=2, steps=2, upscale=True,
                            upscale_steps=1)


@pytest.fixture(autouse=True)
def as_many_threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_tiny_stages_make_the_same_bits_with_one_thread_and_with_two():
    upsampler = stage(height=24, width=32, n_latents=24, condition_channels=3, known_frames=False,
                      augmented=True)
    cascade, made = Cascade(stage(), upsampler, Letters()), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        prompts = Prompts(["a dog"] * 2, [7, 8], [12.0] * 2)
        drafts = cascade.draft(prompts, base_settings(REQUEST))
        made.append((to_frames(drafts), to_frames(cascade.upscale(
            drafts, prompts, SampleSettings(2, guidance=0.0), 0.1))))
    for one, two in zip(*made, strict=True):
        assert np.array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("instructions", [precision.BF16_INSTRUCTIONS, ()])
def test_the_shipped_model_makes_the_same_bits_with_one_thread_and_with_two(
        monkeypatch, instructions):
    monkeypatch.setattr(precision, "BF16_INSTRUCTIONS", instructions)
    made = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        _cascade.cache_clear()    # a compiled network keeps its threads
        made.append([clip.frames for clip in generate(REQUEST)])
    assert np.array_equal(*made)
