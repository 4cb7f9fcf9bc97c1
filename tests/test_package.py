"""The package around the code: what an import loads, the choice of kernels, what a build holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import _kernels as kernels

PACKAGE = Path(minidl.__file__).parent
SOURCE = Path(__file__).parent.parent

needs_compiled = pytest.mark.skipif(not kernels.compiled, reason="the kernels are not compiled here")
needs_source = pytest.mark.skipif(not (SOURCE / "setup.py").exists(), reason="runs in the source tree")


def python(code: str, package: Path = PACKAGE, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh Python that finds this minidl, with MINIDL_KERNELS unset unless it is given."""
    base = {name: value for name, value in os.environ.items() if name != "MINIDL_KERNELS"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**base, "PYTHONPATH": str(package.parent), **environment},
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )


# -- import ----------------------------------------------------------------------------------------------------------


def test_import_loads_numpy_and_the_standard_library_only() -> None:
    done = python("import sys; old = set(sys.modules); import minidl; print(*{*sys.modules} - old)")
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split() if "cython" not in name}
    assert loaded - set(sys.stdlib_module_names) == {"minidl", "numpy"}


def test_installed_size_is_below_twelve_megabytes() -> None:
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 12e6


def test_type_hints_are_announced() -> None:
    assert (PACKAGE / "py.typed").exists()


# -- the choice of kernels -------------------------------------------------------------------------------------------


def test_use_kernels_as_a_call_and_as_a_context_manager() -> None:
    before = kernels.mode
    with minidl.use_kernels("reference"):
        assert kernels.mode == "reference"
        assert kernels.linear_forward.__module__ == "minidl.reference.linear"
        with minidl.use_kernels("formula"):
            assert kernels.mode == "formula"
            assert kernels.conv2d_dx.__module__ == "minidl.reference.conv2d"
        assert kernels.mode == "reference"
        minidl.use_kernels("formula")
        assert kernels.mode == "formula"
    assert kernels.mode == before


def test_use_kernels_is_undone_after_an_exception() -> None:
    before = kernels.mode
    with pytest.raises(ZeroDivisionError), minidl.use_kernels("reference"):
        raise ZeroDivisionError
    assert kernels.mode == before


@needs_compiled
def test_a_switch_is_felt_at_the_next_call() -> None:
    with minidl.use_kernels("compiled"):
        compiled = kernels.linear_forward
        with minidl.use_kernels("reference"):
            assert kernels.linear_forward is not compiled
        assert kernels.linear_forward is compiled


@needs_compiled
def test_an_operation_gives_the_same_in_every_mode() -> None:
    x, w = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(4, 3)
    values = []
    for mode in kernels.MODES:
        with minidl.use_kernels(mode):
            values.append(minidl.nn.functional.linear(x, w))
    np.testing.assert_array_equal(values[0], x @ w.T)
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[0], values[2])


def test_an_unknown_mode_or_kernel_is_refused_by_name() -> None:
    before = kernels.mode
    with pytest.raises(ValueError, match="'compiled', 'reference' or 'formula', not 'fast'"):
        minidl.use_kernels("fast")
    assert kernels.mode == before
    with pytest.raises(AttributeError, match="no kernel 'frobnicate_forward'"):
        _ = kernels.frobnicate_forward
    with pytest.raises(AttributeError, match="linear_sideways"):
        _ = kernels.linear_sideways


@pytest.mark.parametrize("mode", ["reference", "formula"])
def test_the_environment_chooses_the_kernels(mode: str) -> None:
    done = python("from minidl import _kernels; print(_kernels.mode)", MINIDL_KERNELS=mode)
    assert done.stdout.split() == [mode], done.stderr
    assert done.stderr == ""


def test_an_unknown_name_in_the_environment_is_refused() -> None:
    done = python("import minidl", MINIDL_KERNELS="fast")
    assert done.returncode == 1
    message = "environment variable MINIDL_KERNELS: kernels can be 'compiled', 'reference' or 'formula', not 'fast'"
    assert done.stderr.splitlines()[-1] == f"ValueError: {message}"


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package without its compiled kernels."""
    copy = tmp_path_factory.mktemp("uncompiled") / "minidl"
    return shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))


def test_without_compiled_kernels_the_reference_runs_with_one_warning(uncompiled: Path) -> None:
    done = python("from minidl import _kernels as k; print(k.mode, k.compiled)", uncompiled)
    assert done.stdout.split() == ["reference", "False"], done.stderr
    assert done.stderr.count("Warning") == 1
    assert "minidl runs on its slower NumPy reference: minidl._kernels.attention is not compiled" in done.stderr
    assert "Install a C compiler" in done.stderr


def test_a_broken_kernel_is_named_when_it_is_called(uncompiled: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(uncompiled, tmp_path / "minidl")
    for file in (broken / "reference").glob("[!_]*.py"):
        (broken / "_kernels" / f"{file.stem}.abi3.so").write_bytes(b"not a library")
    done = python("import minidl; minidl._kernels.linear_forward", broken)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: minidl._kernels.linear can't be loaded (")
    assert last.endswith("or set MINIDL_KERNELS=reference.")


def test_no_warning_where_the_reference_is_asked_for(uncompiled: Path) -> None:
    done = python("import minidl; minidl.use_kernels('compiled')", uncompiled, MINIDL_KERNELS="reference")
    assert "Warning" not in done.stderr
    assert "ImportError: there are no compiled kernels" in done.stderr


def test_asking_for_missing_compiled_kernels_says_how_to_get_them(uncompiled: Path) -> None:
    done = python("import minidl", uncompiled, MINIDL_KERNELS="compiled")
    assert done.returncode == 1
    assert "ImportError: there are no compiled kernels: minidl._kernels.attention is not compiled" in done.stderr
    assert "Install a C compiler, then install minidl again" in done.stderr


# -- builds ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree, free of what was built in it."""
    copy = tmp_path_factory.mktemp("source") / "minidl"
    built = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "*.pyd", "__pycache__")
    return shutil.copytree(SOURCE, copy, ignore=built)


def build(tree: Path, *options: str, **environment: str) -> Path:
    """Build with the tools that are installed here; return the file."""
    out = tree / "dist" / "-".join(option.strip("-") for option in options)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *options, str(tree)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    (file,) = out.iterdir()
    return file


@needs_source
def test_the_source_distribution_holds_the_kernels_and_the_tests(tree: Path) -> None:
    with tarfile.open(build(tree, "--sdist")) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    for folder in ("kernels", "minidl", "tests"):
        expected = {path.relative_to(tree).as_posix() for path in (tree / folder).rglob("*") if path.suffix}
        assert {name for name in names if name.startswith(f"{folder}/") and Path(name).suffix} == expected
    assert {"setup.py", "pyproject.toml", "LICENSE", "README.md"} <= names


@needs_source
def test_the_pure_wheel_holds_the_package_alone(tree: Path) -> None:
    wheel = build(tree, "--wheel", MINIDL_PURE="1")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"minidl"}
    assert not {name for name in names if name.endswith((".pyx", ".pxd", ".c", ".so"))}
    ours = {path.relative_to(tree).as_posix() for path in (tree / "minidl").rglob("*") if path.is_file()}
    assert {name for name in ours if not name.endswith(".pxd")} <= names


@needs_source
def test_the_build_goes_on_without_a_compiler(tree: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build", f"--build-base={tmp_path}", f"--build-lib={tmp_path / 'lib'}"],
        env={**os.environ, "CC": "/nonexistent/cc"},
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning: minidl's kernels could not be compiled") == 1
    assert (tmp_path / "lib" / "minidl" / "_kernels" / "__init__.py").exists()
    assert not list(tmp_path.rglob("*.so"))
