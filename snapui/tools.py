"""Has MCP tools answer JSON, where gradio writes lists and dicts in Python's own notation."""

import json
from typing import Any


def answer_in_json(server: Any) -> None:
    """Change how gradio's MCP server, a GradioMCPServer, writes what a tool returned."""
    write = server.postprocess_output_data

    def write_json(data: list[Any], root_url: str) -> list[Any]:
        return write([_as_text(one) for one in data], root_url)

    server.postprocess_output_data = write_json


def _as_text(value: Any) -> Any:
    """Return a list or dict as JSON; anything else is as it should be already."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
