"""A request is checked field by field and survives JSON unchanged."""

import json
from dataclasses import fields

import pytest

from engine.errors import RequestError
from engine.request import MAX_SEED, GenerationRequest

BAD = {
    "prompt": ["", "  \n", "x" * 10_000, 7, None, "\ud800"],
    "negative_prompt": [None, "x" * 10_000, "\udfff"],
    "seed": [-1, 2**63, "text", 1.5, float("nan"), float("inf"), None, True, "", [], "9" * 5000],
    "drafts": [0, 9, "two"],
    "steps": [0, 10_000, 2.5, "2.5", True],
    "guidance": [float("nan"), float("inf"), -0.1, 31, "much", "nan", None],
    "fps": [0, 61, "nan"],
    "sampler": ["ddim", "", None],
    "oscillating": [1, "yes", None],
    "model": [None, 3, "x" * 10_000],
    "upscale": [0, "no"],
    "upscale_steps": [0, 257],
    "upscale_noise": [-0.01, 1.01, float("nan")],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_a_bad_value_is_one_sentence_naming_its_field(name, value):
    with pytest.raises(RequestError) as caught:
        GenerationRequest(**{"prompt": "a dog", name: value})
    label = next(spec.metadata["label"] for spec in fields(GenerationRequest) if spec.name == name)
    assert label.lower() in str(caught.value).lower()
    assert len(str(caught.value)) < 300


def test_every_field_has_a_bad_value_to_refuse():
    assert set(BAD) == {spec.name for spec in fields(GenerationRequest)}


@pytest.mark.parametrize("prompt", [
    "🐶🏃\u200d♂️🌈", "כלב הולך שמאלה", "سلام \u202e\u200f", "a\tb\nc", "x" * 2000])
def test_any_text_survives_json(prompt):
    request = GenerationRequest(prompt=prompt, seed=MAX_SEED, guidance=0.1, oscillating=True)
    assert GenerationRequest.from_json(request.to_json()) == request
    assert "\n" not in request.to_json()


def test_numbers_typed_as_text_become_numbers():
    request = GenerationRequest(prompt="a dog", seed="7", steps=24.0, guidance="2.5", fps=8)
    assert (request.seed, request.steps, request.guidance, request.fps) == (7, 24, 2.5, 8.0)
    assert isinstance(request.fps, float)
    assert isinstance(request.steps, int)


def test_each_draft_has_its_own_request():
    request = GenerationRequest(prompt="a dog", seed=5, drafts=3)
    assert list(request.draft_seeds) == [5, 6, 7]
    assert request.single(6) == GenerationRequest(prompt="a dog", seed=6)


def test_the_last_draft_has_a_seed_too():
    GenerationRequest(prompt="a dog", seed=MAX_SEED - 1, drafts=2)
    with pytest.raises(RequestError, match=f"Seed must be at most {MAX_SEED - 1}"):
        GenerationRequest(prompt="a dog", seed=MAX_SEED, drafts=2)


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "not valid JSON"), ("{", "not valid JSON"), ("[" * 100_000, "not valid JSON"),
    ("7", "not a list of named fields"), ("null", "not a list of named fields"),
    (json.dumps({"prompt": "x", "b": 1, "a": 1}), "does not know: a, b"), ("{}", "prompt is empty"),
    ('{"prompt": "x", "guidance": NaN}', "Guidance must be")])
def test_untrusted_json_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(RequestError, match=sentence):
        GenerationRequest.from_json(text)
