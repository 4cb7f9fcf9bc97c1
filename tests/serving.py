"""A real server process for tests, and raw requests to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

import minidl


class Server:
    """`minidl serve` in a process of its own, at a free port."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        package = str(Path(minidl.__file__).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "minidl", "serve", *arguments, "--port", "0"],
            env={**os.environ, "PYTHONPATH": package, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if " at http://" not in line:
            raise RuntimeError(line + self.process.communicate()[1])
        self.url = line.split()[-1]
        self.host, port = self.url.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.end()

    def end(self) -> tuple[int, str]:
        """Send SIGTERM and return the exit code and what was written to standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(self.url + path, content=content, headers=headers, timeout=30)

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=30)


def everything(connection: socket.socket) -> bytes:
    """Return what a server sends until it closes."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)
