"""The benchmark of long clips, with a tiny model: what it measures and what it says of it."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import long
from benchmarks.__main__ import parser
from benchmarks.long import CLIP, Made, measure, report
from engine.errors import RequestError
from engine.extension.plan import plan
from engine.extension.request import ExtensionRequest, GivenFrames, layout_of
from tests.extension.test_run import Letters, stage


def test_cost_and_memory_are_compared_from_the_shortest_to_the_longest():
    told = report([Made(4, 6, 20.0, 0.5, "w"), Made(8, 11, 40.0, 0.5, "w"),
                   Made(16, 21, 88.0, 0.6, "w")])
    values = {row.what: row.value for row in told.rows}
    assert values["4 s, 6 windows"] == 20 and values["16 s, peak memory"] == 0.6
    assert values["a second of the longest against the shortest"] == pytest.approx(1.1)
    assert values["memory of the longest against the shortest"] == pytest.approx(1.2)
    assert parser().parse_args(["long"]).seconds == (4, 8, 16, 32)


def test_a_clip_that_is_made_large_counts_the_windows_of_both_stages(monkeypatch):
    stages = {"base": stage(), "upsampler": stage(
        height=24, width=32, n_latents=24, condition_channels=3, known_frames=False,
        augmented=True)}
    monkeypatch.setattr(long, "stage", lambda model, name, *_, **__: (stages[name], name))
    monkeypatch.setattr(long, "TextEncoder", lambda *_: Letters())
    monkeypatch.setattr(long, "CLIP", replace(CLIP, steps=1, upscale_steps=1))
    small, large = (long.clip_of(Path(), "", 0.5, upscale) for upscale in (False, True))
    # Four frames a window, of which the upsampler's share two.
    assert (small.windows, large.windows) == (3, 3 + 2)
    told = report([large, large], is_upscaled=True)
    assert told.name == "long_upscaled" and told.notes[-1].endswith("made large in 1 steps")
    assert report([small, small]).name == "long"
    options = Namespace(model=Path(), preset="tiny", seconds=[1.0], upscale=True)
    with pytest.raises(RequestError, match="leave out --upscale"):
        measure(options)


@pytest.mark.slow
def test_a_tiny_model_is_measured_in_processes_of_their_own():
    told = measure(Namespace(model=Path("none"), preset="tiny", seconds=[1.0, 0.5],
                             upscale=False))
    windows = [len(plan(layout_of(ExtensionRequest(CLIP, seconds), GivenFrames(), 4)).base)
               for seconds in (0.5, 1.0)]
    assert [row.what for row in told.rows[:4:2]] == [
        f"0.5 s, {windows[0]} windows", f"1 s, {windows[1]} windows"]
    assert all(row.value > 0 for row in told.rows)
    # Each process has a peak of its own, and so short a clip adds next to nothing to it.
    assert 0.8 < told.rows[-1].value < 1.2
    assert told.notes[0] == "random weights of tiny"
