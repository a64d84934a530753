"""`python -m engine.training` on a folder of clips, with a stand-in for the text encoder."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from engine import checkpoint
from engine.model import FIT, Conditions
from engine.presets import PRESETS
from engine.stage import Stage
from engine.training import __main__ as command
from engine.training.data import Batches
from engine.training.loop import STATE_NAME, Trainer
from engine.training.recipe_file import RECIPE_NAME
from tests.training.stand_ins import HashedText


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A folder with one picture, and a text encoder that needs no files."""
    monkeypatch.setattr(command, "TextEncoder",
                        lambda name, length, *_, **__: HashedText(384, length))
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


def dry_run(capsys, *arguments) -> tuple[str, str]:
    """The recipe, and what the user reads."""
    assert command.main([*map(str, arguments), "--dry-run"]) == 0
    return tuple(capsys.readouterr())


def test_dry_run_prints_settings_size_speed_and_time_and_writes_nothing(clips, tmp_path, capsys):
    out = tmp_path / "run"
    given = ("--preset", "tiny", "--data", clips, "--out", out, "--threads", 1)
    recipe, said = dry_run(capsys, *given)
    settings = json.loads(said[:said.rindex("\n}") + 2])
    assert settings["stage"]["network"]["patch_width"] == 32
    assert json.loads(recipe)["optimizer"] == "muon" and json.loads(recipe)["steps"] == 100
    assert "M parameters, sigma_in 2" in said
    assert said.count("clips/s") == 2 and "steps 0-50: 4 clips of 2 frames" in said
    assert "The whole run takes about" in said and "hours on this machine" in said
    assert not out.exists()


def test_dry_run_of_a_resumed_run_tells_the_time_that_is_left(
        clips, tmp_path, monkeypatch, capsys):
    given = ("--preset", "tiny", "--data", clips, "--out", tmp_path / "run", "--threads", 1)
    assert run(capsys, *given, "--steps", 3)[0] == 0
    asked = []
    monkeypatch.setattr(command, "seconds_of_step", lambda trainer, step: asked.append(step) or 36)
    _, said = dry_run(capsys, *given, "--resume", "--steps", 5)
    assert asked == [3] and "steps 3-5: 4 clips of 4 frames" in said
    assert "What is left of the run takes about 0.02 hours" in said
    _, said = dry_run(capsys, *given, "--steps", 5)
    assert asked == [3, 0, 2] and "The whole run takes about 0.05 hours" in said


def test_a_recipe_that_is_printed_edited_and_given_back_is_kept_and_its_changes_are_told(
        clips, tmp_path, capsys):
    out, mine = tmp_path / "run", tmp_path / "mine.json"
    given = ("--preset", "tiny", "--data", clips, "--out", out, "--threads", 1)
    printed, _ = dry_run(capsys, *given, "--steps", 2)
    edited = json.loads(printed) | {"lr": 0.03, "phases": [{"share": 1, "batch": 2, "frames": 1}]}
    mine.write_text(json.dumps(edited | {"seed": 5}))
    code, said = run(capsys, *given, "--recipe", mine)
    assert code == 0 and "step 2 of 2" in said
    kept = json.loads((out / RECIPE_NAME).read_text())
    assert (kept["lr"], kept["steps"], kept["seed"]) == (0.03, 2, 5)
    assert kept["phases"][0]["batch"] == 2 and len(kept["phases"]) == 1
    code, said = run(capsys, *given, "--recipe", out / RECIPE_NAME, "--resume")
    assert code == 0 and "not the one this run had" not in said
    code, said = run(capsys, *given, "--recipe", mine, "--resume", "--steps", 3, "--lr", 0.01)
    assert code == 0 and "step 3 of 3" in said
    assert "The recipe is not the one this run had: steps 2 -> 3, lr 0.03 -> 0.01.\n" in said
    assert json.loads((out / RECIPE_NAME).read_text())["lr"] == 0.01


def test_run_goes_on_with_resume_and_refuses_to_overwrite_without(clips, tmp_path, capsys):
    out = tmp_path / "run"
    given = ("--preset", "tiny", "--data", clips, "--out", out, "--threads", 1)
    code, said = run(capsys, *given, "--steps", 2)
    assert code == 0 and "Stopped at step 2 of 2" in said and (out / STATE_NAME).is_file()
    code, said = run(capsys, *given, "--steps", 3)
    assert code == 1 and "add --resume" in said
    code, said = run(capsys, *given, "--steps", 3, "--resume")
    assert code == 0 and "Going on from step 2." in said and "step 3 of 3" in said


@pytest.mark.parametrize("given, reason", [
    (("--out", "run"), "--sprites FOLDER"),
    (("--out", "run", "--data", "none"), "is not a folder"),
    (("--out", "run", "--data", "clips", "--sprites", "x"), "leave out --data or --sprites."),
    (("--out", "run", "--data", "clips", "--sprites", "x", "--subjects", "nobody"),
     "leave out --data or --sprites and --subjects."),
    (("--out", "run", "--data", "clips", "--subjects", "all"), "leave out --data or --subjects."),
    (("--out", "clips/waves.png", "--data", "clips"), "--out"),
    (("--out", "clips/waves.png/run", "--data", "clips"), "--out"),
    (("--out", "run", "--data", "clips", "--threads", "-1"), "--threads must be 1 or more, not -1"),
    (("--out", "run", "--data", "clips", "--threads", "0"), "--threads must be 1 or more, not 0"),
    (("--out", "run", "--data", "clips", "--steps", "0"), "--steps must be 1 or more"),
    (("--out", "run", "--data", "clips", "--seed", "-3"), "--seed must be 0 or more"),
    (("--out", "run", "--data", "clips", "--lr", "nan"), "--lr must be a number above 0, not nan"),
    (("--out", "run", "--data", "clips", "--minutes", "nan"), "--minutes must be a number above 0"),
    (("--out", "run", "--data", "clips", "--minutes", "-5"), "--minutes must be a number above 0"),
    (("--out", "run", "--data", "clips", "--recipe", "clips/waves.txt"), "neither JSON nor"),
    (("--out", "run", "--data", "clips", "--micro-batch", "0"), "--micro-batch must be 1 or more"),
    (("--out", "run", "--data", "clips", "--device", "nonsense"), "device 'nonsense' cannot be"),
    (("--out", "run", "--data", "clips", "--device", "meta"), "device 'meta' cannot be used here"),
])
def test_bad_arguments_are_one_sentence(clips, tmp_path, monkeypatch, capsys, given, reason):
    monkeypatch.chdir(tmp_path)
    code, said = run(capsys, "--preset", "tiny", *given)
    assert code == 1 and reason in said and said.count("\n") == 1 and "Traceback" not in said


@pytest.mark.parametrize("moment", ["source", "dry_run"])
def test_an_interrupt_before_the_first_step_is_one_sentence(
        clips, tmp_path, monkeypatch, capsys, moment):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, moment, interrupted)
    code, said = run(capsys, "--preset", "tiny", "--data", clips, "--out", tmp_path / "run",
                     "--threads", 1, "--dry-run")
    assert (code, said) == (130, "Stopped before the first step.\n")


def test_any_whole_number_is_a_seed(clips, tmp_path, capsys):
    given = ("--preset", "tiny", "--data", clips, "--out", tmp_path / "run", "--threads", 1)
    assert run(capsys, *given, "--steps", 1, "--seed", 2**64)[0] == 0


def test_a_run_starts_from_the_tensors_that_agree_and_what_sees_fewer_channels(tmp_path, capsys):
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
    for name in command.SEEING:
        kernel, given = after.pop(name), weights.pop(name)
        known = given.shape[1]
        assert kernel.shape[1] == known + 4 and not kernel[:, known:].any()
        assert torch.equal(kernel[:, :known], given)
    began = before["latents"]
    assert torch.equal(after.pop("latents"), began) and began.shape != weights["latents"].shape
    assert all(torch.equal(value, weights[name]) for name, value in after.items())
    assert not torch.equal(before["context.text.weight"], weights["context.text.weight"])
    assert f"Took {len(before) - 1} of {len(before)} tensors" in capsys.readouterr().err


@torch.no_grad()
def test_a_network_that_is_given_convolutions_starts_from_what_it_knew(tmp_path, capsys):
    config = PRESETS["tiny"].network
    fewer = FIT(replace(config, convolutions=0, refiner_before=0, refiner_blocks=0)).eval()
    for weight in fewer.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    checkpoint.save_weights(fewer.state_dict(), tmp_path / checkpoint.WEIGHTS_NAME)
    grown = Stage(replace(PRESETS["tiny"], network=replace(config, refiner_levels=1)))
    command.start_from(grown, tmp_path)
    clips = torch.randn(2, config.input_channels, config.frames, config.height, config.width)
    about = Conditions(torch.randn(2, 3, config.text_width), torch.ones(2, 3, dtype=torch.bool),
                       torch.ones(2, dtype=torch.bool), torch.full((2,), 12.0),
                       torch.full((2, 2), 288.0))
    known, now = (network(clips, torch.zeros(2), about)[0]
                  for network in (fewer, grown.network.eval()))
    assert known.std() > 0.01
    torch.testing.assert_close(now, known)


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


def test_a_text_encoder_of_another_width_is_one_sentence(clips, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "TextEncoder",
                        lambda name, length, *_, **__: HashedText(7, length))
    code, said = run(capsys, "--preset", "tiny", "--data", clips, "--out", tmp_path / "run")
    assert code == 1 and said == ("The text encoder 'minilm' makes tokens of width 7, but the "
                                  "network reads 384.\n")
