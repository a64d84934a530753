"""Longer clips in the journal: the plan before the work, the tree of segments, drift, remedies."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.drift import loop_jump, measure
from engine.errors import SnapError
from engine.extension.request import EXTENSION_KEY, ExtensionRequest
from engine.extension.segments import Segment
from engine.media import KEPT_KEY, read_clip, read_metadata, read_request, write_clip
from engine.request import GenerationRequest
from snapui import given, jobs, queue
from snapui.asked import Asked
from snapui.copies import frames_of
from snapui.films import Films, shown_name
from snapui.library import Library
from snapui.orders import Order
from snapui.schema import Clip, Film, Job, JournalError
from snapui.upscaling import is_closed, shown_in
from snapui.worker import Worker
from tests.snapui import stand_in
from tests.snapui.test_worker import wait_for
from tests.test_cli_extension import ffmpeg

SETTINGS = {"prompt": "", "seed": 5, "steps": 2, "guidance": 0.0}
MEADOW, SNOW = "a dog walking in the meadow", "a dog walking in the snow"
TWO = Asked(rows=((2, 4, MEADOW), (4, 6, SNOW)))


@pytest.fixture
def films(journal):
    return Films(journal)


@pytest.fixture
def worker(journal):
    return Worker(journal, stand_in.load(), "worker")


@pytest.fixture
def draft(journal, worker):
    """A draft of two seconds."""
    job = journal.submit(GenerationRequest("a dog", seed=3, fps=8, steps=2, guidance=0.0))
    worker.drain()
    return journal.clips_of(job)[0]


def made(films, worker, job_id):
    """Do what is waiting. Returns: the clips of a job."""
    worker.drain()
    job = films.journal.job(job_id)
    assert job.state == "done", job.error
    return films.journal.clips_of(job_id)


def extended(films, worker, draft, asked=TWO):
    return made(films, worker, films.extend(asked, SETTINGS, draft.id))


def film(clip):
    return Film.get(Film.clip == clip.id)


# ---- the plan

def test_the_plan_tells_windows_evaluations_and_seconds_before_anything_runs(films, draft):
    films.journal.measure("storybook/base", 0.5)
    measured = films.journal.timings()["storybook/base"]
    order, outlook = films.order(TWO, SETTINGS, draft.id)
    assert order.request.seconds == 6 and order.request.clip.fps == 8
    assert outlook.windows == len(outlook.plan.base) == outlook.levels[0].windows
    assert outlook.levels[0].new == 48 - 16
    assert outlook.evaluations == 2 * outlook.windows
    assert outlook.seconds == pytest.approx(outlook.windows * 2 * measured)
    assert Job.select().where(Job.kind == "extension").count() == 0


def test_a_clip_goes_on_as_it_was_made_and_only_the_seed_is_new(films, draft):
    other = SETTINGS | {"steps": 50, "guidance": 7.0, "sampler": "heun"}
    request = films.order(Asked(rows=((2, 4, ""),)), other, draft.id)[0].request
    assert (request.clip.steps, request.clip.guidance, request.clip.sampler) == (2, 0, "dpmpp_2m")
    assert request.clip.seed == 5
    assert request.segments[0].prompt == "a dog"    # an empty row goes on with what is shown


@pytest.mark.parametrize(("change", "sentence"), [
    ({"rows": ((2, 4.5, MEADOW), (4, 6, SNOW))}, "overlap"),
    ({"rows": ((4, 4, MEADOW),)}, "is empty"),
    ({"rows": ((1, 2, MEADOW),)}, "lies in what is there already"),
    ({"rows": (("", 4, MEADOW),)}, "needs two numbers"),
    ({"rows": ((2, float("nan"), MEADOW),)}, "is empty"),
    ({"rows": ((2, 61, MEADOW),)}, "Seconds must be a number from 0 to 60"),
    ({"rows": ((2, 6, MEADOW),), "seconds": 4}, "ends after the clip"),
    ({"seconds": 2.0}, "already lasts 2 s"),
    ({}, "Say how long"),
    ({"video": "given/other.mp4", "seconds": 4.0}, "cannot both be the beginning"),
    ({"start_picture": "given/one.png", "seconds": 4.0}, "cannot both be the beginning"),
    ({"end_picture": "given/one.png", "seconds": 4.0, "is_loop": True}, "leave out the end"),
    ({"in_between": 16}, "more than the 60"),
])
def test_bad_input_is_one_sentence_and_writes_nothing(films, draft, change, sentence):
    with pytest.raises(SnapError, match=sentence):
        films.extend(Asked(**change), SETTINGS, draft.id)
    assert Job.select().count() == 1


def test_a_model_without_an_upsampler_makes_nothing_large(films, draft, without_upsampler):
    with pytest.raises(SnapError, match="no upsampler"):
        films.extend(Asked(seconds=4.0, upscale=True), SETTINGS, draft.id)
    assert Job.select().count() == 1


def test_a_segment_from_nothing_needs_a_prompt(films):
    with pytest.raises(SnapError, match="has no prompt"):
        films.extend(Asked(rows=((0, 2, " "),)), SETTINGS, None)
    order, _ = films.order(Asked(rows=((0, 2, SNOW),)), SETTINGS, None)
    assert order.request.clip.prompt == SNOW
    assert Order.from_json(order.to_json()) == order


# ---- the work

def test_every_segment_becomes_a_clip_that_holds_all_before_it(films, worker, draft):
    meadow, snow = extended(films, worker, draft)
    assert (meadow.source, snow.source) == (draft.id, meadow.id)
    assert (meadow.frames, snow.frames) == (32, 48)
    assert (meadow.prompt, snow.prompt) == (MEADOW, SNOW)
    folder = films.journal.output_directory
    frames = [frames_of(folder, clip) for clip in (draft, meadow, snow)]
    assert np.array_equal(frames[2][:32], frames[1])
    assert np.array_equal(frames[1][:16], frames[0])
    assert json.loads(film(snow).joins) == [16, 32] and film(snow).first_frames == 16
    assert [len(values) for values in json.loads(film(meadow).measures).values()] == [32] * 4


def test_the_files_carry_the_whole_request_and_what_they_came_from(films, worker, draft):
    for clip in extended(films, worker, draft):
        path = films.journal.output_directory / clip.path
        metadata = read_metadata(path)
        request = ExtensionRequest.from_json(metadata[EXTENSION_KEY])
        assert [one.prompt for one in request.segments] == [MEADOW, SNOW]
        assert read_request(path) == request.clip
        assert json.loads(metadata["parents"]) == [draft.path.split("/")[1]]
        assert metadata.get("kept_frames", "48") == str(clip.frames)
        assert len(read_clip(path).frames) == clip.frames


def test_a_worker_that_dies_leaves_its_windows_to_the_next(films, worker, draft, monkeypatch):
    job_id = films.extend(Asked(rows=((2, 6, "die"),)), SETTINGS, draft.id)
    job = films.journal.claim("worker")

    def die(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr("os.kill", die)
    with pytest.raises(KeyboardInterrupt):
        worker.do(job)
    from snapui import crew
    crew.forget(films.journal, "worker", died=True, why="it was killed")
    steps, sleep = [], stand_in.time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: steps.append(sleep(seconds)))
    worker.drain()
    row = films.journal.job(job_id)
    windows = films.order(Asked(rows=((2, 6, "die"),)), SETTINGS, draft.id)[1].windows
    assert (row.state, row.deaths) == ("done", 1)
    assert len(steps) == 2 * windows - 3    # a window and a step were done


def test_a_killed_process_leaves_its_windows_to_its_successor(films, draft, supervised):
    job_id = films.extend(Asked(rows=((2, 6, "die"),)), SETTINGS, draft.id)
    wait_for(lambda: films.journal.job(job_id).state == "done")
    assert films.journal.job(job_id).deaths == 1
    assert films.journal.clips_of(job_id)[-1].frames == 48


def test_a_job_is_stopped_and_leaves_nothing_or_kept_as_it_is(films, worker, draft):
    wish = {"how": "drop"}

    def interrupted(request, material, hooks, work_folder):
        hooks = hooks | {"on_window": lambda event: films.journal.cancel(job_id, wish["how"])}
        return stand_in.load().extend(request, material, hooks, work_folder)
    worker.engine = replace(worker.engine, extend=interrupted)
    job_id = films.extend(TWO, SETTINGS, draft.id)
    worker.drain()
    assert films.journal.job(job_id).state == "cancelled"
    assert films.journal.clips_of(job_id) == []
    wish["how"] = "keep"
    job_id = films.extend(TWO, SETTINGS, draft.id)
    kept, = made(films, worker, job_id)
    assert 16 < kept.frames < 48 and kept.prompt == MEADOW and json.loads(film(kept).joins)[0] == 16
    notes = films.journal.job(job_id).notes
    assert f"after {kept.kept_after} and kept as it was, at 8 frames per second" in notes
    told = read_metadata(films.journal.output_directory / kept.path)
    assert told[KEPT_KEY] == kept.kept_after == "window 1 of 4"


def test_a_clip_whose_last_window_lost_steps_says_so(films, worker, draft):
    def interrupted(request, material, hooks, work_folder):
        def on_step(event):
            films.journal.cancel(job_id, "keep")
            return hooks["on_step"](event)
        return stand_in.load().extend(request, material, hooks | {"on_step": on_step}, work_folder)
    worker.engine = replace(worker.engine, extend=interrupted)
    job_id = films.extend(Asked(rows=((0, 2, MEADOW),), fps=8), SETTINGS, None)
    kept, = made(films, worker, job_id)
    assert (kept.frames, kept.kept_after) == (16, "step 1 of 2 of window 1 of 1")


def test_progress_names_the_window(films, worker, draft):
    told = []
    report = films.journal.report
    films.journal.report = lambda job, **progress: told.append(progress) or report(job, **progress)
    films.extend(TWO, SETTINGS, draft.id)
    worker.drain()
    stages = [progress["stage"] for progress in told if "stage" in progress]
    windows = films.order(TWO, SETTINGS, draft.id)[1].windows
    assert stages[0] == f"Window 1 of {windows}" and stages[-1] == f"Window {windows} of {windows}"


# ---- the tree

def test_redo_makes_the_segment_again_beside_the_old_one(films, worker, draft):
    meadow, snow = extended(films, worker, draft)
    again, = made(films, worker, films.redo(snow.id))
    assert again.source == meadow.id and again.prompt == SNOW and again.frames == 48
    assert again.seed != snow.seed
    folder = films.journal.output_directory
    assert (folder / snow.path).exists() and (folder / again.path).exists()
    first, = made(films, worker, films.redo(meadow.id))
    assert (first.source, first.frames, first.prompt) == (draft.id, 32, MEADOW)
    assert len(Order.from_json(film(first).order).request.segments) == 1
    tree = films.tree(again.id)
    assert tree.clip.id == draft.id
    assert [[node.clip.id for node in child.children] for child in tree.children] == [
        [snow.id, again.id], []]


def test_a_first_segment_made_again_stands_beside_the_old_one(films, worker):
    first, second = made(films, worker, films.extend(
        Asked(rows=((0, 2, MEADOW), (2, 4, SNOW)), fps=8), SETTINGS, None))
    again, = made(films, worker, films.redo(first.id))
    third, = made(films, worker, films.redo(again.id))
    assert [clip.source for clip in (first, again, third)] == [None] * 3
    assert (again.frames, again.prompt) == (first.frames, MEADOW) and again.seed != first.seed
    for opened in (first, second, again, third):
        tree = films.tree(opened.id)
        assert tree.clip.id == first.id and [node.clip.id for node in tree.children] == [second.id]
        assert [node.clip.id for node in tree.again] == [again.id, third.id]
        assert tree.path_to(opened.id)[-1].clip.id == opened.id
    assert [node.clip.id for node in films.tree(first.id).path_to(third.id)] == [third.id]
    other, = made(films, worker, films.extend(Asked(rows=((0, 2, MEADOW),), fps=8), SETTINGS, None))
    assert films.tree(other.id).again == []    # the same words are not the same clip
    Clip.delete().where(Clip.id == first.id).execute()
    assert films.tree(third.id).clip.id == again.id


def test_a_branch_from_an_earlier_segment_and_a_loop(films, worker, draft):
    meadow, _ = extended(films, worker, draft)
    beach, = extended(films, worker, meadow, Asked(rows=((4, 5, "a dog on the beach"),)))
    assert beach.source == meadow.id and beach.frames == 40
    loop, = extended(films, worker, beach, Asked(seconds=7.0, is_loop=True))
    assert loop.source == beach.id and loop.prompt == "a dog on the beach"
    path = films.tree(draft.id).path_to(loop.id)
    assert [node.clip.id for node in path] == [draft.id, meadow.id, beach.id, loop.id]
    assert shown_name(path[-1]) == "Loop: a dog on the beach"
    again, = made(films, worker, films.redo(loop.id))
    assert Order.from_json(film(again).order).request.is_loop


def test_in_betweens_double_the_rate_and_move_the_joins(films, worker, draft):
    _, snow = extended(films, worker, draft)
    smooth, = extended(films, worker, snow, Asked(in_between=2, rows=((0, 1, "ignored"),)))
    assert (smooth.fps, smooth.frames, smooth.source) == (16, 95, snow.id)
    assert json.loads(film(smooth).joins) == [32, 64] and film(smooth).first_frames == 32


def test_a_loop_made_smooth_stays_a_loop(films, worker, draft):
    loop, = extended(films, worker, draft, Asked(seconds=4.0, is_loop=True))
    smooth, = extended(films, worker, loop, Asked(in_between=2))
    assert (smooth.fps, smooth.frames) == (16, 64) and is_closed(smooth)
    assert Order.from_json(film(smooth).order).request.is_loop
    assert shown_in(smooth)[-1].end_seconds == 4
    told, = extended(films, worker, draft, Asked(in_between=2, is_loop=True))
    assert told.frames == 31 and not is_closed(told)    # what it is made of is none


def test_new_frames_show_what_the_clip_shows_at_their_time(films, worker, draft):
    two = replace(TWO, rows=((2, 4, "a bright dog"), (4, 6, SNOW)))
    _, snow = extended(films, worker, draft, two)
    smooth, = extended(films, worker, snow, Asked(in_between=2))
    shown = Order.from_json(film(smooth).order).request.timeline
    assert shown.prompts == ("a dog", "a bright dog", SNOW)
    assert shown.starts_seconds == (0.0, 2.0, 4.0)
    brightness = np.array(json.loads(film(smooth).measures)["brightness"][1::2])    # the new ones
    assert brightness[20:28].min() > max(brightness[:12].max(), brightness[36:].max())


def test_undo_goes_back_and_keeps_the_file(films, worker, draft):
    meadow, snow = extended(films, worker, draft)
    assert films.undo(snow.id) == meadow.id
    assert film(snow).is_undone and (films.journal.output_directory / snow.path).exists()
    films.take_up(snow.id)
    assert not film(snow).is_undone
    with pytest.raises(JournalError, match="no segment after its first"):
        films.undo(draft.id)


def test_trim_leaves_the_first_seconds_as_a_clip_of_its_own(films, worker, draft):
    _, snow = extended(films, worker, draft)
    short, = made(films, worker, films.trim(snow.id, 3.0))
    assert (short.source, short.frames, short.kind) == (snow.id, 24, "edit")
    assert json.loads(film(short).joins) == [16]
    assert json.loads(read_metadata(films.journal.output_directory / short.path)["edit"]) == {
        "what": "trim", "frames": 24}
    with pytest.raises(JournalError, match="less than the whole 6 s"):
        films.trim(snow.id, 6.0)
    with pytest.raises(JournalError, match="the same clip every time"):
        films.redo(short.id)


def test_a_deleted_clip_leaves_the_tree_below_it_whole(films, worker, draft):
    meadow, snow = extended(films, worker, draft)
    Clip.delete().where(Clip.id == meadow.id).execute()
    assert not Film.select().where(Film.clip == meadow.id).exists()
    assert films.tree(snow.id).clip.id == snow.id
    before = Job.select().count()
    with pytest.raises(JournalError, match="goes on from was deleted for good"):
        films.redo(snow.id)
    assert Job.select().count() == before


def test_the_bin_keeps_a_clip_as_long_as_a_job_goes_on_from_it(films, worker, draft):
    library = Library(films.journal)
    library.bin(draft.id)
    job_id = films.extend(TWO, SETTINGS, draft.id)
    for state in (queue.pause, queue.resume):
        state(films.journal, job_id)
        assert (library.empty_bin(), library.needed()) == (0, 1)
    made(films, worker, job_id)
    assert (library.needed(), library.empty_bin(), library.empty_bin()) == (0, 1, 0)


def test_a_job_whose_clip_was_deleted_says_so_when_it_is_tried_again(films, worker, draft):
    job_id = films.extend(TWO, SETTINGS, draft.id)
    films.journal.cancel(job_id)
    Library(films.journal).bin(draft.id)
    Library(films.journal).empty_bin()
    for again in (queue.retry, queue.run_again):
        with pytest.raises(JournalError, match="choose another clip to go on from"):
            again(films.journal, job_id)
    assert films.journal.job(job_id).state == "cancelled"
    Job.update(state="queued").where(Job.id == job_id).execute()    # by an older program
    worker.drain()
    assert films.journal.job(job_id).error == jobs.DELETED


def test_run_again_makes_a_longer_clip_again(films, worker, draft):
    job_id = films.extend(TWO, SETTINGS, draft.id)
    again = films.journal.job(queue.run_again(films.journal, job_id))
    assert (again.kind, again.order) == ("extension", films.journal.job(job_id).order)
    worker.drain()
    assert films.made_by(again.id) == films.journal.clips_of(again.id)[1].id


# ---- large

def test_a_finished_long_draft_becomes_a_large_child(films, worker, draft, with_upsampler):
    _, snow = extended(films, worker, draft)
    large, = made(films, worker, films.upscale(snow.id, steps=3, noise=0.5))
    assert (large.source, large.frames, large.height) == (snow.id, 48, 288)
    assert json.loads(film(large).joins) == [16, 32] and large.prompt == SNOW
    request = Order.from_json(film(large).order).request
    assert (request.clip.upscale, request.clip.upscale_steps, request.clip.upscale_noise) == (
        True, 3, 0.5)
    assert request.clip.seed == snow.seed
    # All segments, not only those of the last order.
    assert request.segments == (Segment(0, 2, "a dog"), Segment(2, 4, MEADOW), Segment(4, 6, SNOW))
    assert shown_name(films.tree(draft.id).path_to(large.id)[-1]) == f"Upscaled: {SNOW}"
    assert films.journal.timings()["storybook/upsampler"] > 0
    metadata = read_metadata(films.journal.output_directory / large.path)
    assert ExtensionRequest.from_json(metadata[EXTENSION_KEY]) == request
    assert json.loads(metadata["parents"]) == [snow.path.split("/")[1]]
    with pytest.raises(JournalError, match="an upscale already"):
        films.upscale(large.id)
    again, = made(films, worker, films.redo(large.id))
    assert again.source == snow.id and again.seed != large.seed and again.height == 288


def test_edits_and_new_frames_show_what_their_source_does(films, worker, draft):
    meadow, snow = extended(films, worker, draft)
    short, = made(films, worker, films.trim(snow.id, 5.0))
    smooth, = extended(films, worker, meadow, Asked(in_between=2))
    assert shown_in(short) == (Segment(0, 2, "a dog"), Segment(2, 4, MEADOW), Segment(4, 5, SNOW))
    assert shown_in(smooth) == (Segment(0, 2, "a dog"), Segment(2, 63 / 16, MEADOW))
    Clip.delete().where(Clip.id == snow.id).execute()
    assert shown_in(short) == (Segment(0, 5, SNOW),)


def test_only_a_whole_loop_stays_one(films, worker, draft, with_upsampler):
    loop, = extended(films, worker, draft, Asked(seconds=4.0, is_loop=True))
    coloured, = made(films, worker, films.remedy(loop.id, "colour"))
    short, = made(films, worker, films.trim(loop.id, 3.0))
    longer, = extended(films, worker, loop, Asked(seconds=6.0))
    assert [is_closed(one) for one in (draft, loop, coloured, short, longer)] == [
        False, True, True, False, False]
    large, = made(films, worker, films.upscale(coloured.id))
    assert is_closed(large) and Order.from_json(film(large).order).request.is_loop


# ---- drift

def test_drift_is_warned_of_and_colour_match_makes_a_child_without_it(films, worker, draft):
    bright, = extended(films, worker, draft, Asked(rows=((2, 6, "a bright dog"),)))
    assert any("brighter" in one for one in json.loads(film(bright).warnings))
    mended, = made(films, worker, films.remedy(bright.id, "colour"))
    assert mended.source == bright.id and mended.frames == bright.frames
    assert not any("brighter" in one for one in json.loads(film(mended).warnings))


def test_windows_that_meet_inside_a_segment_are_kept_and_warned_of(films, worker, draft):
    """A dog for four seconds in four windows, the second of which makes another picture."""
    def jumpy(request, material, hooks, work_folder):
        whole = stand_in.load().extend(request, material, hooks, work_folder)
        whole.frames[24:32] //= 2
        return whole
    clip, = extended(films, worker, draft, Asked(rows=((2, 6, ""),)))
    assert json.loads(film(clip).seams) == [24, 32, 40]
    assert not any("windows meet" in one for one in json.loads(film(clip).warnings))
    worker.engine = replace(worker.engine, extend=jumpy)
    clip, = extended(films, worker, draft, Asked(rows=((2, 6, ""),)))
    assert any("At 2 of the 3 places where windows meet" in one and "3.00 s, 4.00 s" in one
               for one in json.loads(film(clip).warnings))
    worker.engine = stand_in.load()
    two, _ = extended(films, worker, clip, Asked(rows=((6, 8, "bright"), (8, 9, SNOW))))
    assert json.loads(film(two).seams) == [24, 32, 40, 56]
    assert json.loads(film(two).joins) == [16, 48]
    short, = made(films, worker, films.trim(clip.id, 4.0))
    smooth, = extended(films, worker, short, Asked(in_between=2))
    assert [json.loads(film(one).seams) for one in (short, smooth)] == [[24], [48]]
    mended, = made(films, worker, films.remedy(two.id, "dissolve"))
    assert json.loads(film(mended).joins) == [16, 48]
    assert json.loads(film(mended).seams) == [24, 32, 40, 56]


def test_an_upscales_drift_is_that_of_its_own_frames(films, worker, draft, with_upsampler):
    def drifting(request, material, hooks, work_folder):
        whole = stand_in.load().extend(request, material, hooks, work_folder)
        whole.frames[24:] = np.minimum(whole.frames[24:].astype(int) + 50, 255)
        return whole
    meadow, = extended(films, worker, draft, Asked(rows=((2, 4, ""),)))
    worker.engine = replace(worker.engine, extend=drifting)
    large, = made(films, worker, films.upscale(meadow.id))
    said = [any("brighter" in one for one in json.loads(film(clip).warnings))
            for clip in (meadow, large)]
    assert said == [False, True]


def test_a_loop_that_shows_where_it_closes_is_warned_of(films, worker, draft):
    asked = Asked(rows=((2, 4, "a bright dog"),), is_loop=True)    # which is not where it began
    clips = extended(films, worker, draft, asked)
    assert any("where it closes" in one for one in json.loads(film(clips[-1]).warnings))
    steady = extended(films, worker, draft, replace(asked, rows=((2, 4, ""),)))
    assert not any("where it closes" in one for one in json.loads(film(steady[-1]).warnings))


def test_a_mended_loop_closes(films, worker, draft):
    asked = Asked(rows=((2, 4, "a bright dog"),), is_loop=True)    # which is not where it began
    loop = extended(films, worker, draft, asked)[-1]
    mended, = made(films, worker, films.remedy(loop.id, "dissolve"))
    frames = frames_of(films.journal.output_directory, mended)
    assert loop_jump(frames, measure(frames)) <= 1
    short, = made(films, worker, films.trim(loop.id, 3.0))
    frames = [frames_of(films.journal.output_directory, one) for one in (loop, short)]
    assert np.array_equal(frames[0][:24], frames[1])


def test_a_cross_dissolve_softens_the_joins_that_show(films, worker, draft):
    bright, = extended(films, worker, draft, Asked(rows=((2, 6, "a bright dog"),)))
    assert any(one.endswith("a cross-dissolve softens it.")
               for one in json.loads(film(bright).warnings))
    mended, = made(films, worker, films.remedy(bright.id, "dissolve"))
    assert (mended.frames, film(mended).joins) == (bright.frames, film(bright).joins)
    join, = json.loads(film(bright).joins)
    before, after = (json.loads(film(one).measures)["motion"][join] for one in (bright, mended))
    assert after == pytest.approx(before / 4, rel=0.1)    # two frames a side at eight a second
    folder = films.journal.output_directory
    ends = [frames_of(folder, one)[[0, -1]] for one in (bright, mended)]
    assert np.array_equal(*ends)    # so that a loop stays one
    steady, = extended(films, worker, draft, Asked(rows=((2, 4, ""),)))
    job_id = films.remedy(steady.id, "dissolve")
    worker.drain()
    assert "nothing to dissolve" in films.journal.job(job_id).error


# ---- what is handed over

def picture(path, height=20, width=30):
    pixels = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    return write_clip(path, pixels, 1.0)


def test_pictures_become_the_first_and_last_frames(films, worker, tmp_path):
    folder = films.journal.output_directory
    start = given.kept_picture(folder, picture(tmp_path / "a <b>.png"))
    assert start == given.kept_picture(folder, tmp_path / "a <b>.png") and "<" not in start
    end = given.kept_picture(folder, picture(tmp_path / "end.png", 36, 64))
    asked = Asked(rows=((0, 2, SNOW),), fps=8, start_picture=start, end_picture=end)
    clip, = made(films, worker, films.extend(asked, SETTINGS, None))
    shown = frames_of(folder, clip)
    assert np.array_equal(shown[-1], read_clip(folder / end).frames[0])
    names = json.loads(read_metadata(folder / clip.path)["parents"])
    assert names == [start.split("/")[1], end.split("/")[1]]


def test_a_video_of_ones_own_goes_on(films, worker, tmp_path):
    folder = films.journal.output_directory
    frames = np.random.default_rng(0).integers(0, 256, (10, 20, 30, 3), np.uint8)
    video = given.kept_video(folder, write_clip(tmp_path / "mine.mp4", frames, 10.0))
    order, outlook = films.order(Asked(seconds=2.0, video=video), SETTINGS | {"prompt": SNOW}, None)
    assert order.request.clip.fps == 10 and outlook.plan.layout.given == frozenset(range(10))
    clip, = made(films, worker, films.extend(Asked(seconds=2.0, video=video),
                                             SETTINGS | {"prompt": SNOW}, None))
    assert clip.frames == 20 and json.loads(film(clip).joins) == [10]
    told = Asked(rows=((1, 2, MEADOW),), video=video)    # which is all that says what is shown
    assert films.order(told, SETTINGS, None)[0].request.clip.prompt == MEADOW


def test_strange_pictures_are_kept_or_refused_in_a_sentence(films, worker, tmp_path):
    folder = films.journal.output_directory
    Image.new("CMYK", (30, 20), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    red = given.kept_picture(folder, tmp_path / "print.jpg")
    dot = given.kept_picture(folder, picture(tmp_path / "dot.png", 1, 1))
    asked = Asked(rows=((0, 2, SNOW),), fps=8, start_picture=red, end_picture=dot)
    clip, = made(films, worker, films.extend(asked, SETTINGS, None))
    assert frames_of(folder, clip)[0, 18, 32].tolist() == pytest.approx([254, 0, 0], abs=4)
    Image.new("L", (20_000, 2)).save(tmp_path / "wide.png")
    with pytest.raises(SnapError, match="20000x2 pixels, more than"):
        given.kept_picture(folder, tmp_path / "wide.png")


def test_strange_videos_go_on_as_they_play(films, worker, tmp_path):
    """Frames of 1/12 s and of 1/4 s; a picture that stands on its side; an odd size."""
    folder = films.journal.output_directory
    ffmpeg("-f", "lavfi", "-i", "color=black:s=64x36:r=12:d=0.83,geq=lum='20*N':cb=128:cr=128",
           "-vf", "setpts='if(lt(N,6),N/12,0.5+(N-6)/4)/TB'", "-fps_mode", "vfr",
           "-c:v", "libx264", "-crf", "1", tmp_path / "vfr.mkv")
    half = np.zeros((4, 36, 64, 3), np.uint8)
    half[:, :, :32] = 250
    write_clip(tmp_path / "flat.mp4", half, 12.0)
    ffmpeg("-display_rotation", "90", "-i", tmp_path / "flat.mp4", "-c", "copy",
           tmp_path / "turned.mp4")
    write_clip(tmp_path / "odd.webm", half[:, :21, :33], 12.0)
    for name, seconds in (("vfr.mkv", 4 / 3), ("turned.mp4", 4 / 12), ("odd.webm", 4 / 12)):
        video = given.kept_video(folder, tmp_path / name)
        asked = Asked(rows=((0, 3, SNOW),), video=video)
        clip, = made(films, worker, films.extend(asked, SETTINGS, None))
        join, = json.loads(film(clip).joins)
        assert join / clip.fps == pytest.approx(seconds, abs=0.1), name
        assert clip.frames / clip.fps == pytest.approx(3), name
        first = frames_of(folder, clip)[0]
        if name == "turned.mp4":
            assert abs(first[:14].mean() - first[22:].mean()) > 200
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", tmp_path / "sound.mp4")
    with pytest.raises(SnapError, match="no video"):
        given.kept_video(folder, tmp_path / "sound.mp4")


def test_a_file_that_is_none_is_one_sentence(films, tmp_path):
    folder = films.journal.output_directory
    (tmp_path / "no.mp4").write_bytes(b"nothing of a video")
    moving = write_clip(tmp_path / "moving.gif", np.zeros((3, 8, 8, 3), np.uint8), 10.0)
    for keep, path in ((given.kept_picture, tmp_path / "no.mp4"), (given.kept_picture, moving),
                       (given.kept_video, tmp_path / "no.mp4"),
                       (given.kept_video, picture(tmp_path / "one.png"))):
        with pytest.raises(SnapError) as error:
            keep(folder, path)
        assert str(error.value).endswith(".")
    assert not (folder / given.GIVEN).exists()
