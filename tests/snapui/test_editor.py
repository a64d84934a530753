"""Changing a job that waits: the form, what may be typed, and what the job does then."""

import pytest

from engine.errors import ModelError, RequestError
from engine.request import GenerationRequest
from snapui import queue
from snapui.compare import Axis, plan_of
from snapui.comparisons import Comparisons
from snapui.controls import FIELDS
from snapui.editor import EDITABLE, UPSCALE_FIELDS, Editor
from snapui.schema import Job, JournalError
from tests.snapui.test_jobs import REQUEST, finished
from tests.snapui.test_sheet import NASTY, Tags


@pytest.fixture
def editor(journal):
    return Editor(journal)


def typed(request, names=EDITABLE["draft"], **changes):
    """Return what the form sends: texts, and a tick box only if it is ticked."""
    values = {name: str(getattr(request, name)) for name in names
              if getattr(request, name) is not False}
    return values | {"priority": "0"} | changes


def change(editor, job_id, values):
    editor.change({"id": job_id, "values": values})


def request_of(journal, job_id):
    return GenerationRequest.from_json(journal.job(job_id).request)


def test_every_setting_is_a_labelled_control_with_its_help(journal, editor):
    job_id = journal.submit(GenerationRequest(prompt=NASTY, seed=2**62, oscillating=True))
    form = Tags(editor.form({"id": job_id})["html"])
    named = {attributes["name"]: attributes for _, attributes in form.tags if "name" in attributes}
    assert set(named) == {*EDITABLE["draft"], "priority"}
    helps = {attributes["id"] for tag, attributes in form.tags if tag == "small"}
    assert {attributes["aria-describedby"] for attributes in named.values()} == helps
    labels = {attributes["for"] for tag, attributes in form.tags if tag == "label"}
    assert {attributes["id"] for attributes in named.values()} == labels
    assert named["seed"]["value"] == str(2**62)
    assert "checked" in named["oscillating"]
    assert form.text.count("<script>") == 1  # the prompt, as text
    for name in EDITABLE["draft"]:
        assert FIELDS[name].metadata["label"] in form.text


def test_a_model_that_there_is_not_is_said_and_the_job_stays(journal, editor):
    job_id = journal.submit(REQUEST)
    with pytest.raises(ModelError, match="no model 'storibook'"):
        change(editor, job_id, typed(REQUEST, model="storibook", priority="3"))
    assert request_of(journal, job_id) == REQUEST and journal.job(job_id).priority == 0


def test_a_waiting_job_is_changed_and_goes_before_others(journal, editor):
    first, second = journal.submit(REQUEST), journal.submit(REQUEST)
    change(editor, second, typed(REQUEST, prompt="a cat", seed="9", steps="12", guidance="4.5",
                                 oscillating="on", priority="3"))
    made = request_of(journal, second)
    assert (made.prompt, made.seed, made.steps, made.guidance, made.oscillating) == (
        "a cat", 9, 12, 4.5, True)
    assert request_of(journal, first) == REQUEST
    assert journal.claim("w").id == second


def test_what_a_job_has_done_is_kept_unless_its_settings_change(journal, editor):
    job_id = journal.submit(REQUEST)
    Job.update(step=7, state="paused").execute()
    change(editor, job_id, typed(REQUEST, priority="1"))
    assert journal.job(job_id).step == 7
    change(editor, job_id, typed(REQUEST, seed="6"))
    assert journal.job(job_id).step == 0


def test_an_upscale_is_changed_in_its_own_settings_only(journal, editor):
    job_id = journal.submit_upscale(finished(journal).id, steps=4, noise=0.1)
    assert "Upscale steps" in editor.form({"id": job_id})["html"]
    assert "Prompt" not in editor.form({"id": job_id})["html"]
    before = request_of(journal, job_id)
    change(editor, job_id, typed(before, UPSCALE_FIELDS, upscale_steps="9"))
    assert request_of(journal, job_id).upscale_steps == 9
    assert request_of(journal, job_id).prompt == before.prompt


@pytest.mark.parametrize(("changes", "said"), [
    ({"prompt": " "}, "The prompt is empty"), ({"seed": "seven"}, "Seed must be a whole number"),
    ({"guidance": "1e9"}, "Guidance must be from"), ({"sampler": "x"}, "Sampler must be one of"),
    ({"priority": "high"}, "Priority must be a whole number"), ({"priority": "101"}, "from -100")])
def test_a_wrong_value_is_one_sentence_and_changes_nothing(journal, editor, changes, said):
    job_id = journal.submit(REQUEST)
    with pytest.raises(RequestError, match=said):
        change(editor, job_id, typed(REQUEST, steps="9") | changes)
    assert request_of(journal, job_id) == REQUEST


def test_a_job_that_has_started_is_not_changed(journal, editor):
    job_id = journal.submit(REQUEST)
    journal.claim("w")
    with pytest.raises(JournalError, match="only a waiting job can be changed"):
        change(editor, job_id, typed(REQUEST, seed="6"))


def test_a_cell_of_a_comparison_keeps_its_settings_but_may_go_first(journal, editor):
    comparisons = Comparisons(journal)
    number = comparisons.submit(plan_of({"prompt": "a dog"}, Axis("guidance", (1, 3)), None))
    job = comparisons.standing(number).jobs[0, 1]
    request = request_of(journal, job.id)
    with pytest.raises(JournalError, match="part of a comparison"):
        change(editor, job.id, typed(request, guidance="9"))
    change(editor, job.id, typed(request, priority="5"))
    assert queue.in_line()[0].id == job.id


def test_other_kinds_of_jobs_are_not_changed_here(journal, editor):
    job_id = journal.submit(REQUEST)
    Job.update(kind="extend").execute()
    with pytest.raises(JournalError, match="cannot be changed here"):
        editor.form({"id": job_id})
