"""What a run leaves behind for the one that goes on with it: its state and its log."""

import json
from dataclasses import replace

import pytest
import torch

from engine.errors import DataError
from engine.training import loop
from tests.training.test_loop import RECIPE, steps, trainer


def logged(folder) -> list[int]:
    """Steps at which the log of a run has lines."""
    return [json.loads(line)["step"] for line in (folder / loop.LOG_NAME).read_text().splitlines()]


def test_the_last_steps_of_a_run_are_reported_too(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_STEPS", 3)
    seen = []
    trainer(tmp_path).run(seconds=600, on_progress=seen.append)
    assert [p.step for p in seen] == logged(tmp_path) == [3, 4]
    assert seen[-1].seconds_left == 0


def test_a_run_logs_no_step_twice_though_it_was_killed_after_it_had_logged_some(
        tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_STEPS", 1)
    trainer(tmp_path, replace(RECIPE, steps=2)).run(seconds=600)
    with (tmp_path / loop.LOG_NAME).open("a") as log:
        log.write('{"step": 3, "loss": 1.0}\n{"step": 4, "lo')
    again = trainer(tmp_path)
    assert again.resume() and again.step == 2
    again.run(seconds=600)
    assert logged(tmp_path) == [1, 2, 3, 4]


def test_run_without_a_state_starts_anew(tmp_path):
    assert not trainer(tmp_path).resume()


@pytest.mark.parametrize("damage", [b"", b"not a state", None])
def test_damaged_state_is_one_sentence(tmp_path, damage):
    run = steps(trainer(tmp_path), 1)
    run.save()
    path = tmp_path / loop.STATE_NAME
    path.write_bytes(path.read_bytes()[:5000] if damage is None else damage)
    with pytest.raises(DataError, match="does not belong to this preset or is damaged"):
        trainer(tmp_path).resume()


def test_resumed_run_has_the_settings_of_its_own_recipe(tmp_path):
    steps(trainer(tmp_path), 1).save()
    again = trainer(tmp_path, replace(RECIPE, weight_decay=0.25))
    assert RECIPE.weight_decay != 0.25 and again.resume()
    assert {group["weight_decay"] for group in again.optimizers[0].param_groups} == {0.25}
    assert again.optimizers[0].state


@pytest.mark.parametrize("before, now", [("muon", "lamb"), ("adamw", "lamb"), ("lamb", "adamw")])
def test_state_of_another_optimizer_is_one_sentence(tmp_path, before, now):
    steps(trainer(tmp_path, replace(RECIPE, optimizer=before)), 1).save()
    with pytest.raises(DataError, match="does not belong to this preset"):
        trainer(tmp_path, replace(RECIPE, optimizer=now)).resume()


def test_state_that_does_not_name_its_optimizer_is_gone_on_with(tmp_path):
    steps(trainer(tmp_path), 1).save()
    path = tmp_path / loop.STATE_NAME
    older = torch.load(path, weights_only=True)
    del older["optimizer"]
    torch.save(older, path)
    assert trainer(tmp_path).resume()
