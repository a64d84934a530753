"""Files that a program uploads and then names in a call of an endpoint.

An endpoint without components gets what its caller wrote, unchecked, so a path counts only inside
the folder of uploads: no call may name any other file of this machine.
"""

from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from engine.errors import RequestError


def uploaded(name: str, value: Any) -> Path:
    """Return where an uploaded file is.

    name: what the file is for. value: as gradio_client's handle_file sends it, or its path as
    /gradio_api/upload answers it.
    Raises: RequestError if it is no uploaded file.
    """
    told = value.get("path") if isinstance(value, dict) else value
    folder = Path(get_upload_folder()).resolve()
    try:
        path = Path(told).resolve(strict=True)
        is_uploaded = path.is_file() and path.is_relative_to(folder)
    except (TypeError, ValueError, OSError):
        is_uploaded = False
    if not is_uploaded:
        raise RequestError(f"The {name} is no uploaded file: hand it over with gradio_client's "
                           "handle_file, or upload it to /gradio_api/upload and give its path.")
    return path
