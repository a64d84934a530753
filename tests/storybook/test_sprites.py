"""Loading a cast: names, pyramids, the cache and damaged files."""

import errno
import itertools

import numpy as np
import pytest

from engine.errors import DataError
from engine.storybook.pyramid import LEVELS
from engine.storybook.sprites import CORE_12, CORE_20, CORE_40, load_sprites
from tests.storybook.conftest import FRAME_COUNT, ROWS, write_cast


def test_core_casts_grow_from_one_another():
    assert (len(CORE_12), len(CORE_20), len(CORE_40)) == (12, 20, 40)
    assert set(CORE_12) < set(CORE_20) < set(CORE_40)


def test_every_subject_has_its_own_name(cast):
    assert len(cast) == len(ROWS)
    assert {"grinning yellow face", "yellow face with sunglasses"} < set(cast)


def test_a_core_subject_with_a_motion_leaves_its_namesakes_out(cast_folder):
    names = {sprite.name for sprite in load_sprites(cast_folder, "core40")}
    assert "grinning yellow face" in names
    assert "yellow face with sunglasses" not in names


def test_subjects_are_chosen_by_noun_or_by_name(cast_folder):
    chosen = load_sprites(cast_folder, ["dog", "yellow face with sunglasses"])
    assert [sprite.name for sprite in chosen] == ["dog", "yellow face with sunglasses"]
    assert [s.name for s in load_sprites(cast_folder, "dog, yellow face with sunglasses,")] == [
        sprite.name for sprite in chosen]


def test_stills_join_the_cast_as_single_frames(cast_folder):
    cast = {sprite.name: sprite for sprite in load_sprites(cast_folder, ["all", "still"])}
    assert cast["red apple"].frames.frame_count == 1
    assert cast["dog"].frames.frame_count == FRAME_COUNT


def test_stills_can_be_a_cast_of_their_own(cast_folder):
    stills = load_sprites(cast_folder, "still")
    assert "red apple" in {sprite.name for sprite in stills}
    assert {sprite.frames.frame_count for sprite in stills} == {1}


def test_casts_and_subjects_can_be_asked_for_together(cast_folder):
    alone = {sprite.name for sprite in load_sprites(cast_folder, "core12")}
    together = {sprite.name
                for sprite in load_sprites(cast_folder, ["core12", "yellow face with sunglasses"])}
    assert together == alone | {"yellow face with sunglasses"}


def test_size_means_the_visible_box_common_to_all_frames(cast):
    # Head from column 12, body to column 76; head from row 18, leg to row 84.
    assert cast["dog"].frames.visible_width == 76 - 12 + 1
    assert cast["dog"].frames.visible_height == 84 - 18 + 1


def test_every_level_halves_the_one_before_and_keeps_its_mean(cast):
    levels = [cast["dog"].frames.level(index) for index in range(LEVELS)]
    for fine, coarse in itertools.pairwise(levels):
        assert fine.shape[1:3] == (2 * coarse.shape[1], 2 * coarse.shape[2])
        assert fine.mean() == pytest.approx(coarse.mean(), abs=0.5)


def test_colour_is_premultiplied_at_soft_edges(cast):
    level = cast["dog"].frames.level(3)
    assert (level[..., :3] <= level[..., 3:]).all()
    assert ((level[..., 3] > 0) & (level[..., 3] < 255)).any()


def test_the_cache_gives_back_the_same_levels_without_the_decoder(tmp_path, monkeypatch):
    folder = write_cast(tmp_path / "sprites")
    first = load_sprites(folder, ["dog"], cache=tmp_path / "cache")[0]
    before = [np.array(first.frames.level(index)) for index in range(LEVELS)]

    def refuse(*_):
        raise AssertionError("decoded although the cache holds it")

    monkeypatch.setattr("engine.storybook.pyramid._decode", refuse)
    again = load_sprites(folder, ["dog"], cache=tmp_path / "cache")[0]
    assert again.aspect == first.aspect
    for index, level in enumerate(before):
        np.testing.assert_array_equal(level, again.frames.level(index))


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\x93NUMPY\x01"])
@pytest.mark.parametrize("name", ["about.json", "0.npy", "3.npy"])
def test_a_damaged_cache_is_decoded_anew(tmp_path, name, damage):
    folder, cache = write_cast(tmp_path / "sprites"), tmp_path / "cache"
    first = load_sprites(folder, ["dog"], cache=cache)[0].frames
    (whole,) = cache.rglob(name)
    before = whole.read_bytes()
    whole.write_bytes(damage)
    again = load_sprites(folder, ["dog"], cache=cache)[0].frames
    for index in range(LEVELS):
        np.testing.assert_array_equal(again.level(index), first.level(index))
    assert whole.read_bytes() == before


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    folder, cache = write_cast(tmp_path / "sprites"), tmp_path / "cache"
    cache.write_text("in the way")
    reports = []
    dog = load_sprites(folder, ["dog"], reports.append, cache=cache)[0]
    assert dog.frames.level(0).any() and not reports


def test_a_full_disk_leaves_nothing_half_written_in_the_cache(tmp_path, monkeypatch):
    def full(file, level):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.storybook.pyramid.np.save", full)
    folder, cache = write_cast(tmp_path / "sprites"), tmp_path / "cache"
    assert load_sprites(folder, ["dog"], cache=cache)[0].frames.level(0).any()
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["about.json"]


def test_a_damaged_picture_is_skipped_and_reported_in_one_sentence(tmp_path):
    folder = write_cast(tmp_path / "sprites")
    (folder / "animated" / "dog.webp").write_bytes(b"RIFF nothing to see")
    reports = []
    names = {sprite.name for sprite in load_sprites(folder, "all", reports.append)}
    assert "dog" not in names
    assert len(names) == len(ROWS) - 1
    assert len(reports) == 1
    assert "dog" in reports[0]


def test_a_cut_off_picture_is_skipped_and_reported(tmp_path):
    folder = write_cast(tmp_path / "sprites")
    path = folder / "animated" / "fish.webp"
    path.write_bytes(path.read_bytes()[:-200])
    reports = []
    names = {sprite.name for sprite in load_sprites(folder, "all", reports.append)}
    assert "blue fish" not in names
    assert len(reports) == 1


def test_a_missing_folder_or_table_says_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"animated\.tsv"):
        load_sprites(tmp_path / "nowhere")
    folder = write_cast(tmp_path / "sprites")
    (folder / "still.tsv").unlink()
    load_sprites(folder, "all")
    with pytest.raises(DataError, match=r"still\.tsv"):
        load_sprites(folder, ["all", "still"])


def test_an_unknown_subject_is_an_error_and_not_an_empty_cast(cast_folder):
    with pytest.raises(DataError, match="No subject is called wombat: give core12"):
        load_sprites(cast_folder, ["wombat"])
    with pytest.raises(DataError, match="No subject is called hrose, zebar:"):
        load_sprites(cast_folder, "core12, zebar, still, hrose")
