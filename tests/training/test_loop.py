"""The run: it learns, resumes to the same bits, and never leaves half a file."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import checkpoint
from engine.errors import DataError
from engine.presets import PRESETS
from engine.stage import Stage, load_stage
from engine.training import loop
from engine.training.loop import Trainer
from engine.training.recipe import RECIPES, Phase
from engine.training.team import Team
from engine.vocabulary import read_vocabulary
from tests.training.stand_ins import CAPTIONS, one_batch, tiny_batches

TINY = replace(PRESETS["tiny"], network=replace(PRESETS["tiny"].network, dropout=0.2))
UPSAMPLER = replace(PRESETS["tiny"], scale=8.0, detail=0.1, network=replace(
    PRESETS["tiny"].network, height=24, width=48, group=(2, 4), n_latents=18, condition_channels=3,
    known_frames=False, augmented=True, shared_positions=True, overview=False))
RECIPE = replace(RECIPES["tiny"], steps=4, phases=(Phase(0.5, 3, 2), Phase(0.5, 2, 4)),
                 warmup_steps=2, image_share=0.3)


def trainer(folder, recipe=RECIPE, weights=0) -> Trainer:
    """A fresh trainer whose first weights follow from `weights`."""
    torch.manual_seed(weights)
    return Trainer(Stage(TINY), tiny_batches(TINY), recipe, folder)


def steps(of: Trainer, count: int) -> Trainer:
    """Run some steps."""
    for _ in range(count):
        of.train_step()
    return of


def state(of: Trainer) -> dict:
    """Everything a run changes, by name."""
    tensors = {f"network.{k}": v for k, v in of.stage.network.state_dict().items()}
    tensors |= {f"ema.{k}": v for k, v in of.ema.tensors.items()}
    for i, optimizer in enumerate(of.optimizers):
        for j, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{j}.{k}": torch.as_tensor(v) for k, v in values.items()}
    return tensors


@pytest.mark.parametrize("optimizer", ["muon", "lamb", "adamw"])
def test_resumed_run_ends_in_the_same_bits_as_an_uninterrupted_one(tmp_path, optimizer):
    recipe = replace(RECIPE, optimizer=optimizer, lr=0.01)
    whole = steps(trainer(tmp_path / "whole", recipe), 4)
    steps(trainer(tmp_path / "parts", recipe), 2).save()
    torch.randn(5)  # a new process would not stand where the old one stopped
    second = trainer(tmp_path / "parts", recipe, weights=99)
    assert second.resume() and second.step == 2
    steps(second, 2)
    one, two = state(whole), state(second)
    assert one.keys() == two.keys()
    assert not [name for name in one if not torch.equal(one[name], two[name])]


@pytest.mark.parametrize("optimizer", ["muon", "lamb", "adamw"])
def test_only_the_parts_that_learn_change(tmp_path, optimizer):
    of = trainer(tmp_path, replace(RECIPE, optimizer=optimizer, learns=("refiner.", "gain")))
    before = {k: v.clone() for k, v in of.stage.network.named_parameters()}
    steps(of, 3)
    changed = {k for k, v in of.stage.network.named_parameters() if not torch.equal(v, before[k])}
    assert {"refiner.to_pixels.weight", "gain.log_gain.weight"} <= changed
    assert {name.split(".")[0] for name in changed} == {"refiner", "gain"}


def test_what_should_learn_has_to_be_part_of_the_network(tmp_path):
    with pytest.raises(DataError, match=r"learns names refine_r, which .*its parts are .*refiner"):
        trainer(tmp_path, replace(RECIPE, learns=("refine_r", "head")))


def test_steps_differ_from_one_another(tmp_path):
    run = trainer(tmp_path)
    draws = [one_batch(run.batches, np.random.default_rng((0, s)), 3, 2, 0.3).clips
             for s in (0, 1)]
    assert not torch.equal(*draws)


def test_every_step_drops_out_by_a_seed_of_its_own(tmp_path, monkeypatch):
    def seeds():
        run, found = trainer(tmp_path), []
        learn = run._learn
        monkeypatch.setattr(run, "_learn", lambda *given: found.append(torch.initial_seed())
                            or learn(*given))
        steps(run, 3)
        return found

    first = seeds()
    assert len(set(first)) == 3 and seeds() == first


def test_every_step_has_the_rate_of_the_schedule(tmp_path):
    run = trainer(tmp_path)
    for step in range(RECIPE.steps):
        steps(run, 1)
        for optimizer, peaks in zip(run.optimizers, run.peak_rates, strict=True):
            assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(
                [peak * RECIPE.learning_rate(step) / RECIPE.lr for peak in peaks])


def test_the_subject_s_weight_and_the_share_of_images_reach_a_step(tmp_path, monkeypatch):
    def learned(**change):
        run = trainer(tmp_path, replace(RECIPE, **change))
        images, example = [], run.batches.source.example

        def watched(*arguments, image, low):
            images.append(image)
            return example(*arguments, image=image, low=low)

        monkeypatch.setattr(run.batches.source, "example", watched)
        monkeypatch.setattr(run, "_update", lambda rate: None)
        run.train_step()
        gradients = torch.cat([p.grad.flatten() for p in run.parameters if p.grad is not None])
        return gradients, images

    (_, images), (stressed, _) = learned(image_share=1.0), learned(subject_weight=5.0)
    assert images == 3 * [True] and learned(image_share=0.0)[1] == 3 * [False]
    assert not torch.allclose(stressed, learned()[0])


@pytest.mark.parametrize("config, change", [
    (PRESETS["tiny"], {"known_share": 0.5, "label_dropout": 0.4, "lessons": 4}),
    (UPSAMPLER, {"known_share": 0.0, "crop_groups": (1, 1), "grain": 0.1, "truth_weight": 0.0,
                 "loss": "paper"}),
])
def test_a_step_split_into_pieces_has_the_same_gradients(tmp_path, config, change):
    """Whatever is random, and over however many answers each piece's heads take their means."""
    recipe = replace(RECIPE, phases=(Phase(1.0, 5, 4, 0.6),), **change)

    def learned(micro_batch):
        torch.manual_seed(0)
        run = Trainer(Stage(config), tiny_batches(config, recipe.crop_groups), recipe, tmp_path,
                      micro_batch=micro_batch)
        torch.nn.init.normal_(run.stage.network.self_conditioning.gate.weight)
        run._update, sizes = lambda rate: None, []
        tensors = run.batches.batch
        run.batches.batch = lambda drawn: sizes.append(len(drawn)) or tensors(drawn)
        error = run.train_step()
        return run, sizes, error

    whole, sizes, error = learned(None)
    assert sizes == [5]
    for micro_batch, expected in ((2, [2, 2, 1]), (7, [5])):
        split, sizes, same_error = learned(micro_batch)
        assert sizes == expected and same_error == pytest.approx(error, rel=1e-5)
        for one, other in zip(whole.parameters, split.parameters, strict=True):
            if one.grad is not None or other.grad is not None:
                assert (other.grad - one.grad).norm() <= 1e-4 * one.grad.norm() + 1e-8
        for name, losses in whole.head_losses.items():
            assert split.head_losses[name] == pytest.approx(losses, rel=1e-4)
        assert split.buckets.means() == pytest.approx(whole.buckets.means(), rel=1e-4)


@pytest.mark.parametrize("config, change", [
    (TINY, {}),
    (UPSAMPLER, {"crop_groups": (1, 1), "grain": 0.1, "known_share": 0.0, "truth_weight": 0.0})])
def test_a_step_meets_only_tensors_of_the_network_s_device(tmp_path, monkeypatch, config, change):
    """On the meta device, which refuses to compute with the CPU's and holds no numbers to read."""
    stage = Stage(config)
    stage.network.to("meta")
    recipe = replace(RECIPE, **change)
    run = Trainer(stage, tiny_batches(config, recipe.crop_groups), recipe, tmp_path, micro_batch=2)
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: 0.5)
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: torch.zeros(tensor.shape))
    steps(run, 2)
    held = [*state(run).values(), *run.heads.state_dict().values()]
    assert {tensor.device.type for tensor in held if tensor.ndim} == {"meta"}


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_gradients_are_clipped_together_before_the_step(tmp_path, optimizer):
    def norm(clip_norm):
        run = trainer(tmp_path, replace(RECIPE, optimizer=optimizer, clip_norm=clip_norm))
        norms = []
        run.optimizers[0].register_step_pre_hook(lambda *_: norms.append(torch.stack(
            [p.grad.norm() for p in run.parameters if p.grad is not None]).norm().item()))
        run.train_step()
        return norms

    [whole] = norm(1e9)
    assert whole > 1e-3
    assert norm(whole / 3) == [pytest.approx(whole / 3, rel=1e-3)]


def test_a_save_cut_short_leaves_the_last_one_whole(tmp_path, monkeypatch):
    run = steps(trainer(tmp_path), 1)
    run.save()
    weights = (tmp_path / checkpoint.WEIGHTS_NAME).read_bytes()

    def killed(state, path):
        path.write_bytes(b"half of a stat")
        raise KeyboardInterrupt

    steps(run, 1)
    monkeypatch.setattr(loop.torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        run.save()
    again = trainer(tmp_path)
    assert again.resume() and again.step == 1
    assert (tmp_path / checkpoint.WEIGHTS_NAME).read_bytes() == weights
    load_stage(tmp_path)


def test_full_disk_is_one_sentence_and_leaves_the_last_save(tmp_path, monkeypatch):
    run = steps(trainer(tmp_path), 1)
    run.save()

    def full(state, path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(loop.torch, "save", full)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataError, match=r"cannot be saved .* No space left .* --resume"):
        steps(run, 1).save()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_disk_that_fills_after_the_state_leaves_settings_that_can_be_read(tmp_path, monkeypatch):
    run = steps(trainer(tmp_path), 1)
    run.save()
    written = Path.write_text

    def full(path, text):
        written(path, text[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DataError, match="No space left"):
        steps(run, 1).save()
    assert not list(tmp_path.glob("*.tmp"))
    load_stage(tmp_path)


def test_gradient_without_end_is_one_sentence_and_changes_nothing(tmp_path, monkeypatch):
    run = steps(trainer(tmp_path), 1)
    before = state(run)
    monkeypatch.setattr(loop, "stressed", lambda errors, *_: errors.flatten(1).mean(1) * torch.inf)
    with pytest.raises(DataError, match=r"Step 2 has no finite gradient .* --resume"):
        run.run(seconds=600)
    assert all(torch.equal(before[name], value) for name, value in state(run).items())
    again = trainer(tmp_path)
    assert again.resume() and again.step == 1


def test_saved_weights_are_the_average_in_half_precision_and_load_as_a_stage(tmp_path):
    run = steps(trainer(tmp_path), 2)
    run.save()
    tensors = checkpoint.read_tensors(tmp_path / checkpoint.WEIGHTS_NAME)
    assert {v.dtype for v in tensors.values()} == {torch.float16}
    loaded = load_stage(tmp_path)
    assert loaded.config == run.stage.config
    for name, value in loaded.network.state_dict().items():
        assert torch.equal(value, run.ema.tensors[name].half().float())


def test_the_words_of_the_captions_are_saved_beside_the_weights(tmp_path):
    trainer(tmp_path).save()
    assert read_vocabulary(tmp_path).ideas == CAPTIONS


def test_run_stops_with_the_schedule_logs_and_saves(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_STEPS", 2)
    seen = []
    run = trainer(tmp_path)
    run.run(seconds=600, on_progress=seen.append)
    assert run.step == RECIPE.steps and [p.step for p in seen] == [2, 4]
    records = [json.loads(line) for line in (tmp_path / loop.LOG_NAME).read_text().splitlines()]
    assert [r["clips"] for r in records] == [6, 10]
    assert all(r["loss"] > 0 and r["by_sigma"] for r in records)
    assert trainer(tmp_path).resume()


def test_run_saves_on_the_way_so_that_little_is_lost(tmp_path, monkeypatch):
    assert loop.SAVE_SECONDS < 300
    monkeypatch.setattr(loop, "SAVE_SECONDS", -1)
    run, saved = trainer(tmp_path), []
    monkeypatch.setattr(run, "save", lambda: saved.append(run.step))
    run.run(seconds=600)
    assert saved == [1, 2, 3, 4, 4]


def test_interrupt_saves_before_it_goes_on_its_way(tmp_path, monkeypatch):
    run = trainer(tmp_path)
    real = run.train_step

    def interrupted():
        if run.step == 2:
            raise KeyboardInterrupt
        return real()

    monkeypatch.setattr(run, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run(seconds=600)
    again = trainer(tmp_path)
    assert again.resume() and again.step == 2


@pytest.mark.parametrize("change, sentence", [
    ({}, "cannot share batches of"),
    ({"phases": (Phase(1.0, 3, 4),), "lessons": 2, "truth_weight": 0.1}, "cannot share 2 lessons")])
def test_a_team_refuses_what_it_cannot_share(tmp_path, change, sentence):
    with pytest.raises(DataError, match=f"3 processes {sentence}"):
        Trainer(Stage(TINY), tiny_batches(TINY), replace(RECIPE, **change), tmp_path,
                team=Team(size=3))


def test_tiny_overfits_a_single_batch(tmp_path):
    torch.manual_seed(0)
    run = Trainer(Stage(PRESETS["tiny"]), tiny_batches(), RECIPES["tiny"], tmp_path)
    losses = []
    for _ in range(40):
        run.step = 10  # the same clips, noise and rate each time
        losses.append(run.train_step())
    assert losses[-1] < 0.25 * losses[0]


def test_sigma_buckets_average_by_noise_level():
    buckets = loop.SigmaBuckets()
    buckets.add(torch.tensor([0.01, 0.02, 9.0]), torch.tensor([1.0, 2.0, 5.0]))
    assert buckets.means() == {"<0.05": 1.5, ">=2.5": 5.0}
