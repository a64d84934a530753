"""Exams are about the test split, repeatable, and fair to every seed."""

from dataclasses import replace

import numpy as np
import pytest

from engine.evaluation.exam import set_exam, true_words
from engine.storybook.split import is_test


def test_every_question_is_from_the_test_split(exam):
    assert all(is_test(s.subject, s.place, s.travel) for s in exam.scenes[0])


def test_every_seed_answers_the_same_question_with_another_scene(exam):
    for one, two in zip(*exam.scenes, strict=True):
        assert (one.subject, one.place, one.travel) == (two.subject, two.place, two.travel)
        assert one != two
    assert exam.true.shape == (2, 5, 16, 36, 64, 3)
    assert not np.array_equal(exam.true[0], exam.true[1])


def test_an_exam_is_the_same_every_time(cast, exam):
    other = set_exam(cast, 5, 2, lambda _: None)
    assert other.captions == exam.captions and other.scenes == exam.scenes
    assert np.array_equal(other.true, exam.true)


def test_no_two_clips_share_a_noise_seed(exam):
    assert len({*exam.noise_seeds(0), *exam.noise_seeds(1)}) == 10


@pytest.mark.parametrize("height, size", [(0.2, "small"), (0.55, "medium"), (0.95, "large")])
def test_a_subject_is_as_large_as_it_stands_in_the_frame(cast, exam, height, size):
    scene = replace(exam.scenes[0][0], size=height, travel="in place", camera="still")
    assert true_words(scene, 12.0, cast)["size"] == size


def test_true_words_say_what_a_scene_holds(cast, exam):
    scene = exam.scenes[0][0]
    words = true_words(scene, 12.0, cast)
    assert [words[k] for k in ("subject", "place", "travel")] == [
        scene.subject, scene.place, scene.travel]
