"""`python -m engine.training` on a folder of clips, with a stand-in for the text encoder."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from engine import checkpoint
from engine.presets import PRESETS
from engine.stage import Stage
from engine.training import __main__ as command
from engine.training.data import Batches
from engine.training.loop import LOG_NAME, STATE_NAME, Trainer
from tests.training.stand_ins import HashedText


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A folder with one picture, and a text encoder that needs no files."""
    monkeypatch.setattr(command, "TextEncoder",
                        lambda name, length, device: HashedText(384, length))
    folder = tmp_path / "clips"
    folder.mkdir()
    pixels = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    Image.fromarray(pixels).save(folder / "waves.png")
    (folder / "waves.txt").write_text("waves of colour")
    return folder


def run(capsys, *arguments) -> tuple[int, str]:
    """Exit code, and what the user reads."""
    code = command.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


def test_dry_run_prints_settings_size_speed_and_time_and_writes_nothing(clips, tmp_path, capsys):
    out = tmp_path / "run"
    code, said = run(capsys, "--preset", "tiny", "--data", clips, "--out", out, "--dry-run",
                     "--threads", 1)
    assert code == 0
    settings = json.loads(said[:said.rindex("\n}") + 2])
    assert settings["stage"]["network"]["patch_width"] == 32
    assert settings["recipe"]["optimizer"] == "muon" and settings["recipe"]["steps"] == 100
    assert "M parameters, sigma_in 2" in said
    assert said.count("clips/s") == 2 and "steps 0-50: 4 clips of 2 frames" in said
    assert "hours on this machine" in said
    assert not out.exists()


def test_run_goes_on_with_resume_and_refuses_to_overwrite_without(clips, tmp_path, capsys):
    out = tmp_path / "run"
    given = ("--preset", "tiny", "--data", clips, "--out", out, "--threads", 1)
    code, said = run(capsys, *given, "--steps", 2)
    assert code == 0 and "Stopped at step 2 of 2" in said and (out / STATE_NAME).is_file()
    code, said = run(capsys, *given, "--steps", 3)
    assert code == 1 and "add --resume" in said
    code, said = run(capsys, *given, "--steps", 3, "--resume")
    assert code == 0 and "Going on from step 2." in said and "step 3 of 3" in said
    assert not (out / LOG_NAME).exists() or (out / LOG_NAME).read_text()


@pytest.mark.parametrize("given, reason", [
    (("--out", "run"), "--sprites FOLDER"),
    (("--out", "run", "--data", "none"), "is not a folder"),
    (("--out", "clips/waves.png", "--data", "clips"), "--out"),
    (("--out", "clips/waves.png/run", "--data", "clips"), "--out"),
    (("--out", "run", "--data", "clips", "--threads", "-1"), "--threads must be 1 or more, not -1"),
    (("--out", "run", "--data", "clips", "--threads", "0"), "--threads must be 1 or more, not 0"),
    (("--out", "run", "--data", "clips", "--steps", "0"), "--steps must be 1 or more"),
    (("--out", "run", "--data", "clips", "--seed", "-3"), "--seed must be 0 or more"),
    (("--out", "run", "--data", "clips", "--micro-batch", "0"), "--micro-batch must be 1 or more"),
    (("--out", "run", "--data", "clips", "--device", "nonsense"), "device 'nonsense' cannot be"),
    (("--out", "run", "--data", "clips", "--device", "meta"), "device 'meta' cannot be used here"),
])
def test_bad_arguments_are_one_sentence(clips, tmp_path, monkeypatch, capsys, given, reason):
    monkeypatch.chdir(tmp_path)
    code, said = run(capsys, "--preset", "tiny", *given)
    assert code == 1 and reason in said and said.count("\n") == 1 and "Traceback" not in said


def test_a_run_starts_from_the_tensors_that_agree_and_a_stem_of_fewer_channels(tmp_path, capsys):
    config = PRESETS["tiny"]
    earlier = Stage(replace(config, network=replace(
        config.network, known_frames=False, n_latents=2 * config.network.n_latents)))
    weights = earlier.network.state_dict()
    checkpoint.save_weights({**weights, "unheard.of": torch.ones(3)},
                            tmp_path / checkpoint.WEIGHTS_NAME)
    stage = Stage(config)
    before = {name: value.clone() for name, value in stage.network.state_dict().items()}
    command.start_from(stage, tmp_path)
    after = stage.network.state_dict()
    stem, began, given = after.pop(command.STEM), before["latents"], weights.pop(command.STEM)
    assert torch.equal(stem[:, :3], given) and stem.shape[1] == 7 and not stem[:, 3:].any()
    assert torch.equal(after.pop("latents"), began) and began.shape != weights["latents"].shape
    assert all(torch.equal(value, weights[name]) for name, value in after.items())
    assert not torch.equal(before["context.text.weight"], weights["context.text.weight"])
    assert f"Took {len(before) - 1} of {len(before)} tensors" in capsys.readouterr().err


def test_a_batch_is_split_as_asked_and_memory_that_is_too_small_says_what_to_do(
        clips, tmp_path, monkeypatch, capsys):
    given = ("--preset", "tiny", "--data", clips, "--out", tmp_path / "run", "--threads", 1,
             "--micro-batch", 3, "--steps", 1)
    sizes, real = [], Batches.batch
    monkeypatch.setattr(Batches, "batch", lambda self, drawn: sizes.append(len(drawn))
                        or real(self, drawn))
    assert run(capsys, *given)[0] == 0 and sizes == [3, 1]

    def too_much(trainer):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Trainer, "train_step", too_much)
    code, said = run(capsys, *given, "--resume", "--steps", 2)
    assert code == 1 and said.endswith("split the batch with a smaller --micro-batch.\n")
