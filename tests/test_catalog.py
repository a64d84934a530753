"""Models are found, checked and described without loading a weight."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine import catalog
from engine.catalog import find_model, list_models, model_problems
from engine.errors import ModelError


def make_stage(folder: Path, seed: int = 0) -> None:
    """A stage of 3 * 5 + 7 parameters."""
    folder.mkdir(parents=True)
    numbers = np.random.default_rng(seed).normal(size=22).astype(np.float16)
    save_file({"a": numbers[:15].reshape(3, 5), "b": numbers[15:]}, folder / "model.safetensors",
              metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"network": {}}))


def give_network(stage: Path, **network: int) -> None:
    (stage / "config.json").write_text(json.dumps({"network": network}))


def make_model(folder: Path, *, upsampler: bool = False, seed: int = 0) -> Path:
    make_stage(folder / "base", seed)
    if upsampler:
        make_stage(folder / "upsampler", seed + 1)
    return folder


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "assets"
    monkeypatch.setattr(catalog, "SHIPPED", folder)
    make_model(folder / "storybook", upsampler=True)
    (folder / "storybook" / "README.md").write_text("# Storybook\n\nA painted\nworld.\n\nMore.")
    (folder / "clips").mkdir()
    (folder / "LICENCE.txt").write_text("x")
    return folder


def test_a_shipped_model_is_described(shipped):
    [card] = list_models()
    assert (card.name, card.description) == ("storybook", "A painted world.")
    assert card.base_folder == shipped / "storybook" / "base"
    assert card.upsampler_folder == shipped / "storybook" / "upsampler"
    assert card.parameters == 2 * 22
    assert find_model("storybook") == card


def test_own_models_follow_the_shipped_ones_and_cannot_take_their_names(shipped, tmp_path):
    mine = tmp_path / "models"
    make_model(mine / "storybook", seed=9)
    make_model(mine / "another")
    make_stage(mine / "flat")
    assert [card.name for card in list_models(mine)] == ["storybook", "another", "flat"]
    assert find_model("storybook", mine).folder == shipped / "storybook"
    assert list_models(mine)[0] == find_model("storybook", mine)
    assert find_model("another", mine).upsampler_folder is None
    flat = find_model("flat", mine)
    assert flat.base_folder == flat.folder == mine / "flat"
    assert flat.parameters == 22


def test_a_folder_is_a_model_too(shipped, tmp_path, monkeypatch):
    make_model(tmp_path / "elsewhere" / "mine")
    monkeypatch.chdir(tmp_path)
    for given in ("elsewhere/mine", tmp_path / "elsewhere" / "mine", "elsewhere/mine/base"):
        assert find_model(given).folder == (tmp_path / given)


def test_the_hash_names_all_that_decides_a_clip_and_changes_with_it(tmp_path):
    one = find_model(make_model(tmp_path / "one", upsampler=True))
    copy = find_model(make_model(tmp_path / "copy", upsampler=True))
    base = find_model(make_model(tmp_path / "base"))
    other = find_model(make_model(tmp_path / "other", seed=5))
    hashes = [card.model_hash for card in (one, copy, base, other)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert all(len(one) == 12 and int(one, 16) >= 0 for one in hashes)
    (tmp_path / "other" / "base" / "model.safetensors").write_bytes(b"new weights")
    assert other.model_hash != hashes[3]
    config = tmp_path / "base" / "base" / "config.json"
    config.write_text(config.read_text() + " ")
    assert base.model_hash != hashes[2]


def test_an_unchanged_file_is_hashed_once(tmp_path, monkeypatch):
    card = find_model(make_model(tmp_path / "one"))
    first = card.model_hash
    monkeypatch.setattr(catalog.hashlib, "file_digest", None)    # a second reading would fail
    assert find_model(tmp_path / "one").model_hash == first


def _cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def _lie(path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F16", "shape": "no", "data_offsets": [0, "x"]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


DAMAGES = {
    "cut in the data": (lambda p: _cut(p, p.stat().st_size - 1), r"is cut short: it has \d+ bytes"),
    "cut in the header": (lambda p: _cut(p, 40), "cut short inside its header"),
    "longer": (lambda p: p.write_bytes(p.read_bytes() + b"x"), "longer than it says"),
    "empty": (lambda p: p.write_bytes(b""), "not a safetensors file"),
    "few bytes": (lambda p: p.write_bytes(b"abc"), "not a safetensors file"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps({"a": list(range(99))})),
               "not a safetensors file"),
    "text": (lambda p: p.write_text("<html>404 not found, try again later</html>"),
             "not a safetensors file"),
    "wrong header": (_lie, "not a safetensors file"),
    "pointer": (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
                "run git lfs pull"),
    "gone": (lambda p: p.unlink(), r"has no model\.safetensors: copy it there"),
    "config gone": (lambda p: p.with_name("config.json").unlink(), r"has no config\.json: copy it"),
    "config text": (lambda p: p.with_name("config.json").write_text("{"), "not a valid model"),
    "config list": (lambda p: p.with_name("config.json").write_text("[]"), "not a valid model"),
}


@pytest.mark.parametrize("stage", ["base", "upsampler"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_named_with_what_to_do(shipped, tmp_path, stage, damage):
    make_model(tmp_path / "models" / "mine", upsampler=True)
    breaks, sentence = DAMAGES[damage]
    breaks(tmp_path / "models" / "mine" / stage / "model.safetensors")
    with pytest.raises(ModelError, match=sentence) as caught:
        find_model("mine", tmp_path / "models")
    assert stage in str(caught.value)
    assert [card.name for card in list_models(tmp_path / "models")] == ["storybook"]
    assert model_problems(tmp_path / "models") == {"mine": str(caught.value)}


def test_an_upsampler_alone_is_no_model_and_says_where_it_belongs(shipped, tmp_path):
    run = tmp_path / "models" / "upsampler_run"
    make_stage(run)
    give_network(run, condition_channels=3)
    with pytest.raises(ModelError, match=r"holds an upsampler.*as upsampler/ beside a base/"):
        find_model(run)
    assert [card.name for card in list_models(tmp_path / "models")] == ["storybook"]


@pytest.mark.parametrize("config", ["{}", '{"network": 3}'])
def test_a_config_without_a_network_promises_nothing(shipped, tmp_path, config):
    make_stage(tmp_path / "mine")
    (tmp_path / "mine" / "config.json").write_text(config)
    card = find_model(tmp_path / "mine")
    assert not card.sees_known_frames
    with pytest.raises(ModelError, match="does not say what frames"):
        card.window_frames  # noqa: B018


@pytest.mark.parametrize("name", ["nothing", "", "  ", "a\0b", "x" * 5000, "../..", "/dev/null"])
def test_an_unknown_model_lists_the_known_ones(shipped, name):
    with pytest.raises(ModelError, match=r"Known models: storybook|has no config\.json"):
        find_model(name)


def test_a_models_directory_that_is_not_there_is_a_sentence(shipped, tmp_path):
    with pytest.raises(ModelError, match=r"models folder .*none cannot be read"):
        list_models(tmp_path / "none")


def test_without_any_model_the_list_is_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "none")
    assert list_models() == []


def test_a_model_says_how_large_its_clips_are(tmp_path):
    folder = make_model(tmp_path / "mine", upsampler=True)
    give_network(folder / "base", frames=16)
    give_network(folder / "upsampler", frames=8, height=288)
    card = find_model("mine", tmp_path)
    assert (card.window_frames, card.upsampler_size) == (16, (8, 288))
    give_network(folder / "upsampler", frames=8)
    with pytest.raises(ModelError, match="does not say what height"):
        find_model("mine", tmp_path).upsampler_size  # noqa: B018
    assert find_model(str(make_model(tmp_path / "small")), tmp_path).upsampler_size is None
