"""Files of weights: what goes in comes out, and nothing is ever half written."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minidl
from minidl import serialization
from minidl.errors import ArgumentError, ArgumentTypeError, DTypeError, StateError

DTYPES = sorted(serialization.DTYPES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


def folder_of(path):
    return sorted(os.listdir(path.parent))


def equal(loaded, expected):
    return (
        isinstance(loaded, minidl.Tensor)
        and loaded.dtype == expected.dtype
        and tuple(loaded.shape) == expected.shape
        and np.array_equal(loaded.array, expected, equal_nan=expected.dtype.kind == "f")
    )


# --- round trips ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 3, 4)])
def test_round_trip_of_dtypes_and_shapes(path, dtype, shape):
    array = np.random.default_rng(3).integers(0, 2, shape).astype(dtype)
    minidl.save({"x": array}, path)
    assert equal(minidl.load(path)["x"], array)
    minidl.save({"x": minidl.from_numpy(array)}, path)
    assert equal(minidl.load(path)["x"], array)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_special_values_keep_their_bits(path, dtype):
    array = np.array([np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal], dtype)
    minidl.save({"x": array}, path)
    assert minidl.load(path)["x"].array.tobytes() == array.tobytes()


LAYOUTS = {
    "transposed": lambda a: a.T,
    "sliced": lambda a: a[:, ::2],
    "reversed": lambda a: a[::-1, ::-1],
    "Fortran": np.asfortranarray,
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_is_saved_right(path, layout, dtype):
    array = LAYOUTS[layout](np.arange(20, dtype=dtype).reshape(4, 5))
    minidl.save({"x": array}, path)
    assert equal(minidl.load(path)["x"], np.ascontiguousarray(array).astype(dtype))


def test_tensors_that_share_memory_are_saved_as_two(path):
    base = minidl.arange(6.0)
    minidl.save({"all": base, "again": base, "half": base[:3]}, path)
    loaded = minidl.load(path)
    assert loaded["half"].tolist() == [0, 1, 2] and loaded["again"].tolist() == base.tolist()
    loaded["half"].array[:] = 9
    assert loaded["all"].tolist() == base.tolist()


def test_gradients_are_not_saved_and_loaded_tensors_can_be_written(path):
    weight = minidl.tensor([1.0, 2.0], requires_grad=True)
    minidl.save({"weight": weight, "twice": weight * 2}, path)
    loaded = minidl.load(path)
    assert not loaded["weight"].requires_grad and loaded["twice"].tolist() == [2, 4]
    loaded["weight"].array += 1
    assert minidl.load(path)["weight"].tolist() == [1, 2]


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=20).filter(lambda name: name != "__metadata__"),
        hnp.arrays(st.sampled_from([np.dtype(name) for name in DTYPES]), hnp.array_shapes(min_dims=0, min_side=0)),
        max_size=5,
    )
)
def test_any_names_and_arrays(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("any") / "w"
    minidl.save(state, path)
    loaded = minidl.load(path)
    assert set(loaded) == set(state)
    assert all(equal(loaded[name], array) for name, array in state.items())


def test_a_model_is_saved_and_restored(path):
    model = minidl.nn.Sequential(minidl.nn.Linear(4, 3), minidl.nn.Tanh(), minidl.nn.Linear(3, 2))
    other = minidl.nn.Sequential(minidl.nn.Linear(4, 3), minidl.nn.Tanh(), minidl.nn.Linear(3, 2))
    minidl.save(model.state_dict(), path)
    other.load_state_dict(minidl.load(path))
    x = minidl.randn(5, 4)
    assert np.array_equal(model(x).array, other(x).array)


def test_the_file_is_the_format_that_others_read(path):
    torch = pytest.importorskip("torch")
    safetensors_torch = pytest.importorskip("safetensors.torch")
    minidl.save({"w": np.arange(6, dtype=np.float32).reshape(2, 3).T, "n": minidl.tensor(7)}, path)
    theirs = safetensors_torch.load_file(path)
    assert torch.equal(theirs["w"], torch.arange(6.0).reshape(2, 3).T) and theirs["n"].item() == 7
    safetensors_torch.save_file({"half": torch.tensor([0.5, 1.5], dtype=torch.float16)}, path)
    assert equal(minidl.load(path)["half"], np.array([0.5, 1.5], np.float16))


def test_str_and_links_as_paths(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    minidl.save({"x": np.zeros(1)}, str(real))
    link.symlink_to(real)
    minidl.save({"x": np.ones(1)}, link)
    assert link.is_symlink() and minidl.load(real)["x"].tolist() == [1] == minidl.load(str(link))["x"].tolist()


# --- what can't be saved --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        ({"w": np.zeros(2), "lr": 0.1}, ArgumentTypeError, r"state_dict\['lr'\] is a float.*minidl.tensor"),
        ({"state": {"momentum": np.zeros(2)}}, ArgumentTypeError, r"state_dict\['state'\] is a dict"),
        ({"none": None}, ArgumentTypeError, r"state_dict\['none'\] is a NoneType"),
        ({"z": np.zeros(2, complex)}, DTypeError, r"state_dict\['z'\] has dtype complex128"),
        ({"o": np.array([object()])}, DTypeError, r"state_dict\['o'\] has dtype object"),
        ({"s": np.array(["a"])}, DTypeError, r"state_dict\['s'\] has dtype <U1"),
        ({3: np.zeros(2)}, ArgumentError, "the key 3 can't be"),
        ({"__metadata__": np.zeros(2)}, ArgumentError, "__metadata__"),
        ([np.zeros(2)], ArgumentTypeError, "state_dict is a list"),
    ],
)
def test_what_is_no_tensor_is_named_and_the_old_file_stays(path, state, error, words):
    minidl.save({"x": np.ones(3)}, path)
    with pytest.raises(error, match=words):
        minidl.save(state, path)
    assert minidl.load(path)["x"].tolist() == [1, 1, 1]
    assert folder_of(path) == ["weights.safetensors"]


def test_a_model_instead_of_its_state_dict(path):
    with pytest.raises(ArgumentTypeError, match=r"is a Linear.*state_dict\(\)"):
        minidl.save(minidl.nn.Linear(2, 2), path)


def test_folders_and_missing_folders(tmp_path):
    with pytest.raises(ArgumentError, match="folder or a device"):
        minidl.save({}, tmp_path)
    with pytest.raises(FileNotFoundError):
        minidl.save({}, tmp_path / "missing" / "file")
    with pytest.raises(ArgumentError, match="folder or a device"):
        minidl.save({}, os.devnull)
    assert os.listdir(tmp_path) == []


# --- nothing is lost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", [True, False])
def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(path, monkeypatch, step, error, old):
    if old:
        minidl.save({"x": np.ones(3)}, path)

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(type(error)):
            minidl.save({"x": np.zeros(3)}, path)
    assert folder_of(path) == (["weights.safetensors"] if old else [])
    if old:
        assert minidl.load(path)["x"].tolist() == [1, 1, 1]


def run(program, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_kill_in_the_middle_of_saving(path, sent):
    program = """
        import sys, numpy as np, minidl
        for step in range(10_000):
            minidl.save({"x": np.full(300_000, step, np.float32), "y": np.full(300_000, step, np.float32)}, sys.argv[1])
            print(step, flush=True)
    """
    process = run(program, path)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode != 0
    loaded = minidl.load(path)
    assert len(set(np.concatenate([loaded["x"].array, loaded["y"].array]).tolist())) == 1
    if sent == signal.SIGINT:  # after a kill, the unfinished file may lie there under its own name
        assert folder_of(path) == ["weights.safetensors"]


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_full_disk_is_an_os_error_and_leaves_the_old_file(path):
    minidl.save({"x": np.ones(3)}, path)
    program = """
        import resource, signal, sys, numpy as np, minidl
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            minidl.save({"x": np.zeros(1_000_000)}, sys.argv[1])
        except OSError as error:
            print(error)
    """
    process = run(program, path)
    out, errors = process.communicate(timeout=60)
    assert "File too large" in out, errors
    assert folder_of(path) == ["weights.safetensors"]
    assert minidl.load(path)["x"].tolist() == [1, 1, 1]


@pytest.mark.skipif(os.name != "posix", reason="POSIX access rights")
def test_access_rights(path):
    old = os.umask(0o027)
    try:
        minidl.save({}, path)
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        minidl.save({}, path)
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(old)


def test_the_folder_is_synced_after_the_rename(path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, original=original, name=name: (done.append(name), original(*a))[1])
    minidl.save({"x": np.zeros(1)}, path)
    assert done == ["fsync", "replace", "fsync"]


# --- what can't be loaded -------------------------------------------------------------------------------------------


def zipped():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", "x")
    return data.getvalue()


def numpy_file():
    data = io.BytesIO()
    np.save(data, np.zeros(3))
    return data.getvalue()


class RunsCode:
    """Unpickling this would raise SystemExit."""

    def __reduce__(self):
        return (sys.exit, ("the pickle ran",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps(RunsCode()), "a Python pickle, which is never opened"),
        (pickle.dumps({"w": 1}, protocol=2), "a Python pickle"),
        (zipped(), "a zip archive"),
        (numpy_file(), "a NumPy .npy file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        (b"\x1f\x8b\x08\x00" + bytes(100), "a gzip file"),
        (b"", "an empty file"),
        (b"epoch,loss\n1,0.5\n", "text that begins with 'epoch,loss"),
        (b'{"weight": [1, 2]}', "text that begins with"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "bytes that begin with"),
        (struct.pack("<Q", 2**62) + b"{}", "a damaged or truncated one"),
        (struct.pack("<Q", 50) + b'{"a":', "a damaged or truncated one"),
        (struct.pack("<Q", 5) + b'{"a":', "a damaged or truncated one"),
    ],
)
def test_foreign_files_are_named(path, content, words):
    path.write_bytes(content)
    with pytest.raises(StateError, match=words) as caught:
        minidl.load(path)
    assert "expected a safetensors file" in str(caught.value) and str(path) in str(caught.value)


def test_every_truncation_is_noticed(path):
    minidl.save({"a": np.arange(3.0), "b": np.arange(4, dtype=np.int8)}, path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(StateError):
            minidl.load(path)
    path.write_bytes(content + b"x")
    with pytest.raises(StateError):
        minidl.load(path)


def write_header(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [([2], [0, 4]), ([1], [0, 8]), ([2**40], [0, 2**42]), ([2**40, 2**40], [0, 8]), ([2], [8, 0]), ([-2], [0, 8])],
)
def test_headers_that_lie_are_noticed_before_memory_is_taken(path, shape, offsets):
    write_header(path, {"a": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}, bytes(8))
    with pytest.raises(StateError):
        minidl.load(path)


@pytest.mark.parametrize(("kind", "size"), [("BF16", 2), ("F8_E4M3", 1), ("C64", 8), ("X7", 1)])
def test_element_types_that_have_no_tensor_are_refused(path, kind, size):
    write_header(path, {"layer.w": {"dtype": kind, "shape": [3], "data_offsets": [0, 3 * size]}}, bytes(3 * size))
    # Which of the rarer types safetensors can name depends on its version.
    words = "'layer.w' has the element type BF16, expected .*float32" if kind == "BF16" else "safetensors|element type"
    with pytest.raises(StateError, match=words):
        minidl.load(path)


def test_missing_files_and_folders_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError):
        minidl.load(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        minidl.load(tmp_path)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_an_error_and_nothing_worse(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_bytes(content)
    try:
        minidl.load(path)
    except StateError:
        return
    assert content[8:9] == b"{"


def test_importing_minidl_does_not_load_safetensors():
    process = run("import sys, minidl; print('safetensors' in sys.modules)")
    out, errors = process.communicate(timeout=60)
    assert out.strip() == "False", errors
