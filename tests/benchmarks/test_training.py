"""The benchmark of training, with a tiny trainer: every part is timed, and what is said of them."""

import pytest

from benchmarks.training import PARTS, Cost, cost_of, report
from engine.presets import PRESETS
from engine.stage import Stage
from engine.training.loop import Trainer
from engine.training.recipe import RECIPES, Phase
from tests.training.stand_ins import tiny_batches


def test_every_part_of_a_step_is_timed_and_its_products_are_counted(tmp_path):
    recipe = RECIPES["tiny"]
    trainer = Trainer(Stage(PRESETS["tiny"]), tiny_batches(), recipe, tmp_path)
    costs = [cost_of(trainer, start, 2) for start, _, _ in recipe.phase_spans()]
    assert [cost.phase for cost in costs] == list(recipe.phases)
    for cost in costs:
        assert set(cost.parts) == set(PARTS) and min(cost.parts.values()) > 0
        assert sum(cost.parts.values()) < cost.seconds
        assert cost.clips_per_second == cost.phase.batch / cost.seconds
    assert 0 < costs[0].flops < costs[1].flops  # of twice the frames


def test_both_ways_are_compared_by_their_whole_clips():
    parts = dict.fromkeys(PARTS, 0.1)
    first = [Cost(Phase(1.0, 8, 4), 1.0, parts, 1), Cost(Phase(1.0, 8, 16), 4.0, parts, 1)]
    now = [Cost(Phase(1.0, 64, 1), 2.0, parts, 10), Cost(Phase(1.0, 8, 16), 1.0, parts, 10)]
    values = {row.what: row.value for row in report(first, now, rate=20.0).rows}
    assert values["whole clips a second, now against the first"] == pytest.approx(4)
    assert values["now: 64 clips of 1 frame"] == 32
    assert values["  share of the machine's rate"] == 0.5  # of the last phase
