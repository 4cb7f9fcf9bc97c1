"""The paths of the protocol, as an application for any ASGI server. There is nothing here that changes a model."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minidl

from .batching import Batcher
from .models import Model
from .protocol import Refused, metadata, read_request, write_answer

PAGE = Path(__file__).with_name("page.html")
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
CLOSE = {"Connection": "close"}  # what is left of the body is not read
DISCARD_SECONDS = 2.0  # so long a body that is refused is read on, for a client that writes all before it reads


@dataclass
class Limits:
    """What a client may take."""

    body: int = 64 * 2**20  # bytes of a request
    bodies: int = 256 * 2**20  # bytes of all requests that are being read or computed
    body_seconds: float = 30.0  # until a body is there
    header_seconds: float = 10.0  # until the head of a request is there
    answer_seconds: float = 60.0  # until a request in the queue is computed
    drain_seconds: float = 30.0  # for requests that are under way when the server ends
    connections: int = 1000
    queue: int = 256  # requests that wait for one model
    batch: int = 64  # samples that are computed together
    delay: float = 0.002  # seconds that a request waits for others


def application(models: Sequence[Model], limits: Limits, token: str | None = None) -> Any:
    """Return the application that serves these models."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import Route

    computing, reading = ThreadPoolExecutor(1, "compute"), ThreadPoolExecutor(1, "read")
    served = {model.name: model for model in models}
    batchers = {
        model.name: Batcher(model, computing, limits.batch, limits.delay, limits.queue) for model in models
    }  # fmt: skip
    taken = 0  # bytes of the bodies in memory

    def answered(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        return Response(json.dumps(content), status, dict(headers or {}), "application/json")

    def model_of(request: Request) -> Model:
        name = request.path_params["model"]
        if name not in served:
            raise Refused(404, f"there is no model {name[:100]!r}; the models are {', '.join(served)}")
        if request.path_params.get("version", "1") != "1":
            raise Refused(404, f"model {name!r} has the version 1 only")
        return served[name]

    async def live(request: Request) -> Response:
        return answered({"live": True})

    async def ready(request: Request) -> Response:
        return answered({"ready": True})

    async def server(request: Request) -> Response:
        return answered({"name": "minidl", "version": minidl.__version__, "extensions": ["binary_tensor_data"]})

    async def model(request: Request) -> Response:
        return answered(metadata(model_of(request)))

    async def model_ready(request: Request) -> Response:
        return answered({"name": model_of(request).name, "ready": True})

    async def read_body(request: Request) -> bytes:
        """Return the body; `taken` counts what is read of it, and what has been read stays counted."""
        nonlocal taken
        length = request.headers.get("content-length", "0")
        too_long = Refused(413, f"the body is longer than {limits.body} bytes", CLOSE)
        if int(length) > limits.body:
            if "expect" not in request.headers:
                await discard(request)
            raise too_long
        pieces, size = [], 0
        try:
            async with asyncio.timeout(limits.body_seconds):
                async for piece in request.stream():
                    size += len(piece)
                    taken += len(piece)
                    request.state.taken = size
                    if size > limits.body:
                        await discard(request)
                        raise too_long
                    if taken > limits.bodies:
                        raise Refused(503, "too many large requests at once; try again later", CLOSE)
                    pieces.append(piece)
        except TimeoutError:
            raise Refused(408, f"the body did not come within {limits.body_seconds:g} seconds", CLOSE) from None
        return b"".join(pieces)

    async def discard(request: Request) -> None:
        try:
            async with asyncio.timeout(DISCARD_SECONDS):
                async for _ in request.stream():
                    pass
        except (TimeoutError, RuntimeError):  # RuntimeError: the stream is read already
            pass

    async def infer(request: Request) -> Response:
        nonlocal taken
        asked_model = model_of(request)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Refused(415, "Content-Encoding: found a compressed body, expected a plain one", CLOSE)
        request.state.taken = 0
        try:
            body = await read_body(request)
            length = request.headers.get("inference-header-content-length")
            loop = asyncio.get_running_loop()
            asked = await loop.run_in_executor(reading, read_request, body, length, asked_model)
            try:
                async with asyncio.timeout(limits.answer_seconds):
                    arrays = await batchers[asked_model.name].submit(asked.inputs, asked.rows)
            except TimeoutError:
                raise Refused(503, f"no answer within {limits.answer_seconds:g} seconds; try again later") from None
            content, json_length = await loop.run_in_executor(reading, write_answer, asked_model, asked, arrays)
        finally:
            taken -= request.state.taken
        if json_length is None:
            return Response(content, media_type="application/json")
        headers = {"Inference-Header-Content-Length": str(json_length)}
        return Response(content, headers=headers, media_type="application/octet-stream")

    async def page(request: Request) -> Response:
        return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers=PAGE_HEADERS)

    async def page_models(request: Request) -> Response:
        return answered([{**metadata(each), **each.for_page()} for each in models])

    async def page_tokens(request: Request) -> Response:
        asked_model = model_of(request)
        if asked_model.tokens is None:
            raise Refused(404, f"model {asked_model.name!r} does not take a text")
        request.state.taken = 0
        nonlocal taken
        try:
            text = (await read_body(request)).decode("utf-8", "replace")
            found = await asyncio.get_running_loop().run_in_executor(reading, asked_model.tokens, text)
        finally:
            taken -= request.state.taken
        return answered({"shape": list(found.shape), "data": found.ravel().tolist()})

    def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint for those who have the token."""

        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode("latin-1")
            if token is not None and not hmac.compare_digest(given, f"Bearer {token}".encode()):
                headers = {"WWW-Authenticate": "Bearer", **CLOSE}
                raise Refused(401, "Authorization: expected 'Bearer' and the token of this server", headers)
            return await endpoint(request)

        return checked

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return answered({"error": error.message}, error.status, error.headers)

    async def wrong_path(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answered({"error": f"{request.method} {request.url.path[:100]}: {error.detail}"}, error.status_code,
                        error.headers)  # fmt: skip

    async def went_away(request: Request, error: Exception) -> Response:
        return answered({"error": "the client went away"}, 400)

    async def failed(request: Request, error: Exception) -> Response:
        return answered({"error": "the server failed; its log says why"}, 500)

    @asynccontextmanager
    async def working(app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(batcher.work()) for batcher in batchers.values()]
        yield
        for task in tasks:
            task.cancel()
        computing.shutdown(wait=False, cancel_futures=True)
        reading.shutdown(wait=False, cancel_futures=True)

    paths: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("GET", "/v2/health/live", live),
        ("GET", "/v2/health/ready", ready),
        ("GET", "/v2", guarded(server)),
        ("GET", "/", page),
        ("GET", "/page/models", guarded(page_models)),
        ("POST", "/page/models/{model}/tokens", guarded(page_tokens)),
    ]
    for start in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        paths += [
            ("GET", start, guarded(model)),
            ("GET", start + "/ready", guarded(model_ready)),
            ("POST", start + "/infer", guarded(infer)),
        ]
    handlers: dict[Any, Any] = {
        Refused: refused, HTTPException: wrong_path, ClientDisconnect: went_away, Exception: failed,
    }  # fmt: skip
    routes = [Route(path, endpoint, methods=[method]) for method, path, endpoint in paths]
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=working)
