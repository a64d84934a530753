"""The flags: what starts, what refuses to and why; and that the page's process stays light."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from snapui import launch, settings
from snapui.settings import SettingsError

ROOT = Path(__file__).parents[2]


def read(tmp_path, *flags):
    return settings.read(["--output-directory", str(tmp_path / "out"), *flags])


def test_the_program_is_reachable_from_this_machine_only_by_default(tmp_path):
    assert read(tmp_path).listen == "127.0.0.1"


@pytest.mark.parametrize("flags", [["--listen"], ["--listen", "0.0.0.0"], ["--listen", "::"],
                                   ["--listen", "192.168.1.5"], ["--share"]])
def test_others_are_let_in_only_with_a_password(tmp_path, flags):
    with pytest.raises(SettingsError, match="--auth user:password"):
        read(tmp_path, *flags)
    assert read(tmp_path, *flags, "--auth", "me:secret").auth == ("me", "secret")


def test_listening_on_this_machine_needs_no_password(tmp_path):
    assert read(tmp_path, "--listen", "127.0.0.1").auth is None


@pytest.mark.parametrize("flags", [["--auth", "nobody"], ["--auth", ":x"], ["--port", "many"]])
def test_a_flag_of_the_wrong_form_is_refused(tmp_path, flags, capsys):
    with pytest.raises(SystemExit):
        read(tmp_path, *flags)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--port", "0"], ["--port", "70000"], ["--workers", "-1"]])
def test_a_number_out_of_range_is_refused_in_a_sentence(tmp_path, flags):
    with pytest.raises(SettingsError, match="must be from"):
        read(tmp_path, *flags)


def test_an_output_folder_that_is_a_file_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(SettingsError, match="cannot be written to"):
        read(tmp_path)


def test_tools_without_their_package_are_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install -r requirements-mcp\.txt"):
        read(tmp_path, "--mcp")


def test_the_journal_stands_in_the_output_folder_unless_named(tmp_path):
    assert read(tmp_path).database == f"sqlite:///{tmp_path / 'out' / 'journal.db'}"
    assert read(tmp_path, "--database", str(tmp_path / "j.db")).database == (
        f"sqlite:///{tmp_path / 'j.db'}")
    url = "postgresql://me@there/studio"
    assert read(tmp_path, "--database", url).database == url


def test_workers_share_the_processor(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert "4" in read(tmp_path, "--workers", "2").worker_flags()


def test_without_workers_of_its_own_the_program_says_how_to_start_one(tmp_path):
    assert read(tmp_path).help_wanted() == ""
    said = read(tmp_path, "--workers", "0", "--database",
                "postgresql://me:s:e/c@ret@there:5432/studio?password=secret").help_wanted()
    assert said.startswith("No worker runs here")
    assert said.endswith("python -m snapui.worker --database "
                         "postgresql://me:PASSWORD@there:5432/studio "
                         f"--output-directory {tmp_path / 'out'}")


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("no_proxy", "")
    for _ in range(2):
        launch.reach_without_proxy("0.0.0.0")
    assert os.environ["NO_PROXY"] == "intranet,localhost,127.0.0.1,0.0.0.0"
    assert os.environ["no_proxy"] == "localhost,127.0.0.1,0.0.0.0"


def test_the_program_refuses_with_one_sentence_and_exit_code_1(tmp_path):
    result = run("app.py", "--listen", "--output-directory", str(tmp_path))
    assert result.returncode == 1
    assert "--auth user:password" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_pages_process_imports_no_torch_and_writes_no_editor_stubs():
    script = ("import sys; from snapui import quick_start; quick_start.leave_out_stubs(); "
              "from snapui import launch, page; from gradio import component_meta; "
              "print([name for name in ('torch', 'engine.generate', 'transformers') "
              "if name in sys.modules], component_meta.create_or_modify_pyi())")
    result = run("-c", script)
    assert result.stdout.strip() == "[] None", result.stderr


def test_a_port_or_an_address_that_cannot_be_had_is_one_sentence(tmp_path):
    def taken(**_):
        raise OSError("Cannot find empty port")

    flags = settings.read(["--port", "80", "--output-directory", str(tmp_path)])
    with pytest.raises(SettingsError, match=r"Port 80 at 127\.0\.0\.1 .+ --port or --listen"):
        launch.serve(SimpleNamespace(launch=taken), flags, None)


def test_a_thread_that_never_ends_cannot_keep_the_program():
    stuck = ("import threading; from snapui import quick_start; quick_start.leave_out_stubs(); "
             "from snapui.launch import end_at_last; end_at_last(0.5); "
             "threading.Thread(target=threading.Event().wait).start()")
    assert subprocess.run([sys.executable, "-c", stuck], cwd=ROOT, timeout=120).returncode == 0
