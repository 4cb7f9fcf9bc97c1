"""Files of weights and checkpoints: what goes in comes out, nothing is ever half written, and no file does harm."""

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
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minidl
from minidl import safetensors
from minidl.errors import ArgumentError, ArgumentTypeError, DTypeError, StateError

DTYPES = sorted(safetensors.DTYPES)


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


# --- checkpoints ----------------------------------------------------------------------------------------------------


def same(a, b):
    """Whether two nested things are the same in type and to the bit; arrays come back as Tensors."""
    if isinstance(b, np.ndarray):
        return equal(a, b)
    if isinstance(b, minidl.Tensor):
        return equal(a, b.array)
    if type(a) is not type(b):
        return False
    if isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in b)
    if isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)


CHECKPOINTS = {
    "numbers": {"a": 1, "b": 0.1, "c": True, "d": None, "e": 10**40, "f": "text \u4e2d\u6587 \ud800", "g": -0.0},
    "limits": [float("nan"), float("inf"), -float("inf"), 5e-324, 1.7976931348623157e308],
    "scalars": [np.float32(0.1), np.float64(0.1), np.int8(3), np.bool_(True)],
    "keys": {0: {"x": np.ones(2)}, (1, "a"): 2, None: 3, 1.5: 4, True: 5, "0": 6},
    "dollars": {"$tensor": "x", "a": {"$items": 3}, "b": {"$tuple": [1]}, "c": {"$": np.ones(1)}},
    "tuples": ((), (1, (2.5, "x")), [(), []], {}),
    "names": {
        "a": {"b.c": np.ones(1)},
        "a.b": {"c": np.zeros(2)},
        "a.b.c": np.full(3, 2.0),
        "__metadata__": np.ones(4),
    },
    "tensor": np.arange(3.0),
    "list": [np.arange(3), minidl.tensor(7)],
    "one": {"model": {"weight": np.ones((2, 3), np.float16)}, "epoch": 3},
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_come_back_as_they_were(path, name):
    minidl.save(CHECKPOINTS[name], path)
    assert same(minidl.load(path), CHECKPOINTS[name])


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
NESTED = st.recursive(
    LEAVES | hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=2)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        | st.dictionaries(st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(NESTED)
def test_anything_nested_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "nested"
    minidl.save(value, path)
    assert same(minidl.load(path), value)


def test_the_states_of_python_and_numpy_generators(path):
    import random

    bits = np.random.PCG64(3)
    minidl.save({"python": random.getstate(), "numpy": bits.state}, path)
    loaded = minidl.load(path)
    random.setstate(loaded["python"])
    other = np.random.PCG64()
    other.state = loaded["numpy"]
    assert other.random_raw() == bits.random_raw()


def test_tensors_of_a_checkpoint_have_readable_names(path):
    minidl.save({"model": {"0.weight": np.ones(2)}, "optimizer": {"state": {0: {"step": np.ones(())}}}}, path)
    assert set(safetensors.load_file(path)) == {"model.0.weight", "optimizer.state.0.step"}


# --- the format alone -----------------------------------------------------------------------------------------------


def test_files_with_metadata(path):
    safetensors.save_file({"w": minidl.ones(2)}, path, metadata={"author": "me", "\u4f5c\u8005": "\u6211"})
    assert safetensors.load_metadata(path) == {"author": "me", "\u4f5c\u8005": "\u6211"}
    assert safetensors.load_file(path)["w"].tolist() == [1, 1]
    with pytest.raises(ArgumentTypeError, match="metadata: 'epoch' is 3, expected a text"):
        safetensors.save_file({}, path, {"epoch": 3})
    with pytest.raises(ArgumentTypeError, match=r"tensors is a Linear.*state_dict\(\)"):
        safetensors.save_file(minidl.nn.Linear(1, 1), path)
    with pytest.raises(ArgumentTypeError, match=r"tensors\['w'\] is a list"):
        safetensors.save_file({"w": [1.0]}, path)
    with pytest.raises(ArgumentError, match="the key 3 can't be"):
        safetensors.save_file({3: np.ones(1)}, path)
    assert safetensors.load_file(path)["w"].tolist() == [1, 1]


def test_files_of_the_official_package(path):
    official = pytest.importorskip("safetensors.numpy")
    arrays = {dtype: np.arange(6).reshape(2, 3).astype(dtype) for dtype in DTYPES}
    official.save_file(arrays, path, {"a": "b"})
    ours = safetensors.load_file(path)
    for dtype, array in arrays.items():
        assert equal(ours[dtype], array.astype(np.float32) if dtype == "float16" else array)
    safetensors.save_file(arrays, path)
    theirs = official.load_file(path)
    assert all(np.array_equal(theirs[dtype], array) and theirs[dtype].dtype == dtype for dtype, array in arrays.items())


def test_16_bits_are_read_as_float32(path):
    half = np.array([0.1, -0.0, np.inf, np.nan, 6e-8, 65504], np.float16)
    safetensors.save_file({"x": half}, path)
    assert equal(safetensors.load_file(path)["x"], half.astype(np.float32))
    bits = np.arange(0, 2**16, 7, dtype=np.uint16)
    write_header(path, {"layer.w": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]},
                        "x": {"dtype": "BF16", "shape": [bits.size], "data_offsets": [8, 8 + bits.nbytes]}},
                 np.array([0x3F80, 0xC000, 0x7F80, 0x0001], "<u2").tobytes() + bits.tobytes())  # fmt: skip
    for loaded in (safetensors.load_file(path), minidl.load(path)):
        assert loaded["layer.w"].tolist() == [[1.0, -2.0], [np.inf, 2.0**-133]]
        assert loaded["x"].dtype == np.float32
        assert np.array_equal(loaded["x"].numpy().view(np.uint32), bits.astype(np.uint32) << 16)
    torch = pytest.importorskip("torch")
    values = torch.randn(3, 5, dtype=torch.bfloat16)
    pytest.importorskip("safetensors.torch").save_file({"x": values}, path)
    assert np.array_equal(safetensors.load_file(path)["x"].numpy(), values.float().numpy())


# --- what can't be saved --------------------------------------------------------------------------------------------


class Odd:
    pass


SELF: list = []
SELF.append(SELF)


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        ({"w": np.zeros(2), "lr": {1, 2}}, ArgumentTypeError, r"obj\['lr'\] is a set, expected tensors, numbers"),
        ({"state": [1, (2, Odd())]}, ArgumentTypeError, r"obj\['state'\]\[1\]\[1\] is a Odd"),
        ({"model": minidl.nn.Linear(2, 2)}, ArgumentTypeError, r"obj\['model'\] is a Linear.*pass its state_dict\(\)"),
        ({"f": lambda: 0}, ArgumentTypeError, r"obj\['f'\] is a function"),
        ({"b": b"bytes"}, ArgumentTypeError, r"obj\['b'\] is a bytes"),
        ({"z": np.zeros(2, complex)}, DTypeError, r"obj\['z'\] has dtype complex128"),
        ({"o": np.array([object()]), "n": 1}, DTypeError, r"obj\['o'\] has dtype object"),
        ({"s": np.array(["a"])}, DTypeError, r"obj\['s'\] has dtype <U1"),
        ({"__metadata__": np.zeros(2)}, ArgumentError, "__metadata__"),
        ({"\ud800": np.zeros(2)}, ArgumentError, "not valid Unicode"),
        (SELF, ArgumentError, "does it hold itself"),
        (minidl.nn.Linear(2, 2), ArgumentTypeError, r"obj is a Linear.*state_dict\(\)"),
        ({"history": list(range(10**6))}, ArgumentError, "put long lists of numbers into a tensor"),
    ],
)
def test_what_cannot_be_saved_is_named_and_the_old_file_stays(path, state, error, words):
    minidl.save({"x": np.ones(3)}, path)
    with pytest.raises(error, match=words):
        minidl.save(state, path)
    assert minidl.load(path)["x"].tolist() == [1, 1, 1]
    assert folder_of(path) == ["weights.safetensors"]


@pytest.mark.parametrize("f", [io.BytesIO(), 3, None])
def test_only_paths_are_files(f):
    with pytest.raises(ArgumentTypeError, match="f is a .*expected the path of a file"):
        minidl.save({}, f)
    with pytest.raises(ArgumentTypeError, match="f is a .*expected the path of a file"):
        minidl.load(f)


def test_arguments_of_pytorch_for_loading(path):
    minidl.save({}, path)
    assert minidl.load(path, map_location="cpu", weights_only=True) == {}
    with pytest.raises(ArgumentError, match="cuda"):
        minidl.load(path, map_location="cuda")


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


@pytest.mark.parametrize(("kind", "size"), [("F8_E4M3", 1), ("C64", 8), ("X7", 1), (7, 1), (None, 1)])
def test_element_types_that_have_no_tensor_are_refused(path, kind, size):
    write_header(path, {"layer.w": {"dtype": kind, "shape": [3], "data_offsets": [0, 3 * size]}}, bytes(3 * size))
    with pytest.raises(StateError, match=f"'layer.w' has the element type {kind!r}, expected .*F32"):
        minidl.load(path)


def entry(kind="F32", shape=(2,), offsets=(0, 8)):
    return json.dumps({"dtype": kind, "shape": list(shape), "data_offsets": list(offsets)})


def named(**entries):
    return "{" + ", ".join(f'"{name}": {text}' for name, text in entries.items()) + "}"


MOST = safetensors.MOST_HEADER_BYTES
MANY = "{" + ",".join(f'"{k:x}":[]' for k in range(MOST // 12)) + "}"
HOSTILE = {  # header and elements, or the whole file, and words of the error
    "overlap": (named(a=entry(), b=entry(offsets=(4, 12))), bytes(12), "overlap"),
    "the same place": (named(a=entry(), b=entry()), bytes(8), "overlap"),
    "gap": (named(a=entry(), b=entry(offsets=(12, 20))), bytes(20), "a gap before it"),
    "gap at the start": (named(a=entry(offsets=(8, 16))), bytes(16), "a gap before it"),
    "bytes left over": (named(a=entry()), bytes(9), "promises 8 bytes.*has 9"),
    "bytes missing": (named(a=entry()), bytes(7), "promises 8 bytes.*has 7"),
    "twice": (named(a=entry(), b=entry(offsets=(8, 16))).replace("b", "a"), bytes(16), "'a' stands there twice"),
    "a field twice": ('{"a": {"dtype": "F32", "shape": [2], "shape": [2], "data_offsets": [0, 8]}}', bytes(8), "twice"),
    "a text twice": ('{"__metadata__": {"a": "b", "a": "c"}}', b"", "twice"),
    "metadata that is no dict": ('{"__metadata__": [1]}', b"", "must hold texts"),
    "metadata that is no text": ('{"__metadata__": {"a": 1}}', b"", "must hold texts"),
    "no dict": ('{"a": 3}', b"", "must have dtype"),
    "a field missing": ('{"a": {"dtype": "F32", "shape": []}}', b"", "must have dtype"),
    "a field too many": ('{"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0], "x": 1}}', b"", "must have"),
    "not a list": ('{"a": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}}', bytes(8), "has the shape 2"),
    "a float": ('{"a": {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}}', bytes(8), "has the shape"),
    "a bool": ('{"a": {"dtype": "F32", "shape": [true, 2], "data_offsets": [0, 8]}}', bytes(8), "has the shape"),
    "three offsets": (named(a=entry(offsets=(0, 8, 8))), bytes(8), "3 offsets"),
    "many dimensions": (named(a=entry(shape=[1] * 65, offsets=(0, 4))), bytes(4), "65 dimensions"),
    "overflow": (named(a=entry(shape=[2**62, 4], offsets=(0, 0))), b"", "needs another number"),
    "enormous": (named(a=entry(shape=[10**30], offsets=(0, 8))), bytes(8), "has the shape"),
    "digits": ('{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [0, 8]}}' % ("9" * 10**5), bytes(8), "damaged"),
    "nan": ('{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}', bytes(8), "has the shape"),
    "nested": ('{"a":' + "[" * 10**6, b"", "damaged"),
    "not UTF-8": (b'{"\xff\xfe": 1}', b"", "damaged"),
    "not JSON": ('{"a" 3}', b"", "damaged"),
    "an array": ('["a"]', b"", "bytes that begin"),
    "a long header": (" " * MOST, b"", "bytes that begin"),
    "lists": ('{"a":[' + "[]," * (MOST // 3 - 10) + "0]}", b"", "must have dtype"),
    "numbers": ('{"__metadata__":' + MANY + "}", b"", "must hold texts"),
    "entries": (MANY, b"", "must have dtype"),
    "too long": ('{"a":"' + "x" * MOST + '"}', b"", f"expected at most {MOST}"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_are_refused_and_what_is_wrong_is_said(path, name):
    header, data, words = HOSTILE[name]
    header = header if isinstance(header, bytes) else header.encode()
    content = struct.pack("<Q", len(header)) + header + data
    path.write_bytes(content)
    readers = (minidl.load, safetensors.load_file, safetensors.load_metadata)
    for read in readers[:1] if len(content) > 10**6 else readers:
        with pytest.raises(StateError, match=words) as caught:
            read(path)
        assert str(path) in str(caught.value) and len(str(caught.value)) < 1000
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "structure",
    [
        "", "{", "[" * 10**6, '{"$tensor": "b"}', '{"$tensor": ["a"]}', '{"$tuple": 3}', '{"$items": [[1, 2, 3]]}',
        '{"$items": [[[1], 2]]}', '{"$float": "x"}', '{"$scalar": "b"}', "9" * 10**5,
    ],
)  # fmt: skip
def test_structures_that_lie(path, structure):
    safetensors.save_file({"a": np.ones(2)}, path, {"minidl": structure})
    with pytest.raises(StateError, match="structure is damaged"):
        minidl.load(path)


MEASURED = """
    import resource, sys, time, minidl, minidl.safetensors, safetensors.numpy
    minidl.save({}, sys.argv[2]), minidl.load(sys.argv[2])

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    before, start = peak(), time.process_time()
    try:
        minidl.load(sys.argv[1])
    except minidl.errors.StateError:
        pass
    print(peak() - before, time.process_time() - start)
"""


def many_tensors(path):
    count = MOST // 60
    header = ",".join(f'"{k:x}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for k in range(count)).encode()
    path.write_bytes(struct.pack("<Q", len(header) + 2) + b"{" + header + b"}")


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", bytes(10**8))


LARGE = {
    "many tensors": many_tensors,
    "zip bomb": bomb,
    "long structure": lambda path: safetensors.save_file({}, path, {"minidl": "[" + "[]," * (MOST // 3 - 30) + "0]"}),
    "halves": lambda path: safetensors.save_file({"x": np.ones(2 * 10**7, np.float16)}, path),
    **{name: name for name in ("lists", "numbers", "entries", "nested")},
}


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
@pytest.mark.parametrize("name", LARGE)
def test_memory_and_time_are_bounded(path, name, tmp_path):
    if isinstance(LARGE[name], str):
        header, data, _ = HOSTILE[name]
        path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + data)
    else:
        LARGE[name](path)
    process = run(MEASURED, path, tmp_path / "other")
    out, errors = process.communicate(timeout=60)
    assert out, errors
    grown, seconds = map(float, out.split())
    assert grown < 128 * 2**20 + 4 * path.stat().st_size
    assert seconds < 5


@pytest.mark.skipif(os.name != "posix", reason="POSIX has named pipes")
def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(StateError, match="a device or a pipe"):
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


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_changed_byte_gives_an_error_or_a_tensor(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "changed"
    minidl.save({"model": {"w": np.ones((2, 3), np.float32)}, "n": (1, None)}, path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(StateError):
        minidl.load(path)


def test_importing_minidl_does_not_load_safetensors():
    process = run("import sys, minidl; print('safetensors' in sys.modules)")
    out, errors = process.communicate(timeout=60)
    assert out.strip() == "False", errors
