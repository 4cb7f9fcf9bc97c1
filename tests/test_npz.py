"""NPZ files: what NumPy writes comes back, what is hostile is refused by name and in little memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minidl.data import read_npz
from minidl.errors import StateError

ARRAYS = {
    "x": np.arange(12.0).reshape(3, 4), "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "big": np.arange(3, dtype=">i4"), "flags": np.array([True, False]), "word": np.array(["cat", "Hündin"]),
    "bytes": np.array([b"a", b"bc"]), "empty": np.zeros((0, 3), np.float32), "scalar": np.array(2.5), "": np.ones(1),
}  # fmt: skip


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_comes_back(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    found = read_npz(tmp_path / "a.npz")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("=") and found[name].dtype.isnative
    assert list(read_npz(tmp_path / "a.npz", ["flags", "x"])) == ["flags", "x"]
    with pytest.raises(StateError, match=r"a.npz: there is no array 'y'; the file holds x \(3, 4\), fortran \(2, 3\)"):
        read_npz(tmp_path / "a.npz", ["y"])


def npy(shape=(2,), descr="'<f8'", data=b"\0" * 16):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def archive(path: Path, members, compression=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def pickled():
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


HOSTILE = {
    "pickle": ([("a.npy", pickled())], "a.npy holds object, which are pickled and never read"),
    "records": ([("a.npy", npy(descr="[('a', '<f8')]"))], "expected numbers, bools or texts"),
    "too long": ([("a.npy", npy(shape=(10**12,)))], "promises float64 \\(1000000000000,\\)"),
    "too short": ([("a.npy", npy(shape=(1,)))], "promises float64"),
    "negative": ([("a.npy", npy(shape=(-2, -1)))], "promises float64"),
    "huge and empty": ([("a.npy", npy(shape=(0, 2**62, 2**62), data=b""))], "impossible shape|promises"),
    "no header": ([("a.npy", b"hello")], "the header of a.npy is damaged"),
    "bad header": ([("a.npy", npy(descr="__import__('os')"))], "the header of a.npy is damaged"),
    "deep header": ([("a.npy", npy(shape="(" * 3000))], "the header of a.npy is damaged"),
    "other files": ([("model.json", b"{}")], "holds 'model.json', expected arrays alone"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_array_is_refused_by_name(tmp_path, case):
    members, words = HOSTILE[case]
    with pytest.raises(StateError, match=words) as raised:
        read_npz(archive(tmp_path / "a.npz", members))
    assert "a.npz" in str(raised.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_and_strange_packing(tmp_path):
    with pytest.raises(StateError, match="'a' is there twice"):
        read_npz(archive(tmp_path / "a.npz", [("a.npy", npy()), ("a.npy", npy())]))
    with pytest.raises(StateError, match="packed in a way"):
        read_npz(archive(tmp_path / "a.npz", [("a.npy", npy())], zipfile.ZIP_BZIP2))


def test_a_zip_bomb_takes_little_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as file:
        zeros = npy(shape=(2**22,), data=bytes(2**25))
        for k in range(8):
            file.writestr(f"a{k}.npy", zeros)
    del zeros
    tracemalloc.start()
    with pytest.raises(StateError, match="there is room for"):
        read_npz(tmp_path / "bomb.npz")
    assert tracemalloc.get_traced_memory()[1] < 128 * 2**20
    tracemalloc.stop()
    assert len(read_npz(tmp_path / "bomb.npz", max_bytes=2**29)) == 8
    many = archive(tmp_path / "many.npz", ((f"{k}.npy", b"") for k in range(30_000)), zipfile.ZIP_STORED)
    with pytest.raises(StateError, match="many.npz: not an NPZ file, or a damaged one"):
        read_npz(many)


def test_foreign_damaged_and_truncated_files(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(2))
    with pytest.raises(StateError, match=r"a.npy: not an NPZ file.*NumPy .npy file"):
        read_npz(tmp_path / "a.npy")
    path = tmp_path / "a.npz"
    for content in (b"", b"hello", b"\x80\x04K\x01."):
        path.write_bytes(content)
        with pytest.raises(StateError, match=r"a.npz: not an NPZ file"):
            read_npz(path)
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "none.npz")
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=50), y=np.arange(5))
    whole = path.read_bytes()
    for length in range(1, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(StateError, match=r"a\.npz"):
            read_npz(path)
    rng = np.random.default_rng(0)
    for _ in range(400):  # a changed byte is an error, or changes nothing that is read
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            read_npz(path)
        except StateError as error:
            assert "a.npz" in str(error)
