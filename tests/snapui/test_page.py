"""The page without a browser: controls, messages, estimates, endpoints."""

import errno
import json
import re
import sqlite3
from types import SimpleNamespace

import gradio as gr
import numpy as np
import peewee
import pytest

from engine.catalog import find_model, list_models
from engine.errors import ModelError, RequestError
from engine.media import COMPARISON_KEY, request_metadata, write_clip
from engine.request import GenerationRequest
from engine.vocabulary import VOCABULARY_NAME
from snapui import api, controls, estimate, guard, messages, page
from snapui.compare import Axis, Plan
from snapui.comparisons import Comparisons
from snapui.controls import FIELDS, Controls
from snapui.files import clip_name, keep, slug
from snapui.schema import Job, JournalError
from snapui.tabs.create import COSTS, EXAMPLES, Create
from snapui.tabs.queue import Panel
from snapui.votes import Ballot
from tests.snapui.test_jobs import finished
from tests.test_catalog import make_model


@pytest.fixture
def placed():
    with gr.Blocks():
        made = Controls()
        for name in FIELDS:
            made.place(name)
    return made


def test_a_control_takes_label_help_and_range_from_its_field(placed):
    for name, component in placed.by_name.items():
        metadata = FIELDS[name].metadata
        assert (component.label, component.info) == (metadata["label"], metadata["help"])
        if isinstance(component, gr.Slider):
            assert (component.minimum, component.maximum) == (
                metadata["minimum"], metadata["maximum"])


def test_a_number_typed_beyond_its_range_becomes_the_nearest_in_it(placed):
    for name, typed, taken in (("drafts", 50, 8), ("guidance", -4, 0), ("guidance", 2.5, 2.5)):
        slider = placed.by_name[name]
        assert slider.preprocess(typed) == taken
        assert slider.get_block_name() == "slider"
    assert placed.by_name["drafts"].preprocess(None) is None


def test_the_seed_is_text_because_a_browser_rounds_large_numbers(placed):
    assert isinstance(placed.by_name["seed"], gr.Textbox)
    values = [f"{2**63 - 1}" if name == "seed" else "a dog" if name == "prompt" else spec.default
              for name, spec in FIELDS.items()]
    assert placed.request(*values).seed == 2**63 - 1


@pytest.mark.parametrize(("name", "value"), [
    ("seed", "-1"), ("seed", str(2**63)), ("seed", "seven"), ("seed", ""), ("steps", 0),
    ("steps", 10_000), ("guidance", float("nan")), ("prompt", ""), ("prompt", "x" * 10_000)])
def test_bad_input_is_one_sentence(placed, name, value):
    values = [value if name == field else "a dog" if field == "prompt" else spec.default
              for field, spec in FIELDS.items()]
    with pytest.raises(RequestError) as error:
        placed.request(*values)
    assert messages.sentence(error.value).endswith(".") or '"' in str(error.value)


def test_remembered_values_are_shown_and_unusable_ones_are_left_alone(placed):
    shown = dict(zip(placed.by_name, placed.show({
        "prompt": "a <b>cat</b>", "seed": 2**62, "steps": "many", "guidance": 99, "fps": 8.0,
        "sampler": "../../etc", "unknown": 1}), strict=True))
    assert shown["prompt"] == "a <b>cat</b>"
    assert shown["seed"] == str(2**62)
    assert shown["fps"] == 8.0
    for name in ("steps", "guidance", "sampler", "drafts"):
        assert shown[name] == gr.skip()


def test_quality_follows_the_steps():
    assert controls.quality_of(24) == "Standard"
    assert controls.quality_of(25) is None


@pytest.mark.parametrize(("error", "said"), [
    (ModelError("Copy the model again."), "Copy the model again."),
    (ModelError(""), "unexpected"),
    (MemoryError(), "Memory ran out"),
    (RuntimeError("CUDA out of memory"), "Memory ran out"),
    (OSError(errno.ENOSPC, "No space", "clip.mp4"), "disk is full"),
    (PermissionError(errno.EACCES, "no", "outputs"), "cannot be written"),
    (OSError(errno.EIO, "I/O error"), "I/O error"),
    (peewee.OperationalError("database is locked"), "did not answer"),
    (sqlite3.OperationalError("x"), "OperationalError"),
    (ValueError("secret detail"), "ValueError"),
])
def test_every_error_becomes_a_sentence(error, said):
    sentence = messages.sentence(error)
    assert said in sentence
    assert "\n" not in sentence
    assert "secret" not in sentence


def test_a_handlers_error_is_shown_as_text_and_changes_nothing(monkeypatch):
    shown = []
    monkeypatch.setattr(gr, "Warning", lambda text, **_: shown.append(text))

    @guard.guarded
    def handler():
        raise RequestError("Seed must be a whole number, not '<img src=x>'.")

    assert handler() == gr.skip()
    assert shown == ["Seed must be a whole number, not &#x27;&lt;img src=x&gt;&#x27;."]


def test_an_error_of_a_handler_without_outputs_warns_of_nothing(monkeypatch):
    monkeypatch.setattr(gr, "Warning", lambda *_, **__: None)

    def stop() -> None:
        raise JournalError("Nothing runs.")

    with gr.Blocks() as blocks:
        gr.Button().click(guard.guarded(stop, has_outputs=False))
    (event,) = blocks.fns.values()
    blocks.validate_outputs(event, [event.fn()])


def test_no_handler_of_the_desk_and_the_library_leaves_outputs_that_it_has_not(
        journal, monkeypatch):
    monkeypatch.setattr(gr, "Warning", lambda *_, **__: None)
    events = ("stop_job", "queue_act", "change_clip", "upscale_clip", "empty_bin")
    blocks = page.build(journal)
    silent = [fn for fn in blocks.fns.values() if not fn.outputs
              and any(event in events for _, event in fn.targets)]
    assert len(silent) == len(events)
    for fn in silent:
        blocks.validate_outputs(fn, [fn.fn(SimpleNamespace(id=1, act="bin", values=[]))])


def test_an_error_is_an_answer_to_the_pages_script():
    class Tab:
        def ask(self, asked):
            return {"twice": 2 * asked["number"]}

    ask = guard.answered(Tab().ask)
    assert ask.__name__ == "ask"
    assert ask({"number": 3}) == {"twice": 6}
    assert "unexpected" in ask({})["error"]


def test_an_estimate_counts_evaluations_of_all_drafts():
    timings = {"storybook/base": 0.05, "storybook/upsampler": 2.0}
    request = GenerationRequest(prompt="a", drafts=4, steps=24, guidance=3.0)
    assert estimate.seconds(request, timings) == pytest.approx(0.05 * 4 * 24 * 2)
    assert estimate.seconds(request, {}) is None
    heun = GenerationRequest(prompt="a", steps=10, guidance=0.0, sampler="heun")
    assert estimate.seconds(heun, timings) == pytest.approx(0.05 * (10 * 2 - 1))
    assert estimate.upscale_seconds(request.single(0), timings) == pytest.approx(2.0 * 4)


@pytest.mark.parametrize(("seconds", "said"), [
    (0.2, "1 s"), (8.4, "8 s"), (59.6, "1 min"), (150, "2 min 30 s"), (3900, "1 h 5 min")])
def test_durations_are_spoken(seconds, said):
    assert estimate.spoken(seconds) == said


@pytest.mark.parametrize(("prompt", "name"), [
    ("A dog, walking!", "a-dog-walking"), ("../../etc/passwd", "etc-passwd"), ("🐕🐕", "clip"),
    ("كلب يمشي", "كلب-يمشي"), ("x" * 500, "x" * 48), ("CON:\\nul", "con-nul")])
def test_a_prompt_becomes_a_harmless_file_name(prompt, name):
    assert slug(prompt) == name
    request = GenerationRequest(prompt=prompt)
    assert clip_name(request, 7, 0.0).endswith(f"_{name}_0_7")


def test_keeping_a_file_never_overwrites_one(tmp_path):
    names = [keep(tmp_path, "day/clip", ".mp4", lambda path, text=text: path.write_text(str(text)))
             for text in range(3)]
    assert names == ["day/clip.mp4", "day/clip-2.mp4", "day/clip-3.mp4"]
    assert [(tmp_path / name).read_text() for name in names] == ["0", "1", "2"]
    assert len(list((tmp_path / "day").iterdir())) == 3


def test_the_example_prompts_are_six_in_words_the_shipped_model_has_learnt():
    assert len(EXAMPLES) == 6
    for text in EXAMPLES:
        model = GenerationRequest(prompt=text).model
        assert find_model(model).vocabulary.new_words(text) == []


def test_words_new_to_the_model_are_told_as_text_and_ideas_are_its_own(journal, tmp_path):
    own = make_model(tmp_path / "own") / "base"
    tab = Create(journal, Panel(journal), Controls(), tmp_path)
    assert tab.new_words("a <b> cat", "own") == "" and tab.idea("own") in EXAMPLES
    assert tab.new_words("a cat", "missing") == ""
    (own / VOCABULARY_NAME).write_text(json.dumps({"words": ["a"], "ideas": ["a cow"]}))
    told = tab.new_words("a <script>alert</script> cat", "own")
    assert told == "<p>Words this model has not learnt and will guess at: script, alert, cat.</p>"
    assert tab.idea("own") == "a cow"


def test_what_a_model_draws_is_offered_as_text_and_a_press_gives_another_prompt_about_it(
        journal, tmp_path):
    own = make_model(tmp_path / "own") / "base"
    tab = Create(journal, Panel(journal), Controls(), tmp_path)
    assert all(f">{example}</button>" in tab.offered("own") for example in EXAMPLES)
    (own.parent / "README.md").write_text("Draws <b>cows.")
    assert '<p class="note">Draws &lt;b&gt;cows.</p>' in tab.offered("own")
    assert "cows" not in tab.offered("gone")
    ideas = ["a cow", "a cow in space", "the <b> sun"]
    (own / VOCABULARY_NAME).write_text(json.dumps({"words": ["a"], "ideas": ideas}))
    assert "<button type=\"button\" data-offer=\"the &lt;b&gt; sun\">the &lt;b&gt; sun<" in \
        tab.offered("own")
    (own / VOCABULARY_NAME).write_text(json.dumps(
        {"words": ["a"], "ideas": ideas, "subjects": ["the <b> sun", "a cow"]}))
    assert re.findall("\"([^\"]+)\">([^<]+)</button>", tab.offered("own")) == [
        ("the &lt;b&gt; sun", "&lt;b&gt; sun"), ("a cow", "cow")]
    for prompt, other in (("a cow", "a cow in space"), ("a cow in space", "a cow")):
        assert tab.use_offer(prompt, "own", SimpleNamespace(offer="a cow")) == other
    sun = SimpleNamespace(offer="the <b> sun")
    assert tab.use_offer("the <b> sun", "own", sun) == "the <b> sun"
    assert tab.use_offer("", "gone", sun) == "the <b> sun"


def test_a_model_that_has_learnt_a_prompt_s_words_is_named_beside_those_that_are_new(
        journal, tmp_path):
    words = {"own": ["a", "the", "on"], "another": ["a", "yodelling"],
             "taught": ["a", "yodelling", "yeti"]}
    for name, known in words.items():
        (make_model(tmp_path / name) / "base" / VOCABULARY_NAME).write_text(
            json.dumps({"words": known, "ideas": []}))
    make_model(tmp_path / "silent")
    tab = Create(journal, Panel(journal), Controls(), tmp_path)
    told = tab.new_words("a yodelling yeti", "own")
    assert "guess at: yodelling, yeti. The model taught has learnt all of them. <button" in told
    assert "The model another has learnt it. " in tab.new_words("yodelling", "own")
    assert "model" not in tab.new_words("a yodelling bear", "own").partition(":")[2]
    assert tab.new_words("a yodelling yeti", "taught") == ""
    assert 'data-model="taught">Use taught</button>' in told
    assert tab.use_model(SimpleNamespace(model="taught")) == "taught"
    with pytest.raises(ModelError):
        tab.use_model(SimpleNamespace(model="gone meanwhile"))


def test_of_the_two_shipped_models_one_has_learnt_what_the_other_has_not(journal):
    tab = Create(journal, Panel(journal), Controls())
    told = tab.new_words("a cat walking in the meadow", "storybook")
    assert "guess at: cat. The model storybook-forty has learnt it." in told
    assert tab.new_words("a cat walking in the meadow", "storybook-forty") == ""


def test_the_estimate_is_told_beside_the_time_of_one_upscale(journal):
    tab = Create(journal, Panel(journal), Controls())
    costs = [FIELDS[name].default for name in COSTS]
    assert tab.measured(*costs) == ("How long this takes is not measured yet.",
                                    {"upscale_seconds": None})
    journal.measure("storybook/base", 0.1)
    journal.measure("storybook/upsampler", 2.0)
    told, sheet = tab.measured(*costs)
    assert told == "About 5 s for this draft on this machine."
    assert sheet == {"upscale_seconds": pytest.approx(8)}
    assert tab.measured(*["?" for _ in costs]) == ("", {"upscale_seconds": None})


def test_what_a_longer_clip_takes_is_told_to_programs_without_making_it(journal):
    with gr.Blocks() as blocks:
        api.build(journal)
    extend = next(fn.fn for fn in blocks.fns.values() if fn.api_name == "extend")
    settings = {"fps": 8, "steps": 2, "guidance": 0.0}
    plan = settings | {"plan_only": True}
    told = extend(0, ["0-4: a dog"], settings=plan)
    assert told == {"windows": 3, "evaluations": 6, "seconds": None}
    journal.measure("storybook/base", 0.5)
    assert extend(0, ["0-4: a dog"], settings=plan)["seconds"] == 3
    assert Job.select().count() == 0
    assert extend(0, ["0-4: a dog"], settings=settings) == Job.get().id


def test_an_incomplete_model_folder_is_named_under_the_model(journal, tmp_path):
    broken = make_model(tmp_path / "models" / "<b>mine") / "base" / "model.safetensors"
    weights = broken.read_bytes()
    broken.unlink()
    blocks = page.build(journal, tmp_path / "models")
    (look,) = [fn for fn in blocks.fns.values()
               if [one.elem_id for one in fn.outputs] == ["control-model", "model-problems"]]
    assert [event for _, event in look.targets] == ["load"], "every visit looks anew"
    choices, said = look.fn()
    assert said.visible and "<b>mine" not in choices["choices"]
    assert "&lt;b&gt;mine cannot be used." in said.value
    assert "has no model.safetensors: copy it there" in said.value
    broken.write_bytes(weights)
    choices, said = look.fn()
    assert (said.value, said.visible) == ("", False)
    assert choices["choices"][-1] == broken.parents[1].name


def test_a_mistyped_model_is_said_before_a_job_is_written(journal, placed):
    tab = Create(journal, Panel(journal), placed)
    values = ["storibook" if name == "model" else "a dog" if name == "prompt" else spec.default
              for name, spec in FIELDS.items()]
    with pytest.raises(ModelError, match=r"no model 'storibook'\. Known models: storybook"):
        tab.run(True, "", "", *values)
    assert Job.select().count() == 0


def test_a_mistyped_model_of_a_comparison_is_said_before_a_job_is_written(journal, tmp_path):
    make_model(tmp_path / "models" / "mine")
    blocks = page.build(journal, tmp_path / "models")
    (run,) = [fn for fn in blocks.fns.values() if [one.elem_id for one in fn.outputs]
              == ["comparisons"] and ("click" in [event for _, event in fn.targets])]
    typed = {"columns-field": "model", "columns-values": "mine\nstoribook",
             "rows-field": "Nothing", "rows-values": "", "control-prompt": "a dog"}
    values = [typed.get(one.elem_id, one.value) for one in run.inputs]
    known = ", ".join(card.name for card in list_models(tmp_path / "models"))
    with pytest.raises(ModelError, match=rf"no model 'storibook'\. Known models: {known}"):
        run.fn.__wrapped__(*values)
    assert Job.select().count() == 0


def test_every_button_can_show_what_went_wrong_and_waits_for_no_other(journal):
    pressed = [fn for fn in page.build(journal).fns.values() if fn.fn is not None and any(
        event in ("click", "stop_job", "upscale_clips", "reuse_clip", "use_example", "queue_act")
        for _, event in fn.targets)]
    assert len(pressed) >= 7
    for fn in pressed:
        assert fn.queue and fn.concurrency_limit is None, fn.targets


def test_presses_of_different_buttons_that_share_an_event_are_all_heard(journal):
    shared = ("stop_job", "upscale_clips", "upscale_clip", "change_clip", "queue_act",
              "reel_act")
    heard = {event: fn.trigger_mode for fn in page.build(journal).fns.values()
             for _, event in fn.targets if event in shared}
    assert heard == dict.fromkeys(shared, "multiple")


def test_ticked_drafts_are_all_upscaled_or_none_is(journal, placed):
    tab = Create(journal, Panel(journal), placed)
    finished(journal)
    before = Job.select().count()
    with pytest.raises(JournalError, match="no clip number 9"):
        tab.upscale(4, 0.1, SimpleNamespace(ids=[1, 9]))
    assert Job.select().count() == before
    (made,) = tab.upscale(4, 0.1, SimpleNamespace(ids=[1]))
    assert journal.job(made).source == 1


def test_a_ballot_that_could_not_be_counted_can_be_cast_again(journal, monkeypatch):
    ballot, event = Ballot(1, 0, (0, 1)), SimpleNamespace(choices={})
    (cast,) = (fn for fn in page.build(journal).fns.values()
               if "cast_vote" in [event for _, event in fn.targets])
    assert cast.outputs == cast.inputs, "what it returns is the ballot that is left"
    monkeypatch.setattr(gr, "Warning", lambda *_, **__: None)
    assert cast.fn(ballot, event) == gr.skip()
    monkeypatch.setattr(Comparisons, "vote", lambda *_: None)
    monkeypatch.setattr(Comparisons, "standing", lambda *_: SimpleNamespace(
        plan=Plan(GenerationRequest(prompt="a dog"), Axis("seed", (7, 8)))))
    monkeypatch.setattr(gr, "Info", lambda *_, **__: None)
    assert cast.fn(ballot, event) is None


def test_the_estimate_of_a_comparison_counts_upscales_and_follows_the_create_tab(journal):
    journal.measure("storybook/base", 0.1)
    blocks = page.build(journal)
    told, = (fn for fn in blocks.fns.values()
             if [one.elem_id for one in fn.outputs] == ["compare-told"])
    watched = {blocks.blocks[component].elem_id for component, event in told.targets
               if event == "change"}
    assert {f"control-{name}" for name in COSTS} | {"columns-values", "rows-field"} <= watched
    values = {"control-guidance": 0, "control-steps": 10, "columns-field": "upscale_steps",
              "columns-values": "2\n4", "rows-field": "Nothing", "control-prompt": "a dog"}
    fields = [values.get(one.elem_id, one.value) for one in told.inputs]
    assert told.fn(*fields).startswith("<p>2 clips. Everything else as on the Create tab.</p>")
    journal.measure("storybook/upsampler", 2.0)
    assert told.fn(*fields).startswith("<p>2 clips, about 14 s. Everything else")


def test_a_grids_file_opens_the_compare_tab_with_what_it_compares(journal, tmp_path):
    plan = Plan(GenerationRequest(prompt="a dog"), Axis("seed", (7, 8)))
    grid = write_clip(tmp_path / "grid.png", np.zeros((1, 36, 64, 3), np.uint8), 12,
                      request_metadata(plan.cell(0, 0), {COMPARISON_KEY: plan.to_json(),
                                                         "backend": "other"}))
    finished(journal, backend="here")
    blocks = page.build(journal)
    upload = next(fn for fn in blocks.fns.values() if any(
        event == "upload" and blocks.blocks[component].elem_id == "restore"
        for component, event in fn.targets))
    shown = {component.elem_id: value for component, value in zip(
        upload.outputs, upload.fn(str(grid)), strict=True)}
    assert shown["tabs"].selected == "compare"
    assert [shown[name] for name in ("columns-field", "columns-values", "rows-field")] == [
        "seed", "7\n8", "Nothing"]
    assert "another backend (other, here here)" in shown["restored"]


def test_only_named_endpoints_can_be_called_by_programs(journal):
    blocks = page.build(journal)
    public = sorted(fn.api_name for fn in blocks.fns.values() if fn.api_visibility != "private")
    assert public == ["cancel", "compare", "create", "extend", "status", "upscale"]
