"""The worker: in this process with a pretended engine, and as a real process that dies."""

import errno
import itertools
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine.backends import Place
from engine.errors import MediaError, RequestError
from engine.media import KEPT_KEY, OPENING_KEY, read_metadata, write_clip
from engine.request import GenerationRequest
from snapui import crew, estimate, inside, queue
from snapui.asked import Asked
from snapui.clock import StageClock
from snapui.files import preview_folder, read_loop
from snapui.films import Films
from snapui.given import kept_picture
from snapui.library import Library
from snapui.orders import Opening
from snapui.previews import Previewer
from snapui.schema import SCHEMA_VERSION, Clip, Job, Number
from snapui.schema import Worker as WorkerRow
from snapui.supervisor import Supervisor
from snapui.worker import Worker, main
from tests.snapui import stand_in
from tests.snapui.conftest import ROOT, command
from tests.snapui.stand_in_longer import StandInExtended

QUICK = GenerationRequest(prompt="a dog", seed=3, drafts=2, steps=6)


@pytest.fixture
def worker(journal):
    return Worker(journal, stand_in.load(), "worker")


def wait_for(condition, seconds=180.0):
    """Wait until a condition is true. Returns: what it returned."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
    return found


def step_after_a_death(journal, job_id):
    """Return the step a job has reached with its second worker, or 0 before its first report.

    Until then the row keeps the step of the first, but nobody knows the time left.
    """
    row = journal.job(job_id)
    return 0 if row.deaths != 1 or row.seconds_left is None else row.step


def outputs(folder):
    """Return the files of a folder but the journal and what `sweep` will delete."""
    return [path for path in folder.rglob("*") if path.is_file()
            and not path.name.startswith("journal.db") and "previews" not in path.parts]


def test_a_job_ends_with_a_named_file_and_a_loop_for_each_draft(journal, worker, tmp_path):
    job_id = journal.submit(QUICK)
    worker.drain()
    clips = journal.clips_of(job_id)
    assert [clip.seed for clip in clips] == [3, 4]
    for clip in clips:
        day, name = clip.path.split("/")
        assert len(day) == 10
        assert name.endswith(f"_a-dog_{clip.seed}_{job_id}.mp4")
        assert (tmp_path / clip.path).stat().st_size > 0
        assert (tmp_path / clip.loop).stat().st_size > 0
        assert (clip.width, clip.height, clip.frames) == (64, 36, 16)
    assert len(outputs(tmp_path)) == 4  # no preview and no temporary file is left


def test_previews_of_ended_jobs_are_swept_and_those_of_active_ones_stay(journal, worker, tmp_path):
    journal.submit(QUICK)
    worker.drain()
    paused, requeued, running = (journal.submit(QUICK) for _ in range(3))
    for job in [journal.claim("worker") for _ in range(3)]:
        (tmp_path / "previews" / str(job.id)).mkdir()
        if job.id == paused:
            queue.pause(journal, paused)
        if job.id != running:
            journal.put_down(journal.job(job.id))
    worker.sweep(3600)
    assert (tmp_path / "previews" / "1").exists()
    worker.sweep()
    assert [journal.job(one).state for one in (paused, requeued)] == ["paused", "queued"]
    assert {path.name for path in (tmp_path / "previews").iterdir()} == {
        str(one) for one in (paused, requeued, running)}


def test_the_same_request_twice_overwrites_nothing(journal, worker, tmp_path):
    for _ in range(2):
        journal.submit(QUICK)
    worker.drain()
    assert len({clip.path for clip in Clip.select()}) == 4
    assert len(outputs(tmp_path)) == 8


def test_a_drafts_loop_is_the_exact_draft_and_feeds_its_upscale(journal, worker, tmp_path):
    job_id = journal.submit(QUICK.single(3))
    worker.drain()
    draft = journal.clips_of(job_id)[0]
    kept = read_loop(tmp_path / draft.loop, draft.frames)
    np.testing.assert_array_equal(kept, stand_in.moving_bar(3, 36, 64))
    seen = []
    worker.engine = stand_in.Engine(
        lambda request, **named: seen.append(named["start"]["draft_frames"]) or stand_in.generate(
            request, **named), stand_in.write)
    upscale = journal.submit_upscale(draft.id, steps=2, noise=0.1)
    worker.drain()
    np.testing.assert_array_equal(seen[0], kept)
    assert journal.clips_of(upscale)[0].width == 512
    assert (tmp_path / draft.path).exists()


def test_drafts_begin_with_a_picture_and_their_files_name_it(journal, worker, tmp_path):
    seen, generate = [], worker.engine.generate
    worker.engine = stand_in.Engine(
        lambda request, **named: seen.append(named["start"]) or generate(request, **named),
        stand_in.write)
    picture = np.random.default_rng(5).integers(0, 256, (36, 64, 3), dtype=np.uint8)
    write_clip(tmp_path / "mine.png", picture[None], 1.0)
    opening = Opening(kept_picture(tmp_path, tmp_path / "mine.png"), "crop")
    job_id = journal.submit(QUICK, order=opening.to_json())
    queue.edit(journal, job_id, replace(QUICK, steps=2))
    worker.drain()
    drafts = journal.clips_of(job_id)
    for clip in drafts:
        np.testing.assert_array_equal(read_loop(tmp_path / clip.loop, clip.frames)[0], picture)
        told = read_metadata(tmp_path / clip.path)
        assert (told[OPENING_KEY], told["parents"]) == ("crop", f'["{opening.name}"]')
    (tmp_path / drafts[0].loop).unlink()
    journal.submit_upscale(drafts[0].id, steps=2, noise=0.1)
    again = queue.run_again(journal, job_id)
    worker.drain()
    assert [start["crop"] for start in seen] == [True] * 3
    assert all((start["picture"] == picture).all() for start in seen), "it is needed again"
    assert len(journal.clips_of(again)) == 2


@pytest.mark.parametrize("what", ["draft", "longer"])
def test_what_is_said_of_a_prompt_is_there_when_its_job_starts(journal, worker, what):
    seen = []

    def read(request):
        asked = request if what == "draft" else request.clip
        return [f"{asked.prompt} is too long."] if asked.prompt == "a purple zebra" else []

    def noting(make):
        def made(*args, **named):
            seen.append(journal.job(job_id).notes)
            return make(*args, **named)
        return made

    engine = worker.engine
    worker.engine = replace(engine, read=read, generate=noting(engine.generate),
                            extend=noting(engine.extend))
    for prompt in ("a purple zebra", "a dog"):
        job_id = journal.submit(replace(QUICK, prompt=prompt)) if what == "draft" else Films(
            journal).extend(Asked(rows=((0, 2, prompt),), fps=8), {"seed": 1, "steps": 2}, None)
        worker.drain()
    assert seen == ['["a purple zebra is too long."]', "[]"]


def test_a_start_picture_that_is_gone_is_one_sentence(journal, worker):
    job_id = journal.submit(QUICK, order=Opening("given/none.png").to_json())
    worker.drain()
    assert journal.job(job_id).state == "failed"
    assert "none.png" in journal.job(job_id).error


def test_an_upscale_whose_drafts_loop_is_gone_is_made_from_its_request(journal, worker, tmp_path):
    job_id = journal.submit(QUICK.single(3))
    worker.drain()
    draft = journal.clips_of(job_id)[0]
    (tmp_path / draft.loop).unlink()
    upscale = journal.submit_upscale(draft.id, steps=2, noise=0.1)
    worker.drain()
    assert journal.job(upscale).state == "done"


def test_an_upscale_whose_draft_was_deleted_is_made_from_its_request(journal, worker, tmp_path):
    job_id = journal.submit(QUICK.single(3))
    worker.drain()
    draft = journal.clips_of(job_id)[0]
    upscale = journal.submit_upscale(draft.id, steps=2, noise=0.1)
    Library(journal).bin(draft.id)
    Library(journal).empty_bin()
    worker.drain()
    again = queue.run_again(journal, upscale)
    worker.drain()
    for one in (upscale, again):
        assert (journal.job(one).state, journal.job(one).error) == ("done", "")
        clip, = journal.clips_of(one)
        assert (clip.width, clip.seed) == (512, 3)
        assert read_metadata(tmp_path / clip.path)["parents"] == "[]"


def test_an_engine_error_becomes_the_jobs_sentence_and_the_next_job_runs(journal, worker):
    failing = journal.submit(GenerationRequest(prompt="fail", steps=2))
    good = journal.submit(QUICK)
    worker.drain()
    assert journal.job(failing).state == "failed"
    assert "model.safetensors is missing" in journal.job(failing).error
    assert journal.job(good).state == "done"


def test_a_cancelled_job_stops_within_one_evaluation_and_leaves_no_file(journal, worker, tmp_path):
    evaluations = []

    def generate(request, *, should_stop, **named):
        def counted():
            evaluations.append(1)
            if len(evaluations) == 4:
                journal.cancel(job_id)
            return should_stop()
        return stand_in.generate(request, should_stop=counted, **named)

    worker.engine = stand_in.Engine(generate, stand_in.write)
    job_id = journal.submit(QUICK)
    worker.drain()
    assert len(evaluations) == 4
    assert journal.job(job_id).state == "cancelled"
    assert outputs(tmp_path) == []


def test_a_cancel_while_the_files_are_written_leaves_no_file(journal, worker, tmp_path):
    def write(path, clip, about):
        stand_in.write(path, clip, about)
        journal.cancel(job_id)

    worker.engine = stand_in.Engine(stand_in.generate, write)
    job_id = journal.submit(QUICK)
    worker.drain()
    assert journal.job(job_id).state == "cancelled"
    assert outputs(tmp_path) == []


def refusing(worker, code, after=lambda: None):
    """Have the second clip's file refused as the system would; returns the writes tried."""
    tried = []

    def write(path, clip, about):
        tried.append(clip.request.seed)
        if len(tried) > 20:
            worker.stopping.set()  # it would never end
        stand_in.write(path, clip, about)
        if clip.request.seed == 4:
            after()
            raise MediaError("It could not be written.") from OSError(code, os.strerror(code))

    worker.engine = stand_in.Engine(stand_in.generate, write)
    return tried


def free(monkeypatch, count):
    monkeypatch.setattr("snapui.space.free_bytes", lambda folder: count)


def test_a_write_that_fails_halfway_leaves_no_file(journal, worker, tmp_path):
    refusing(worker, errno.EIO)
    job_id = journal.submit(QUICK)
    worker.drain()
    assert journal.job(job_id).state == "failed"
    assert "could not be written" in journal.job(job_id).error
    assert outputs(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_job_waits_for_room_on_the_disk_and_goes_on_by_itself(journal, worker, monkeypatch, code):
    refusing(worker, code, after=lambda: free(monkeypatch, 0))
    job_id, after = journal.submit(QUICK), journal.submit(QUICK)
    worker.drain()
    worker.engine = stand_in.load()
    for _ in range(2):
        worker.drain()
        waiting = journal.job(job_id)
        assert (waiting.state, waiting.deaths, journal.job(after).step) == ("queued", 0, 0)
        assert "less than 64 MB left" in waiting.error
        assert "goes on by itself" in waiting.error
    free(monkeypatch, 2**30)
    worker.drain()
    for one in (job_id, after):
        assert (journal.job(one).state, journal.job(one).error) == ("done", "")
        assert len(journal.clips_of(one)) == 2


def test_a_worker_that_is_held_asks_again_until_there_is_room(journal, worker, monkeypatch):
    monkeypatch.setattr("snapui.worker.UNASKED_SECONDS", 0.2)
    free(monkeypatch, 0)
    job = Job.create(kind="draft", request=QUICK.to_json())
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        time.sleep(1)
        assert journal.job(job.id).state == "queued"
        free(monkeypatch, 2**30)
        wait_for(lambda: journal.job(job.id).state == "done")
    finally:
        worker.stopping.set()
        thread.join()


@pytest.mark.parametrize("what", ["draft", "longer"])
def test_files_carry_settings_or_nothing_and_the_library_knows_them_either_way(
        journal, worker, tmp_path, what):
    told = GenerationRequest(prompt="a purple zebra", seed=4711, steps=2)
    films = Films(journal)
    for is_wanted in (False, True):
        inside.tell(journal, is_wanted)
        job_id = journal.submit(told) if what == "draft" else films.extend(
            Asked(rows=((0, 2, told.prompt),), fps=8), {"seed": 4711, "steps": 2}, None)
        worker.drain()
        clip, = journal.clips_of(job_id)
        assert (GenerationRequest.from_json(clip.request).seed, clip.prompt) == (
            4711, "a purple zebra")
        for path in (tmp_path / clip.path, tmp_path / clip.loop):
            is_told = is_wanted and path.suffix == ".mp4"
            assert bool(read_metadata(path)) == is_told
            assert (b"zebra" in path.read_bytes()) == is_told


def test_the_real_engine_is_told_what_is_there_before_the_work_begins(monkeypatch, tmp_path):
    from engine import generate as door
    from snapui.worker import load_engine, parse
    seen = []
    monkeypatch.setattr(door, "generate", lambda request, **named: seen.append(named) or [])
    engine = load_engine(parse(["--models-directory", str(tmp_path), "--threads", "1"]))
    engine.generate(QUICK, start={}, on_step=print)
    engine.generate(QUICK, start={"picture": "p", "crop": True, "work_folder": tmp_path})
    assert [named["start"] for named in seen] == [
        door.Start(), door.Start(picture="p", crop=True, work_folder=tmp_path)]
    assert seen[0]["on_step"] is print and seen[0]["place"] == Place(tmp_path)


def test_a_waiting_thread_of_the_real_engine_leaves_its_core_to_others(monkeypatch):
    from snapui.worker import load_engine, parse
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    load_engine(parse(["--threads", "3"]))
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("3", "PASSIVE")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    load_engine(parse(["--threads", "1"]))
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("3", "ACTIVE")


def test_the_real_engines_files_carry_nothing_if_so_asked(tmp_path):
    from snapui.worker import load_engine, parse
    write = load_engine(parse(["--threads", "1"])).write
    clip = StandInExtended(GenerationRequest(prompt="a purple zebra"), SimpleNamespace(
        frames=stand_in.moving_bar(3, 36, 64)))
    for name, about in (("told.mp4", {}), ("bare.mp4", None)):
        write(tmp_path / name, clip, about)
    assert read_metadata(tmp_path / "told.mp4")["backend"] == "stand-in"
    assert read_metadata(tmp_path / "bare.mp4") == {}


def test_a_job_that_a_disk_with_room_refuses_is_tried_twice_and_no_more(journal, worker, tmp_path):
    tried = refusing(worker, errno.ENOSPC)
    job_id = journal.submit(QUICK)
    worker.drain()
    assert tried == [3, 4, 3, 4]
    assert (journal.job(job_id).state, outputs(tmp_path)) == ("failed", [])


def test_a_job_that_was_cancelled_while_the_disk_was_full_does_not_wait(
        journal, worker, monkeypatch):
    def filled():
        free(monkeypatch, 0)
        journal.cancel(job_id)

    refusing(worker, errno.ENOSPC, after=filled)
    job_id = journal.submit(QUICK)
    worker.drain()
    assert (journal.job(job_id).state, journal.job(job_id).error) == ("cancelled", "")


def interrupted(worker, at_step, act):
    """Have `act` happen at a step of the next job; returns the steps that were done, in order."""
    done = []

    def generate(request, *, on_step, **named):
        def watched(event):
            done.append(event.step)
            if event.step == at_step:
                act()
            return on_step(event)
        return stand_in.generate(request, on_step=watched, **named)

    worker.engine = stand_in.Engine(generate, stand_in.write)
    return done


def test_a_job_that_is_kept_ends_with_what_there_was(journal, worker, tmp_path):
    job_id = journal.submit(QUICK)
    done = interrupted(worker, 2, lambda: journal.cancel(job_id, "keep"))
    worker.drain()
    assert done == [1, 2]
    assert journal.job(job_id).state == "done"
    assert "after step 2 of 6" in journal.job(job_id).notes
    assert len(outputs(tmp_path)) == 4
    for clip in journal.clips_of(job_id):
        assert read_metadata(tmp_path / clip.path)[KEPT_KEY] == clip.kept_after == "step 2 of 6"
    upscale = journal.submit_upscale(clip.id, steps=2, noise=0.1)
    worker.engine = stand_in.load()
    worker.drain()
    assert journal.clips_of(upscale)[0].kept_after == "step 2 of 6"
    assert journal.job(upscale).notes == "[]"


def test_a_job_that_is_kept_after_its_last_step_is_whole(journal, worker, tmp_path):
    job_id = journal.submit(QUICK)
    interrupted(worker, 6, lambda: journal.cancel(job_id, "keep"))
    worker.drain()
    assert journal.job(job_id).notes == "[]"
    for clip in journal.clips_of(job_id):
        assert KEPT_KEY not in read_metadata(tmp_path / clip.path) and clip.kept_after == ""


def test_after_this_one_the_next_job_waits(journal, worker):
    first, second = journal.submit(QUICK), journal.submit(QUICK)
    interrupted(worker, 2, lambda: journal.cancel(first, "after"))
    worker.drain()
    assert [journal.job(one).state for one in (first, second)] == ["done", "queued"]


@pytest.mark.parametrize("scope", ["job", "queue"])
def test_a_paused_job_stops_and_goes_on_where_it_was(journal, worker, tmp_path, scope):
    job_id = journal.submit(QUICK)
    done = interrupted(worker, 3, lambda: queue.pause_all(journal) if scope == "queue"
                       else queue.pause(journal, job_id))
    worker.drain()
    assert done == [1, 2, 3]
    assert journal.job(job_id).state == ("queued" if scope == "queue" else "paused")
    assert [path.name for path in outputs(tmp_path)] == ["base"], "only its state is kept"
    queue.resume_all(journal)
    queue.resume(journal, job_id)
    worker.drain()
    assert done == [1, 2, 3, 4, 5, 6]
    assert journal.job(job_id).state == "done"
    assert not list((tmp_path / ".work").iterdir())


def test_a_job_taken_from_a_silent_worker_is_done_once(journal, worker, tmp_path):
    """The first worker is cut off at its third step, long enough for another to do the job."""
    now = [0.0]
    listener = crew.Listener(lambda: now[0])
    crew.hello(journal, "worker", "elsewhere", 1)

    def cut_off():
        for now[0] in (0.0, 60.0):
            crew.forget_the_silent(journal, "here", listener)
        Worker(journal, stand_in.load(), "another").drain()

    job_id = journal.submit(QUICK)
    done = interrupted(worker, 3, cut_off)
    worker.drain()
    job = journal.job(job_id)
    assert (job.state, job.worker, job.deaths, done) == ("done", "another", 1, [1, 2, 3])
    assert Clip.select().count() == QUICK.drafts and len(outputs(tmp_path)) == 2 * QUICK.drafts


def test_progress_and_previews_are_written_while_it_runs(journal, worker, monkeypatch):
    monkeypatch.setattr("snapui.previews.PREVIEW_SECONDS", 0.05)
    seen = []

    def generate(request, *, on_step, **named):
        def watched(event):
            on_step(event)
            time.sleep(0.05)
            row = Job.get_by_id(job_id)
            seen.append((row.step, row.steps, row.previews))
        return stand_in.generate(request, on_step=watched, **named)

    worker.engine = stand_in.Engine(generate, stand_in.write)
    job_id = journal.submit(QUICK)
    worker.drain()
    assert [(step, steps) for step, steps, _ in seen] == [(step, 6) for step in range(1, 7)]
    assert seen[-1][2].count(".webp") == 2


def test_an_idle_worker_measures_the_upsampler_once(journal, worker):
    asked, generate = [], worker.engine.generate

    def watched(request, **named):
        asked.append(request)
        return generate(request, **named)
    worker.engine = replace(worker.engine, generate=watched)
    job_id = journal.submit(QUICK)
    worker.measure_upscale()
    assert asked == [], "a job waits, and comes first"
    journal.cancel(job_id)
    worker.measure_upscale()
    worker.measure_upscale()
    assert [(one.upscale, one.drafts, one.steps) for one in asked] == [(True, 1, 1)]
    assert journal.timings()["storybook/upsampler"] == pytest.approx(
        stand_in.STEP_SECONDS, rel=20)
    assert Clip.select().count() == 0
    Worker(journal, worker.engine, "another").measure_upscale()
    assert len(asked) == 1, "it is known"


def test_a_model_without_an_upsampler_is_asked_once_and_is_no_trouble(journal, worker):
    asked = []

    def generate(request, **_):
        asked.append(request)
        raise RequestError("It has no upsampler.")
    worker.engine = replace(worker.engine, generate=generate)
    worker.measure_upscale()
    worker.measure_upscale()
    assert len(asked) == 1 and journal.timings() == {}


def test_a_job_that_stops_keeps_its_previews_and_goes_on_with_newer_ones(
        journal, worker, monkeypatch, tmp_path):
    monkeypatch.setattr("snapui.previews.PREVIEW_SECONDS", 0.0)
    job_id = journal.submit(QUICK)

    def shown():
        return json.loads(journal.job(job_id).previews)

    interrupted(worker, 4, lambda: (wait_for(shown), queue.pause(journal, job_id)))
    worker.drain()
    before = shown()
    assert len(before) == 2 and all((tmp_path / path).exists() for path in before)
    queue.resume(journal, job_id)
    assert shown() == before
    newer = []
    interrupted(worker, 6, lambda: newer.extend(wait_for(lambda: shown() != before and shown())))
    worker.drain()
    assert set(newer).isdisjoint(before)
    assert (journal.job(job_id).state, shown()) == ("done", [])


def test_previews_of_an_earlier_run_go_once_they_are_old(journal, tmp_path, monkeypatch):
    monkeypatch.setattr("snapui.previews.PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr("snapui.previews.KEPT", 2)
    journal.submit(QUICK)
    job = journal.claim("worker")
    folder = preview_folder(tmp_path, job.id)
    (folder / "base-30-0.webp").touch()
    previewer = Previewer(journal, job, QUICK)
    picture = stand_in.moving_bar(3, 36, 64)[None]
    for step in range(1, 5):
        previewer.on_step(stand_in.StepEvent("base", step, 9, 1.0, lambda: picture))
        wait_for(lambda step=step: f"base-{30 + step}-0" in journal.job(job.id).previews)
    previewer.close()
    assert {path.name for path in folder.iterdir()} == {"base-33-0.webp", "base-34-0.webp"}


def test_a_preview_that_newer_ones_overtake_is_never_written(journal, monkeypatch):
    monkeypatch.setattr("snapui.previews.PREVIEW_SECONDS", 0.0)
    written, is_begun, may_end = [], threading.Event(), threading.Event()

    def write(path, frames, fps):
        is_begun.set()
        assert may_end.wait(60)
        written.append(frames.max())

    monkeypatch.setattr("snapui.previews.write_loop", write)
    journal.submit(QUICK)
    previewer = Previewer(journal, journal.claim("worker"), QUICK)
    for step in range(1, 5):
        picture = np.full((1, 2, 4, 6, 3), step, np.uint8)
        previewer.on_step(stand_in.StepEvent("base", step, 9, 1.0, lambda shown=picture: shown))
        assert is_begun.wait(60)
    may_end.set()
    wait_for(lambda: len(written) == 2)
    previewer.close()
    assert written == [1, 4]


def test_the_clock_measures_one_clip_in_one_evaluation(monkeypatch):
    moments = iter([10.0, 12.0, 14.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    clock = StageClock(GenerationRequest(prompt="a", drafts=2, steps=3, guidance=3.0))
    for step in (1, 2, 3):
        clock.on_step(stand_in.StepEvent("base", step, 3, 0.0, None))
    assert clock.seconds_per_evaluation() == {"base": pytest.approx(2.0 / 4)}


@pytest.mark.parametrize(("gaps", "step_seconds"), [
    ([0.27, 3.65, 0.17], 0.22),  # guided steps cost twice plain ones, between them one compiles
    ([3.65, 0.17], 0.17), ([0.4, 0.4, 0.4, 0.1], 0.325), ([3.0], 3.0)])
def test_a_step_in_which_a_network_is_compiled_is_not_measured(monkeypatch, gaps, step_seconds):
    moments = itertools.accumulate([8.65, *gaps])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    steps = len(gaps) + 1
    request = GenerationRequest(prompt="a", steps=steps, guidance=3.0)
    clock = StageClock(request)
    for step in range(1, steps + 1):
        clock.on_step(stand_in.StepEvent("base", step, steps, 0.0, None))
    whole = clock.seconds_per_evaluation()["base"] * estimate.passes(request, "base")
    assert whole == pytest.approx(step_seconds * steps)


# ---- as processes

def test_a_killed_workers_job_is_gone_on_with_by_its_successor(supervised, tmp_path):
    job_id = supervised.submit(GenerationRequest(prompt="a dog", steps=100))
    wait_for(lambda: supervised.job(job_id).step >= 50)
    os.kill(WorkerRow.get().pid, signal.SIGKILL)
    assert wait_for(lambda: step_after_a_death(supervised, job_id)) >= 50
    wait_for(lambda: supervised.job(job_id).state == "done")
    wait_for(lambda: not list((tmp_path / ".work").iterdir()))


def test_as_many_workers_run_as_were_asked_for(journal, monkeypatch):
    monkeypatch.chdir(ROOT)
    supervisor = Supervisor(journal, command(journal), 2)
    supervisor.start()
    try:
        wait_for(lambda: WorkerRow.select().where(WorkerRow.state == "ready").count() == 2)
    finally:
        supervisor.stop()


def test_a_worker_that_somebody_else_started_and_killed_is_missed(journal, monkeypatch):
    monkeypatch.chdir(ROOT)
    supervisor = Supervisor(journal, command(journal), 0)
    supervisor.start()
    other = subprocess.Popen(command(journal))
    try:
        job_id = journal.submit(GenerationRequest(prompt="a dog", steps=200))
        wait_for(lambda: journal.job(job_id).step > 2)
        other.kill()
        other.wait()
        wait_for(lambda: journal.job(job_id).state == "queued")
        assert WorkerRow.select().count() == 0
    finally:
        supervisor.stop()
        other.kill()


@pytest.mark.slow
def test_a_job_that_kills_its_worker_three_times_fails_with_the_reason(supervised):
    deadly = supervised.submit(GenerationRequest(prompt="die", steps=5))
    harmless = supervised.submit(QUICK)
    wait_for(lambda: supervised.job(deadly).state == "failed")
    assert "killed" in supervised.job(deadly).error
    wait_for(lambda: supervised.job(harmless).state == "done")


def test_a_worker_stops_with_its_program_and_its_job_waits(journal, monkeypatch):
    monkeypatch.chdir(ROOT)
    process = subprocess.Popen([*command(journal), "--until-stdin-closes"], stdin=subprocess.PIPE)
    job_id = journal.submit(GenerationRequest(prompt="a dog", steps=200))
    wait_for(lambda: journal.job(job_id).step >= 2)
    process.stdin.close()
    assert process.wait(120) == 0
    assert (journal.job(job_id).state, journal.job(job_id).deaths) == ("queued", 0)
    assert WorkerRow.select().count() == 0


def test_a_worker_whose_engine_is_missing_says_so(journal, monkeypatch):
    from snapui import worker

    def load(*_):
        raise ImportError("No module named 'torch'")

    flags = ["--database", journal.url, "--output-directory", str(journal.output_directory)]
    assert worker.main(flags, load=load) == 1
    assert "No module named 'torch'" in WorkerRow.get().message


@pytest.mark.parametrize(("folder", "said"), [
    ("elsewhere", "name the one that the page was started with"), ("", "newer version")])
def test_a_worker_that_cannot_begin_says_why_in_one_sentence(journal, capsys, folder, said):
    Number.update(value=SCHEMA_VERSION + 1).where(Number.name == "version").execute()
    outputs = journal.output_directory / folder
    assert main(["--database", journal.url, "--output-directory", str(outputs)], load=None) == 1
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


def test_stopping_does_not_wait_for_the_job(journal, worker):
    journal.submit(GenerationRequest(prompt="a dog", steps=250))
    thread = threading.Thread(target=worker.run)
    thread.start()
    wait_for(lambda: Job.select().where(Job.step > 0).exists())
    begin = time.monotonic()
    worker.stopping.set()
    thread.join()
    assert time.monotonic() - begin < 1.0
