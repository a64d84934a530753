"""Several workers on one PostgreSQL journal; the test starts the server and ends it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.request import GenerationRequest
from snapui.jobs import Journal
from snapui.library import Library
from snapui.schema import Clip, Job
from snapui.schema import Worker as WorkerRow
from tests.snapui.test_library import add
from tests.snapui.test_worker import ROOT, wait_for

JOBS = 20
pytestmark = pytest.mark.slow


def binaries():
    """Return the folder of PostgreSQL's programs, Debian's newest first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    path = str(found[0]) if found else shutil.which("initdb")
    if not path:
        pytest.skip("PostgreSQL's programs are missing: apt-get install postgresql")
    return Path(path).parent


def unprivileged():
    """Return the user to run the server as: it refuses to be root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    return next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))


@pytest.fixture(scope="module")
def server():
    """Return the URL of an empty database of a server that only this machine reaches."""
    pytest.importorskip("psycopg")
    programs, user = binaries(), unprivileged()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, user.pw_uid, user.pw_gid)
        subprocess.run([programs / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "snapui",
                        "--no-sync"], user=user.pw_uid, group=user.pw_gid, cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        process = subprocess.Popen(
            [programs / "postgres", "-D", f"{folder}/data", "-k", folder, "-p", str(port),
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
            user=user.pw_uid, group=user.pw_gid, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: subprocess.run(
                [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)],
                check=False).returncode == 0)
            yield f"postgresql://snapui@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)


@pytest.fixture
def farm(server, tmp_path, monkeypatch):
    """A journal on the server, emptied, and a function that starts a worker on it."""
    monkeypatch.chdir(ROOT)
    journal, workers = Journal(server, tmp_path), []
    for table in (Clip, Job, WorkerRow):
        table.delete().execute()

    def start():
        workers.append(subprocess.Popen(
            [sys.executable, "-m", "tests.snapui.stand_in", "--database", server,
             "--output-directory", str(tmp_path)]))
        return workers[-1]

    yield journal, start
    for process in workers:
        process.terminate()
    for process in workers:
        process.wait(120)
    journal.close()


def finished_jobs():
    return Job.select().where(Job.state == "done").count()


@pytest.mark.parametrize("is_killed", [False, True])
def test_two_workers_do_every_job_once(farm, tmp_path, is_killed):
    journal, start = farm
    first, second = start(), start()
    wait_for(lambda: WorkerRow.select().where(WorkerRow.state == "ready").count() == 2)
    ids = [journal.submit(GenerationRequest(prompt="a dog", steps=20)) for _ in range(JOBS)]
    if is_killed:
        wait_for(lambda: Job.select().where(Job.worker.endswith(f"-{first.pid}"),
                                            Job.state == "running",
                                            Job.step.between(1, 10)).exists()
                 and finished_jobs() >= 4)
        first.kill()
        first.wait()
    wait_for(lambda: finished_jobs() == JOBS, 600)
    assert sorted(clip.job_id for clip in Clip.select()) == ids
    assert len(list(tmp_path.glob("*/*.mp4"))) == JOBS
    assert sum(job.deaths for job in Job.select()) == int(is_killed)
    if not is_killed:
        done_by = {job.worker for job in Job.select()}
        assert len(done_by) == 2, "one of the workers did nothing"
    assert second.poll() is None


def test_a_worker_outlasts_a_connection_that_breaks(farm):
    journal, start = farm
    worker = start()
    job_id = journal.submit(GenerationRequest(prompt="a dog", steps=150))
    wait_for(lambda: journal.job(job_id).step > 2)
    journal.database.execute_sql(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where pid <> pg_backend_pid() and datname = current_database()")
    wait_for(lambda: journal.job(job_id).state == "done")
    assert journal.job(job_id).deaths == 0
    assert worker.poll() is None


@pytest.mark.parametrize(("words", "found"), [
    ("DOG left", 1), ("oskar", 1), ("oskar dog", 1), ("dog cat", 0), ("100%", 1), ("%", 1),
    ("_", 0), ("\\", 0)])
def test_clips_are_found_by_words(farm, words, found):
    journal, _ = farm
    library = Library(journal)
    library.rename(add(journal, "a dog walking to the left"), "Oskar in winter")
    add(journal, "a cat, 100% black")
    assert library.page(words).found == found
