"""Runs the program: journal, page, workers, in this order, and ends them in the other."""

import os
import signal
import threading

from starlette.middleware import Middleware

from snapui import origin, page, theme
from snapui.files import WORK
from snapui.jobs import Journal
from snapui.live import Live, LiveRoute, Part
from snapui.rows import Rows
from snapui.schema import sqlite_files
from snapui.settings import TOOLS_MISSING, Settings, SettingsError
from snapui.sheet import SHOWN_JOBS, Sheet
from snapui.supervisor import Supervisor, worker_command
from snapui.tabs.create import EXAMPLES
from snapui.tabs.queue import Panel
from snapui.tools import answer_in_json

UPLOAD_LIMIT = "200mb"
END_SECONDS = 30.0
# How often Gradio looks for events: its own millisecond takes a twelfth of a core for nothing.
QUEUE_SECONDS = 0.02


def run(settings: Settings, command: list[str] | None = None) -> None:
    """Serve the page until the program is interrupted.

    command: what starts a worker; this program's own worker if left out.
    Raises: SettingsError or JournalError with what to do.
    """
    journal = Journal(settings.database, settings.output_directory)
    live = Live(journal, shown_of(journal, settings.help_wanted()),
                is_locked=settings.auth is not None)
    blocks = page.build(journal, settings.models_directory, live.key)
    ended = threading.Event()
    serve(blocks, settings, live)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    supervisor = Supervisor(journal, command or worker_command(
        settings.database, str(settings.output_directory), *settings.worker_flags()),
        settings.workers)
    supervisor.start()
    try:
        ended.wait()
    finally:
        end_at_last()
        supervisor.stop()
        blocks.close(verbose=False)
        journal.close()


def end_at_last(seconds: float = END_SECONDS) -> None:
    """End this process after some time, whatever thread of a library still holds it up.

    Nothing is lost by that: the journal is whole at any moment, and workers end with their input.
    """
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


def shown_of(journal: Journal, help_wanted: str = "") -> dict[str, Part]:
    """Return what draws the parts of the page that every visitor sees alike.

    help_wanted: see `Sheet`.
    """
    sheet, rows = Sheet(journal.output_directory, EXAMPLES, help_wanted), Rows()
    return {"sheet": lambda: sheet.value(journal.snapshot(SHOWN_JOBS, rows.read))
            | {"timings": journal.timings()},
            "queue": Panel(journal, rows.read).value}


def reach_without_proxy(address: str) -> None:
    """Keep what asks this program whether it has started from asking a proxy on the way out."""
    for name in ("NO_PROXY", "no_proxy"):
        told = filter(None, os.environ.get(name, "").split(","))
        os.environ[name] = ",".join(dict.fromkeys([*told, "localhost", "127.0.0.1", address]))


def serve(blocks: object, settings: Settings, live: Live) -> None:
    """Start serving in the background; only finished files are served, never the journal."""
    reach_without_proxy(settings.listen)
    try:
        blocks.launch(
            server_name=settings.listen, server_port=settings.port, share=settings.share,
            auth=settings.auth, inbrowser=settings.inbrowser, mcp_server=settings.mcp,
            prevent_thread_lock=True, show_error=False, ssr_mode=False, run_history=False,
            footer_links=[], enable_monitoring=False, max_file_size=UPLOAD_LIMIT,
            app_kwargs={"middleware": [*origin.guards(settings.auth),
                                       Middleware(LiveRoute, live=live)]},
            allowed_paths=[str(settings.output_directory)],
            blocked_paths=[str(path) for path in (*sqlite_files(settings.database),
                                                  settings.output_directory / WORK)],
            theme=theme.theme(), css=theme.css(), head=theme.head())
    except OSError as error:
        raise SettingsError(f"Port {settings.port} at {settings.listen} cannot be had: another "
                            "program has it, or the address is not this machine's. Choose another "
                            "with --port or --listen.") from error
    blocks._queue.sleep_when_free = QUEUE_SECONDS
    if settings.mcp and not blocks.mcp_server:  # gradio only prints what is wrong with the package
        blocks.close(verbose=False)
        raise SettingsError(TOOLS_MISSING)
    if settings.mcp:
        answer_in_json(blocks.mcp_server_obj)
