"""The judge learns what it is taught, and is kept."""

import numpy as np
import pytest
import torch

from engine.evaluation import metrics
from engine.evaluation import teaching as teaching_module
from engine.evaluation.exam import set_exam
from engine.evaluation.judge import (
    ATTRIBUTES,
    FRAMES,
    HEIGHT,
    TRAVELS,
    WIDTH,
    JudgeConfig,
    size_class,
    to_input,
)
from engine.evaluation.teaching import Lessons, Teaching, spoil, teach, teaching_of, trained_judge
from engine.storybook.casting import travels_of

SHORT = Teaching(clips=128, epochs=8, batch=8, lr=1e-2, softened=0.0, noise=0.0)


def test_judge_learns_a_world_of_two_subjects_well_above_chance(cast):
    judge = teach(JudgeConfig(tuple(sorted(cast)), width=4), cast, lambda _: None, SHORT)
    exam = set_exam(cast, 40, 1, lambda _: None, seed=3)
    verdicts = judge.verdicts(exam.true[0], cast, exam.subjects)
    assert metrics.accuracy(verdicts.words["subject"], exam.subjects) > 0.75
    assert metrics.accuracy(verdicts.words["place"], exam.asked("place")) > 4 / 18


def test_judge_is_taught_once_and_kept(cast, tmp_path):
    told = []
    teaching = Teaching(clips=4, epochs=1, batch=4)
    first = trained_judge(tmp_path, cast, told.append, teaching)
    lines = len(told)
    again = trained_judge(tmp_path, cast, told.append, teaching)
    assert lines > 0 and len(told) == lines
    assert again.weights_hash == first.weights_hash
    other = trained_judge(tmp_path, cast, told.append, Teaching(clips=4, epochs=1, batch=4, seed=1))
    assert other.weights_hash != first.weights_hash
    assert len(list(tmp_path.iterdir())) == 2


def test_more_subjects_take_more_clips_up_to_a_limit():
    twelve, forty, all_of_them, more = (teaching_of(n).clips for n in (12, 40, 181, 1000))
    assert twelve == Teaching().clips < forty < all_of_them == more


def test_teaching_twice_gives_the_same_judge(cast):
    config, teaching = JudgeConfig(tuple(sorted(cast)), width=4), Teaching(8, 1, 4)
    one, two = (teach(config, cast, lambda _: None, teaching) for _ in range(2))
    assert one.weights_hash == two.weights_hash


def test_a_lesson_in_a_mirror_is_about_the_other_side():
    frames = np.zeros((16, FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames[:8, :, :, :WIDTH // 2] = frames[8:, :, :, WIDTH // 2:] = 255
    sides = [TRAVELS.index("left")] * 8 + [TRAVELS.index("right")] * 8
    nothing = torch.zeros(16, dtype=torch.long)
    lessons = Lessons(frames, dict.fromkeys(ATTRIBUTES, nothing) | {"travel": torch.tensor(sides)})

    def sees_the_brighter_side(clips, looks):
        scores = torch.zeros(len(clips), len(TRAVELS))
        for name, half in (("left", clips[..., :WIDTH // 2]), ("right", clips[..., WIDTH // 2:])):
            scores[:, TRAVELS.index(name)] = 100 * half.mean((1, 2, 3, 4))
        return dict.fromkeys(ATTRIBUTES, torch.zeros(len(clips), 1)) | {"travel": scores}

    loss = teaching_module._lesson_loss(sees_the_brighter_side, lessons, torch.arange(16), SHORT,
                                        torch.Generator().manual_seed(0))
    assert loss == pytest.approx(0, abs=1e-4)


def test_travel_is_chosen_among_those_that_suit_the_subject(cast, ignorant_judge, exam):
    with torch.no_grad():
        ignorant_judge.heads["travel"].bias[TRAVELS.index("up")] = 100.0
    verdicts = ignorant_judge.verdicts(exam.true[0], cast, exam.subjects)
    for subject, travel in zip(exam.subjects, verdicts.words["travel"], strict=True):
        assert travel in travels_of(cast[subject]) and travel != "up"


def test_verdict_on_a_clip_does_not_depend_on_its_neighbours(ignorant_judge, exam):
    together = ignorant_judge.features_of(exam.true[0])
    alone = ignorant_judge.features_of(exam.true[0, 3:4])
    assert together.shape == (5, 8) and together.dtype == np.float64
    assert np.allclose(together[3], alone[0], atol=1e-5)


def test_input_of_a_larger_longer_clip_is_its_average():
    small = np.random.default_rng(0).integers(0, 256, (1, 16, 36, 64, 3), dtype=np.uint8)
    large = small.repeat(2, axis=1).repeat(3, axis=2).repeat(3, axis=3)
    assert torch.allclose(to_input(large), to_input(small), atol=1e-5)
    assert to_input(small).shape == (1, 16, 3, 36, 64)


@pytest.mark.parametrize(("height", "name"), [(0.3, "small"), (0.55, "medium"), (0.7, "large")])
def test_size_has_three_classes(height, name):
    assert size_class(height) == name


def test_spoiling_without_strength_changes_nothing():
    clips = torch.randn(5, 2, 3, 7, 11)
    still = Teaching(softened=0.0, noise=0.0)
    assert torch.equal(spoil(clips, still, torch.Generator().manual_seed(0)), clips)
