"""Settings out of files: every field comes back, and nothing a file says can do harm."""

import json
import random
from dataclasses import replace

import pytest

from engine import catalog
from engine.errors import MediaError, RequestError
from engine.extension.request import ExtensionRequest
from engine.extension.segments import Segment
from engine.media import MEDIA_KEY, OPENING_KEY, known_suffixes, request_metadata, write_clip
from engine.request import MAX_SEED, GenerationRequest
from snapui import extend_form
from snapui.compare import Axis, Plan
from snapui.controls import FIELDS
from snapui.orders import Edit
from snapui.restore import UPSCALED, restored
from snapui.tabs import compare
from tests.snapui.stand_in import moving_bar
from tests.test_media_untrusted import mutated

MUTANTS = 1000
FRAMES = moving_bar(5, 36, 64)[:2]
REQUEST = GenerationRequest(
    prompt='a "dog" = walking;\n# left 🐕', negative_prompt="rain", seed=2**62 + 1, drafts=3,
    steps=64, guidance=4.5, fps=8.0, sampler="heun", oscillating=True,
    upscale_steps=7, upscale_noise=0.25)
LONG = ExtensionRequest(REQUEST.single(7), 6.0, (Segment(2, 4, "a dog"), Segment(4, 6, "a cat")),
                        fit="crop", known_weight=2.5)
HOSTILE = [None, True, [], {}, [["a"]], -1, 10**400, 1e308, "", "x" * 5000, "\0", "\ud800",
           "/etc/passwd", "../../etc", "C:\\Windows", "__import__('os').system('id')",
           "<script>alert(1)</script>", "$(id)", "storybook/../storybook", "nan", "1e999"]


def file_with(folder, stored, **extra):
    """Write a small file that carries any text as its settings."""
    text = stored if isinstance(stored, str) else json.dumps(stored)
    return write_clip(folder / "clip.zip", FRAMES, 12, {MEDIA_KEY: text} | extra)


def all_fields(**changes):
    return json.loads(REQUEST.to_json()) | changes


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A machine whose only model is called storybook and has the hash 123."""
    card = catalog.ModelCard("storybook", tmp_path, tmp_path, None, "", 1)
    monkeypatch.setattr(catalog.ModelCard, "model_hash", "123")
    monkeypatch.setattr("snapui.restore.list_models", lambda _: [card])


@pytest.mark.parametrize("suffix", known_suffixes())
def test_every_field_comes_back_from_every_format(tmp_path, models, suffix):
    path = write_clip(tmp_path / f"clip{suffix}", FRAMES, 12,
                      request_metadata(REQUEST, {"model_hash": "123"}))
    back = restored(path)
    assert back.differences == ()
    assert GenerationRequest(**back.values) == REQUEST


def test_a_still_picture_made_here_gives_its_settings_back(tmp_path, models):
    path = write_clip(tmp_path / "clip.png", FRAMES[:1], 12, request_metadata(REQUEST))
    assert GenerationRequest(**restored(path).values) == REQUEST


@pytest.mark.parametrize(("changes", "name", "value", "said"), [
    ({"steps": 1000}, "steps", 256, "Steps was 1000 and can be from 1 to 256; it is 256 now."),
    ({"guidance": -2.5}, "guidance", 0.0, "it is 0 now."),
    ({"seed": 2**70}, "seed", MAX_SEED, "Seed was 1180591620717411303424"),
    ({"prompt": "x" * 3000}, "prompt", "x" * 2000, "only the first 2000"),
    ({"sampler": "ddim"}, "sampler", None, "Sampler was ddim, which it cannot be"),
    ({"steps": "many"}, "steps", None, "Steps was many, which it cannot be"),
    ({"oscillating": 1}, "oscillating", None, "Oscillating guidance was 1"),
    ({"model": "paper_3b9"}, "model", None, "The model paper_3b9 is not on this machine"),
    ({"model": "/etc"}, "model", None, "The model /etc is not on this machine"),
    ({"flux": 1, "lora": 2}, "steps", 64, "does not know flux, lora."),
])
def test_what_cannot_be_applied_is_said_and_the_rest_is(tmp_path, models, changes, name, value,
                                                        said):
    back = restored(file_with(tmp_path, all_fields(**changes)))
    assert back.values.get(name) == value
    assert [line for line in back.differences if said in line] == list(back.differences)
    others = set(FIELDS) - {name}
    assert {one: back.values[one] for one in others} == {
        one: getattr(REQUEST, one) for one in others}


def test_a_field_the_file_lacks_is_said(tmp_path, models):
    stored = all_fields()
    del stored["guidance"]
    back = restored(file_with(tmp_path, stored))
    assert back.differences == ("Guidance is not in the file; it stays as it is now.",)
    assert "guidance" not in back.values


def test_other_weights_are_said(tmp_path, models):
    (said,) = restored(file_with(tmp_path, all_fields(), model_hash="456")).differences
    assert "other weights here (123)" in said and "(456)" in said
    assert restored(file_with(tmp_path, all_fields(), model_hash="123")).differences == ()


def test_a_start_picture_is_asked_for_again(tmp_path, models):
    path = file_with(tmp_path, all_fields(), **{OPENING_KEY: "crop", "parents": '["mine.png"]'})
    (said,) = restored(path).differences
    assert "begins with a picture that is not in the file" in said


def test_an_upscaled_clip_says_how_to_get_there(tmp_path, models):
    back = restored(file_with(tmp_path, all_fields(upscale=True)))
    assert back.values["upscale"] is True
    assert back.differences == (UPSCALED,)
    longer = replace(LONG, clip=replace(LONG.clip, upscale=True))  # the Extend tab can upscale
    assert restored(file_with(tmp_path, all_fields(upscale=True),
                              extension=longer.to_json())).differences == ()


@pytest.mark.parametrize(("edit", "said"), [
    (Edit("trim", 12).to_json(), "It is an edit (Trimmed) of first.mp4"),
    (Edit("colour").to_json(), "It is an edit (Colours matched) of first.mp4"),
    ("[" * 100_000, "not known here"), ('{"what": []}', "not known here"), ("1", "not known here")])
def test_an_edited_clip_says_what_it_is_an_edit_of(tmp_path, models, edit, said):
    (told,) = restored(file_with(tmp_path, all_fields(), edit=edit,
                                 parents='["first.mp4"]')).differences
    assert said in told and "first.mp4" in told and len(told) < 300


def test_a_clip_that_was_kept_early_says_so(tmp_path, models):
    (said,) = restored(file_with(tmp_path, all_fields(), kept_after="step 2 of 6")).differences
    assert said == "It was kept early, after step 2 of 6; these settings make it whole."
    acceptable(restored(file_with(tmp_path, all_fields(), kept_after="x\n" * 999)))


def test_another_backend_is_said_if_that_of_this_machine_is_known(tmp_path, models):
    path = file_with(tmp_path, all_fields(), backend="mlx")
    (said,) = restored(path, backend="pytorch cpu float32").differences
    assert "another backend (mlx, here pytorch cpu float32)" in said
    assert restored(path).differences == restored(path, backend="mlx").differences == ()


GRID = Plan(REQUEST.single(7), Axis("prompt", ("a dog", "a  cat")), Axis("steps", (12, 24)))


def test_a_grid_gives_its_columns_and_rows_back(tmp_path, models):
    stored = json.loads(GRID.cell(0, 0).to_json())
    back = restored(file_with(tmp_path, stored, comparison=GRID.to_json()))
    assert (back.plan, back.differences) == (GRID, ())
    assert compare.filled(back.plan) == ["prompt", "a dog\na  cat", "steps", "12\n24"]
    one_row = Plan(GRID.base, Axis("oscillating", (True, False)))
    assert compare.filled(one_row) == ["oscillating", "yes\nno", compare.NOTHING, ""]
    assert Axis.parse("oscillating", one_row.columns.text) == one_row.columns


@pytest.mark.parametrize(("changes", "said"), [
    ({"columns": {"field": "drafts", "values": [1, 2]}}, "is damaged"),
    ({"columns": {"field": "x" * 5000, "values": [1, 2]}}, "is damaged"),
    ({"columns": "prompt"}, "is damaged"), ({"columns": None}, "is damaged"),
    ({"columns": 0}, "is damaged"), ({"rows": False}, "is damaged"),
    ({"base": {"prompt": "a", "lora": 1}}, "is damaged"),
    ({"base": []}, "is damaged"), ({"rows": {"field": "seed"}}, "is damaged"),
    ({"columns": {"field": "model", "values": ["storybook", "/etc"]}}, "compares /etc"),
    ({"rows": {"field": "model", "values": ["../x"]}}, "compares ../x"),
    ({"clips": [1, 2], "heads": ["a", "b"], "has_one_prompt": True}, "finished clips side by side"),
])
def test_a_grid_that_cannot_come_back_is_one_sentence(tmp_path, models, changes, said):
    text = json.dumps(json.loads(GRID.to_json()) | changes)
    back = restored(file_with(tmp_path, all_fields(), comparison=text))
    (told,) = back.differences
    assert said in told and len(told) < 300
    assert back.plan is None


@pytest.mark.parametrize("text", ["{", "[]", "null", "1", '"clips"', "[" * 100_000])
def test_a_comparison_that_is_no_plan_is_one_sentence(tmp_path, models, text):
    (told,) = restored(file_with(tmp_path, all_fields(), comparison=text)).differences
    assert "is damaged" in told


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "[" * 100_000, "NaN"])
def test_settings_that_are_no_fields_are_one_sentence(tmp_path, text):
    with pytest.raises((RequestError, MediaError), match="Choose the original file"):
        restored(file_with(tmp_path, text))


def test_a_file_made_elsewhere_says_so(tmp_path):
    path = write_clip(tmp_path / "clip.gif", FRAMES, 12)
    with pytest.raises(MediaError, match="made elsewhere"):
        restored(path)


def acceptable(back):
    """Check that a control can show each value and each difference is one line."""
    for name, value in back.values.items():
        assert getattr(GenerationRequest(**{"prompt": "any", name: value}), name) == value
    assert back.values.get("model") in (None, "storybook")
    for line in back.differences:
        assert line.isprintable() and 10 < len(line) < 300


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_no_hostile_value_gets_through(tmp_path, models, name):
    for value in HOSTILE:
        back = restored(file_with(tmp_path, all_fields(**{name: value})))
        acceptable(back)
        assert back.differences or back.values[name] == value


@pytest.mark.slow
@pytest.mark.parametrize("suffix", known_suffixes())
def test_a_thousand_mutated_files_give_settings_or_a_sentence(tmp_path, models, suffix):
    whole = write_clip(tmp_path / f"whole{suffix}", FRAMES, 12,
                       request_metadata(REQUEST, {"model_hash": "123"})).read_bytes()
    chance = random.Random(suffix)
    path, refused = tmp_path / f"mutant{suffix}", 0
    for _ in range(MUTANTS // len(known_suffixes())):
        path.write_bytes(mutated(whole, chance))
        try:
            acceptable(restored(path))
        except (MediaError, RequestError) as error:
            refused += 1
            assert len(str(error)) > 20
    assert refused, "no mutation reached the reader"
    assert {one.name for one in tmp_path.iterdir()} == {path.name, f"whole{suffix}"}


def test_a_longer_clip_gives_its_segments_back_and_says_what_it_went_on_from(tmp_path, models):
    back = restored(file_with(tmp_path, all_fields(), extension=LONG.to_json(),
                              parents=json.dumps(["first <b>.mp4"])))
    assert back.extension == LONG
    assert back.differences == (
        "It was made from first <b>.mp4: choose that under Go on from, or hand it over again.",)
    work, rows, seconds, fps, is_loop, _, fit, weight = extend_form.filled(back.extension)
    assert (work, seconds, fps, is_loop) == ("Longer", 6, LONG.clip.fps, False)
    assert (fit, weight) == ("crop", 2.5)
    assert rows["rows"] == [[2, 4, "a dog"], [4, 6, "a cat"]]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"clip": 1}', LONG.to_json().replace("6", "900"),
                                  LONG.to_json().replace("crop", "x" * 5000), "[" * 100_000])
def test_damaged_segments_are_one_sentence_and_the_rest_comes_back(tmp_path, models, text):
    back = restored(file_with(tmp_path, all_fields(), extension=text, parents="{"))
    assert back.extension is None and "prompt" in back.values
    assert len(back.differences) == (1 if text else 0)
    assert all(len(told) < 300 for told in back.differences)
