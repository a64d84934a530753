"""What an artist does to the jobs in line."""

from dataclasses import replace

import pytest

from engine.request import GenerationRequest
from snapui import crew, queue
from snapui.schema import Clip, JournalError
from tests.snapui.test_jobs import CLIP, REQUEST, finished


@pytest.fixture
def line(journal):
    """Return the ids of four waiting jobs."""
    return [journal.submit(REQUEST) for _ in range(4)]


def order():
    return [job.id for job in queue.in_line()]


def claimed(journal):
    """Return the ids of all jobs that may start, in the order they are taken."""
    taken = []
    while job := journal.claim("w"):
        taken.append(job.id)
        journal.end(job, "done")
    return taken


def test_a_job_moves_up_and_down_by_one(journal, line):
    one, two, three, four = line
    queue.move(journal, three, "up")
    assert order() == [one, three, two, four]
    queue.move(journal, one, "down")
    assert order() == [three, one, two, four]
    assert claimed(journal) == [three, one, two, four]


def test_a_job_moves_to_the_front(journal, line):
    one, two, three, four = line
    queue.move(journal, four, "front")
    queue.move(journal, three, "front")
    assert order() == [three, four, one, two]


@pytest.mark.parametrize(("place", "where"), [(0, "up"), (0, "front"), (3, "down")])
def test_a_job_at_the_end_of_the_line_stays_there(journal, line, place, where):
    queue.move(journal, line[place], where)
    assert order() == line


def test_a_moved_job_passes_urgent_ones_too(journal, line):
    one, two, three, four = line
    queue.prioritise(journal, two, 5)
    queue.move(journal, four, "front")
    assert claimed(journal) == [four, two, one, three]


def test_a_higher_priority_goes_first_and_a_lower_one_last(journal, line):
    one, two, three, four = line
    queue.prioritise(journal, three, 1)
    queue.prioritise(journal, one, -1)
    assert claimed(journal) == [three, two, four, one]


def test_only_waiting_jobs_are_moved_changed_or_given_priority(journal, line):
    journal.claim("w")
    for change in (lambda: queue.move(journal, line[0], "down"),
                   lambda: queue.prioritise(journal, line[0], 1),
                   lambda: queue.edit(journal, line[0], REQUEST)):
        with pytest.raises(JournalError, match="is running"):
            change()
    with pytest.raises(JournalError, match="sideways"):
        queue.move(journal, line[1], "sideways")
    with pytest.raises(JournalError, match="no job number 99"):
        queue.move(journal, 99, "up")


def test_an_edited_job_runs_as_it_was_edited(journal, line):
    edited = replace(REQUEST, prompt="a cat", steps=7)
    queue.edit(journal, line[0], edited)
    assert GenerationRequest.from_json(journal.claim("w").request) == edited


def test_an_edited_upscale_keeps_its_draft(journal):
    clip = finished(journal)
    upscale = journal.submit_upscale(clip.id, steps=7, noise=0.2)
    old = GenerationRequest.from_json(journal.job(upscale).request)
    queue.edit(journal, upscale, replace(old, upscale_steps=9, upscale_noise=0.5))
    assert '"upscale_steps": 9' in journal.job(upscale).request
    with pytest.raises(JournalError, match="from its draft"):
        queue.edit(journal, upscale, replace(old, prompt="a cat"))


def test_a_paused_job_keeps_its_place_and_is_passed_by(journal, line):
    one, two, *_ = line
    queue.pause(journal, one)
    assert order() == line
    assert journal.claim("w").id == two
    queue.resume(journal, one)
    assert journal.claim("w").id == one


def test_a_running_job_that_is_paused_waits_to_be_resumed(journal, line):
    job = journal.claim("w")
    queue.pause(journal, job.id)
    assert journal.wish(job) == "pause"
    journal.put_down(job)
    assert journal.job(job.id).state == "paused"
    assert journal.wish(job) == "drop", "its worker has nothing more to do with it"
    queue.resume(journal, job.id)
    assert journal.claim("v").id == job.id


def test_a_pause_taken_back_in_time_stops_nothing(journal, line):
    job = journal.claim("w")
    queue.pause(journal, job.id)
    queue.resume(journal, job.id)
    assert journal.wish(job) == ""


def test_a_paused_queue_starts_nothing_and_frees_the_processor(journal, line):
    job = journal.claim("w")
    queue.pause_all(journal)
    assert journal.wish(job) == "requeue"
    journal.put_down(job)
    assert journal.job(job.id).state == "queued"
    assert journal.claim("w") is None
    queue.resume_all(journal)
    assert claimed(journal) == line


def test_a_paused_queue_survives_a_restart(journal, line, tmp_path):
    queue.pause_all(journal)
    again = type(journal)(journal.url, tmp_path)
    assert queue.is_paused()
    assert again.claim("w") is None


def test_a_resumed_queue_leaves_single_paused_jobs_alone(journal, line):
    queue.pause(journal, line[1])
    queue.pause_all(journal)
    queue.resume_all(journal)
    assert claimed(journal) == [line[0], *line[2:]]


def test_a_running_job_is_kept_as_it_is(journal, line):
    job = journal.claim("w")
    journal.cancel(job.id, "keep")
    assert journal.wish(job) == "keep"
    assert journal.finish(job, [CLIP], [])
    assert Clip.select().count() == 1


def test_a_paused_job_that_has_begun_is_kept_and_one_that_has_not_is_dropped(journal, line):
    job = journal.claim("w")
    journal.report(job, step=3)
    queue.pause(journal, job.id)
    journal.put_down(job)
    journal.cancel(job.id, "keep")
    journal.cancel(line[1], "keep")
    assert journal.job(line[1]).state == "cancelled"
    assert journal.wish(journal.claim("w")) == "keep"


def test_after_this_one_finishes_the_job_and_pauses_the_queue(journal, line):
    job = journal.claim("w")
    journal.cancel(job.id, "after")
    assert journal.wish(job) == "after"
    assert journal.finish(job, [CLIP], [])
    assert journal.job(job.id).state == "done"
    assert queue.is_paused()
    assert order() == line[1:]


def test_of_two_running_jobs_only_the_newest_that_was_asked_for_is_dropped(journal, line):
    one, two, three, four = line
    running = [journal.claim(worker) for worker in ("v", "w")]
    queue.drop_newest(journal, [one, three])
    assert [journal.wish(job) for job in running] == ["drop", ""]
    queue.drop_newest(journal, [two, one, four])
    assert [journal.wish(job) for job in running] == ["drop", "drop"]
    for waiting_or_none in ([three, four], []):
        with pytest.raises(JournalError, match="Nothing that was asked for on this page"):
            queue.drop_newest(journal, waiting_or_none)
    assert [journal.job(job_id).state for job_id in (three, four)] == ["queued"] * 2


def test_an_unknown_way_to_cancel_is_refused(journal, line):
    with pytest.raises(JournalError, match="drop, keep, after"):
        journal.cancel(line[0], "gently")


@pytest.mark.parametrize(("how", "state", "wish"), [
    ("drop", "cancelled", "drop"), ("keep", "queued", "keep"), ("after", "queued", "after")])
def test_a_cancel_outlives_its_worker(journal, line, how, state, wish):
    job = journal.claim("w")
    journal.cancel(job.id, how)
    crew.forget(journal, "w", died=True)
    row = journal.job(job.id)
    assert (row.state, row.cancel) == (state, wish)


def test_a_failed_or_cancelled_job_is_tried_again_at_the_end_of_the_line(journal, line):
    journal.claim("w")
    crew.forget(journal, "w", died=True)
    failed = journal.claim("w")
    journal.end(failed, "failed", "The disk is full.")
    dropped = journal.claim("w")
    journal.cancel(dropped.id)
    journal.put_down(dropped)
    for job_id in line[:2]:
        queue.retry(journal, job_id)
        row = journal.job(job_id)
        assert (row.state, row.error, row.deaths, row.cancel) == ("queued", "", 0, "")
    assert claimed(journal) == [line[2], line[3], line[0], line[1]]
    with pytest.raises(JournalError, match="only a failed or cancelled job"):
        queue.retry(journal, failed.id)


def test_a_job_run_again_is_a_new_one_with_the_same_request(journal):
    clip = finished(journal)
    again = journal.job(queue.run_again(journal, clip.job_id))
    assert (again.state, again.request) == ("queued", journal.job(clip.job_id).request)
    upscale = journal.submit_upscale(clip.id, steps=7, noise=0.2)
    assert journal.job(queue.run_again(journal, upscale)).source == clip.id
