"""Starts the worker processes, starts them again when they die, and ends them with the program."""

import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
import time

from snapui import crew
from snapui.jobs import Journal

WATCH_SECONDS = 0.2
OTHERS_SECONDS = 2.0
SOON_SECONDS = 5.0  # a worker that ends sooner than this is started again more slowly
SLOWEST_SECONDS = 30.0
STOP_SECONDS = 5.0
logger = logging.getLogger(__name__)


class Supervisor:
    """Keeps a number of worker processes alive, or watches those that others started here.

    command: what starts a worker; its name and the database are added.
    """

    def __init__(self, journal: Journal, command: list[str], count: int) -> None:
        self._journal = journal
        self._command = command
        self._stopping = threading.Event()
        self._keeps_some = count > 0
        self._threads = [threading.Thread(target=work, daemon=True)
                         for work in (*[self._keep_one] * count, self._watch_others)]

    def start(self) -> None:
        """Queue again what dead workers left, then start the workers."""
        crew.forget_the_dead(self._journal, socket.gethostname())
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the workers; their jobs wait for the next start."""
        self._stopping.set()
        self._journal.giving_up.set()
        for thread in self._threads:
            thread.join()

    def _keep_one(self) -> None:
        """Keep one worker alive until the program ends."""
        delay = 0.0
        while not self._stopping.wait(delay):
            name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
            begin = time.monotonic()
            code = self._run_one(name)
            if self._stopping.is_set():
                crew.forget(self._journal, name, died=False)
                break
            why = crew.describe_exit(code)
            logger.warning("a worker ended (%s); starting it again", why)
            lived = time.monotonic() - begin
            delay = 0.0 if lived > SOON_SECONDS else min(SLOWEST_SECONDS, 2 * delay + 0.5)
            crew.forget(self._journal, name, died=True, why=why)
        self._journal.close()  # the connection of this thread

    def _watch_others(self) -> None:
        """Queue again what workers leave, here and on other machines.

        Workers do so themselves, but not while they work. A worker kept here is not for this to
        miss: who keeps it knows why it ended.
        """
        host, listener = socket.gethostname(), crew.Listener()
        while not self._stopping.wait(OTHERS_SECONDS):
            if not self._keeps_some:
                crew.forget_the_dead(self._journal, host)
            crew.forget_the_silent(self._journal, host, listener)
        self._journal.close()  # the connection of this thread

    def _run_one(self, name: str) -> int:
        """Run one worker until it ends or the program does. Returns: its exit code."""
        process = subprocess.Popen([*self._command, "--name", name, "--until-stdin-closes"],
                                   stdin=subprocess.PIPE, start_new_session=True)
        try:
            while process.poll() is None and not self._stopping.wait(WATCH_SECONDS):
                pass
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        finally:
            process.stdin.close()
        return process.returncode


def worker_command(database: str, output_directory: str, *flags: str) -> list[str]:
    """Return the command that starts a worker on a database and an output folder."""
    return [sys.executable, "-m", "snapui.worker", "--database", database,
            "--output-directory", output_directory, *flags]
