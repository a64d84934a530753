"""The program's flags, read and checked before anything starts."""

import argparse
import os
import shlex
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from engine.backends import AUTO, BACKENDS, DEFAULT_HELP
from engine.errors import SnapError
from snapui.loopback import LOOPBACK, is_loopback
from snapui.schema import database_url, without_password

TOOLS_MISSING = ("--mcp needs more packages: install them with "
                 "'python -m pip install -r requirements-mcp.txt', or start without --mcp.")


class SettingsError(SnapError):
    """The flags contradict each other or name something unusable."""


@dataclass(frozen=True)
class Settings:
    """How the program was started. Raises: SettingsError with what to do instead."""

    listen: str = LOOPBACK
    port: int = 7860
    share: bool = False
    auth: tuple[str, str] | None = None
    inbrowser: bool = False
    output_directory: Path = Path("outputs")
    models_directory: Path | None = None
    database: str = ""
    device: str = "cpu"
    backend: str = AUTO
    workers: int = 1
    mcp: bool = False

    def __post_init__(self) -> None:
        if self.auth is None and (self.share or not is_loopback(self.listen)):
            flag = "--share" if self.share else "--listen"
            raise SettingsError(f"{flag} lets other people reach this program, so it also needs "
                                "--auth user:password. Without it only this machine may connect.")
        if not 1 <= self.port <= 65535:
            raise SettingsError(f"--port must be from 1 to 65535, not {self.port}.")
        if not 0 <= self.workers <= 64:
            raise SettingsError(f"--workers must be from 0 to 64, not {self.workers}.")
        if self.mcp and find_spec("mcp") is None:
            raise SettingsError(TOOLS_MISSING)
        object.__setattr__(self, "output_directory", _usable_folder(self.output_directory))
        object.__setattr__(self, "database", database_url(self.database, self.output_directory))

    def worker_flags(self) -> list[str]:
        """Return the flags a worker process needs besides the database and the output folder."""
        threads = max(1, (os.cpu_count() or 1) // max(1, self.workers))
        flags = ["--device", self.device, "--backend", self.backend, "--threads", str(threads)]
        if self.models_directory is not None:
            flags += ["--models-directory", str(self.models_directory.resolve())]
        return flags

    def help_wanted(self) -> str:
        """Return how to start a worker by hand; nothing if this program starts its own."""
        if self.workers:
            return ""
        command = ["python", "-m", "snapui.worker", "--database", without_password(self.database),
                   "--output-directory", str(self.output_directory)]
        if self.models_directory is not None:
            command += ["--models-directory", str(self.models_directory.resolve())]
        return ("No worker runs here, so nothing is made until one does. Start one, here or on "
                f"another machine: {shlex.join(command)}")


def read(argv: list[str]) -> Settings:
    """Read the flags. Raises: SettingsError; SystemExit for --help and unknown flags."""
    parser = argparse.ArgumentParser(
        prog="app.py", description="Type a prompt, get a clip: the studio in a browser.")
    parser.add_argument("--listen", nargs="?", const="0.0.0.0", default=LOOPBACK, metavar="IP",
                        help="accept other machines (needs --auth); default: this machine only")
    parser.add_argument("--port", type=int, default=7860, help="default: 7860")
    parser.add_argument("--share", action="store_true",
                        help="also publish through Gradio's tunnel (needs --auth)")
    parser.add_argument("--auth", type=_user_and_password, metavar="USER:PASSWORD",
                        help="ask everybody for this name and password")
    parser.add_argument("--inbrowser", action="store_true", help="open the page in a browser")
    parser.add_argument("--output-directory", type=Path, default=Path("outputs"), metavar="DIR",
                        help="where clips are kept; default: outputs")
    parser.add_argument("--models-directory", type=Path, metavar="DIR",
                        help="where to look for more models")
    parser.add_argument("--database", default="", metavar="URL",
                        help="the job journal; default: journal.db in the output folder")
    parser.add_argument("--device", default="cpu", help="cpu or cuda; default: cpu")
    parser.add_argument("--backend", default=AUTO, choices=BACKENDS, help=DEFAULT_HELP)
    parser.add_argument("--workers", type=int, default=1, metavar="N",
                        help="worker processes; 0 if others do the work; default: 1")
    parser.add_argument("--mcp", action="store_true", help="also serve the page's API as MCP tools")
    return Settings(**vars(parser.parse_args(argv)))


def _user_and_password(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("expected user:password")
    return user, password


def _usable_folder(path: Path) -> Path:
    """Return the folder as a full path, made if missing and proven writable."""
    folder = path.expanduser().resolve()
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(f"The output folder {folder} cannot be written to "
                            f"({error.strerror}). Name another with --output-directory.") from error
    return folder
