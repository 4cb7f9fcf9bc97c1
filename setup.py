"""The extensions: every kernels/x.pyx, with the C files of kernels/x/ if there are any, becomes minidl._kernels.x.

All other metadata is in pyproject.toml. Without a working compiler the install goes on, and minidl runs on its NumPy
reference. Environment variables:

    MINIDL_PURE=1      no extensions at all: a py3-none-any wheel
    MINIDL_DEBUG=1     bounds checks inside the kernels
    MINIDL_SANITIZE=1  address and undefined-behaviour sanitizers

kernels/README.md says why each flag is what it is.
"""

import os
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError, CompileError

PURE, DEBUG, SANITIZE = (os.environ.get(f"MINIDL_{name}") == "1" for name in ("PURE", "DEBUG", "SANITIZE"))

# One wheel for Python 3.11 and every later one. Free-threaded builds have no stable ABI.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "initializedcheck": DEBUG,
    "wraparound": False,
    "cdivision": True,
    "freethreading_compatible": True,
}

COMPILE_ARGS = [
    "-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden",
    "-Werror=unknown-pragmas", "-Wno-psabi",
]  # fmt: skip
LINK_ARGS = []
if sys.platform != "win32":
    COMPILE_ARGS += ["-pthread"]
    LINK_ARGS += ["-pthread"]
if SANITIZE:
    COMPILE_ARGS += ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    LINK_ARGS += ["-fsanitize=address,undefined"]


class BuildKernels(build_ext):
    """Translate all kernels and compile them side by side; if that can't be done, say so and go on."""

    def finalize_options(self):
        """Use every core, unless told otherwise."""
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        """Build all, or none and warn."""
        try:
            self.translate()
            super().build_extensions()
        except (ImportError, BaseError, CCompilerError) as error:
            self.extensions.clear()
            print(
                f"warning: minidl's kernels could not be compiled ({error}). minidl is installed all the same and runs "
                "on its slower NumPy reference. For the compiled kernels install a C compiler and install again.",
                file=sys.stderr,
            )

    def translate(self):
        """Let Cython write the C files, and set the flags to compile them with."""
        from Cython.Build import cythonize

        if self.compiler.compiler_type == "msvc":
            raise CompileError("MSVC has no vector types; GCC and Clang have")
        translated = cythonize(
            self.extensions,
            build_dir=self.build_temp,
            include_path=["kernels", "."],
            compiler_directives=DIRECTIVES,
            force=self.force,
            nthreads=self.parallel,
            quiet=True,
        )
        for extension, c_files in zip(self.extensions, translated, strict=True):
            extension.sources = c_files.sources
            extension.extra_compile_args = COMPILE_ARGS
            extension.extra_link_args = LINK_ARGS


setup(
    ext_modules=[]
    if PURE
    else [
        Extension(
            f"minidl._kernels.{source.stem}",
            [str(source), *map(str, sorted(source.with_suffix("").glob("*.c")))],
            include_dirs=["kernels"],
            depends=[*map(str, Path("kernels/core").glob("*.h")), *map(str, source.with_suffix("").glob("*.h"))],
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
            py_limited_api=STABLE_ABI,
        )
        for source in sorted(Path("kernels").glob("*.pyx"))
    ],
    cmdclass={"build_ext": BuildKernels},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI and not PURE else {},
)
