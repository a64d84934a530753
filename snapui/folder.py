"""Opens a folder in the file manager of the machine the program runs on, for whoever sits there."""

import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import gradio as gr

from snapui.loopback import asked_name, is_loopback

FILE_MANAGERS = {"darwin": "open", "win32": "explorer"}
ANSWER_SECONDS = 2.0  # a program that finds no screen ends before that; a file manager may stay


def is_here(request: gr.Request) -> bool:
    """Say whether the browser runs on this machine: it asked this machine by a name of its own."""
    named = asked_name(request.headers.get("host"))
    return all(is_loopback(host) for host in (named, request.client.host))


def open_folder(path: Path) -> bool:
    """Open a folder for the person at this machine. Returns: False if nothing here can do so."""
    program = shutil.which(FILE_MANAGERS.get(sys.platform, "xdg-open"))
    if program is None:
        return False
    nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    codes: queue.Queue[int] = queue.Queue()
    threading.Thread(target=lambda: codes.put(subprocess.run(
        [program, str(path)], **nowhere).returncode), daemon=True).start()
    try:
        code = codes.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        return True  # it shows the folder until it is closed
    return code == 0 or sys.platform == "win32"  # whose explorer says 1 when all went well
