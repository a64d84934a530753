"""The real engine in a worker that is killed with -9 ends with the bits of an undisturbed run."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from engine.extension.request import ExtensionRequest
from engine.extension.segments import Segment
from engine.request import GenerationRequest
from snapui.orders import Order
from snapui.schema import Worker as WorkerRow
from tests.snapui.test_worker import ROOT, step_after_a_death, wait_for

pytestmark = pytest.mark.slow
STEPS = 256
LONG_STEPS = 48    # of each of some ten windows


@pytest.fixture
def tiny_model(tmp_path):
    """Write a model of two tiny stages. Returns: its folder."""
    torch = pytest.importorskip("torch")
    from engine import checkpoint
    from engine.presets import PRESETS
    from engine.stage import Stage

    torch.manual_seed(0)
    tiny = PRESETS["tiny"]
    # Large enough that its job takes seconds: a state is saved at most once a second.
    upsampler = replace(tiny, network=replace(
        tiny.network, condition_channels=3, known_frames=False, augmented=True,
        height=48, width=64, group=(6, 8)))
    for name, config in (("base", tiny), ("upsampler", upsampler)):
        stage = Stage(config)
        for p in stage.network.parameters():
            torch.nn.init.normal_(p, std=0.1) if p.ndim == 1 else None
        folder = tmp_path / "model" / name
        folder.mkdir(parents=True)
        checkpoint.write_config(config, folder / "config.json")
        checkpoint.save_weights(stage.network.state_dict(), folder / "model.safetensors")
    return tmp_path / "model"


@pytest.fixture
def start(journal, monkeypatch):
    """Return a function that starts this program's own worker on the journal."""
    monkeypatch.chdir(ROOT)
    workers = []

    def started():
        workers.append(subprocess.Popen(
            [sys.executable, "-m", "snapui.worker", "--database", journal.url, "--threads", "1",
             "--output-directory", str(journal.output_directory)]))
        return workers[-1]

    yield started
    for process in workers:
        process.kill()
        process.wait()


def loops(journal, job_id):
    return [(journal.output_directory / clip.loop).read_bytes()
            for clip in journal.clips_of(job_id)]


@pytest.mark.parametrize("kind", ["base", "upsampler"])
def test_a_killed_workers_job_ends_with_the_same_bits(journal, start, tiny_model, kind):
    request = GenerationRequest(prompt="a dog", seed=3, drafts=2, steps=STEPS,
                                model=str(tiny_model))

    def submit():
        return journal.submit(request) if kind == "base" else journal.submit_upscale(
            journal.clips_of(draft)[0].id, steps=STEPS, noise=0.1)

    worker = start()
    draft = journal.submit(replace(request, drafts=1, steps=2))
    wait_for(lambda: journal.job(draft).state == "done", 600)
    undisturbed = submit()
    wait_for(lambda: journal.job(undisturbed).state == "done", 600)
    killed = submit()
    state = journal.output_directory / ".work" / str(killed)
    wait_for(lambda: list(state.glob("*.state")), 600)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    reached = journal.job(killed).step
    assert 0 < reached < STEPS, "killed too late to prove anything"
    start()
    gone_on_at = wait_for(lambda: step_after_a_death(journal, killed), 600)
    assert gone_on_at >= reached / 2, "the job started from nothing"
    wait_for(lambda: journal.job(killed).state == "done", 600)
    assert loops(journal, killed) == loops(journal, undisturbed)
    assert WorkerRow.select().count() == 1


def test_a_killed_workers_long_clip_goes_on_in_its_window_to_the_same_bits(
        journal, start, tiny_model):
    clip = GenerationRequest(prompt="a dog", seed=3, fps=12, steps=LONG_STEPS,
                             model=str(tiny_model))
    order = Order(ExtensionRequest(clip, 3.0, (Segment(0, 2, "a dog"), Segment(2, 3, "a cat"))))

    def submit():
        return journal.submit(clip, kind="extension", order=order.to_json())

    def windows():    # finished ones of the job that is killed
        return len(list((journal.output_directory / ".work" / str(killed)).glob("*.frames")))

    worker = start()
    undisturbed = submit()
    wait_for(lambda: journal.job(undisturbed).state == "done", 600)
    killed = submit()
    wait_for(lambda: windows() >= 2, 600)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    reached = windows()
    start()
    wait_for(lambda: step_after_a_death(journal, killed), 600)
    _, window, _, count = journal.job(killed).stage.split()    # "Window 3 of 9"
    assert reached < int(count), "killed too late to prove anything"
    assert int(window) > reached, "the job started from nothing"
    wait_for(lambda: journal.job(killed).state == "done", 600)
    assert [made.frames for made in journal.clips_of(killed)] == [24, 36]
    assert loops(journal, killed) == loops(journal, undisturbed)
