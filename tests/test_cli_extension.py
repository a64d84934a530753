"""Longer clips from the command line, with a stand-in engine."""

import json
import re
import subprocess
import sys
import types
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from engine import catalog, cli
from engine.errors import Cancelled
from engine.extension.material import Material
from engine.extension.plan import Layout, plan
from engine.extension.request import ExtensionRequest
from engine.extension.segments import Segment, Timeline
from engine.media import (
    KEPT_FRAMES_KEY,
    KEPT_KEY,
    read_clip,
    read_metadata,
    read_picture,
    read_rate,
    read_request,
    write_clip,
)
from engine.media.settings import request_metadata
from engine.request import GenerationRequest
from tests.test_catalog import make_model, make_stage


@dataclass(frozen=True)
class FakeClip:
    request: GenerationRequest
    frames: np.ndarray
    notes: tuple[str, ...] = ()
    model_hash: str = "0123456789ab"
    backend: str = "pytorch cpu float32"


class FakeEngine(types.ModuleType):
    """Stands in for engine.generate and keeps what it was asked."""

    def __init__(self):
        super().__init__("engine.generate")
        self.calls = []
        self.hooks = {}
        self.during = lambda work_folder: None
        self.Followers = lambda **hooks: hooks

    def extend(self, request, material, *, followers, work_folder, place):
        self.calls.append((request, material))
        self.hooks = followers
        self.during(work_folder)
        frames = max(1, round(request.seconds * request.clip.fps))
        return FakeClip(request.clip, np.zeros((frames, 36, 64, 3), np.uint8))


@pytest.fixture
def engine(tmp_path, monkeypatch):
    fake = FakeEngine()
    monkeypatch.setitem(sys.modules, "engine.generate", fake)
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "assets")
    folder = make_model(tmp_path / "assets" / "storybook")
    (folder / "base" / "config.json").write_text(json.dumps({"network": {"frames": 16}}))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Image.fromarray(picture(21, 33)).save("odd.png")
    Image.new("CMYK", (40, 30), (255, 0, 0, 0)).save("cmyk.jpg")
    Image.new("RGB", (1, 1), "red").save("dot.png")
    write_clip("clip.mp4", np.stack([picture(36, 64, seed) for seed in range(8)]), 12,
               request_metadata(GenerationRequest("a dog")))
    write_clip("elsewhere.webm", np.stack([picture(21, 33, seed) for seed in range(8)]), 25)
    write_clip("moves.gif", np.stack([picture(36, 64, seed) for seed in range(3)]), 12)
    return fake


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_seconds_and_segments_become_the_request_and_stay_in_the_file(engine):
    assert cli.main(["--segment", "2-4: a cat", "--segment", "0-2: a dog", "--fps", "24",
                     "--seed", "7", "--loop", "-o", "long.mp4"]) == 0
    clip = GenerationRequest("a dog", seed=7, fps=24)
    expected = ExtensionRequest(clip, 4.0, (Segment(0, 2, "a dog"), Segment(2, 4, "a cat")), True)
    assert engine.calls[0][0] == expected
    assert len(read_clip("long.mp4").frames) == 96
    assert read_request("long.mp4") == clip
    assert ExtensionRequest.from_json(read_metadata("long.mp4")["extension"]) == expected


def test_a_longer_clip_is_made_again_from_its_file(engine, capsys):
    assert cli.main(["a dog", "--seconds", "2", "--seed", "7", "-o", "long.mp4"]) == 0
    assert cli.main(["--from-file", "long.mp4", "-o", "again.mp4"]) == 0
    assert engine.calls[0][0] == engine.calls[1][0]
    assert cli.main(["a dog", "--seconds", "2", "--start-picture", "odd.png",
                     "-o", "odd.mp4"]) == 0
    capsys.readouterr()
    assert cli.main(["--from-file", "odd.mp4", "-o", "again.mp4"]) == 1
    assert "odd.png" in capsys.readouterr().err


def test_a_first_part_of_a_longer_clip_is_made_again_by_the_whole(engine, capsys):
    clip = GenerationRequest("a dog", seed=7)
    request = ExtensionRequest(clip, 4.0, (Segment(0, 2, "a dog"), Segment(2, 4, "a cat")))
    about = {"extension": request.to_json(), "parents": "[]", KEPT_FRAMES_KEY: "24"}
    write_clip("part.gif", np.zeros((24, 36, 64, 3), np.uint8), 12, request_metadata(clip, about))
    assert cli.main(["--from-file", "part.gif", "-o", "again.zip"]) == 0
    assert "the first 24 frames of a longer clip" in capsys.readouterr().err
    assert engine.calls[0][0] == request and len(read_clip("again.zip").frames) == 24
    assert read_metadata("again.zip")[KEPT_FRAMES_KEY] == "24"
    for damage in ("0", "-3", "many", "9" * 5000):
        write_clip("part.gif", np.zeros((2, 36, 64, 3), np.uint8), 12,
                   request_metadata(clip, about | {KEPT_FRAMES_KEY: damage}))
        assert cli.main(["--from-file", "part.gif", "-o", "again.zip"]) == 1
        assert "does not say in a number" in capsys.readouterr().err


def test_a_longer_clip_that_was_kept_early_is_made_again_at_the_rate_asked_for(engine, capsys):
    request = ExtensionRequest(GenerationRequest("a dog", seed=7, fps=24), 4.0)
    about = {"extension": request.to_json(), "parents": "[]", KEPT_KEY: "window 1 of 13"}
    write_clip("kept.gif", np.zeros((16, 36, 64, 3), np.uint8), 6,
               request_metadata(replace(request.clip, fps=6), about))
    assert cli.main(["--from-file", "kept.gif", "-o", "again.zip"]) == 0
    assert engine.calls[0][0] == request
    assert "after window 1 of 13; this clip is whole" in capsys.readouterr().err
    assert (read_request("again.zip"), len(read_clip("again.zip").frames)) == (request.clip, 96)


def stop_after_a_window(work_folder):
    """Leave something to go on with, as a stopped engine does."""
    work_folder.mkdir(parents=True, exist_ok=True)
    (work_folder / "window").touch()
    raise Cancelled("Stopped.")


def test_a_stopped_clip_goes_on_with_the_same_command(engine, capsys):
    command = ["a dog", "--seconds", "2", "-o", "a [1].mp4"]
    begun = []
    engine.during = stop_after_a_window
    assert cli.main(command) == 130
    seed = engine.calls[0][0].clip.seed
    assert capsys.readouterr().err == (f"Stopped; a [1].mp4.{seed}.part keeps what is done: run "
                                       "the same command again to go on.\n")

    def go_on(folder):
        begun.extend(folder.glob("*"))
        for _ in begun * 3:    # each file that is found is told
            engine.hooks["on_found"]()
    engine.during = go_on
    assert cli.main(command) == 0
    assert capsys.readouterr().err.count("Going on with what") == 1
    assert [path.name for path in begun] == ["window"]
    assert engine.calls[1][0] == engine.calls[0][0]    # though the command gives no seed
    assert read_request("a [1].mp4").seed == seed and not list(Path().glob("*.part"))
    assert cli.main(command) == 0
    assert engine.calls[2][0].clip.seed != seed


def test_a_stopped_clip_without_a_name_says_the_one_it_goes_on_with(engine, capsys):
    engine.during = stop_after_a_window
    assert cli.main(["a dog", "--seconds", "2"]) == 130
    path = re.search(r"again with -o (\S+) to go on", capsys.readouterr().err)[1]
    engine.during = lambda folder: None
    assert cli.main(["a dog", "--seconds", "2", "-o", path]) == 0
    assert engine.calls[1][0] == engine.calls[0][0]
    assert [one.name for one in Path(path).parent.iterdir()] == [Path(path).name]


def test_a_stopped_clip_in_a_chosen_folder_says_what_its_name_takes_the_place_of(engine, capsys):
    engine.during = stop_after_a_window
    assert cli.main(["a dog", "--seconds", "2", "--output-directory", "out"]) == 130
    assert re.search(r"again with -o out/\S+ in place of --output-directory to go on\.",
                     capsys.readouterr().err)


def test_work_of_another_clip_is_not_said_to_be_gone_on_with(engine, capsys):
    engine.during = stop_after_a_window
    assert cli.main(["a dog", "--seconds", "2", "-o", "long.mp4"]) == 130
    engine.during = lambda folder: None    # finds nothing that it can use
    assert cli.main(["a cat", "--seconds", "2", "-o", "long.mp4"]) == 0
    assert "Going on" not in capsys.readouterr().err


def test_a_clip_stopped_before_anything_is_done_leaves_nothing(engine, capsys):
    def stop(work_folder):
        raise KeyboardInterrupt
    engine.during, before = stop, sorted(Path().iterdir())
    assert cli.main(["a dog", "--seconds", "2", "-o", "long.mp4"]) == 130
    assert capsys.readouterr().err == "Stopped; nothing unfinished was kept.\n"
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("name", ["odd.png", "cmyk.jpg", "dot.png"])
def test_pictures_are_read_whatever_their_size_and_colours(engine, name):
    assert cli.main(["a dog", "--seconds", "1", "--start-picture", name, "--end-picture",
                     "odd.png", "--fit", "crop", "-o", "long.mp4"]) == 0
    request, material = engine.calls[0]
    assert request.fit == "crop"
    assert np.array_equal(material.start, np.asarray(Image.open(name).convert("RGB")))
    assert np.array_equal(material.end, picture(21, 33))


def test_a_video_keeps_its_rate_and_its_prompt(engine):
    assert cli.main(["--from-video", "clip.mp4", "--seconds", "2", "-o", "long.mp4"]) == 0
    request, material = engine.calls[0]
    assert (request.clip.prompt, request.clip.fps, material.video.shape) == \
        ("a dog", 12.0, (8, 36, 64, 3))
    assert cli.main(["a cat", "--from-video", "elsewhere.webm", "--seconds", "2", "--fps", "12.5",
                     "-o", "long.mp4"]) == 0
    request, material = engine.calls[1]
    assert (request.clip.prompt, request.clip.fps, material.video.shape) == \
        ("a cat", 12.5, (4, 21, 33, 3))


def test_the_weight_of_known_frames_is_kept_in_the_file(engine):
    for flags, weight in ((["--known-weight", "2.5"], 2.5), (["--known-weight", "0"], 0.0),
                          ([], None)):
        assert cli.main(["a dog", "--seconds", "2", *flags, "-o", "long.mp4"]) == 0
        assert engine.calls[-1][0].known_weight == weight
        kept = ExtensionRequest.from_json(read_metadata("long.mp4")["extension"])
        assert kept.known_weight == weight


def test_the_plan_is_told_before_anything_is_made(engine, capsys):
    assert cli.main(["a dog", "--seconds", "4", "--fps", "24", "--steps", "10", "-o", "x.mp4"]) == 0
    engine.hooks["on_cost"](plan(Layout(96, (6.0, 12.0, 24.0), 16)), 45.4)
    assert capsys.readouterr().err == "4 s in 13 windows, 130 network evaluations, about 45 s.\n"
    assert "on_step" not in engine.hooks    # no terminal looks on


@pytest.mark.parametrize("times", [2, 4])
def test_in_betweens_multiply_the_rate(engine, times):
    assert cli.main(["--from-video", "clip.mp4", "--in-between", str(times), "-o", "x.png"]) == 0
    request, material = engine.calls[0]
    assert (request.in_between, request.clip.fps, len(material.video)) == (times, 12 * times, 8)


def test_in_betweens_show_what_the_file_says_segment_by_segment_or_what_is_said(engine):
    assert cli.main(["--segment", "0-2: a dog", "--segment", "2-4: a cat", "--seed", "7",
                     "-o", "long.zip"]) == 0
    smooth = ["--from-video", "long.zip", "--in-between", "2", "-o", "x.png"]
    for said in ([], ["a bee"], ["--segment", "0-1: a bee", "--segment", "1-4: a boat"]):
        assert cli.main([*smooth, *said]) == 0
    shown = [request.timeline for request, _ in engine.calls[1:]]
    assert shown == [Timeline(("a dog", "a cat"), (0.0, 2)), Timeline(("a bee",), (0.0,)),
                     Timeline(("a bee", "a boat"), (0.0, 1))]
    assert engine.calls[1][0].seconds == pytest.approx(95 / 24)


def test_a_loop_made_smooth_stays_a_loop(engine):
    assert cli.main(["a dog", "--seconds", "4", "--loop", "--seed", "7", "-o", "loop.zip"]) == 0
    smooth = ["--from-video", "loop.zip", "--in-between", "2", "-o", "x.png"]
    for said in ([], ["--fps", "12"], ["a bee", "--loop"], ["a bee"]):
        assert cli.main([*smooth, *said]) == 0
    made = [(request.is_loop, request.seconds) for request, _ in engine.calls[1:]]
    assert made == [(True, 4.0), (True, 4.0), (True, 4.0), (False, 0.0)]


@pytest.fixture
def upsampler(engine, tmp_path):
    """Give the model a second stage."""
    make_stage(tmp_path / "assets" / "storybook" / "upsampler", 1)


def test_a_finished_draft_is_made_large_as_its_file_says(engine, upsampler):
    assert cli.main(["--segment", "0-2: a dog", "--segment", "2-4: a cat", "--seed", "7",
                     "-o", "long.zip"]) == 0
    assert cli.main(["--from-video", "long.zip", "--upscale", "--upscale-steps", "3",
                     "-o", "large.mp4"]) == 0
    made, (request, material) = engine.calls[0][0], engine.calls[1]
    expected = replace(made, clip=replace(made.clip, upscale=True, upscale_steps=3))
    assert request == expected
    assert material.video.shape == (48, 36, 64, 3)
    assert ExtensionRequest.from_json(read_metadata("large.mp4")["extension"]) == expected
    assert read_metadata("large.mp4")["parents"] == '["long.zip"]'


def test_a_short_draft_is_made_large_and_a_prompt_may_say_what_it_shows(engine, upsampler):
    assert cli.main(["--from-video", "clip.mp4", "--upscale", "-o", "large.mp4"]) == 0
    assert cli.main(["a boat", "--from-video", "elsewhere.webm", "--upscale", "--seed", "3",
                     "-o", "large.mp4"]) == 0
    draft, own = (request for request, _ in engine.calls)
    assert draft == ExtensionRequest(GenerationRequest("a dog", upscale=True), 8 / 12)
    assert own == ExtensionRequest(GenerationRequest("a boat", fps=25, seed=3, upscale=True),
                                   8 / 25)


def test_a_draft_made_large_takes_the_ways_that_are_given_and_keeps_the_others(engine, upsampler):
    assert cli.main(["a dog", "--seconds", "2", "--fit", "crop", "--known-weight", "3",
                     "--seed", "7", "-o", "long.zip"]) == 0
    for draft, given in (("long.zip", []), ("long.zip", ["--known-weight", "5"]),
                         ("clip.mp4", ["--fit", "crop", "--known-weight", "7"]),
                         ("elsewhere.webm", ["a boat", "--fit", "crop", "--known-weight", "7"])):
        assert cli.main(["--from-video", draft, "--upscale", *given, "-o", "large.mp4"]) == 0
    ways = [(request.fit, request.known_weight) for request, _ in engine.calls[1:]]
    assert ways == [("crop", 3.0), ("crop", 5.0), ("crop", 7.0), ("crop", 7.0)]


def test_a_draft_that_a_prompt_makes_large_without_a_seed_gets_a_random_one(
        engine, upsampler, monkeypatch):
    monkeypatch.setattr("engine.cli_jobs.secrets.randbelow", lambda most: 4711)
    assert cli.main(["a boat", "--from-video", "clip.mp4", "--upscale", "-o", "large.mp4"]) == 0
    assert engine.calls[0][0].clip.seed == 4711


def test_two_drafts_of_a_finished_one_are_refused_in_a_sentence(engine, upsampler, capsys):
    assert cli.main(["--from-video", "clip.mp4", "--upscale", "--drafts", "2",
                     "-o", "large.mp4"]) == 1
    assert "ask for one draft" in capsys.readouterr().err and engine.calls == []


def test_more_seconds_make_a_draft_longer_and_large(engine, upsampler):
    assert cli.main(["--from-video", "clip.mp4", "--upscale", "--seconds", "2",
                     "-o", "large.mp4"]) == 0
    assert engine.calls[0][0].seconds == 2


BAD_INPUT = {
    "weight": (["a dog", "--seconds", "2", "--known-weight", "many"], "from 0 to 100, not many"),
    "weight of nothing": (["a dog", "--known-weight", "2"], "belong to a longer clip"),
    "fit of nothing": (["a dog", "--fit", "crop"], "belong to a longer clip"),
    "no upsampler": (["--from-video", "clip.mp4", "--upscale"], "no upsampler"),
    "no settings to upscale by": (["--from-video", "elsewhere.webm", "--upscale"], "no prompt"),
    "no length": (["a dog", "--loop"], "add --seconds N"),
    "no prompt": (["--seconds", "2"], "Say what the clip shows"),
    "overlap": (["--segment", "0-2: a", "--segment", "1-3: b"], "0-2 and 1-3 overlap"),
    "empty segment": (["--segment", "2-2: a"], "2-2 is empty"),
    "no text": (["--segment", "0-2:"], "has no prompt"),
    "no segment": (["--segment", "a dog"], "not written as seconds"),
    "segment too late": (["--segment", "0-9: a", "--seconds", "4"], "ends after the clip"),
    "too long": (["a dog", "--seconds", "61"], "from 0 to 60, not 61"),
    "long segments": (["--segment", "0-61: a"], "from 0 to 60"),
    "no number": (["a dog", "--seconds", "text"], "from 0 to 60, not text"),
    "nan": (["a dog", "--seconds", "nan"], "from 0 to 60"),
    "no frame": (["a dog", "--seconds", "0"], "one frame"),
    "short loop": (["a dog", "--seconds", "1", "--loop"], "needs at least 1.33 s"),
    "loop with end": (["a dog", "--seconds", "2", "--loop", "--end-picture", "odd.png"],
                      "leave out the end"),
    "segment in the video": (["--from-video", "clip.mp4", "--segment", "0-0.5: a cat",
                              "--segment", "0.5-2: a cat"], "lies in what is there already"),
    "two beginnings": (["a dog", "--seconds", "2", "--start-picture", "odd.png", "--from-video",
                        "clip.mp4"], "both be the beginning"),
    "huge picture": (["a dog", "--seconds", "2", "--start-picture", "huge.png"], "pixels a side"),
    "animated": (["a dog", "--seconds", "2", "--start-picture", "moves.gif"], "no still picture"),
    "no picture": (["a dog", "--seconds", "2", "--end-picture", "none.png"], "cannot be read"),
    "not a picture": (["a dog", "--seconds", "2", "--end-picture", "text.png"], "not a video or"),
    "a song's cover": (["a dog", "--seconds", "2", "--from-video", "song.mp4"],
                       "holds no video"),
    "no video frames": (["a dog", "--seconds", "2", "--from-video", "sound.mp4"], "no video"),
    "a picture as the video": (["a dog", "--seconds", "2", "--from-video", "odd.png"],
                               "give it as --start-picture"),
    "video too long": (["a dog", "--seconds", "0.5", "--from-video", "clip.mp4"], "already lasts"),
    "no prompt in video": (["--seconds", "2", "--from-video", "elsewhere.webm"], "no prompt"),
    "in-between 3": (["--in-between", "3", "--from-video", "clip.mp4"], "must be 2 or 4"),
    "in-between alone": (["a dog", "--in-between", "2"], "add --from-video"),
    "in-between and seconds": (["--in-between", "2", "--from-video", "clip.mp4", "--seconds", "9"],
                               "leave out seconds"),
    "in-between beyond": (["--in-between", "2", "--from-video", "clip.mp4", "--segment", "0-9: a"],
                          "ends after the clip, which lasts 0.6667 s"),
    "in-between a short loop": (["a", "--in-between", "2", "--from-video", "clip.mp4", "--loop"],
                                "at least 16 frames, and the video has 8"),
    "in-between too fast": (["a", "--in-between", "4", "--from-video", "elsewhere.webm"],
                            "makes 100, more than 60"),
    "fit": (["a dog", "--seconds", "2", "--fit", "stretch"], "letterbox"),
    "drafts": (["a dog", "--seconds", "2", "--drafts", "2"], "one draft"),
    "prompts": (["--prompts", "text.png", "--seconds", "2"], "leave out --prompts"),
    "again": (["--from-file", "clip.mp4", "--seconds", "2"], "leave out --prompts"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_nothing_is_made(engine, capsys, case):
    Path("text.png").write_text("a dog")
    if case == "huge picture":
        Image.new("1", (20_000, 20_000)).save("huge.png")
    if case == "no video frames":
        ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", "sound.mp4")
    if case == "a song's cover":
        ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-i", "odd.png", "-map", "0", "-map", "1",
               "-c:a", "aac", "-c:v", "copy", "-disposition:v:0", "attached_pic", "song.mp4")
    arguments, sentence = BAD_INPUT[case]
    before = sorted(Path().iterdir())
    assert cli.main(arguments) == 1
    out, err = capsys.readouterr()
    assert sentence in err
    assert (out, err.count("\n")) == ("", 1)
    assert sorted(Path().iterdir()) == before and engine.calls == []


def ffmpeg(*arguments):
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *arguments], check=True)


def test_a_variable_rate_is_played_by_its_times(engine):
    """Six frames of 1/12 s and four of 1/4 s: the brightness says which is shown."""
    ffmpeg("-f", "lavfi", "-i", "color=black:s=64x36:r=12:d=0.83,geq=lum='20*N':cb=128:cr=128",
           "-vf", "setpts='if(lt(N,6),N/12,0.5+(N-6)/4)/TB'", "-fps_mode", "vfr",
           "-c:v", "libx264", "-crf", "1", "vfr.mkv")
    frames = read_clip("vfr.mkv", fps=12).frames
    shown = np.rint((frames[:, 18, 32].mean(-1)) / 255 * 219 + 16) / 20
    assert np.rint(shown)[:12].tolist() == [1, 1, 2, 3, 4, 5, 6, 6, 6, 7, 7, 7]


def test_a_rotated_video_is_upright(engine):
    frames = np.zeros((4, 36, 64, 3), np.uint8)
    frames[:, :, :32] = 250
    write_clip("flat.mp4", frames, 12)
    ffmpeg("-display_rotation", "90", "-i", "flat.mp4", "-c", "copy", "turned.mp4")
    turned = read_clip("turned.mp4", fps=12).frames
    assert turned.shape == (4, 64, 36, 3)
    assert abs(float(turned[0, :30].mean()) - float(turned[0, 34:].mean())) > 200


@pytest.mark.parametrize(("pixels", "shown"), [
    ("16/15", (36, 68)), ("1/2", (72, 64)), ("1", (36, 64)), ("0", (36, 64))])
def test_a_video_whose_pixels_are_not_square_is_read_as_it_is_shown(engine, pixels, shown):
    write_clip("flat.mp4", np.zeros((4, 36, 64, 3), np.uint8), 12)
    ffmpeg("-i", "flat.mp4", "-vf", f"setsar={pixels}", "anamorphic.mp4")
    assert read_clip("anamorphic.mp4", fps=12).frames.shape == (4, *shown, 3)


def test_a_still_picture_and_rates_are_read(engine):
    assert read_picture("dot.png").tolist() == [[[255, 0, 0]]]
    assert (read_rate("clip.mp4"), read_rate("elsewhere.webm")) == (12, 25)
    assert read_rate("moves.gif") == pytest.approx(12, rel=0.05)
    assert len(read_clip("moves.gif", fps=24).frames) == 6


def test_equal_pixels_have_equal_digests_and_others_not(engine):
    first, second = picture(3, 5, 1), picture(3, 5, 2)
    digests = {Material(start=first).digest, Material(end=first).digest,
               Material(start=second).digest, Material(video=first[None]).digest}
    assert len(digests) == 4
    assert Material(start=first.copy()).digest in digests
