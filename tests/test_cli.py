"""The command line with a stand-in engine: what it makes, what it says, how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import types
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from engine import catalog, cli
from engine.errors import Cancelled, ModelError
from engine.media import (
    COMPARISON_KEY,
    EDIT_KEY,
    KEPT_KEY,
    MEDIA_KEY,
    OPENING_KEY,
    known_suffixes,
    read_clip,
    read_metadata,
    read_request,
    request_metadata,
)
from engine.media import files as media_files
from engine.media import write_clip as write
from engine.progress import StepEvent
from engine.request import GenerationRequest
from tests.test_catalog import make_model

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class FakeClip:
    request: GenerationRequest
    frames: np.ndarray
    draft_frames: np.ndarray
    notes: tuple[str, ...]
    model_hash: str
    backend: str


class FakeEngine(types.ModuleType):
    """Stands in for engine.generate: frames depend on the request alone, and calls are kept."""

    def __init__(self):
        super().__init__("engine.generate")
        self.calls, self.notes, self.model_hash = [], (), "0123456789ab"
        self.backend = "pytorch cpu float32"
        self.during = lambda on_step, should_stop: None

    def generate(self, request, *, on_step=None, should_stop=None, place=None):
        self.calls.append((request, place.models_directory, place.device))
        self.during(on_step, should_stop)
        return [self._clip(request.single(seed)) for seed in request.draft_seeds]

    def _clip(self, request):
        seed = sum(replace(request, model="m").to_json().encode()) + request.seed
        draft = np.random.default_rng(seed).integers(0, 256, (3, 36, 64, 3), np.uint8)
        frames = draft.repeat(8, 1).repeat(8, 2) if request.upscale else draft
        return FakeClip(request, frames, draft, self.notes, self.model_hash, self.backend)


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A stand-in engine, a shipped model with an upsampler, and an empty working folder."""
    fake = FakeEngine()
    monkeypatch.setitem(sys.modules, "engine.generate", fake)
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "assets")
    make_model(tmp_path / "assets" / "storybook", upsampler=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return fake


def made() -> list[str]:
    """Every file below the working folder, hidden ones too."""
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_a_prompt_and_every_option_become_the_request(engine, capsys):
    code = cli.main(["a dog", "--negative", "rain", "--seed", "7", "--steps", "5", "--guidance",
                     "2.5", "--fps", "8", "--sampler", "heun", "--oscillating", "--upscale",
                     "--upscale-steps", "3", "--upscale-noise", "0.2", "--device", "cuda",
                     "-o", "clip.mp4"])
    assert code == 0
    expected = GenerationRequest(
        prompt="a dog", negative_prompt="rain", seed=7, steps=5, guidance=2.5, fps=8,
        sampler="heun", oscillating=True, upscale=True, upscale_steps=3, upscale_noise=0.2)
    assert engine.calls == [(expected, None, "cuda")]
    assert read_request("clip.mp4") == expected
    clip = read_clip("clip.mp4")
    assert (clip.frames.shape, clip.fps) == ((3, 288, 512, 3), 8)
    metadata = read_metadata("clip.mp4")
    assert metadata["model_hash"] == "0123456789ab"
    assert metadata["backend"] == "pytorch cpu float32"
    assert capsys.readouterr() == ("clip.mp4  seed 7\n", "")
    assert made() == ["clip.mp4"]


@pytest.mark.parametrize("suffix", known_suffixes())
def test_the_ending_chooses_the_format(engine, suffix):
    assert cli.main(["a dog", "--seed", "1", "-o", f"clip{suffix}"]) == 0
    assert read_clip(f"clip{suffix}").frames.shape == (3, 36, 64, 3)
    assert read_request(f"clip{suffix}").prompt == "a dog"


def test_without_a_seed_a_random_one_is_used_and_printed(engine, capsys):
    for name in ("a.png", "b.png"):
        assert cli.main(["a dog", "-o", name]) == 0
    seeds = [request.seed for request, *_ in engine.calls]
    assert seeds[0] != seeds[1]
    assert capsys.readouterr().out == f"a.png  seed {seeds[0]}\nb.png  seed {seeds[1]}\n"


def test_without_a_name_the_clip_gets_one_and_none_is_replaced(engine, monkeypatch):
    monkeypatch.setattr(cli.time, "strftime",
                        lambda form: "2031-02-03" if form == "%Y-%m-%d" else "040506")
    for _ in range(3):
        assert cli.main(["A dog, walking: to/the ../left! " + "very " * 30, "--seed", "7"]) == 0
    stem = "outputs/2031-02-03/040506_a-dog-walking-to-the-left-very-very-very_7"
    assert made() == sorted([f"{stem}.mp4", f"{stem}_2.mp4", f"{stem}_3.mp4"])


def test_a_name_that_another_process_takes_meanwhile_is_left_to_it(engine, monkeypatch):
    theirs = []

    def slow(path, *arguments, **more):
        if not theirs:
            theirs.append(write(path, np.zeros((1, 36, 64, 3), np.uint8), 12))
        return write(path, *arguments, **more)
    monkeypatch.setattr(cli, "write_clip", slow)
    assert cli.main(["a dog", "--seed", "7", "--output-directory", "out"]) == 0
    assert len(read_clip(theirs[0]).frames) == 1
    assert sorted(Path("out").iterdir()) == [theirs[0], theirs[0].with_stem(
        f"{theirs[0].stem}_2")]


@pytest.mark.parametrize(("prompt", "slug"), [
    ("🐶", "clip"), ("כלב הולך", "כלב-הולך"), ("..", "clip")])
def test_emoji_and_right_to_left_prompts_get_plain_names(engine, prompt, slug):
    assert cli.main([prompt, "--seed", "7", "--output-directory", "out"]) == 0
    assert re.fullmatch(rf"out/\d{{6}}_{slug}_7\.mp4", made()[0])
    assert read_request(made()[0]).prompt == prompt


def test_o_replaces_and_drafts_are_named_by_their_seeds(engine, capsys):
    Path("clip.mp4").write_text("old")
    assert cli.main(["a dog", "--seed", "7", "-o", "clip.mp4"]) == 0
    assert read_request("clip.mp4").seed == 7
    assert cli.main(["a dog", "--seed", "7", "--drafts", "3", "-o", "clip.mp4"]) == 0
    assert made() == ["clip.mp4", "clip_7.mp4", "clip_8.mp4", "clip_9.mp4"]
    assert read_request("clip_9.mp4") == GenerationRequest(prompt="a dog", seed=9)
    assert capsys.readouterr().out.splitlines()[-1] == "clip_9.mp4  seed 9"


def test_json_holds_files_requests_seconds_and_notes(engine, capsys):
    engine.notes = ("Only the first 20 words were used.",)
    assert cli.main(["a dog 🐶", "--seed", "7", "--drafts", "2", "-o", "clip.png", "--json"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["files"] == ["clip_7.png", "clip_8.png"]
    assert result["seconds"] >= 0
    assert [one["request"] for one in result["clips"]] == [
        asdict(GenerationRequest(prompt="a dog 🐶", seed=seed)) for seed in (7, 8)]
    assert result["clips"][0]["notes"] == ["Only the first 20 words were used."]
    assert err.count("Note: Only the first 20 words were used.") == 2


def test_a_file_of_prompts_makes_one_clip_a_line(engine):
    Path("prompts.txt").write_text("\ufeffa dog\n\n# not this\n   a cat  \n", encoding="utf-8")
    assert cli.main(["--prompts", "prompts.txt", "--seed", "3", "--steps", "4",
                     "--output-directory", "out"]) == 0
    assert made() == ["out/001_a-dog_3.mp4", "out/002_a-cat_3.mp4", "prompts.txt"]
    assert [(r.prompt, r.seed, r.steps) for r, *_ in engine.calls] == [("a dog", 3, 4),
                                                                       ("a cat", 3, 4)]


def test_a_bad_line_is_named_before_anything_is_made(engine, capsys):
    Path("prompts.txt").write_text("a dog\n" + "x" * 10_000)
    assert cli.main(["--prompts", "prompts.txt"]) == 1
    assert capsys.readouterr().err.startswith("Line 2 of prompts.txt: Prompt is 10000 characters")
    assert engine.calls == []


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".zip"])
def test_a_clip_is_made_again_from_its_file(engine, suffix):
    assert cli.main(["a dog", "--upscale", "--oscillating", "--fps", "8",
                     "-o", f"clip{suffix}"]) == 0
    assert cli.main(["--from-file", f"clip{suffix}", "-o", f"again{suffix}"]) == 0
    assert engine.calls[0] == engine.calls[1]
    assert Path(f"clip{suffix}").read_bytes() == Path(f"again{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov", ".gif", ".webp", ".png", ".zip"])
def test_a_file_without_metadata_holds_nothing_of_what_made_it(engine, capsys, suffix):
    assert cli.main(["a purple zebra", "--seed", "4711", "--no-metadata",
                     "-o", f"clip{suffix}"]) == 0
    assert read_metadata(f"clip{suffix}") == {}
    assert not any(told in Path(f"clip{suffix}").read_bytes()
                   for told in (b"zebra", b"4711", b"snapui", b"storybook"))
    assert cli.main(["--from-file", f"clip{suffix}"]) == 1
    assert "carries no settings" in capsys.readouterr().err


def test_a_clip_that_began_with_a_picture_asks_for_it(engine, capsys):
    request = GenerationRequest("a dog", seed=7)
    write(Path("clip.gif"), np.zeros((2, 36, 64, 3), np.uint8), 12,
          request_metadata(request, {OPENING_KEY: "crop"}))
    assert cli.main(["--from-file", "clip.gif"]) == 1
    assert "give that as --start-picture" in capsys.readouterr().err


@pytest.mark.parametrize(("key", "says"), [
    (EDIT_KEY, 'a clip that was trimmed, colour-matched or dissolved (["one.mp4"])'),
    (COMPARISON_KEY, 'a grid of several clips (["one.mp4"])')])
def test_an_edit_and_a_grid_say_what_to_make_instead(engine, capsys, key, says):
    write(Path("clip.gif"), np.zeros((2, 36, 64, 3), np.uint8), 12,
          request_metadata(GenerationRequest("a dog"), {key: "{}", "parents": ["one.mp4"]}))
    assert cli.main(["--from-file", "clip.gif", "-o", "again.gif"]) == 1
    told = capsys.readouterr().err
    assert f"clip.gif is {says}" in told and "give --from-file" in told
    assert engine.calls == []


def test_a_clip_that_was_kept_early_is_made_whole_with_a_note(engine, capsys):
    write(Path("clip.gif"), np.zeros((2, 36, 64, 3), np.uint8), 12,
          request_metadata(GenerationRequest("a dog", seed=7), {KEPT_KEY: "step 2 of 6"}))
    assert cli.main(["--from-file", "clip.gif", "-o", "again.gif"]) == 0
    assert "kept early, after step 2 of 6; this clip is whole" in capsys.readouterr().err
    assert KEPT_KEY not in read_metadata("again.gif")


def test_other_weights_backend_or_model_folder_are_noted(engine, tmp_path, capsys):
    make_model(tmp_path / "mine")
    assert cli.main(["a dog", "-o", "clip.mp4"]) == 0
    engine.model_hash, engine.backend = "ffffffffffff", "pytorch cpu bfloat16"
    assert cli.main(["--from-file", "clip.mp4", "--model", str(tmp_path / "mine"),
                     "-o", "again.mp4"]) == 0
    said = capsys.readouterr().err
    assert "other weights of" in said
    assert "(0123456789ab, now ffffffffffff), so the frames may differ" in said
    assert "another backend (pytorch cpu float32, now pytorch cpu bfloat16)" in said
    assert engine.calls[1][0].model == str(tmp_path / "mine")
    assert read_request("again.mp4").model == "mine"


def test_the_models_directory_is_searched_and_passed_on(engine, tmp_path):
    make_model(tmp_path / "models" / "mine")
    assert cli.main(["a dog", "--model", "mine", "--models-directory", str(tmp_path / "models"),
                     "-o", "clip.mp4"]) == 0
    assert engine.calls[0][1] == tmp_path / "models"


# ---- bad input: one sentence, exit code 1, nothing made

HOSTILE_MODEL = {MEDIA_KEY: GenerationRequest(prompt="x", model="/etc/models").to_json()}
BAD_INPUT = {
    "nothing": ([], "Give one thing to make"),
    "two things": (["a dog", "--prompts", "text.txt"], "Give one thing to make"),
    "empty prompt": ([""], "prompt is empty"),
    "blank prompt": (["  \n "], "prompt is empty"),
    "long prompt": (["x" * 10_000], "10000 characters long"),
    "broken text": (["a \udcff dog"], "not valid text"),
    "negative seed": (["a dog", "--seed", "-1"], "Seed must be from 0"),
    "huge seed": (["a dog", "--seed", str(2**63)], "Seed must be from 0"),
    "text seed": (["a dog", "--seed", "text"], "Seed must be a whole number"),
    "no steps": (["a dog", "--steps", "0"], "Steps must be from 1 to 256"),
    "many steps": (["a dog", "--steps", "10000"], "Steps must be from 1 to 256"),
    "guidance nan": (["a dog", "--guidance", "nan"], "Guidance must be a number"),
    "guidance -inf": (["a dog", "--guidance=-inf"], "Guidance must be a number"),
    "no value": (["a dog", "--seed"], "expected one argument"),
    "unknown option": (["a dog", "--sede", "1"], "Unrecognized arguments: --sede"),
    "unquoted prompt": (["a", "dog"], "in quotes"),
    "unknown sampler": (["a dog", "--sampler", "ddim"], "Sampler must be one of"),
    "unknown ending": (["a dog", "-o", "clip.xyz"], "end the name in .mp4"),
    "no ending": (["a dog", "-o", "clip"], "end the name in .mp4"),
    "folder as file": (["a dog", "-o", "folder.mp4"], "is a folder"),
    "unwritable folder": (["a dog", "-o", "text.txt/clip.mp4"], "choose another folder"),
    "unwritable directory": (["a dog", "--output-directory", "text.txt"], "choose another folder"),
    "o and directory": (["a dog", "-o", "a.mp4", "--output-directory", "b"], "either -o FILE or"),
    "unknown model": (["a dog", "--model", "none"], "Known models: storybook"),
    "truncated model": (["a dog", "--model", "cut"], "is cut short"),
    "foreign model": (["a dog", "--model", "foreign"], "not a safetensors file"),
    "no upsampler": (["a dog", "--model", "flat", "--upscale"], "has no upsampler"),
    "no models folder": (["a dog", "--models-directory", "none"], "cannot be read"),
    "prompts missing": (["--prompts", "none.txt"], "cannot be read"),
    "prompts binary": (["--prompts", "binary"], "not UTF-8"),
    "prompts empty": (["--prompts", "empty.txt"], "holds no prompt"),
    "prompts and o": (["--prompts", "text.txt", "-o", "clip.mp4"], "--output-directory DIR"),
    "file is no video": (["--from-file", "text.txt"], "not a video or picture"),
    "file missing": (["--from-file", "none.mp4"], "cannot be read"),
    "file from elsewhere": (["--from-file", "foreign.mp4"], "carries no settings"),
    "file truncated": (["--from-file", "cut.mp4"], "use another copy"),
    "file with a path": (["--from-file", "hostile.png"], "names its model by a path"),
    "file and seed": (["--from-file", "foreign.mp4", "--seed", "1"], "leave out --seed"),
}


@pytest.fixture
def bad_files(engine):
    """The files the bad command lines name, in the working folder."""
    frames = np.zeros((2, 36, 64, 3), np.uint8)
    write(Path("foreign.mp4"), frames, 12)
    write(Path("hostile.png"), frames, 12, HOSTILE_MODEL)
    Path("cut.mp4").write_bytes(Path("foreign.mp4").read_bytes()[:500])
    Path("text.txt").write_text("a dog")
    Path("empty.txt").write_text("# nothing\n\n")
    Path("binary").write_bytes(b"\xff\xfe\x00\x81")
    Path("folder.mp4").mkdir()
    for name in ("cut", "foreign", "flat"):
        make_model(Path(name))
    weights = Path("cut/base/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-7])
    Path("foreign/base/model.safetensors").write_bytes(b"\x80\x02}q\x00." * 30)
    return engine


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_leaves_nothing(bad_files, capsys, case):
    arguments, sentence = BAD_INPUT[case]
    before = made()
    assert cli.main(arguments) == 1
    out, err = capsys.readouterr()
    assert sentence in err
    assert (out, err.count("\n")) == ("", 1)
    assert "Traceback" not in err
    assert made() == before
    assert bad_files.calls == []


def test_a_disk_that_fills_while_saving_is_a_sentence_and_leaves_nothing(
        engine, monkeypatch, capsys):
    def full(path: Path) -> Path:
        temporary = path.parent / "full.tmp"
        temporary.symlink_to("/dev/full")
        return temporary
    monkeypatch.setattr(cli, "check_destination", lambda path: None)
    monkeypatch.setattr(media_files, "check_destination", lambda path: None)
    monkeypatch.setattr(media_files, "_temporary", full)
    assert cli.main(["a dog", "-o", "clip.mp4"]) == 1
    assert "the disk is full; free some space" in capsys.readouterr().err
    assert made() == []


def test_an_error_of_the_engine_is_one_line(engine, capsys):
    def fail(on_step, should_stop):
        raise ModelError("The weights\ndo not match.")
    engine.during = fail
    assert cli.main(["a dog", "-o", "clip.mp4"]) == 1
    assert capsys.readouterr().err == "The weights do not match.\n"
    assert made() == []


# ---- stopping and watching

def _press(times: int, *, asks: bool):
    def during(on_step, should_stop):
        assert not should_stop()
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        if asks and should_stop():
            raise Cancelled("Stopped.")
    return during


@pytest.mark.parametrize(("times", "asks"), [(1, True), (1, False), (2, False)])
def test_ctrl_c_ends_with_130_and_saves_nothing(engine, capsys, times, asks):
    before = signal.getsignal(signal.SIGINT)
    engine.during = _press(times, asks=asks)
    assert cli.main(["a dog", "-o", "clip.mp4"]) == 130
    assert capsys.readouterr().err.count("\n") == 1
    assert made() == []
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_models_load_stops_at_once(engine):
    went_on = []

    def loading(on_step, should_stop):
        signal.raise_signal(signal.SIGINT)
        went_on.append(True)
    engine.during = loading
    assert cli.main(["a dog", "-o", "clip.mp4"]) == 130
    assert (went_on, made()) == ([], [])


def test_finished_clips_stay_when_a_later_one_is_stopped(engine, capsys):
    Path("prompts.txt").write_text("a dog\na cat\n")
    stop = _press(1, asks=True)
    engine.during = lambda *hooks: stop(*hooks) if len(engine.calls) == 2 else None
    assert cli.main(["--prompts", "prompts.txt", "--seed", "1", "--output-directory", "out"]) == 130
    assert made() == ["out/001_a-dog_1.mp4", "prompts.txt"]
    assert capsys.readouterr().err == (
        "Stopped; 1 clip is there: run the same command with --seed 1 and --output-directory "
        "out to make the others.\n")


def test_prompts_whose_files_are_there_are_left_out(engine, capsys):
    engine.model_hash = catalog.find_model("storybook").model_hash
    command = ["--prompts", "prompts.txt", "--seed", "1", "--output-directory", "out"]

    def asked(*more):
        engine.calls.clear()
        assert cli.main([*command, *more]) == 0
        return [(request.prompt, request.seed, request.drafts) for request, *_ in engine.calls]
    Path("prompts.txt").write_text("a dog\n")
    assert asked() == [("a dog", 1, 1)]
    capsys.readouterr()
    Path("prompts.txt").write_text("a dog\na cat\n")
    assert asked() == [("a cat", 1, 1)]
    assert capsys.readouterr().err == ("Note: out/001_a-dog_1.mp4 is there already, so it is not "
                                       "made again.\n")
    assert asked("--drafts", "3") == [(name, seed, 1) for name in ("a dog", "a cat")
                                      for seed in (2, 3)]
    assert asked("--drafts", "3") == []
    assert len(made()) == 1 + 2 * 3
    assert asked("--steps", "5") == [("a dog", 1, 1), ("a cat", 1, 1)]    # beside the others
    Path("out/001_a-dog_1.mp4").write_bytes(b"cut")
    engine.model_hash = "ffffffffffff"
    assert asked() == [("a dog", 1, 1)] and len(made()) == 1 + 2 * 3 + 3
    capsys.readouterr()
    Path("out/002_a-cat_1.mp4").unlink()
    assert asked("--json") == [("a dog", 1, 1), ("a cat", 1, 1)]
    assert json.loads(capsys.readouterr().out)["skipped"] == []


def test_stopped_prompts_name_the_seed_that_was_asked_for(engine, capsys):
    engine.model_hash = catalog.find_model("storybook").model_hash
    command = ["--prompts", "prompts.txt", "--seed", "5", "--output-directory", "out"]
    Path("prompts.txt").write_text("a dog\na cat\n")
    assert cli.main(command) == 0
    engine.during = _press(1, asks=True)
    assert cli.main([*command, "--drafts", "3"]) == 130
    assert "2 clips are there: run the same command with --seed 5 and" in capsys.readouterr().err


def test_a_terminal_sees_steps_and_a_pipe_does_not(engine, monkeypatch, capsys):
    def two_steps(on_step, should_stop):
        for step in (1, 2):
            if on_step:
                on_step(StepEvent("base", step, 2, 3.4, lambda: None))
    engine.during = two_steps
    assert cli.main(["a dog", "-o", "clip.mp4"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert cli.main(["a dog", "-o", "clip.mp4"]) == 0
    err = capsys.readouterr().err
    assert "base [############............] 1/2, 3 s left" in err
    assert "] 2/2" in err


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "engine", *arguments], capture_output=True,
                          text=True, cwd=ROOT, check=False, env={**os.environ, **environment})


def test_the_module_ends_with_the_exit_code_and_an_old_terminal_is_no_obstacle():
    result = _run("a dog", "--seed", "טקסט", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Seed must be a whole number")
    assert "Traceback" not in result.stderr


def test_help_names_every_option_with_its_range_and_loads_no_torch():
    code = ("import sys; from engine.cli import main\ntry: main(['--help'])\n"
            "except SystemExit: print('torch' in sys.modules)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            cwd=ROOT, check=True, env={**os.environ, "COLUMNS": "200"})
    assert result.stdout.endswith("False\n")
    for text in ("--negative TEXT", "--seed N", "1 to 256; default: 24", "--upscale-noise X",
                 "--from-file CLIP", "Exit codes: 0"):
        assert text in result.stdout


@pytest.mark.slow
def test_the_real_engine_makes_the_same_frames_again_from_a_file(tmp_path, monkeypatch):
    pytest.importorskip("engine.generate")
    if not (ROOT / "assets" / "storybook" / "base").is_dir():
        pytest.skip("the shipped model is not in assets/ yet")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["a dog walking to the left in the meadow", "--steps", "3", "--seed", "7",
                     "-o", "clip.png"]) == 0
    assert cli.main(["--from-file", "clip.png", "-o", "again.png"]) == 0
    assert Path("clip.png").read_bytes() == Path("again.png").read_bytes()
