"""Batches: shapes, crops of whole groups, images as clips, and the painted world as a source."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from engine.errors import DataError
from engine.presets import PRESETS
from engine.storybook.scene import TRAVELS
from engine.training.data import Batches, Window
from engine.training.recipe import Recipe
from engine.training.storybook import StorybookSource
from engine.training.truth import UNKNOWN
from tests.training.stand_ins import CAPTIONS, HashedText, one_batch, tiny_batches

TINY = PRESETS["tiny"]
UPSAMPLER = replace(TINY, scale=8.0, network=replace(
    TINY.network, height=24, width=48, group=(2, 4), n_latents=18, condition_channels=3,
    known_frames=False, augmented=True))


def test_batch_has_the_stage_s_shapes():
    batch = one_batch(tiny_batches(), np.random.default_rng(0), 5, 3, 0.2)
    assert batch.clips.shape == (5, 3, 3, 12, 16)
    assert batch.low is None and batch.part.groups is None
    assert batch.clips.min() >= -1 and batch.clips.max() <= 1
    assert batch.conditions.text_tokens.shape == (5, 6, 384)
    assert batch.conditions.text_mask.sum(dim=1).min() >= min(len(c.split()) for c in CAPTIONS)
    assert batch.conditions.fps.shape == (5,) and batch.conditions.resolution.shape == (5, 2)
    assert len(batch.part.frames) == 3 and batch.part.frames.diff().min() > 0


def test_images_are_clips_of_equal_frames_and_infinite_rate():
    batch = one_batch(tiny_batches(), np.random.default_rng(0), 5, 3, 1.0)
    assert batch.conditions.fps.isinf().all()
    assert torch.equal(batch.clips, batch.clips[:, :, :1].expand_as(batch.clips))


def test_same_rng_gives_the_same_batch():
    one, two = (one_batch(tiny_batches(), np.random.default_rng((3, 9)), 4, 2, 0.5)
                for _ in range(2))
    assert torch.equal(one.clips, two.clips)
    assert torch.equal(one.conditions.text_tokens, two.conditions.text_tokens)


def test_a_crop_holds_the_pixels_of_the_groups_it_names():
    whole = one_batch(tiny_batches(UPSAMPLER), np.random.default_rng(0), 1, 4, 0.0)
    batches = tiny_batches(UPSAMPLER, (2, 1))
    high, wide = UPSAMPLER.network.group_pixels
    columns = UPSAMPLER.network.group_grid[1]
    crops = one_batch(batches, np.random.default_rng(1), 7, 4, 0.0)
    assert crops.clips.shape == (7, 3, 4, 2 * high, wide) == crops.low.shape
    assert len({int(first) for first in crops.part.groups[:, 0]}) > 1
    window = batches._window((1, 2))
    full = Window(24, 48, 0, 0, 24, 48, 4)
    frames = np.arange(4)
    source = batches.source
    crop, all_of_it = (source.example(np.random.default_rng(2), frames, w, image=False, low=True)
                       for w in (window, full))
    top, left = high, 2 * wide
    assert np.array_equal(crop.frames, all_of_it.frames[:, top:top + 2 * high, left:left + wide])
    assert batches._groups([(1, 2)]).tolist() == [[columns + 2, 2 * columns + 2]]
    assert whole.part.groups is None and whole.low.shape == whole.clips.shape


@pytest.fixture(scope="module")
def cast(tmp_path_factory):
    """A sprites folder with a dog and a heart drawn here."""
    folder = tmp_path_factory.mktemp("sprites")
    (folder / "animated").mkdir()
    table = ["file\tpackage\tnoun\tmotion\tcategory\tfacing\tplace\tframes"]
    for name, words, colour in (("dog", "dog\twalking\tanimal\tleft\tground", (190, 120, 60)),
                                ("heart", "red heart\tbeating\tobject\tfront\tany", (220, 20, 40))):
        frames = []
        for step in range(4):
            frame = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
            draw = ImageDraw.Draw(frame)
            draw.ellipse((8, 14, 56, 44), fill=(*colour, 255))
            draw.rectangle((18 + 6 * step, 40, 24 + 6 * step, 60), fill=(30, 30, 30, 255))
            frames.append(frame)
        frames[0].save(folder / "animated" / f"{name}.webp", save_all=True,
                       append_images=frames[1:], duration=42, lossless=True)
        table.append(f"{name}.webp\tdrawn\t{words}\t4")
    (folder / "animated.tsv").write_text("\n".join(table) + "\n")
    return folder


def test_storybook_batches_have_the_stage_s_shapes(cast):
    source = StorybookSource(cast, ["dog", "red heart"])
    batches = Batches(source, TINY, HashedText(384, length=24))
    batch = one_batch(batches, np.random.default_rng(3), 12, 4, 0.5)
    assert batch.clips.shape == (12, 3, 4, 12, 16) and batch.clips.isfinite().all()
    assert batch.clips.std() > 0.05
    rates = set(batch.conditions.fps.tolist())
    assert rates <= {6.0, 12.0, 24.0, float("inf")} and float("inf") in rates and len(rates) > 1
    assert set(map(tuple, batch.conditions.resolution.tolist())) <= {(288.0, 512.0), (6.0, 8.0)}
    for clip, fps in zip(batch.clips, batch.conditions.fps, strict=True):
        assert torch.equal(clip, clip[:, :1].expand_as(clip)) or fps.isfinite()


def test_the_storybook_tells_its_words_and_full_captions_as_ideas(cast):
    plain, free = (
        StorybookSource(cast, ["dog", "red heart"], Recipe(free_wording=share)).vocabulary()
        for share in (0, 0.5))
    assert {"dog", "walking", "heart", "meadow", "background"} <= set(plain.words) < set(free.words)
    assert "puppy" not in plain.words and "a dog walking to the left in the meadow" in plain.ideas
    assert plain.ideas == StorybookSource(cast, ["dog", "red heart"]).vocabulary().ideas
    assert plain.subjects == ("a dog", "a red heart")
    assert all(len(plain.about(subject)) >= 12 for subject in plain.subjects)


def test_storybook_lessons_say_what_its_clips_show(cast):
    """Conditions, truth and parts come from one generator's scenes, as those of clips do."""
    batches = Batches(StorybookSource(cast, ["dog", "red heart"]), TINY, HashedText(384, length=24))
    lessons = batches.lessons(np.random.default_rng(3), 5)
    conditions, parts = lessons.conditions, lessons.parts
    assert lessons.truth.shape == (5, 3) and parts.shape == (5, 4, 3, 4) and parts.any()
    assert lessons.frame_index.tolist() == [0, 1, 2, 3]
    assert conditions.fps.isfinite().all() and conditions.text_kept.all()
    clips = one_batch(batches, np.random.default_rng(3), 60, 4, 0.5)
    assert clips.parts.shape == (60, 4, 3, 4)
    for parts, fps in zip(clips.parts, clips.conditions.fps, strict=True):
        assert torch.equal(parts, parts[:1].expand_as(parts)) or fps.isfinite()


def test_newcomers_are_shown_more_often(cast):
    def hearts(**settings) -> float:
        source = StorybookSource(cast, ["dog", "red heart"], Recipe(**settings))
        window, rng = Window(12, 16, 0, 0, 12, 16, 4), np.random.default_rng(0)
        number = list(source.sprites).index("red heart")
        drawn = [source.lesson(rng, np.arange(2), window) for _ in range(400)]
        return sum(one.truth[0] == number for one in drawn) / len(drawn)

    assert hearts() == pytest.approx(0.5, abs=0.08)
    assert hearts(newcomers=("red heart",), newcomer_share=0.6) == pytest.approx(0.8, abs=0.08)
    assert hearts(newcomers=("red heart",), newcomer_share=1.0) == 1
    assert hearts(newcomers=("red heart",)) == pytest.approx(0.5, abs=0.08)


def test_newcomers_have_to_be_among_the_subjects(cast):
    with pytest.raises(DataError, match=r"newcomers names zebra, .* they are dog, red heart"):
        StorybookSource(cast, ["dog", "red heart"], Recipe(newcomers=("zebra", "dog")))


def test_storybook_crops_come_with_the_whole_small_clip(cast):
    source = StorybookSource(cast, ["dog"])
    batches = Batches(source, UPSAMPLER, HashedText(384, length=24), (1, 2))
    batch = one_batch(batches, np.random.default_rng(0), 2, 2, 0.0)
    assert batch.clips.shape == batch.low.shape == (2, 3, 2, 8, 32)
    # the enlarged small clip shows the same pixels, only softer
    assert (batch.clips - batch.low).abs().mean() < 0.25


def test_a_scene_is_said_in_other_words_beside_the_caption_that_means_the_same(cast):
    rng = np.random.default_rng(0)
    plain = StorybookSource(cast, ["dog"], Recipe(free_wording=0.0))
    pairs = [plain.paraphrase(rng) for _ in range(60)]
    assert all(said == meant for said, meant, _ in pairs)
    assert {answers == 3 * (UNKNOWN,) for *_, answers in pairs} == {True, False}
    free = StorybookSource(cast, ["dog"], Recipe(free_wording=1.0))
    pairs = [free.paraphrase(rng) for _ in range(20)]
    assert all(meant.startswith("a dog") for _, meant, _ in pairs)
    assert sum(said != meant for said, meant, _ in pairs) > 15
    assert all(("left" in meant) == (travel == TRAVELS.index("left"))
               for _, meant, (_, _, travel) in pairs)


def test_what_a_place_lies_beside_is_no_word_that_was_learnt(cast):
    words = StorybookSource(cast, ["dog"], Recipe(free_wording=1.0)).vocabulary().words
    assert {"savanna", "sahara", "labrador", "the", "among"} <= {*words}
    assert not {"camels", "buttercups", "moon", "asteroids"} & {*words}
