import copy
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import transformers

from engine.errors import ModelError
from engine.text import TextEncoder


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(length=12)


def test_mask_counts_the_prompt_s_own_tokens(encoder):
    encoded = encoder.encode(["dog", "a dog walking to the left"])
    assert encoded.tokens.shape == (2, 12, encoder.width)
    assert encoded.mask.sum(1).tolist() == [3, 8]                 # with the two marks around
    assert not encoded.tokens[0, 3:].any()


def test_a_prompt_s_tokens_do_not_depend_on_its_neighbours(encoder):
    alone = TextEncoder(length=12).encode(["a cat"])
    beside = encoder.encode(["a much longer prompt about a dog", "a cat"])
    assert torch.equal(alone.tokens[0], beside.tokens[1])


def test_prompts_encoded_together_are_those_encoded_alone(encoder):
    prompts = ["a much longer prompt about a dog", "a cat", "dog " * 50]
    alone, together = encoder.encode(prompts), TextEncoder(length=12, together=True).encode(prompts)
    assert torch.equal(alone.mask, together.mask)
    assert (alone.tokens - together.tokens).abs().max() < 1e-4
    assert not together.tokens[~together.mask].any()


def test_left_and_right_differ(encoder):
    tokens = encoder.encode(["moving to the left", "moving to the right"]).tokens
    assert (tokens[0] - tokens[1]).abs().max() > 0.1


def test_long_prompt_is_cut_and_says_what_was_used(encoder):
    prompt = "dog " * 50
    assert encoder.used_words(prompt) == " ".join(["dog"] * 10)
    assert encoder.encode([prompt]).mask.all()
    as_typed = "A Dog, walking  to the LEFT, in a meadow, at night"
    assert encoder.used_words(as_typed) == "A Dog, walking  to the LEFT, in a"


def test_a_tokenizer_that_knows_no_places_says_what_was_used_too(encoder):
    transformers = pytest.importorskip("transformers")
    other = copy.copy(encoder)
    other._tokenizer = transformers.ByT5Tokenizer()
    assert other.used_words("a dog walking") == "a dog walki"


@pytest.mark.parametrize("prompt", ["a dog", "", "🐕🚗", "كلب يمشي"])
def test_short_prompts_of_any_script_are_used_whole(encoder, prompt):
    assert encoder.used_words(prompt) == prompt
    assert encoder.encode([prompt]).tokens.isfinite().all()


def test_encoded_prompts_are_cached(encoder):
    encoder.encode(["a unicorn"])
    calls = []
    handle = encoder._model.register_forward_hook(lambda *_: calls.append(1))
    encoder.encode(["a unicorn"])
    handle.remove()
    assert not calls


def t5(folder: Path, vocabulary: int = 99) -> str:
    """Make a T5 without a tokenizer. Returns: its folder's name."""
    config = transformers.T5Config(vocab_size=vocabulary, d_model=8, d_kv=4, d_ff=8, num_layers=1,
                                   num_heads=2)
    transformers.T5EncoderModel(config).save_pretrained(folder)
    return str(folder)


def test_any_t5_folder_loads_by_the_same_class(tmp_path, encoder):
    encoder._tokenizer.save_pretrained(tmp_path)
    name = t5(tmp_path, len(encoder._tokenizer))
    encoded = TextEncoder(name, length=9).encode(["a dog"])
    assert encoded.tokens.shape == (1, 9, 8)


@pytest.mark.skipif(bool(find_spec("sentencepiece")), reason="what it lacks is installed here")
def test_a_t5_with_only_a_sentencepiece_model_says_what_to_install(tmp_path):
    (tmp_path / "spiece.model").write_bytes(b"\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    with pytest.raises(ModelError, match=r"pip install sentencepiece protobuf\.$"):
        TextEncoder(t5(tmp_path))


@pytest.mark.parametrize("error", [ImportError, ValueError])
def test_a_tokenizer_that_lacks_a_package_says_what_to_install(tmp_path, monkeypatch, error):
    def lacking(folder):
        raise error("T5Converter requires the protobuf library but it was not found in your\n...")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lacking)
    with pytest.raises(ModelError, match=r"pip install sentencepiece protobuf\.$"):
        TextEncoder(t5(tmp_path))


def test_an_encoder_without_a_vocabulary_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="knows no words"):
        TextEncoder(t5(tmp_path))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_encoder_is_a_sentence(tmp_path, encoder, name):
    encoder._tokenizer.save_pretrained(tmp_path)
    folder = t5(tmp_path)
    content = {"config.json": '{"model_type": "t5", "d_model": "wide"}',
               "tokenizer.json": '{"version": "1.0"}'}.get(name, "cut short")
    (tmp_path / name).write_text(content)
    with pytest.raises(ModelError, match=r"cannot be loaded: ."):
        TextEncoder(folder)


def test_missing_encoder_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="cannot be loaded"):
        TextEncoder(str(tmp_path / "nowhere"))
