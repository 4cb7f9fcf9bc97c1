"""The server's process: uvicorn, with deadlines for heads, errors in JSON, and an end that lets nobody down."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Sequence
from typing import Any

from ..errors import ArgumentError
from .app import Limits, application
from .models import Model


def serve(
    models: Sequence[Model], host: str, port: int, token: str | None = None, limits: Limits | None = None
) -> None:
    """Serve models until SIGTERM or Ctrl-C; requests that are under way then are answered still.

    Port 0 takes a free one; the address is printed when clients can come.
    """
    try:
        import h11
        import uvicorn
        from uvicorn.protocols.http.h11_impl import H11Protocol

        app = application(models, limits := limits or Limits(), token)
    except ImportError as error:
        raise ArgumentError('serving needs starlette and uvicorn: pip install "minidl[serve]"') from error
    allowed = limits

    class Protocol(H11Protocol):
        """A connection. A head that does not come in time ends it, so does a connection too many."""

        waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > allowed.connections:
                self.end_with(503, "too many connections; try again later")
            else:
                self.wait()

        def data_received(self, data: bytes) -> None:
            if self.waiting is None and self.conn.their_state is h11.IDLE:
                self.wait()
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self.stop_waiting()

        def connection_lost(self, exc: Exception | None) -> None:
            self.stop_waiting()
            super().connection_lost(exc)

        def wait(self) -> None:
            seconds = allowed.header_seconds
            self.waiting = self.loop.call_later(
                seconds, self.end_with, 408, f"no whole request head came within {seconds:g} seconds"
            )

        def stop_waiting(self) -> None:
            if self.waiting is not None:
                self.waiting.cancel()
                self.waiting = None

        def end_with(self, status: int, message: str) -> None:
            """Answer, unless an answer has begun, and close."""
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.transport.is_closing():
                body = json.dumps({"error": message}).encode()
                headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
                response = h11.Response(status_code=status, headers=list(headers.items()))
                for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def send_400_response(self, msg: str) -> None:
            self.end_with(400, "the request is not HTTP as it should be")

    class Server(uvicorn.Server):
        """A second signal does not wait for what is under way."""

        def handle_exit(self, sig: int, frame: Any) -> None:
            self.force_exit = self.should_exit
            self.should_exit = True

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            address = f"[{host}]" if ":" in host else host
            url = f"http://{address}:{listening.getsockname()[1]}"
            print(f"serving {', '.join(model.name for model in models)} at {url}", flush=True)

    config = uvicorn.Config(
        app, http=Protocol, ws="none", loop="asyncio", lifespan="on", log_level="error", access_log=False,
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=round(allowed.drain_seconds),
    )  # fmt: skip
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=1024) as listening:
        Server(config).run([listening])
