"""A file made here gives its request back, and tells other tools what they can read."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.errors import MediaError, RequestError
from engine.media import (
    MEDIA_KEY,
    PROGRAM,
    known_suffixes,
    read_metadata,
    read_request,
    request_metadata,
    write_clip,
)
from engine.request import GenerationRequest

FRAMES = np.arange(3 * 36 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(3, 36, 64, 3)
REQUEST = GenerationRequest(
    prompt='a "dog" = 1; # \\ walking,\nכלב הולך 🐶 שמאלה', negative_prompt="rain", seed=2**63 - 1,
    steps=7, guidance=2.5, fps=8.5, sampler="heun", oscillating=True, model="my model",
    upscale=True, upscale_steps=3, upscale_noise=0.25)


@pytest.mark.parametrize("suffix", known_suffixes())
def test_every_format_gives_the_same_request_back(tmp_path, suffix):
    metadata = request_metadata(REQUEST, {"model_hash": "0123456789ab", "parents": ["a", "b"]})
    path = write_clip(tmp_path / f"clip{suffix}", FRAMES, REQUEST.fps, metadata)
    assert read_request(path) == REQUEST
    found = read_metadata(path)
    assert found["model_hash"] == "0123456789ab"
    assert json.loads(found["parents"]) == ["a", "b"]
    assert found["software"] == PROGRAM
    assert "AI" in found["comment"]
    assert found["digital_source_type"].endswith("/trainedAlgorithmicMedia")


def test_parameters_text_is_what_image_tools_expect():
    text = request_metadata(replace(REQUEST, prompt="a dog", upscale=False),
                            {"model_hash": "0123456789ab"})["parameters"]
    assert text == (
        "a dog\nNegative prompt: rain\n"
        "Steps: 7, Sampler: heun, CFG scale: 2.5, Seed: 9223372036854775807, "
        "Model hash: 0123456789ab, Model: my model, FPS: 8.5, Oscillating guidance: yes, "
        f"Version: {PROGRAM}")


def test_image_tools_find_parameters_and_the_ai_mark_where_they_look(tmp_path):
    metadata = request_metadata(REQUEST)
    with Image.open(write_clip(tmp_path / "clip.png", FRAMES, 12, metadata)) as picture:
        assert picture.text["parameters"] == metadata["parameters"]
    with Image.open(write_clip(tmp_path / "clip.webp", FRAMES, 12, metadata)) as picture:
        comment = picture.getexif().get_ifd(0x8769)[0x9286]
        assert comment[8:].decode("utf-16-be") == metadata["parameters"]
        assert b"trainedAlgorithmicMedia" in picture.info["xmp"]


@pytest.mark.parametrize(("model", "stored"), [
    ("storybook", "storybook"), ("/home/someone/models/mine", "mine"), ("./mine/", "mine"),
    ("C:\\Users\\someone\\mine", "mine"), ("..", "model"), ("/", "model")])
def test_a_file_names_its_model_but_never_its_folder(tmp_path, monkeypatch, model, stored):
    monkeypatch.chdir("/")
    metadata = request_metadata(replace(REQUEST, model=model))
    assert json.loads(metadata[MEDIA_KEY])["model"] == stored
    assert "someone" not in "".join(metadata.values())


@pytest.mark.parametrize("model", ["/etc", "../other", "a/b", "\\\\host\\share", "", ".", "C:x"])
def test_a_file_may_not_choose_a_folder(tmp_path, model):
    hostile = {MEDIA_KEY: replace(REQUEST, model=model).to_json()}
    path = write_clip(tmp_path / "clip.png", FRAMES, 12, hostile)
    with pytest.raises(RequestError, match="names its model by a path"):
        read_request(path)


@pytest.mark.parametrize("text", [
    "not json", "[1]", '{"prompt": ""}', '{"prompt": "x", "seed": []}',
    '{"prompt": "x", "exec": "rm"}', "[" * 100_000])
def test_hostile_settings_are_a_sentence(tmp_path, text):
    path = write_clip(tmp_path / "clip.png", FRAMES, 12, {MEDIA_KEY: text})
    with pytest.raises(RequestError):
        read_request(path)


def test_a_file_made_elsewhere_says_so(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", FRAMES, 12)
    with pytest.raises(MediaError, match="carries no settings of this program"):
        read_request(path)


def test_the_program_names_the_version_it_is_packaged_as(pytestconfig):
    assert f'version = "{PROGRAM.split()[1]}"' in (pytestconfig.rootpath /
                                                   "pyproject.toml").read_text()
