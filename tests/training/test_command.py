"""`python -m engine.training` on a folder of clips, with a stand-in for the text encoder."""

import json

import numpy as np
import pytest
from PIL import Image

from engine.training import __main__ as command
from engine.training.loop import LOG_NAME, STATE_NAME
from tests.training.stand_ins import HashedText


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A folder with one picture, and a text encoder that needs no files."""
    monkeypatch.setattr(command, "TextEncoder", lambda name, length: HashedText(384, length))
    folder = tmp_path / "clips"
    folder.mkdir()
    pixels = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    Image.fromarray(pixels).save(folder / "waves.png")
    (folder / "waves.txt").write_text("waves of colour")
    return folder


def run(capsys, *arguments) -> tuple[int, str]:
    """Exit code, and what the user reads."""
    code = command.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


def test_dry_run_prints_settings_size_speed_and_time_and_writes_nothing(clips, tmp_path, capsys):
    out = tmp_path / "run"
    code, said = run(capsys, "--preset", "tiny", "--data", clips, "--out", out, "--dry-run",
                     "--threads", 1)
    assert code == 0
    settings = json.loads(said[:said.rindex("\n}") + 2])
    assert settings["stage"]["network"]["patch_width"] == 32
    assert settings["recipe"]["optimizer"] == "muon" and settings["recipe"]["steps"] == 100
    assert "M parameters, sigma_in 2" in said
    assert said.count("clips/s") == 2 and "steps 0-50: 4 clips of 2 frames" in said
    assert "hours on this machine" in said
    assert not out.exists()


def test_run_goes_on_with_resume_and_refuses_to_overwrite_without(clips, tmp_path, capsys):
    out = tmp_path / "run"
    given = ("--preset", "tiny", "--data", clips, "--out", out, "--threads", 1)
    code, said = run(capsys, *given, "--steps", 2)
    assert code == 0 and "Stopped at step 2 of 2" in said and (out / STATE_NAME).is_file()
    code, said = run(capsys, *given, "--steps", 3)
    assert code == 1 and "add --resume" in said
    code, said = run(capsys, *given, "--steps", 3, "--resume")
    assert code == 0 and "Going on from step 2." in said and "step 3 of 3" in said
    assert not (out / LOG_NAME).exists() or (out / LOG_NAME).read_text()


@pytest.mark.parametrize("given, reason", [
    (("--out", "run"), "--sprites FOLDER"),
    (("--out", "run", "--data", "none"), "is not a folder"),
    (("--out", "clips/waves.png", "--data", "clips"), "--out"),
    (("--out", "clips/waves.png/run", "--data", "clips"), "--out"),
])
def test_bad_arguments_are_one_sentence(clips, tmp_path, monkeypatch, capsys, given, reason):
    monkeypatch.chdir(tmp_path)
    code, said = run(capsys, "--preset", "tiny", *given)
    assert code == 1 and reason in said and said.count("\n") == 1 and "Traceback" not in said
