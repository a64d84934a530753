"""A comparison as it is drawn: in the page and as one file."""

import json
import tracemalloc

import numpy as np
import pytest

from engine.media import (
    OPENING_KEY,
    count_frames,
    read_clip,
    read_metadata,
    read_request,
    write_clip,
)
from engine.request import GenerationRequest
from snapui.compare import Axis, Clock, Plan
from snapui.comparisons import Comparisons
from snapui.copies import filmstrip, strip_width
from snapui.files import write_loop
from snapui.grid import CELL_WIDTH, GAP, grid_frames, save_grid, told_apart
from snapui.library import Library
from snapui.orders import Opening
from snapui.player import Player
from snapui.queue import in_line
from snapui.restore import restored
from snapui.votes import Ballot
from tests.snapui.stand_in import moving_bar
from tests.snapui.test_jobs import CLIP
from tests.snapui.test_sheet import NASTY, Tags

PLAN = Plan(GenerationRequest(prompt="a dog", seed=7), Axis("guidance", (1.0, 3.0, 5.0)),
            Axis("prompt", (NASTY, "a cat")))


@pytest.fixture
def comparisons(journal):
    return Comparisons(journal)


def write_bars(folder, job_id):
    """Write the loop of a job's clip, in a colour of its own. Returns: its relative path."""
    (folder / "loops").mkdir(exist_ok=True)
    write_loop(folder / f"loops/{job_id}.webp", moving_bar(job_id, 36, 64), 12)
    return f"loops/{job_id}.webp"


@pytest.fixture
def number(journal, comparisons):
    """A finished comparison; the loop of each clip is its exact frames, its colour its job."""
    number = comparisons.submit(PLAN)
    while job := journal.claim("w"):
        loop = write_bars(journal.output_directory, job.id)
        journal.finish(job, [CLIP | {"request": job.request, "loop": loop,
                                     "path": f"day/{job.id}.mp4",
                                     "model_hash": f"hash of {job.id}"}], [])
    return number


@pytest.fixture
def player(journal):
    return Player(journal.output_directory)


def drawn(value):
    return Tags("".join(html for part in (value["grid"], value["after"]) for _, html in part))


def canvases(value):
    return [attributes for tag, attributes in drawn(value).tags if tag == "canvas"]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 17])
def test_a_filmstrip_holds_every_frame_where_the_page_looks_for_it(journal, comparisons, number,
                                                                   count):
    clip, folder = comparisons.standing(number).clips[0, 0], journal.output_directory
    frames = np.random.default_rng(count).integers(0, 256, (count, 36, 64, 3), dtype=np.uint8)
    clip.loop, clip.frames = f"loops/{count}.webp", count
    write_loop(folder / clip.loop, frames, 12)
    (strip,) = read_clip(folder / filmstrip(folder, clip)).frames
    across = strip_width(count)
    for place in range(count):
        y, x = 36 * (place // across), 64 * (place % across)
        assert (strip[y:y + 36, x:x + 64] == frames[place]).all()


def test_every_text_of_a_user_shows_as_text(comparisons, number, player):
    page = drawn(player.value(comparisons.standing(number)))
    assert {tag for tag, _ in page.tags} <= {"div", "h3", "figure", "figcaption", "canvas",
                                             "button", "p"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert NASTY in page.text


def test_cells_stand_in_the_order_of_the_plan(comparisons, number, player):
    standing = comparisons.standing(number)
    labels = [one["aria-label"] for one in canvases(player.value(standing))]
    assert labels == ["Guidance 1", "Guidance 3", "Guidance 5"] * 2


def test_a_ballot_says_letters_and_the_prompt_and_nothing_else(comparisons, number, player):
    standing = comparisons.standing(number)
    value = player.ballot(standing, Ballot(number, 1, (2, 0, 1)))
    text = json.dumps(value)
    assert "Guidance" not in text and "data-key" not in text
    assert "Prompt: a cat" in drawn(value).text
    assert [one["aria-label"] for one in canvases(value)] == ["A", "B", "C"]
    assert [f"/{standing.clips[1, column].id}/" in one["data-url"]
            for column, one in zip((2, 0, 1), canvases(value), strict=True)] == [True] * 3


def test_a_ballot_between_prompts_does_not_give_them_away(journal, comparisons, player):
    plan = Plan(PLAN.base, Axis("prompt", ("a dog", "a cat")))
    standing = comparisons.standing(comparisons.submit(plan))
    assert "a dog" not in json.dumps(player.ballot(standing, Ballot(standing.id, 0, (1, 0))))


def test_long_prompts_are_told_apart_above_their_clips(comparisons, player):
    prompts = tuple(f"{'a dog in the snow ' * 9}{end}" for end in ("runs", "<b>sleeps"))
    number = comparisons.submit(Plan(PLAN.base, Axis("prompt", prompts)))
    tags = drawn(player.value(comparisons.standing(number)))
    assert "a dog in the snow … <b>sleeps" in tags.text
    assert [told["title"] for tag, told in tags.tags if tag == "figcaption"] == list(prompts)


def test_cells_that_are_not_made_say_why(journal, comparisons, player):
    number = comparisons.submit(PLAN)
    journal.end(journal.claim("w"), "failed", NASTY)
    running = journal.claim("w")
    journal.report(running, step=3, steps=24, seconds_left=2.0)
    journal.cancel(in_line()[-1].id)
    text = drawn(player.value(comparisons.standing(number))).text
    assert f"Failed: {NASTY}" in text and "Step 3 of 24, 2 s left" in text
    assert "Waiting" in text and "Stopped" in text


def test_a_cell_whose_file_is_gone_says_so_and_the_others_are_shown(journal, comparisons, number,
                                                                     player):
    clip = comparisons.standing(number).clips[0, 1]
    (journal.output_directory / clip.loop).unlink()
    value = player.value(comparisons.standing(number))
    assert len(canvases(value)) == 5
    assert "cannot be read" in drawn(value).text


def test_the_tally_gives_wins_and_their_interval(comparisons, number, player):
    choices = {"alignment": "A", "motion": "A", "looks": "Cannot tell"}
    for _ in range(10):
        comparisons.vote(Ballot(number, 0, (2, 0, 1)), choices)
    text = drawn(player.value(comparisons.standing(number))).text
    assert "10 of 10" in text and "72 to 100%" in text
    assert "0 of 10" in text and "0 to 28%" in text


def test_the_grid_shows_each_clip_in_its_place_in_lockstep(comparisons, number):
    colours = {(0, 0): 10, (0, 1): 60, (0, 2): 110, (1, 0): 160, (1, 1): 210, (1, 2): 250}
    clips = {place: np.full((16, 36, 64, 3), value, np.uint8) for place, value in colours.items()}
    clips[1, 2] = np.repeat(np.arange(8, dtype=np.uint8), 36 * 64 * 3).reshape(8, 36, 64, 3)
    clock = Clock(12.0, 16, dict.fromkeys(clips, 1.0) | {(1, 2): 0.5})
    frames = np.stack(list(grid_frames(PLAN, clips, clock)))
    assert frames.shape == grid_frames(PLAN, clips, clock).shape
    assert len(frames) == 16 and frames.shape[1] % 2 == frames.shape[2] % 2 == 0
    middle = [GAP + CELL_WIDTH // 2 + column * (CELL_WIDTH + GAP) for column in range(3)]
    for (_, column), value in colours.items():
        if value != 250:
            assert (frames[:, :, middle[column], 0] == value).any(axis=1).all()
    bottom = frames.shape[1] - GAP - 90
    assert frames[:, bottom, middle[2], 0].tolist() == [t // 2 for t in range(16)]


def test_labels_that_are_too_long_still_tell_the_clips_apart():
    snow = "a dog in the snow " * 9
    assert told_apart([f"{snow}runs", f"{snow}sleeps"]) == [
        "a dog in the snow … runs", "a dog in the snow … sleeps"]
    for texts in (["a dog runs", "a dog sleeps"], [snow, snow], ["", ""]):
        assert told_apart(texts) == texts
    plan = Plan(PLAN.base, Axis("prompt", (f"{snow}runs", f"{snow}sleeps")))
    picture, = grid_frames(plan, {}, plan.clock({}))
    first, second = (picture[:30, GAP + place * (CELL_WIDTH + GAP):][:, :CELL_WIDTH]
                     for place in range(2))
    assert (first != second).any()


def test_a_missing_clip_leaves_its_place_blank():
    whole = np.stack(list(grid_frames(PLAN, {}, PLAN.clock({}))))
    assert whole.shape[0] == 1 and len(np.unique(whole.reshape(-1, 3), axis=0)) > 3


def test_a_grid_is_drawn_while_it_is_written_and_never_whole(tmp_path):
    clips = {(0, 0): np.zeros((60, 36, 64, 3), np.uint8)}
    grid = grid_frames(PLAN, clips, Clock(12.0, 60, {(0, 0): 1.0}))
    tracemalloc.start()
    write_clip(tmp_path / "grid.mp4", grid, 12.0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count_frames(tmp_path / "grid.mp4", 12.0) == 60
    assert most < np.prod(grid.shape) / 10


@pytest.mark.parametrize(("still", "suffix", "count"), [(None, ".mp4", 16), (5, ".png", 1),
                                                        (99, ".png", 1)])
def test_a_comparison_is_saved_as_one_labelled_file(journal, comparisons, number, still, suffix,
                                                    count):
    folder, standing = journal.output_directory, comparisons.standing(number)
    first = save_grid(folder, "day/grid", standing, still)
    assert save_grid(folder, "day/grid", standing, still) != first
    clip = read_clip(folder / first)
    assert first.endswith(suffix) and len(clip.frames) == count
    assert clip.is_image or clip.fps == PLAN.base.fps
    assert Plan.from_json(read_metadata(folder / first)["comparison"]) == PLAN
    assert read_request(folder / first) == PLAN.cell(0, 0)
    assert read_metadata(folder / first)["model_hash"] == "hash of 1"
    assert json.loads(read_metadata(folder / first)["parents"]) == [
        f"{job}.mp4" for job in range(1, 7)]
    bare = save_grid(folder, "day/grid", standing, still, tells=False)
    assert read_metadata(folder / bare) == {}


@pytest.mark.parametrize("is_first_made", [True, False])
def test_a_grid_names_the_picture_its_clips_begin_with(journal, comparisons, is_first_made):
    number = comparisons.submit(PLAN, Opening("given/1_mine.png", "crop").to_json())
    job = journal.claim("w")
    if is_first_made:
        loop = write_bars(journal.output_directory, job.id)
        journal.finish(job, [CLIP | {"request": job.request, "loop": loop}], [])
    else:
        journal.end(job, "failed")
    standing = comparisons.standing(number)
    path = journal.output_directory / save_grid(journal.output_directory, "grid", standing, 0)
    told = read_metadata(path)
    assert told[OPENING_KEY] == "crop"
    assert json.loads(told["parents"])[-1] == "1_mine.png"
    back = restored(path)
    assert back.plan == PLAN
    assert any("hand that over again as the start picture" in one for one in back.differences)


def film(journal, seed, frames, fps, **values):
    """Write a finished clip whose frames all differ. Returns: its number."""
    loop = f"loops/film-{seed}.webp"
    (journal.output_directory / "loops").mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, 36, 64, 3), dtype=np.uint8)
    write_loop(journal.output_directory / loop, pixels, fps)
    journal.submit(GenerationRequest(prompt=NASTY, seed=seed))
    job = journal.claim("w")
    journal.finish(job, [CLIP | {"request": job.request, "loop": loop, "seed": seed, "fps": fps,
                                 "frames": frames, "prompt": NASTY} | values], [])
    return journal.clips_of(job.id)[0].id


def test_clips_that_were_picked_play_together_each_at_its_own_speed(journal, comparisons, player):
    ids = [film(journal, 7, 12, 6.0), film(journal, 8, 12, 12.0, title="Oskar")]
    number = comparisons.put_together(ids)
    standing = comparisons.standing(number)
    value = player.value(standing)
    assert (value["fps"], value["count"], value["told"]) == (12.0, 24, "")
    assert [one["data-share"] for one in canvases(value)] == ["0.5", "1.0"]
    assert [one["aria-label"] for one in canvases(value)] == [
        f"Seed 7, 64×36: {NASTY}", "Seed 8, 64×36: Oskar"]
    slow, short = ([standing.clock.frame((0, column), moment, 12) for moment in range(24)]
                   for column in range(2))
    assert slow == [moment // 2 for moment in range(24)]
    assert short == [*range(12), *[11] * 12], "the shorter one holds its end"
    counted = np.repeat(np.arange(12, dtype=np.uint8), 36 * 64 * 3).reshape(12, 36, 64, 3)
    whole = np.stack(list(grid_frames(
        standing.plan, dict.fromkeys(standing.clips, counted), standing.clock)))
    row, middle = whole.shape[1] - GAP - 90, GAP + CELL_WIDTH // 2
    assert whole[:, row, middle, 0].tolist() == slow
    assert whole[:, row, middle + CELL_WIDTH + GAP, 0].tolist() == short
    saved = read_clip(journal.output_directory / save_grid(
        journal.output_directory, "day/grid", standing, None))
    assert (len(saved.frames), saved.fps) == (24, 12.0)


def test_a_picked_clip_that_is_gone_leaves_its_place(journal, comparisons, player):
    ids = [film(journal, 7, 12, 6.0), film(journal, 8, 12, 12.0)]
    number = comparisons.put_together(ids)
    library = Library(journal)
    library.bin(ids[1])
    library.empty_bin()
    value = player.value(comparisons.standing(number))
    assert value["told"] == "1 of 2 clips are there."
    assert "deleted" in drawn(value).text and "Seed 8" in drawn(value).text
