"""The data sets of images: what is bundled, what is read from folders, what is downloaded, and the idx format."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import runpy
import socket
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minidl
from minidl import data
from minidl.data import MNIST, DataLoader, Digits, FashionMNIST, download, read_idx, transforms
from minidl.data.images import BUNDLED
from minidl.errors import ArgumentError, StateError

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx(array):
    """The idx file of an array, written from the description of the format."""
    header = bytes([0, 0, CODES[array.dtype.name], array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


# --- the bundled sets -----------------------------------------------------------------------------------------------


# SHA-256 of the unpacked files.
CONTENT = {
    "digits/train-images": "bd7e1c782e91d1da84ffd8fd33a5186ec207bfc91b583c937d0d28f4895c2392",
    "digits/train-labels": "ade4c6b87af2e03052b9f8db449e668708cc3b30ba2f91a913b3ecc0518916e6",
    "digits/t10k-images": "38f864aae02ce1f90805b7867ad7eb33e447b0d67beea996b9c62db041c0a6e5",
    "digits/t10k-labels": "fd15a747b85f3321f9cca55f6edc231d049bc6d15c46a9386f1b5361cd4bf8c9",
    "fashion-mnist/train-images": "d82d6e4efb418577fb9aabdab5edec5b9fc0a98b6a8f936b6fe31016c7b8b315",
    "fashion-mnist/train-labels": "9eb7dfa58f2c451e7c3c6590ec25ab15f994c5c298f8f46688b5167adf9fe030",
    "fashion-mnist/t10k-images": "4d85950a35a699db4c645cefecdc21dd48abaeb204e33cc8ee007480758902d0",
    "fashion-mnist/t10k-labels": "f6c0af35a672f47f76da995b4d030a8f91629cc2dc150362cb86a0e403975f65",
}


def bundled_file(name):
    return BUNDLED / f"{name}-{'idx3' if name.endswith('images') else 'idx1'}-ubyte.gz"


@pytest.mark.parametrize("name", CONTENT)
def test_bundled_files_are_the_ones_that_were_bundled(name):
    assert hashlib.sha256(gzip.decompress(bundled_file(name).read_bytes())).hexdigest() == CONTENT[name]


def test_bundled_files_are_small_and_stand_beside_their_licences():
    assert sum(bundled_file(name).stat().st_size for name in CONTENT) < 2_500_000
    readme = (BUNDLED / "README.md").read_text(encoding="utf-8")
    for words in ("CC BY 4.0", "Alpaydin", "10.24432/C50P49", "Zalando SE", "MIT", "1708.07747", "Permission is"):
        assert words in readme


def test_the_script_makes_the_bundled_files_from_their_originals(tmp_path):
    sklearn = pytest.importorskip("sklearn")
    if not FashionMNIST.debian_folder.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    script = runpy.run_path(str(BUNDLED / "make_bundled.py"))
    script["main"](FashionMNIST.debian_folder, Path(sklearn.__file__).parent / "datasets/data/digits.csv.gz", tmp_path)
    for name, sha256 in CONTENT.items():
        made = tmp_path / bundled_file(name).relative_to(BUNDLED)
        assert hashlib.sha256(gzip.decompress(made.read_bytes())).hexdigest() == sha256
    (tmp_path / "digits.csv.gz").write_bytes(gzip.compress(b"0,0\n"))
    with pytest.raises(SystemExit, match="not the expected original"):
        script["digits"](tmp_path / "digits.csv.gz", tmp_path)


def test_digits_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    train, test = Digits(), Digits(train=False)
    np.testing.assert_array_equal(np.concatenate([train.data.array, test.data.array]), theirs.images)
    np.testing.assert_array_equal(np.concatenate([train.targets.array, test.targets.array]), theirs.target)


@pytest.mark.parametrize(
    ("make", "sizes", "shape", "highest"),
    [(Digits, (1415, 382), (8, 8), 16), (FashionMNIST, (4000, 1000), (28, 28), 255)],
)
def test_what_a_bundled_set_holds(make, sizes, shape, highest):
    for train, size in zip((True, False), sizes, strict=True):
        dataset = make(train=train)
        assert len(dataset) == size
        assert tuple(dataset.data.shape) == (size, *shape) and dataset.data.dtype == np.uint8
        assert dataset.data.array.max() == highest and dataset.data.array.min() == 0
        assert tuple(dataset.targets.shape) == (size,) and dataset.targets.dtype == np.int64
        assert len(dataset.classes) == 10 and list(dataset.class_to_idx.values()) == list(range(10))
        counts = np.bincount(dataset.targets.array, minlength=10)
        assert counts.max() - counts.min() <= (8 if make is Digits else 0)


def test_the_subset_of_fashion_mnist_is_shuffled():
    labels = FashionMNIST().targets.array
    for start in range(0, 4000, 1000):  # 100 of a class expected in each quarter, with a standard deviation below 9
        counts = np.bincount(labels[start : start + 1000], minlength=10)
        assert counts.min() > 65 and counts.max() < 135
    assert 300 < (labels[1:] == labels[:-1]).sum() < 500


def test_no_image_is_in_both_parts():
    for make in (Digits, FashionMNIST):
        train, test = ({image.tobytes() for image in make(train=part).data.array} for part in (True, False))
        assert not train & test


def test_mean_and_std_are_those_of_the_training_pixels():
    digits = Digits().data.array / 16
    assert (round(digits.mean(), 4), round(digits.std(), 4)) == (Digits.mean, Digits.std)
    if FashionMNIST.debian_folder.is_dir():
        pixels = FashionMNIST(FashionMNIST.debian_folder).data.array
        counts = np.bincount(pixels.reshape(-1), minlength=256)
        levels = np.arange(256) / 255
        mean = (counts * levels).sum() / pixels.size
        std = np.sqrt((counts * (levels - mean) ** 2).sum() / pixels.size)
        assert (round(mean, 4), round(std, 4)) == (FashionMNIST.mean, FashionMNIST.std)


def test_the_bundled_subset_is_part_of_the_whole_set():
    if not FashionMNIST.debian_folder.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    for train in (True, False):
        whole, subset = FashionMNIST(FashionMNIST.debian_folder, train=train), FashionMNIST(train=train)
        assert (whole.bundled, subset.bundled) == (False, True)
        assert len(whole) == (60000 if train else 10000)
        label_of = dict(zip((image.tobytes() for image in whole.data.array), whole.targets.tolist(), strict=True))
        assert [label_of[image.tobytes()] for image in subset.data.array] == subset.targets.tolist()


# --- samples ----------------------------------------------------------------------------------------------------------


def test_samples_and_transforms():
    raw = Digits()
    image, label = raw[5]
    assert isinstance(image, minidl.Tensor) and image.dtype == np.uint8 and image.shape == (8, 8)
    assert type(label) is int and label == raw.targets[5].item()
    odd = Digits(transform=transforms.ToTensor(16), target_transform=lambda label: label % 2)
    assert odd[5][0].shape == (1, 8, 8) and odd[5][0].array.max() == 1 and odd[5][1] == 1
    assert raw[-1][1] == raw.targets[1414].item()
    with pytest.raises(IndexError):
        raw[1415]
    assert sum(1 for _ in raw) == 1415


def test_a_loader_over_images_gives_batches_of_floats():
    dataset = FashionMNIST(
        transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize(FashionMNIST.mean, FashionMNIST.std)])
    )
    batches = list(DataLoader(dataset, batch_size=1000))
    assert [images.shape for images, _ in batches] == [(1000, 1, 28, 28)] * 4
    pixels = np.concatenate([images.array for images, _ in batches])
    assert pixels.dtype == np.float32 and abs(pixels.mean()) < 0.02 and abs(pixels.std() - 1) < 0.02
    assert np.concatenate([labels.array for _, labels in batches]).tolist() == dataset.targets.tolist()


def test_repr():
    text = repr(Digits(train=False, transform=transforms.Compose([transforms.ToTensor(16)]), target_transform=abs))
    assert text.splitlines() == [
        "Dataset Digits",
        "    Number of datapoints: 382",
        f"    Location: {BUNDLED / 'digits'}",
        "    Split: Test",
        "    Transform: Compose(",
        "        ToTensor(maximum=16)",
        "    )",
        "    Target transform: <built-in function abs>",
    ]


# --- idx files --------------------------------------------------------------------------------------------------------


ARRAYS = st.sampled_from(list(CODES)).flatmap(
    lambda name: hnp.arrays(np.dtype(name), hnp.array_shapes(min_side=0, max_dims=4), elements={"allow_nan": False}
                            if name.startswith("float") else None)
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(ARRAYS, st.booleans())
def test_read_idx_gives_back_what_was_written(tmp_path_factory, array, packed):
    path = tmp_path_factory.getbasetemp() / "array"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    found = read_idx(path)
    assert found.dtype == array.dtype and found.dtype.isnative and found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    assert found.flags.writeable


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an idx file"),
        (b"\0\0", "not an idx file"),
        (b"PK\x03\x04 a zip file", "not an idx file: it begins with b'PK"),
        (b"\x89PNG\r\n\x1a\n", "not an idx file"),
        (b"\0\0\x0a\x01\0\0\0\1\0", "not an idx file"),
        (b"\0\0\x08\x00", "not an idx file"),
        (b"\0\0\x08\x03\0\0\0\1", "truncated: its header ends after 8 bytes"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], "truncated: 5 bytes of 6|promises"),
        (idx(np.zeros((2, 3), np.uint8)) + b"x", "goes on after the 6 bytes"),
        (b"\0\0\x08\x01\xff\xff\xff\xff" + bytes(100), "promises .* which the file can't hold"),
        (b"\0\0\x0e\x03" + b"\xff" * 12 + bytes(100), "promises .* which the file can't hold"),
        (b"\0\0\x08\xff" + bytes(4 * 255), "impossible shape"),
        (b"\0\0\x08\x03\0\0\0\0" + b"\xff" * 8, "impossible shape"),
    ],
)
def test_foreign_and_damaged_idx_files_are_named(tmp_path, content, words, packed):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(StateError, match=words) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_damaged_gzip_data_is_named(tmp_path):
    path = tmp_path / "file.gz"
    whole = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, (50, 50), dtype=np.uint8)))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (whole[:-1], whole[: len(whole) // 2], whole[:5], bytes(flipped), b"\x1f\x8b"):
        path.write_bytes(content)
        with pytest.raises(StateError, match=r"file\.gz"):
            read_idx(path)


def test_a_false_header_takes_no_memory(tmp_path):
    for name, content in (("plain", b"\0\0\x08\x02\x00\xff\xff\xff\0\0\0\x08"), ("gz", None)):
        path = tmp_path / name
        path.write_bytes(content or gzip.compress(b"\0\0\x08\x02\x00\xff\xff\xff\0\0\0\x08"))
        tracemalloc.start()
        with pytest.raises(StateError):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        tracemalloc.stop()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_an_array_or_a_clear_error(tmp_path_factory, content, packed):
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(gzip.compress(content) if packed else content)
    try:
        read_idx(path)
    except StateError:
        return
    assert content[:2] == b"\0\0"


def test_missing_idx_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "missing")


# --- folders ----------------------------------------------------------------------------------------------------------


def small_set(rng=None, train=12, test=5):
    """The four files of a small data set in MNIST's form, by name without .gz."""
    rng = np.random.default_rng(7) if rng is None else rng
    files = {}
    for part, size in (("train", train), ("t10k", test)):
        files[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (size, 28, 28), dtype=np.uint8))
        files[f"{part}-labels-idx1-ubyte"] = idx(np.arange(size, dtype=np.uint8) % 10)
    return files


def write_files(folder, files, packed):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / (name + ".gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("layout", ["", "{}/raw"])
@pytest.mark.parametrize("make", [MNIST, FashionMNIST])
def test_folders_of_idx_files(tmp_path, make, layout, packed):
    files = small_set()
    write_files(tmp_path / layout.format(make.__name__), files, packed)
    for train, part, size in ((True, "train", 12), (False, "t10k", 5)):
        for root in (tmp_path, str(tmp_path)):
            dataset = make(root, train=train)
            assert dataset.data.array.tobytes() == files[f"{part}-images-idx3-ubyte"][16:]
            assert dataset.targets.tolist() == [n % 10 for n in range(size)]
    if make is FashionMNIST:
        assert not dataset.bundled


def test_a_tilde_in_the_root_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_files(tmp_path / "sets", small_set(), packed=True)
    assert len(MNIST("~/sets")) == 12


def test_a_packed_file_beside_an_unpacked_one_and_one_part_only(tmp_path):
    files = small_set()
    write_files(tmp_path, {name: files[name] for name in files if name.startswith("t10k")}, packed=True)
    write_files(tmp_path, {"t10k-labels-idx1-ubyte": b"something else"}, packed=False)
    assert len(MNIST(tmp_path, train=False)) == 5
    with pytest.raises(StateError, match=r"no train-images-idx3-ubyte.gz and train-labels"):
        MNIST(tmp_path)


def test_missing_files_are_named_with_the_ways_out(tmp_path):
    with pytest.raises(StateError, match=r"MNIST: no train-images.*download=True.*come with minidl"):
        MNIST(tmp_path)
    with pytest.raises(StateError, match=r"FashionMNIST: no t10k-images.*dataset-fashion-mnist.*bundled subset"):
        FashionMNIST(tmp_path / "nowhere", train=False)
    with pytest.raises(ArgumentError, match="needs a root"):
        FashionMNIST(download=True)
    with pytest.raises(TypeError):
        MNIST()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("train-images-idx3-ubyte", np.zeros((12, 784), np.uint8), r"images \(N, H, W\), found uint8 \(12, 784\)"),
        ("train-images-idx3-ubyte", np.zeros((12, 28, 28), np.float32), "expected uint8 images"),
        ("train-labels-idx1-ubyte", np.zeros(11, np.uint8), "label for each of the 12 images"),
        ("train-labels-idx1-ubyte", np.zeros((12, 1), np.uint8), "label for each of the 12 images"),
        ("train-labels-idx1-ubyte", np.zeros(12, np.int32), "expected a uint8 label"),
        ("train-labels-idx1-ubyte", np.full(12, 10, np.uint8), "label 10 is beyond the 10 classes"),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, name, array, words):
    write_files(tmp_path, small_set() | {name: idx(array)}, packed=False)
    with pytest.raises(StateError, match=words):
        MNIST(tmp_path)


# --- downloads --------------------------------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.files`; a file's `server.fault` spoils it."""

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        self.server.requests.append(name)
        content, fault = self.server.files.get(name), self.server.faults.get(name)
        if content is None:
            self.send_error(404)
            return
        if fault == "wrong":
            content = bytes([content[0] ^ 1]) + content[1:]
        if fault == "longer":
            content += b"x" * 100
        self.send_response(200)
        if fault != "no length":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "truncated" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files = {name + ".gz": gzip.compress(content) for name, content in small_set().items()}
        server.faults, server.requests = {}, []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def mnist(server):
    """MNIST with the small set behind the local server."""

    class Local(MNIST):
        mirrors = (f"http://127.0.0.1:{server.server_port}/mnist/",)
        resources = {
            name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in server.files.items()
        }

    return Local


@pytest.fixture(params=["tqdm", "plain"])
def progress(request, monkeypatch):
    """With tqdm and without it."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "tqdm", None)
    else:
        pytest.importorskip("tqdm")
    return request.param


def test_download(tmp_path, mnist, server, progress, capsys):
    dataset = mnist(tmp_path / "new" / "folder", download=True)
    assert len(dataset) == 12 and len(mnist(tmp_path / "new" / "folder", train=False)) == 5
    raw = tmp_path / "new" / "folder" / "Local" / "raw"
    assert {file.name: file.read_bytes() for file in raw.iterdir()} == server.files
    out, shown = capsys.readouterr()
    assert out == "" and "train-images-idx3-ubyte.gz" in shown and "100%" in shown


def test_files_that_are_there_are_not_downloaded_again(tmp_path, mnist, server):
    mnist(tmp_path, download=True)
    assert len(server.requests) == 4
    mnist(tmp_path, download=True)
    assert len(server.requests) == 4
    (tmp_path / "Local/raw/t10k-labels-idx1-ubyte.gz").unlink()
    mnist(tmp_path, download=True)
    assert server.requests[4:] == ["t10k-labels-idx1-ubyte.gz"]


def test_a_response_without_a_length_is_read_to_its_end(tmp_path, mnist, server):
    server.faults = dict.fromkeys(server.files, "no length")
    assert len(mnist(tmp_path, download=True)) == 12


@pytest.mark.parametrize(
    ("fault", "words"),
    [("wrong", "has the SHA-256 .*, expected "), ("truncated", "broke off after"), ("longer", "longer than expected")],
)
def test_a_bad_download_leaves_no_file(tmp_path, mnist, server, progress, fault, words):
    server.faults["train-labels-idx1-ubyte.gz"] = fault
    with pytest.raises(StateError, match=words) as caught:
        mnist(tmp_path, download=True)
    assert os.listdir(tmp_path / "Local/raw") == ["train-images-idx3-ubyte.gz"]
    assert f"{mnist.mirrors[0]}train-labels-idx1-ubyte.gz" in str(caught.value)
    assert "Without a network" in str(caught.value)
    server.faults.clear()
    assert len(mnist(tmp_path, download=True)) == 12


def test_a_file_that_the_server_has_not(tmp_path, mnist, server):
    del server.files["train-images-idx3-ubyte.gz"]
    with pytest.raises(StateError, match="404"):
        mnist(tmp_path, download=True)
    assert os.listdir(tmp_path / "Local/raw") == []


def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_no_connection(tmp_path, mnist):
    mnist.mirrors = (f"http://127.0.0.1:{closed_port()}/",)
    with pytest.raises(StateError, match="refused") as caught:
        mnist(tmp_path, download=True)
    assert mnist.mirrors[0] in str(caught.value) and "come with minidl" in str(caught.value)
    assert os.listdir(tmp_path / "Local/raw") == []


def test_the_next_mirror_is_tried(tmp_path, mnist, server):
    mnist.mirrors = (f"http://127.0.0.1:{closed_port()}/", *mnist.mirrors)
    assert len(mnist(tmp_path, download=True)) == 12


def test_an_interrupted_download_leaves_no_file(tmp_path, mnist, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(download.hashlib, "sha256", lambda: type("Digest", (), {"update": interrupt})())
    with pytest.raises(KeyboardInterrupt):
        mnist(tmp_path, download=True)
    assert os.listdir(tmp_path / "Local/raw") == []


def test_plain_progress_counts_to_a_hundred_once(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with download.progress("file", 1000) as report:
        for count in (1, 98, 1, 250, 0, 650):
            report(count)
    assert capsys.readouterr().err == "file: 10% 20% 30% 40% 50% 60% 70% 80% 90% 100%\n"


def test_the_official_files_are_pinned():
    for make in (MNIST, FashionMNIST):
        assert sorted(make.resources) == sorted(
            f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
        )
        assert all(len(sha256) == 64 and size > 0 for size, sha256 in make.resources.values())
        assert all(mirror.endswith("/") for mirror in make.mirrors)


def test_the_pinned_sums_of_fashion_mnist_are_those_of_debians_bytes():
    """Zalando's .gz files are Debian's, with their name and time of packing in the header."""
    folder = FashionMNIST.debian_folder
    if not folder.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    packed = {"train": 1504176606, "t10k": 1504176627}  # 31 August 2017
    for name, (size, sha256) in FashionMNIST.resources.items():
        time = packed[name.split("-")[0]].to_bytes(4, "little")
        header = b"\x1f\x8b\x08\x08" + time + b"\x00\x03" + name.removesuffix(".gz").encode() + b"\x00"
        original = header + (folder / name).read_bytes()[10:]
        assert (len(original), hashlib.sha256(original).hexdigest()) == (size, sha256)


def test_data_names():
    assert all(hasattr(data, name) for name in data.__all__)
