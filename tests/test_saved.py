"""Work that is stopped goes on from its saved state to the bits it would have had."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine import saved as saved_module
from engine.cascade import Listener
from engine.errors import Cancelled
from engine.model import Conditions
from engine.presets import PRESETS
from engine.sampling import SOLVERS, SamplerState
from engine.saved import SavedRuns, SealedFiles
from engine.stage import Given, SampleSettings, Stage, unit_noise

TINY = PRESETS["tiny"]
SETTINGS = SampleSettings(steps=5, guidance=3.0)
CPU = torch.device("cpu")


def made(**network) -> Stage:
    torch.manual_seed(0)
    stage = Stage(replace(TINY, network=replace(TINY.network, **network)))
    for p in stage.network.parameters():  # not zero anywhere, so that self-conditioning acts
        torch.nn.init.normal_(p, std=0.1) if p.ndim == 1 else None
    return stage


@pytest.fixture(scope="module")
def stages():
    return {"base": made(),
            "upsampler": made(condition_channels=3, known_frames=False, augmented=True)}


def run(stage, settings, listener):
    """Run a stage as the cascade does; returns the clip and how often the network was asked."""
    count = 0

    def counted(*_):
        nonlocal count
        count += 1

    shape, low, level = stage.clip_shape, None, None
    if stage.config.network.augmented:
        low, level = unit_noise([1], shape).clamp(-1, 1), torch.full((1,), 0.1)
    tokens = torch.randn(1, 5, TINY.network.text_width,
                         generator=torch.Generator().manual_seed(3))
    conditions = Conditions(tokens, torch.ones(1, 5, dtype=torch.bool),
                            torch.ones(1, dtype=torch.bool), torch.full((1,), 12.0),
                            torch.full((1, 2), 64.0), level)
    handle = stage.network.register_forward_hook(counted)
    try:
        clip = stage.sample(unit_noise([7], shape), conditions, settings,
                            given=Given(low),
                            watch=listener.watch("base", settings.steps, "run"))
    finally:
        handle.remove()
    return clip, count


def stop_after(evaluations):
    asked = iter(range(evaluations))
    return lambda: next(asked, None) is None


@pytest.mark.parametrize("name", ["base", "upsampler"])
@pytest.mark.parametrize("sampler", list(SOLVERS))
@pytest.mark.parametrize("guidance", [0.0, 3.0])
def test_stopped_work_goes_on_to_the_same_bits(stages, tmp_path, name, sampler, guidance):
    settings = replace(SETTINGS, sampler=sampler, guidance=guidance)
    undisturbed, whole = run(stages[name], settings, Listener())
    before = SavedRuns(tmp_path, "work", CPU)
    with pytest.raises(Cancelled):
        run(stages[name], settings, Listener(should_stop=stop_after(whole - 2), saved=before))
    before.flush()
    clip, rest = run(stages[name], settings, Listener(saved=SavedRuns(tmp_path, "work", CPU)))
    assert torch.equal(clip, undisturbed)
    assert 0 < rest < whole


def test_finished_work_is_not_done_again(stages, tmp_path):
    first, _ = run(stages["base"], SETTINGS, Listener(saved=SavedRuns(tmp_path, "work", CPU)))
    again, count = run(stages["base"], SETTINGS, Listener(saved=SavedRuns(tmp_path, "work", CPU)))
    assert torch.equal(first, again)
    assert count == 0


def state(step=2):
    return SamplerState(torch.full((1, 3, 2, 5, 7), float(step)), step, torch.ones(1, 11),
                        torch.zeros(1, 3, 2, 5, 7))


@pytest.fixture
def written(tmp_path):
    runs = SavedRuns(tmp_path, "work", CPU)
    runs.keep("run", state(), is_last=True)
    assert runs.find("run").step == 2
    return tmp_path / "run.state"


@pytest.mark.parametrize("damage", [
    lambda data: data[:-1], lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    lambda data: b"", lambda data: b"hello" * 50, lambda data: data[:40]])
def test_a_damaged_state_is_none(written, damage):
    written.write_bytes(damage(written.read_bytes()))
    assert SavedRuns(written.parent, "work", CPU).find("run") is None


def test_a_state_of_other_work_is_none(written):
    assert SavedRuns(written.parent, "other work", CPU).find("run") is None
    assert SavedRuns(written.parent, "work", CPU).find("other run") is None


def test_states_are_written_once_a_second_and_the_last_one_always(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(saved_module.time, "monotonic", lambda: now)
    runs, seen = SavedRuns(tmp_path, "work", CPU), []
    for now in (0.4, 0.8, 1.2, 1.6, 2.3):
        runs.keep("run", state(round(10 * now)), is_last=False)
        found = runs.find("run")
        seen.append(found and found.step)
    assert seen == [None, None, 12, 12, 23]
    runs.keep("run", state(24), is_last=True)
    assert runs.find("run").step == 24


def test_a_full_disk_is_left_without_the_part_that_it_took(tmp_path, monkeypatch):
    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")
    files = SealedFiles(tmp_path, "work")
    files.write("window", b"before")
    monkeypatch.setattr(Path, "write_bytes", full)
    files.write("window", b"after")
    assert files.read("window") == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["window"]


def test_a_disk_that_takes_no_state_does_not_stop_the_work(tmp_path):
    (tmp_path / "file").touch()
    runs = SavedRuns(tmp_path / "file" / "folder", "work", CPU)
    runs.keep("run", state(), is_last=True)
    assert runs.find("run") is None
