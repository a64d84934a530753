"""The heads that ask latents and patches what a clip shows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.model import FIT
from engine.presets import PRESETS
from engine.stage import Stage
from engine.training.loop import Trainer
from engine.training.recipe import RECIPES
from engine.training.truth import UNKNOWN, PartsHead, TruthHead
from tests.training.stand_ins import tiny_batches

TINY = PRESETS["tiny"]


@pytest.fixture
def head():
    torch.manual_seed(0)
    config = TINY.network
    head = TruthHead((3, 2), config.latent_width, config.groups, torch.nn.Identity())
    head._tokens = torch.randn(4, config.n_latents, config.latent_width)
    return head


def test_loss_is_the_mean_over_questions_that_have_an_answer(head):
    truth = torch.tensor([[0, 1], [2, UNKNOWN], [1, 0], [1, 1]])
    told = torch.tensor([True, True, False, True])
    scores = head(head._tokens)
    asked = []
    for row, (first, second) in enumerate(truth.tolist()):
        if not told[row]:
            continue
        for part, answer in ((scores[row, :, :3], first), (scores[row, :, 3:], second)):
            if answer != UNKNOWN:
                asked += (-part.log_softmax(dim=-1)[:, answer]).tolist()
    assert head.loss(truth, told).item() == pytest.approx(sum(asked) / len(asked), rel=1e-5)


def test_a_batch_without_answers_costs_nothing_and_has_a_gradient(head):
    loss = head.loss(torch.full((4, 2), UNKNOWN), torch.ones(4, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert not head.readout.weight.grad.any()


def test_training_teaches_the_latents_what_the_clip_shows(tmp_path):
    torch.manual_seed(0)
    recipe = replace(RECIPES["tiny"], truth_weight=0.2, label_dropout=0.0, image_share=0.0,
                     lessons=0)
    run = Trainer(Stage(TINY), tiny_batches(), recipe, tmp_path)
    for _ in range(40):
        run.step = 10  # the same clips, noise and rate each time
        run.train_step()
    for losses in run.head_losses.values():
        assert losses[-1] < 0.3 * losses[0]


def test_parts_are_asked_of_the_patches_that_lie_there_and_not_of_padding():
    config = TINY.network
    high, wide = config.height // config.patch, config.width // config.patch
    parts = torch.randint(5, (2, 3, high, wide))
    network = FIT(config)
    head = PartsHead(network, 5, network.blocks[0])
    # Tokens that say their answer in the head's own words, in the order the blocks keep.
    (rows, columns), (group_high, group_wide) = config.group_grid, config.group
    answers = torch.full((2, 3, rows * group_high, columns * group_wide), 4)
    answers[:, :, :high] = parts
    grouped = answers.view(2, 3, rows, group_high, columns, group_wide).permute(0, 2, 4, 1, 3, 5)
    head.norm, head.readout = torch.nn.Identity(), torch.nn.Identity()
    head._tokens = 100 * F.one_hot(grouped.reshape(2, rows * columns, -1), 5).float()
    assert head.loss(parts).item() == pytest.approx(0, abs=1e-6)
    head._tokens, of_blocks = 100 * F.one_hot(answers, 5).float(), head._tokens      # a grid
    assert head.loss(parts).item() == pytest.approx(0, abs=1e-6)
    head._tokens = of_blocks
    parts[0, 0, 0, 0] = (parts[0, 0, 0, 0] + 1) % 5
    assert head.loss(parts).item() == pytest.approx(100 / parts.numel())


def test_weights_that_are_saved_know_nothing_of_the_head(tmp_path):
    run = Trainer(Stage(TINY), tiny_batches(), replace(RECIPES["tiny"], steps=1), tmp_path)
    assert set(run.heads) == {"truth", "told", "parts", "expected"}
    run.run(60)
    from safetensors.torch import load_file
    assert not any("readout" in name for name in load_file(tmp_path / "model.safetensors"))


def test_lessons_alone_teach_what_words_mean(tmp_path):
    torch.manual_seed(0)
    run = Trainer(Stage(TINY), tiny_batches(), replace(RECIPES["tiny"], lessons=16), tmp_path)
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    before = run._rehearsed(rng, generator).item()
    optimizer = torch.optim.AdamW(run.parameters, 3e-3)
    for _ in range(60):
        loss = run._rehearsed(rng, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.4 * before
    blocks = [p.grad for p in run.stage.network.blocks.parameters()]
    assert all(grad is None for grad in blocks)                 # no clip was seen
