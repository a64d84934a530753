"""Comparisons: what varies and what does not, and that a restart loses nothing."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import ModelError, RequestError
from engine.request import GenerationRequest
from snapui.compare import VARIABLE, Axis, Plan, plan_of
from snapui.comparisons import Comparisons
from snapui.controls import FIELDS
from snapui.jobs import Journal
from snapui.orders import Opening
from snapui.queue import in_line
from snapui.schema import Job, JournalError, Vote
from snapui.votes import Ballot, aspects_of, draw_ballot, wilson
from tests.snapui.test_jobs import CLIP
from tests.test_catalog import make_model

BASE = GenerationRequest(prompt="a dog", seed=7, drafts=4, guidance=2.0)
PLAN = Plan(BASE, Axis("guidance", (1.0, 3.0, 5.0)), Axis("steps", (12, 24)))


@pytest.fixture
def comparisons(journal):
    return Comparisons(journal)


def finish_all(journal):
    while job := journal.claim("w"):
        request = GenerationRequest.from_json(job.request)
        journal.finish(job, [CLIP | {"request": job.request, "seed": request.seed}], [])


def test_cells_differ_in_what_varies_and_in_nothing_else():
    cells = {(row, column): request for row, column, request in PLAN.cells()}
    assert len(cells) == 6
    assert cells[1, 2] == GenerationRequest(prompt="a dog", seed=7, guidance=5.0, steps=24)
    assert {request.seed for request in cells.values()} == {7}
    assert {request.drafts for request in cells.values()} == {1}


def test_seeds_vary_when_asked_to():
    plan = Plan(BASE, Axis("prompt", ("a dog", "a cat")), Axis("seed", ("1", "2", "3", "4")))
    assert [request.seed for *_, request in plan.cells()] == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("field", VARIABLE)
def test_every_field_of_a_request_can_vary(field):
    spec = FIELDS[field]
    if spec.type is bool:
        values = "yes\nno"
    elif spec.type is str:
        values = "\n".join(spec.metadata.get("choices", ("one", "two"))[:2])
    else:
        values = f"{spec.metadata['minimum']}\n{spec.metadata['maximum']}"
    plan = plan_of({"prompt": "a dog"}, Axis.parse(field, values), None)
    assert len({getattr(request, field) for *_, request in plan.cells()}) == 2


@pytest.mark.parametrize(("field", "text", "said"), [
    ("guidance", "1", "at least 2 values"), ("guidance", "", "one to 4 values"),
    ("guidance", "1\n2\n3\n4\n5", "one to 4 values"), ("guidance", "1\n1.0", "same value twice"),
    ("guidance", "1\n99", "from 0.0 to 30.0"), ("drafts", "1\n2", "cannot vary 'drafts'"),
    ("__class__", "1\n2", "cannot vary"), ("oscillating", "yes\nmaybe", "true or false"),
    ("sampler", "euler\nddim", "must be one of")])
def test_what_cannot_be_compared_is_one_sentence(field, text, said):
    with pytest.raises(RequestError, match=said):
        plan_of({"prompt": "a dog"}, Axis.parse(field, text), None)


def test_columns_and_rows_must_vary_different_fields():
    with pytest.raises(RequestError, match="both vary Seed"):
        Plan(BASE, Axis("seed", (1, 2)), Axis("seed", (3, 4)))


def test_what_varies_need_not_be_filled_in_elsewhere():
    plan = plan_of({"prompt": "", "seed": "oops"}, Axis.parse("prompt", "a dog\na cat"),
                   Axis.parse("seed", "1\n2"))
    assert [request.prompt for *_, request in plan.cells()] == ["a dog", "a cat"] * 2


@pytest.mark.parametrize(("field", "values"), [("upscale_steps", "2\n4"),
                                               ("upscale_noise", "0\n0.5")])
def test_clips_that_differ_in_how_they_are_upscaled_are_upscaled(field, values):
    axes = (Axis.parse("prompt", "a dog\na cat"), Axis.parse(field, values))
    for columns, rows in ((axes[1], None), axes, axes[::-1]):
        plan = plan_of({"prompt": "a dog"}, columns, rows)
        assert all(request.upscale for *_, request in plan.cells())
    assert not any(request.upscale for *_, request in plan_of(
        {"prompt": "a dog"}, axes[0], None).cells())
    both = plan_of({"prompt": "a dog"}, axes[1], Axis.parse("upscale", "yes\nno"))
    assert [request.upscale for *_, request in both.cells()] == [True, True, False, False]


def test_values_are_told_in_words():
    assert PLAN.columns.told(1) == "Guidance 3"
    assert PLAN.row_told(0) == "Steps 12"
    assert Axis("oscillating", (True, False)).told(0) == "Oscillating guidance yes"
    assert Axis("prompt", ("a dog",)).told(0) == "a dog"


def test_a_plan_travels_as_json():
    assert Plan.from_json(PLAN.to_json()) == PLAN
    single = Plan(BASE, PLAN.columns)
    assert Plan.from_json(single.to_json()) == single


def test_cells_are_ordinary_jobs_and_a_restart_finds_them_all(journal, comparisons):
    number = comparisons.submit(PLAN)
    assert [GenerationRequest.from_json(job.request) for job in in_line()] == [
        request for *_, request in PLAN.cells()]
    journal.close()
    reopened = Journal(journal.url, journal.output_directory)
    finish_all(reopened)
    standing = Comparisons(reopened).standing(number)
    assert standing.plan == PLAN and not standing.is_active
    for row, column, request in PLAN.cells():
        assert standing.clips[row, column].request == request.to_json()
    reopened.close()


def test_a_model_that_is_missing_or_not_whole_is_said_before_anything_is_written(
        journal, tmp_path):
    (tmp_path / "half" / "base").mkdir(parents=True)
    (tmp_path / "half" / "base" / "config.json").write_text("{}")
    comparisons = Comparisons(journal, tmp_path)
    models = Axis.parse("model", "storybook\nhalf")
    for plan, said in ((Plan(BASE, models), "model.safetensors"),
                       (Plan(replace(BASE, model="storibook"), PLAN.columns), "no model 'storib")):
        with pytest.raises(ModelError, match=said):
            comparisons.submit(plan)
    assert (list(Job.select()), comparisons.newest_first()) == ([], [])


def test_a_comparison_that_cannot_be_written_whole_is_not_written(journal, comparisons,
                                                                   monkeypatch):
    submit, count = journal.submit, iter(range(3))

    def full_after_three(request, **named):
        if next(count, None) is None:
            raise JournalError("The disk is full.")
        return submit(request, **named)

    monkeypatch.setattr(journal, "submit", full_after_three)
    with pytest.raises(JournalError, match="disk is full"):
        comparisons.submit(PLAN)
    assert comparisons.newest_first() == [] and in_line() == []


def test_a_binned_clip_leaves_its_cell(journal, comparisons):
    from snapui.library import Library
    number = comparisons.submit(PLAN)
    finish_all(journal)
    Library(journal).bin(comparisons.standing(number).clips[0, 0].id)
    assert (0, 0) not in comparisons.standing(number).clips


def test_a_ballot_waits_for_every_clip(journal, comparisons):
    number = comparisons.submit(PLAN)
    with pytest.raises(JournalError, match="wait until all are made"):
        comparisons.ballot(number)
    finish_all(journal)
    assert sorted(comparisons.ballot(number).order) == [0, 1, 2]


def test_a_vote_counts_for_the_column_behind_the_letter(journal, comparisons):
    number = comparisons.submit(PLAN)
    comparisons.vote(Ballot(number, 1, (2, 0, 1)),
                     {"alignment": "A", "motion": "C", "looks": "cannot tell"})
    tally = comparisons.standing(number).tally
    assert [score.wins for score in tally["alignment"]] == [0, 0, 1]
    assert [score.wins for score in tally["motion"]] == [0, 1, 0]
    assert [(score.wins, score.votes) for score in tally["looks"]] == [(0, 1)] * 3


@pytest.mark.parametrize("answer", ["", "AB", "D", "cannot tell", "a"])
def test_only_a_letter_of_the_ballot_is_a_win(answer):
    assert Ballot(1, 0, (2, 0, 1)).column(answer) is None
    assert [Ballot(1, 0, (2, 0, 1)).column(letter) for letter in "ABC"] == [2, 0, 1]


@pytest.mark.parametrize("choices", [{}, {"motion": "A"}, {"motion": "A", "looks": "A"},
                                     {"alignment": "A", "motion": "A", "looks": "A", "x": "A"}])
def test_a_vote_answers_everything_or_counts_for_nothing(comparisons, choices):
    number = comparisons.submit(PLAN)
    with pytest.raises(JournalError, match="answer all"):
        comparisons.vote(Ballot(number, 0, (0, 1, 2)), choices)
    assert Vote.select().count() == 0


def test_alignment_is_not_asked_when_prompts_differ():
    prompts = Plan(BASE, Axis("prompt", ("a dog", "a cat")))
    assert aspects_of(prompts) == ("motion", "looks")
    assert aspects_of(PLAN) == ("alignment", "motion", "looks")


def test_ballots_shuffle_the_columns_and_take_the_least_voted_row():
    ballots = [draw_ballot(1, PLAN, {0: 3, 1: 1}) for _ in range(200)]
    assert {ballot.row for ballot in ballots} == {1}
    assert len({ballot.order for ballot in ballots}) == 6


@pytest.mark.parametrize(("wins", "votes", "low", "high"), [  # by R: binom::binom.wilson
    (8, 10, 0.4901625, 0.9433178), (0, 10, 0.0, 0.2775328), (10, 10, 0.7224672, 1.0),
    (50, 100, 0.4038315, 0.5961685), (1, 1, 0.2065493, 1.0), (0, 0, 0.0, 1.0)])
def test_the_wilson_interval_has_its_known_values(wins, votes, low, high):
    assert wilson(wins, votes) == pytest.approx((low, high), abs=1e-6)


def test_the_wilson_interval_holds_the_truth_as_often_as_it_says():
    chance = np.random.default_rng(0)
    shares = chance.uniform(0, 1, 10_000)
    held = [low <= share <= high for share in shares
            for low, high in [wilson(int(chance.binomial(30, share)), 30)]]
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)


def test_jobs_of_a_comparison_can_be_cancelled_like_any_other(journal, comparisons):
    number = comparisons.submit(PLAN)
    for job in in_line():
        journal.cancel(job.id)
    assert not comparisons.standing(number).is_active
    assert Job.select().where(Job.state == "cancelled").count() == 6


def test_stopping_a_comparison_leaves_what_is_made_and_other_jobs(journal, comparisons):
    number, other = comparisons.submit(PLAN), comparisons.submit(replace(PLAN, rows=None))
    done, running = journal.claim("w"), journal.claim("w")
    journal.finish(done, [CLIP | {"request": done.request}], [])
    comparisons.stop(number)
    standing = comparisons.standing(number)
    assert standing.is_active and standing.is_stopping, "its worker has not heard it yet"
    journal.put_down(journal.job(running.id))
    standing = comparisons.standing(number)
    assert not standing.is_active and not standing.is_stopping and len(standing.clips) == 1
    states = [job.state for job in standing.jobs.values()]
    assert (states.count("cancelled"), states.count("done")) == (5, 1)
    assert {job.state for job in comparisons.standing(other).jobs.values()} == {"queued"}
    comparisons.stop(number)    # once more changes nothing
    comparisons.stop(comparisons.put_together([finished(journal), finished(journal, "a cat")]))


def test_a_model_without_an_upsampler_is_said_before_anything_is_written(journal, tmp_path):
    make_model(tmp_path / "small")
    comparisons = Comparisons(journal, tmp_path)
    for upscale in ("no\nyes", "yes\nno"):
        plan = plan_of({"prompt": "a dog", "model": "small"}, Axis.parse("upscale", upscale), None)
        with pytest.raises(RequestError, match="The model small has no upsampler"):
            comparisons.submit(plan)
    assert list(Job.select()) == []
    comparisons.submit(plan_of({"prompt": "a dog", "model": "small"}, PLAN.columns, None))


# ---- clips that were made before

def finished(journal, prompt="a dog", **values):
    journal.submit(GenerationRequest(prompt=prompt))
    job = journal.claim("w")
    journal.finish(job, [CLIP | {"request": job.request, "prompt": prompt} | values], [])
    return journal.clips_of(job.id)[0].id


def test_all_cells_begin_as_the_create_tab_says(journal, comparisons):
    order = Opening("given/1.png", "crop").to_json()
    comparisons.submit(PLAN, order)
    assert {job.order for job in Job.select()} == {order}


def test_clips_are_put_side_by_side_in_the_order_they_were_ticked(journal, comparisons):
    one, two = finished(journal), finished(journal)
    number = comparisons.put_together([two, one])
    standing = comparisons.standing(number)
    assert [standing.clips[0, column].id for column in range(2)] == [two, one]
    assert not standing.is_active and standing.plan.has_one_prompt
    assert comparisons.newest_first()[0][1].title == "2 clips, a dog"
    assert comparisons.put_together([two, one]) == number, "it is there already"
    assert comparisons.put_together([one, two]) != number


def test_picked_clips_are_voted_on(journal, comparisons):
    number = comparisons.put_together([finished(journal), finished(journal, "a cat")])
    assert comparisons.ballot(number).row == 0
    comparisons.vote(Ballot(number, 0, (1, 0)), {"motion": "A", "looks": "B"})
    wins = {aspect: [score.wins for score in row]
            for aspect, row in comparisons.standing(number).tally.items()}
    assert wins == {"motion": [0, 1], "looks": [1, 0]}


def test_what_cannot_be_put_side_by_side_is_one_sentence(journal, comparisons):
    ids = [finished(journal) for _ in range(5)]
    long = finished(journal, frames=1440, width=512, height=288)
    for picks, said in (([], "Tick 2 to 4"), (ids[:1], "Tick 2 to 4"), (ids, "Tick 2 to 4"),
                        ([ids[0]] * 2, "Tick 2 to 4"), ([ids[0], 99], "no clip number 99"),
                        ([ids[0], long], "trim it to 19 s first")):
        with pytest.raises(JournalError, match=said):
            comparisons.put_together(picks)
    assert comparisons.newest_first() == []
