"""Opens a folder in the file manager of the machine the program runs on, for whoever sits there."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import gradio as gr

from snapui.loopback import asked_name, is_loopback

FILE_MANAGERS = {"darwin": "open", "win32": "explorer"}


def is_here(request: gr.Request) -> bool:
    """Say whether the browser runs on this machine: it asked this machine by a name of its own."""
    named = asked_name(request.headers.get("host"))
    return all(is_loopback(host) for host in (named, request.client.host))


def open_folder(path: Path) -> bool:
    """Open a folder for the person at this machine. Returns: False if there is nothing to do so."""
    program = shutil.which(FILE_MANAGERS.get(sys.platform, "xdg-open"))
    if program is None:
        return False
    threading.Thread(target=subprocess.run, args=([program, str(path)],), daemon=True,
                     kwargs={"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}).start()
    return True
