"""Full disks, locked databases and jumping clocks: a sentence is said and nothing is lost."""

import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import httpx
import pytest

from engine.request import GenerationRequest
from snapui import queue, settings
from snapui.jobs import Journal
from snapui.schema import BUSY_SECONDS, Number, database_url
from snapui.settings import SettingsError
from tests.browser.conftest import ROOT, stand_in_program
from tests.snapui.small_disk import small_disk
from tests.snapui.stand_in import load
from tests.snapui.test_worker import Worker, wait_for

LONG = GenerationRequest(prompt="a dog", seed=5, steps=150)


@pytest.fixture
def start():
    """Return a function that starts the program on a folder. Returns: it and its journal."""
    running, journals = [], {}

    def started(outputs, database=None):
        outputs.mkdir(exist_ok=True)
        url = database_url(database, outputs)
        if url not in journals:  # a process has one journal open
            journals[url] = Journal(url, outputs)
        running.append(stand_in_program(outputs, 0.05, "--database", url))
        running[-1].start()
        return running[-1], journals[url]

    yield started
    for program in running:
        program.stop()
    for journal in journals.values():
        journal.close()


def trouble(program):
    """Return what every page of a program says is wrong."""
    return httpx.get(f"{program.url}snapui/live", timeout=120).json()["trouble"]


def refusal(program):
    """Return why a program takes no job."""
    answer = httpx.post(f"{program.url}gradio_api/run/create", timeout=120,
                        json={"data": ["a dog", "", "1", 1, None]})
    return "" if answer.is_success else answer.json()["error"]


def in_the_middle(journal, request=LONG):
    """Submit a job and wait until it is under way. Returns: its number."""
    job_id = journal.submit(request)
    wait_for(lambda: journal.job(job_id).step > 2)
    return job_id


def is_done(journal, job_id):
    return journal.job(job_id).state == "done"


def test_a_job_waits_while_the_disk_is_full_and_goes_on_by_itself(tmp_path, start):
    with small_disk(tmp_path / "disk", 100) as disk:
        program, journal = start(disk.path / "outputs")
        job_id = in_the_middle(journal)
        disk.fill()
        assert "free some space" in trouble(program)
        assert "free some space" in refusal(program)
        time.sleep(2)
        assert journal.job(job_id).state == "running", "there is no space to write more"
        disk.empty()
        wait_for(lambda: is_done(journal, job_id))
        assert (journal.job(job_id).deaths, journal.job(job_id).error) == (0, "")
        wait_for(lambda: trouble(program) == "")
        program.stop()


def test_a_folder_that_becomes_read_only_is_said_and_nothing_is_lost(tmp_path, start):
    with small_disk(tmp_path / "disk", 100) as disk:
        program, journal = start(disk.path, database=str(tmp_path / "journal.db"))
        job_id = in_the_middle(journal, replace(LONG, steps=256))  # remounting takes its time
        disk.remount("ro")
        assert "cannot be written to" in trouble(program)
        assert "cannot be written to" in refusal(program)
        with pytest.raises(SettingsError, match="cannot be written to"):
            settings.read(["--output-directory", str(disk.path)])
        wait_for(lambda: journal.job(job_id).state == "queued")
        assert "cannot be written to" in journal.job(job_id).error
        disk.remount("rw")
        wait_for(lambda: trouble(program) == "")
        wait_for(lambda: is_done(journal, job_id))
        program.stop()


@pytest.mark.slow
def test_a_job_outlasts_a_program_that_locks_its_journal(tmp_path, start):
    program, journal = start(tmp_path / "outputs")
    job_id = in_the_middle(journal)
    other = sqlite3.connect(tmp_path / "outputs" / "journal.db", isolation_level=None)
    begun = time.monotonic()
    other.execute("begin immediate")
    assert trouble(program) == "", "looking waits for nobody"
    assert "close other programs" in refusal(program)
    assert time.monotonic() - begun >= BUSY_SECONDS
    time.sleep(BUSY_SECONDS)
    other.execute("rollback")
    other.close()
    wait_for(lambda: is_done(journal, job_id))
    assert journal.job(job_id).deaths == 0
    assert refusal(program) == ""


def test_two_programs_share_one_journal(tmp_path, start):
    one, journal = start(tmp_path / "outputs")
    ids = [in_the_middle(journal)]
    other, _ = start(tmp_path / "outputs")
    quick = GenerationRequest(prompt="a dog", steps=4)
    ids += [journal.submit(quick) for _ in range(6)]
    assert refusal(one) == refusal(other) == ""
    wait_for(lambda: all(is_done(journal, job_id) for job_id in ids))
    assert all(len(journal.clips_of(job_id)) == 1 for job_id in ids)
    in_the_middle(journal)
    one.stop()
    last = journal.submit(quick)
    wait_for(lambda: is_done(journal, last))
    assert all(journal.job(job_id).deaths == 0 for job_id in range(1, last))
    assert trouble(other) == ""


def test_a_journal_of_a_newer_version_is_one_sentence_and_stays_as_it_is(tmp_path):
    journal = Journal(database_url(None, tmp_path), tmp_path)
    journal.submit(LONG)
    Number.update(value=99).where(Number.name == "version").execute()
    journal.close()
    result = subprocess.run([sys.executable, "app.py", "--output-directory", str(tmp_path)],
                            cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert result.returncode == 1
    assert "newer version" in result.stderr
    assert "Traceback" not in result.stderr
    with sqlite3.connect(tmp_path / "journal.db") as database:
        assert database.execute("select value from number where name = 'version'").fetchone() == (
            99,)
    database.close()


@pytest.mark.parametrize("jump_seconds", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_changes_no_order_and_loses_nothing(journal, monkeypatch, jump_seconds):
    worker, ids = Worker(journal, load(), "worker"), []
    now = time.time()
    for place in range(3):
        monkeypatch.setattr(time, "time", lambda place=place: now + place * jump_seconds)
        ids.append(journal.submit(GenerationRequest(prompt="a dog", steps=2)))
    jumped = iter(range(100_000))
    monkeypatch.setattr(time, "time", lambda: now + next(jumped) * jump_seconds)
    worker.drain()
    assert [journal.job(job_id).state for job_id in ids] == ["done"] * 3
    assert [job.id for job in queue.last_ended(3)] == ids[::-1]
    files = [clip.path for job_id in ids for clip in journal.clips_of(job_id)]
    assert len(set(files)) == 3
    assert all((journal.output_directory / path).exists() for path in files)
