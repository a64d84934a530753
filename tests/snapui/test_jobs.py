"""The journal: what may happen to a job and what may not."""

import multiprocessing
import os
import time

import pytest

from engine.request import GenerationRequest
from snapui import crew, queue, space
from snapui.jobs import Journal
from snapui.library import Library
from snapui.schema import Clip, Job, JournalError, Number, Worker
from snapui.standing import standing
from tests.snapui.test_worker import wait_for

REQUEST = GenerationRequest(prompt="a dog", seed=5, drafts=2)
CLIP = {"request": REQUEST.single(5).to_json(), "prompt": "a dog", "seed": 5, "path": "a.mp4",
        "loop": "a.webp", "width": 64, "height": 36, "frames": 16, "fps": 12.0,
        "model_hash": "hash"}


def finished(journal, **changes):
    job_id = journal.submit(REQUEST)
    job = journal.claim("worker")
    assert journal.finish(job, [CLIP | changes], ["a note"])
    return journal.clips_of(job_id)[0]


def test_a_job_is_written_before_its_work_starts(journal):
    job = journal.job(journal.submit(REQUEST))
    assert (job.state, job.kind) == ("queued", "draft")
    assert GenerationRequest.from_json(job.request) == REQUEST


def test_jobs_are_claimed_in_the_order_they_came_and_once(journal):
    ids = [journal.submit(REQUEST) for _ in range(3)]
    assert [journal.claim("w").id for _ in ids] == ids
    assert journal.claim("w") is None


def test_a_higher_priority_is_claimed_first(journal):
    journal.submit(REQUEST)
    urgent = journal.submit(REQUEST)
    Job.update(priority=1).where(Job.id == urgent).execute()
    assert journal.claim("w").id == urgent


def test_submitting_sends_one_wake_up_message(journal):
    assert not journal.is_woken()
    journal.submit(REQUEST)
    assert journal.is_woken()
    assert not journal.is_woken()


def test_every_change_raises_the_revision_and_reading_does_not(journal):
    seen = [journal.revision()]
    job_id = journal.submit(REQUEST)
    seen.append(journal.revision())
    job = journal.claim("w")
    seen.append(journal.revision())
    journal.report(job, step=1)
    seen.append(journal.revision())
    journal.end(job, "failed", "why")
    seen.append(journal.revision())
    assert seen == sorted(set(seen))
    journal.snapshot(10)
    journal.clips_of(job_id)
    assert journal.revision() == seen[-1]


def test_a_finished_job_has_its_clips_and_notes(journal):
    clip = finished(journal)
    assert (clip.kind, clip.seed, clip.source) == ("draft", 5, None)
    assert journal.job(clip.job_id).state == "done"
    assert journal.job(clip.job_id).notes == '["a note"]'


def test_cancelling_a_waiting_job_ends_it_at_once(journal):
    job_id = journal.submit(REQUEST)
    assert journal.cancel(job_id) == "queued"
    assert journal.job(job_id).state == "cancelled"
    assert journal.claim("w") is None


def test_cancelling_a_running_job_asks_its_worker_to_stop(journal):
    journal.submit(REQUEST)
    job = journal.claim("w")
    assert journal.wish(job) == ""
    assert journal.cancel(job.id) == "running"
    assert journal.wish(job) == "drop"
    assert not journal.finish(job, [CLIP], [])
    assert Clip.select().count() == 0


def test_a_finished_job_stays_done_when_cancelled(journal):
    clip = finished(journal)
    assert journal.cancel(clip.job_id) == "done"
    assert journal.job(clip.job_id).state == "done"


def test_a_dead_workers_job_is_queued_again_and_fails_after_the_third_death(journal):
    job_id = journal.submit(REQUEST)
    states = []
    for name in ("a", "b", "c"):
        assert journal.claim(name).id == job_id
        crew.forget(journal, name, died=True, why="it was killed")
        states.append(journal.job(job_id).state)
    assert states == ["queued", "queued", "failed"]
    assert "died 3 times" in journal.job(job_id).error
    assert "it was killed" in journal.job(job_id).error


def test_a_job_of_a_dead_worker_shows_how_far_it_was_until_it_is_gone_on_with(journal):
    job = journal.job(journal.submit(REQUEST))
    journal.report(journal.claim("a"), step=5, steps=24, stage="base", seconds_left=3.0,
                   previews='["previews/1/base-3-0.webp"]')
    crew.forget(journal, "a", died=True)
    waiting, again = journal.job(job.id), journal.claim("b")
    for row in (waiting, again):
        assert (row.step, row.previews, row.seconds_left) == (
            5, '["previews/1/base-3-0.webp"]', None)
    assert standing(again) == "Drafting: step 5 of 24"


@pytest.mark.parametrize("act", [lambda journal, job_id: queue.edit(journal, job_id, REQUEST),
                                 lambda journal, job_id: journal.cancel(job_id)])
def test_a_job_that_will_not_go_on_from_there_shows_no_old_previews(journal, act):
    journal.submit(REQUEST)
    job = journal.claim("a")
    journal.report(job, step=5, previews='["previews/1/base-3-0.webp"]')
    journal.put_down(job)
    act(journal, job.id)
    assert journal.job(job.id).previews == "[]"


def test_a_stopped_program_does_not_count_as_a_death(journal):
    job_id = journal.submit(REQUEST)
    for _ in range(5):
        journal.claim("a")
        crew.forget(journal, "a", died=False)
    assert (journal.job(job_id).state, journal.job(job_id).deaths) == ("queued", 0)


def test_a_cancelled_job_of_a_dead_worker_is_not_started_again(journal):
    job_id = journal.submit(REQUEST)
    journal.claim("a")
    journal.cancel(job_id)
    crew.forget(journal, "a", died=True)
    assert journal.job(job_id).state == "cancelled"


def test_a_worker_taken_for_dead_cannot_write_any_more(journal):
    journal.submit(REQUEST)
    old = journal.claim("old")
    crew.forget(journal, "old", died=True)
    new = journal.claim("new")
    assert journal.wish(old) == "drop"
    assert not journal.report(old, step=9)
    assert not journal.finish(old, [CLIP], [])
    journal.end(old, "failed", "too late")
    assert journal.job(new.id).state == "running"
    assert journal.finish(new, [CLIP], [])
    assert Clip.select().count() == 1


def test_how_a_worker_ended_is_said_in_words():
    assert "memory ran out" in crew.describe_exit(-9)
    assert crew.describe_exit(-15) == "it was ended by signal SIGTERM"
    assert crew.describe_exit(3) == "it ended with code 3"


def test_workers_of_this_machine_that_are_gone_are_found_at_the_start(journal):
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join()
    crew.hello(journal, "gone", "here", process.pid)
    crew.hello(journal, "alive", "here", os.getpid())
    job_id = journal.submit(REQUEST)
    journal.claim("gone")
    crew.forget_the_dead(journal, "here")
    assert journal.job(job_id).state == "queued"
    assert [worker.name for worker in Worker.select()] == ["alive"]


def test_a_worker_elsewhere_that_is_silent_for_a_minute_loses_its_job_once(journal):
    now = [0.0]
    listeners = [crew.Listener(lambda: now[0]) for _ in range(2)]
    crew.hello(journal, "far", "elsewhere", os.getpid())
    crew.hello(journal, "near", "here", os.getpid())
    Worker.update(heard=9e9).where(Worker.name == "far").execute()    # its clock is wrong
    job_id = journal.submit(REQUEST)
    old = journal.claim("far")
    for now[0], state in ((0, "running"), (59, "running"), (60, "queued"), (61, "queued")):
        for listener in listeners:
            crew.forget_the_silent(journal, "here", listener)
        assert journal.job(job_id).state == state
    assert journal.job(job_id).deaths == 1
    assert [worker.name for worker in Worker.select()] == ["near"], "its process is alive"
    assert journal.wish(old) == "drop" and not journal.finish(old, [CLIP], [])
    crew.beat(journal, "far", "elsewhere", 1)    # it was only cut off
    assert journal.finish(journal.claim("far"), [CLIP], [])
    assert Worker.select().count() == 2 and Clip.select().count() == 1


def test_a_sign_of_life_keeps_a_worker_and_changes_nothing_a_page_shows(journal):
    now = [0.0]
    listener = crew.Listener(lambda: now[0])
    crew.hello(journal, "far", "elsewhere", 1)
    journal.submit(REQUEST)
    job, revision = journal.claim("far"), journal.revision()
    for now[0] in range(0, 600, 50):
        crew.beat(journal, "far", "elsewhere", 1)
        crew.forget_the_silent(journal, "here", listener)
    assert journal.job(job.id).state == "running" and journal.revision() == revision


def test_a_process_gives_signs_of_life_as_long_as_it_works(journal, monkeypatch):
    monkeypatch.setattr(crew, "BEAT_SECONDS", 0.01)

    def heard():
        row = Worker.get_or_none(Worker.name == "w")
        return row and row.heard
    crew.hello(journal, "w", "here", 1)
    with crew.beating(journal, "w", "here", 1):
        before = heard()
        wait_for(lambda: heard() > before)
        Worker.delete().execute()
        wait_for(heard)
    before = heard()
    time.sleep(0.1)
    assert heard() == before


def test_an_upscale_takes_the_drafts_own_request(journal):
    clip = finished(journal)
    job = journal.job(journal.submit_upscale(clip.id, steps=7, noise=0.2))
    request = GenerationRequest.from_json(job.request)
    assert (job.kind, job.source) == ("upscale", clip.id)
    assert (request.upscale, request.upscale_steps, request.upscale_noise) == (True, 7, 0.2)
    assert (request.seed, request.drafts) == (5, 1)


def test_an_upscale_of_an_upscale_is_refused_in_a_sentence(journal):
    clip = finished(journal)
    large = GenerationRequest.from_json(clip.request).to_json().replace(
        '"upscale": false', '"upscale": true')
    for changes in ({"kind": "upscale"}, {"kind": "draft", "request": large}):
        Clip.update(**changes).where(Clip.id == clip.id).execute()
        with pytest.raises(JournalError, match="upscale already"):
            journal.submit_upscale(clip.id, steps=7, noise=0.2)


def test_a_snapshot_holds_the_newest_jobs_and_everything_active(journal):
    first = journal.submit(REQUEST)
    others = [journal.submit(REQUEST) for _ in range(4)]
    Job.update(state="done").where(Job.id.in_(others)).execute()
    stopped = journal.submit(REQUEST)
    journal.cancel(stopped)
    shown = [job.id for job in journal.snapshot(2).jobs]
    assert shown == [others[3], others[2], first], "a stopped one takes no place"


def test_a_stopped_upscale_is_not_in_the_snapshot(journal):
    clip = finished(journal)
    journal.cancel(journal.submit_upscale(clip.id, steps=7, noise=0.2))
    assert journal.snapshot(10).upscales == {}


def test_a_snapshot_puts_upscales_beside_their_draft(journal):
    clip = finished(journal)
    upscale = journal.submit_upscale(clip.id, steps=7, noise=0.2)
    snapshot = journal.snapshot(10)
    assert [job.id for job in snapshot.jobs] == [clip.job_id]
    assert [job.id for job in snapshot.upscales[clip.job_id]] == [upscale]


def test_binning_a_draft_leaves_its_upscales_in_the_snapshot(journal):
    clip = finished(journal)
    made, running = (journal.submit_upscale(clip.id, steps=7, noise=0.2) for _ in range(2))
    journal.finish(journal.claim("w"), [CLIP], [])
    journal.claim("w")
    Library(journal).bin(clip.id)
    snapshot = journal.snapshot(10)
    assert [job.id for job in snapshot.upscales[clip.job_id]] == [made, running]
    assert (clip.job_id in snapshot.clips, len(snapshot.clips[made])) == (False, 1)


def test_an_upscale_of_a_draft_that_is_not_shown_stands_alone(journal):
    clip = finished(journal)
    journal.submit_upscale(clip.id, steps=7, noise=0.2)
    early = journal.claim("another")
    newer = finished(journal).job_id
    late = journal.submit_upscale(clip.id, steps=7, noise=0.2)
    assert [job.id for job in journal.snapshot(1).jobs] == [late, newer, early.id]
    for job in (early, journal.claim("w")):
        journal.finish(job, [CLIP], [])
    snapshot = journal.snapshot(1)
    assert [job.id for job in snapshot.jobs] == [late, newer], "what is newer than it stays"
    assert (snapshot.upscales, len(snapshot.clips[late])) == ({}, 1)


def test_an_upscale_outlives_its_deleted_draft(journal):
    clip = finished(journal)
    upscale = journal.submit_upscale(clip.id, steps=7, noise=0.2)
    Library(journal).bin(clip.id)
    Library(journal).empty_bin()
    assert [job.id for job in journal.snapshot(10).jobs] == [upscale, clip.job_id]


def test_a_full_disk_is_told_before_a_job_is_written(journal, monkeypatch):
    monkeypatch.setattr(space, "MIN_FREE_BYTES", 2**62)
    with pytest.raises(JournalError, match="free some space"):
        journal.submit(REQUEST)
    assert Job.select().count() == 0


def test_a_journal_of_a_newer_version_is_refused(journal, tmp_path):
    Number.update(value=99).where(Number.name == "version").execute()
    with pytest.raises(JournalError, match="newer version"):
        Journal(journal.url, tmp_path)


def test_whoever_reads_the_journal_waits_for_nobody_who_writes(journal):
    assert journal.database.execute_sql("pragma journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "journal.db").write_text("this is not a database, only some text" * 100)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path)


def test_timings_blend_with_what_was_measured_before(journal):
    journal.measure("storybook/base", 4.0)
    journal.measure("storybook/base", 2.0)
    assert journal.timings() == {"storybook/base": 3.0}


def drain(url, folder, name, results):
    journal = Journal(url, folder)
    taken = []
    while job := journal.claim(name):
        taken.append(job.id)
        journal.end(job, "done")
    journal.close()
    results.put(taken)


def test_two_processes_claim_every_job_exactly_once(journal, tmp_path):
    ids = [journal.submit(REQUEST) for _ in range(40)]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=drain, args=(journal.url, tmp_path, name, results))
                 for name in ("one", "two")]
    for process in processes:
        process.start()
    taken = results.get(timeout=60) + results.get(timeout=60)
    for process in processes:
        process.join()
    assert sorted(taken) == ids
