"""The server: real clients get the network's own numbers, bad requests get an error that names the field."""

from __future__ import annotations

import json
import sys
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Browser
from PIL import Image
from serving import Server, everything

import minidl
from minidl import runs
from minidl.cli import main
from minidl.data import Digits

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")
client = pytest.importorskip("tritonclient.http")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends by SIGTERM")

TEXTS = "good\ta fine film\nbad\ta poor film\ngood\twhat a fine book\nbad\tthe book was poor\n" * 6
TABLE = "size,colour,price\n" + "".join(f"{k},{'red' if k % 2 else 'blue'},{3 * k + 100}.5\n" for k in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained networks: the demo's weights, and runs on a table and on texts."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "prices.csv").write_text(TABLE)
    (folder / "texts.txt").write_text(TEXTS)
    demo = ["demo", "--data", "digits", "--epochs", "3", "--model", "cnn", "--optimizer", "adam"]
    assert main([*demo, "--output", str(folder / "demo")]) == 0
    for name, path, epochs in (("prices", "prices.csv", "60"), ("texts", "texts.txt", "20")):
        arguments = ["train", "--path", str(folder / path), "--epochs", epochs, "--optimizer", "Adam", "lr=0.02"]
        assert main([*arguments, "--output", str(folder / name)]) == 0
    return folder


@pytest.fixture(scope="module")
def server(folder: Path):
    models = [f"digits={folder / 'demo' / 'weights.safetensors'}", str(folder / "prices"), str(folder / "texts")]
    with Server(*models, "--max-body", "1000000", "--header-timeout", "1", "--body-timeout", "1") as server:
        yield server
        code, errors = server.end()
        assert (code, errors) == (0, "")  # after all that the tests sent it


@pytest.fixture(scope="module")
def network(folder: Path) -> minidl.nn.Module:
    return runs.deployed(folder / "demo" / "weights.safetensors").network.eval()


def images(count: int) -> np.ndarray:
    """Return digits as values from 0 to 1."""
    return (Digits(train=False).data.numpy()[:count, None] / 16).astype(np.float32)


def asked(x: np.ndarray, **changes: object) -> dict:
    tensor = {"name": "input", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel().tolist(), **changes}
    return {"inputs": [tensor]}


# -- what a client gets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_tritonclient_gets_the_network_s_numbers(server, network, binary_in: bool, binary_out: bool) -> None:
    triton = client.InferenceServerClient(f"{server.host}:{server.port}")
    assert triton.is_server_live() and triton.is_server_ready() and triton.is_model_ready("digits")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    x = images(5)
    given = client.InferInput("input", list(x.shape), "FP32")
    given.set_data_from_numpy(x, binary_data=binary_in)
    wanted = [client.InferRequestedOutput("output", binary_data=binary_out)]
    found = triton.infer("digits", [given], outputs=wanted, request_id="7")
    assert found.get_response()["id"] == "7"
    np.testing.assert_allclose(
        found.as_numpy("output"), network(minidl.from_numpy(x)).detach().numpy(), rtol=1e-5, atol=1e-5
    )


def test_tritonclient_hears_the_error(server) -> None:
    triton = client.InferenceServerClient(f"{server.host}:{server.port}")
    given = client.InferInput("input", [1, 1, 8, 9], "FP32")
    given.set_data_from_numpy(np.zeros((1, 1, 8, 9), np.float32))
    with pytest.raises(Exception, match=r"inputs\[0\]\.shape: found \[1, 1, 8, 9\]"):
        triton.infer("digits", [given])


def test_metadata(server) -> None:
    assert server.get("/v2/models/digits").json() == {
        "name": "digits", "versions": ["1"], "platform": "minidl",
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, 1, 8, 8]}],
        "outputs": [{"name": "output", "datatype": "FP32", "shape": [-1, 10]}],
    }  # fmt: skip
    assert server.get("/v2/models/texts/versions/1").json()["inputs"][0]["datatype"] == "INT64"
    assert server.get("/v2/models/prices/versions/1/ready").json()["ready"] is True


def test_a_table_s_network_takes_and_gives_figures_in_their_own_scale(server) -> None:
    x = np.array([[30, 1, 0], [31, 0, 1]], np.float32)  # size, colour = blue, colour = red
    prices = server.post("/v2/models/prices/infer", asked(x)).json()["outputs"][0]["data"]
    assert prices == pytest.approx([190.5, 193.5], abs=10)


def test_many_at_once_get_each_their_own_answer(server, network) -> None:
    x = images(200)
    expected = network(minidl.from_numpy(x)).detach().numpy()

    def ask(k: int) -> list[float]:
        answer = server.post("/v2/models/digits/infer", asked(x[k : k + 1 + k % 3]))
        assert answer.status_code == 200, answer.text
        return answer.json()["outputs"][0]["data"]

    with ThreadPoolExecutor(16) as pool:
        for k, found in enumerate(pool.map(ask, range(150))):
            np.testing.assert_allclose(found, expected[k : k + 1 + k % 3].ravel(), rtol=1e-4, atol=1e-4)


# -- what is refused -------------------------------------------------------------------------------------------------

ZERO = np.zeros((1, 1, 8, 8), np.float32)
BAD = {
    "no JSON": (b"{", "the body is not JSON"),
    "no text": (b"\xff\xfe\x00", "the body is not JSON"),
    "empty": (b"", "the body is not JSON"),
    "deep": (b"[" * 100_000, "nested too deeply"),
    "a list": (b"[]", "the body: expected an object"),
    "no inputs": ({}, "inputs: expected a list, found nothing"),
    "none": ({"inputs": []}, "inputs: 'input' is missing"),
    "unknown field": ({**asked(ZERO), "input": 1}, "no field 'input'"),
    "unknown input": (asked(ZERO, name="x"), "inputs[0].name"),
    "twice": ({"inputs": asked(ZERO)["inputs"] * 2}, "given twice"),
    "wrong shape": (asked(ZERO, shape=[1, 64]), "inputs[0].shape"),
    "no shape": (asked(ZERO, shape=None), "inputs[0].shape"),
    "negative": (asked(ZERO, shape=[-1, 1, 8, 8]), "inputs[0].shape"),
    "empty shape": (asked(ZERO, shape=[0, 1, 8, 8], data=[]), "inputs[0].shape"),
    "absurd": (asked(ZERO, shape=[2**62, 1, 8, 8]), "inputs[0].data"),
    "wrong type": (asked(ZERO, datatype="INT64"), "inputs[0].datatype"),
    "too few": (asked(ZERO, data=[1.0]), "inputs[0].data: found 1 values, expected 64"),
    "ragged": (asked(ZERO, data=[[1.0], [1.0, 2.0]]), "inputs[0].data"),
    "words": (asked(ZERO, data=["a"] * 64), "inputs[0].data: expected numbers"),
    "too large": (asked(ZERO, data=[1e300] * 64), "out of the range of FP32"),
    "no bytes": (asked(ZERO, data=None, parameters={"binary_data_size": 256}), "inputs[0]"),
    "shared": (asked(ZERO, parameters={"shared_memory_region": "r"}), "inputs[0].parameters.shared_memory_region"),
    "unknown output": ({**asked(ZERO), "outputs": [{"name": "y"}]}, "outputs[0].name"),
    "id": ({**asked(ZERO), "id": 5}, "id: expected a text"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_is_told_its_field(server, case: str) -> None:
    body, message = BAD[case]
    answer = server.post("/v2/models/digits/infer", body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert "Traceback" not in answer.text and ".py" not in answer.text


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, "1000", "1e2", ""])
def test_a_bad_length_of_the_json(server, length: str) -> None:
    answer = server.post("/v2/models/digits/infer", {}, {"Inference-Header-Content-Length": length})
    assert answer.status_code == 400
    assert "Inference-Header-Content-Length" in answer.json()["error"]


def test_a_token_out_of_range_is_the_client_s_error(server) -> None:
    shape = server.get("/v2/models/texts").json()["inputs"][0]["shape"]
    body = {"inputs": [{"name": "input", "shape": [1, shape[1]], "datatype": "INT64", "data": [999_999] * shape[1]}]}
    answer = server.post("/v2/models/texts/infer", body)
    assert answer.status_code == 400
    assert "inputs" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/v2/models/x", 404), ("GET", "/v2/models/digits/versions/2", 404),
     ("GET", "/v2/models/digits/infer", 405), ("DELETE", "/v2/models/digits", 405),
     ("POST", "/v2/repository/index", 404)],
)  # fmt: skip
def test_other_paths(server, method: str, path: str, status: int) -> None:
    with server.connect() as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}".encode())
    assert json.loads(body)["error"]


def test_a_compressed_body(server) -> None:
    answer = server.post("/v2/models/digits/infer", b"x", {"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_body_too_long(server) -> None:
    answer = server.post("/v2/models/digits/infer", b" " * 1_000_001)
    assert answer.status_code == 413
    assert "1000000 bytes" in answer.json()["error"]


def test_a_body_too_long_that_does_not_say_so(server) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /v2/models/digits/infer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 413")


def test_a_slow_body(server) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /v2/models/digits/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        assert everything(connection).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("start", [b"", b"GET /v2 HT", b"GET /v2 HTTP/1.1\r\nHost: a\r\n"])
def test_a_slow_head_is_cut(server, start: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(start)
        assert everything(connection).startswith(b"HTTP/1.1 408")


def test_a_slow_second_head_is_cut(server) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(65536)
        connection.sendall(b"GET /v2 HT")
        assert b"HTTP/1.1 408" in everything(connection)


@pytest.mark.parametrize("start", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTP/1.1\r\n\r\n", b"a: " * 30000])
def test_what_is_not_http(server, start: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(start)
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]
    assert server.get("/v2/health/ready").status_code == 200


# -- options ---------------------------------------------------------------------------------------------------------


def test_a_token(folder: Path) -> None:
    with Server(str(folder / "demo" / "weights.safetensors"), MINIDL_TOKEN="secret") as server:
        path = "/v2/models/weights"
        assert server.get("/v2/health/ready").status_code == 200
        for wrong in ({}, {"Authorization": "Bearer other"}, {"Authorization": "secret"}):
            answer = server.get(path, **wrong)
            assert answer.status_code == 401
            assert "Authorization" in answer.json()["error"]
            assert server.post(path + "/infer", asked(ZERO), wrong).status_code == 401
        assert server.get(path, Authorization="Bearer secret").status_code == 200


def test_a_full_queue_and_sigterm(folder: Path) -> None:
    """One of two requests waits for others, so that the other finds the queue full; after SIGTERM it is answered."""
    model = str(folder / "demo" / "weights.safetensors")
    with Server(model, "--max-queue", "1", "--max-delay", "5000") as server, ThreadPoolExecutor(2) as pool:
        both = [pool.submit(server.post, "/v2/models/weights/infer", asked(ZERO)) for _ in range(2)]
        done, waiting = wait(both, return_when=FIRST_COMPLETED)
        (refused,), (answered,) = done, waiting
        assert refused.result().status_code == 503
        assert "wait already" in refused.result().json()["error"]
        assert server.end() == (0, "")
        assert answered.result().status_code == 200


def test_slips(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["nowhere"], "there is no such file"),
        ([str(folder / "demo" / "weights.safetensors")] * 2, "there is a model 'weights' already"),
        ([str(folder / "prices.csv")], "safetensors"),
    ):
        capsys.readouterr()
        assert main(["serve", *arguments]) == 2
        assert message in capsys.readouterr().err


# -- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_the_page(server, network, folder: Path) -> None:
    x = Digits(train=False).data.numpy()[3]
    picture = folder / "three.png"
    Image.fromarray((x * 255.0 / 16).round().astype(np.uint8)).save(picture)
    expected = int(network(minidl.from_numpy(images(4)[3:])).argmax())
    with Browser() as browser:
        browser.resize(900, 620)
        browser.open(server.url + "/")
        browser.wait_for("document.getElementById('canvas') !== null")
        assert browser.run("$('keyhole').offsetHeight") == 0  # no token is asked for
        document = browser.send("DOM.getDocument")["root"]["nodeId"]
        field = browser.send("DOM.querySelector", nodeId=document, selector="#file")["nodeId"]
        browser.send("DOM.setFileInputFiles", nodeId=field, files=[str(picture)])
        best = browser.wait_for("document.getElementById('best').textContent")
        assert best.startswith(f"{expected}, ")
        browser.picture(folder / "page.png")
        for kind, x, y in (("mousePressed", 60, 230), ("mouseMoved", 150, 300), ("mouseReleased", 150, 300)):
            browser.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
        browser.run("$('models').value = 'texts', $('models').onchange()")
        browser.run("$('text').value = 'a fine film', $('text').oninput()")
        assert browser.wait_for("$('best').textContent").startswith("good, ")
        browser.run("$('models').value = 'prices', $('models').onchange()")
        browser.run("document.querySelector('#input input').value = '30'")
        browser.run("document.querySelector('#input button').onclick()")
        assert browser.wait_for("$('scores').innerText").startswith("output")
        assert browser.errors == []
        assert {address.split("/")[2] for address in browser.requests if address.startswith("http")} == {
            f"{server.host}:{server.port}"
        }
