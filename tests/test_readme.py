"""README.md says what is there: its two commands, its map, its links. Its examples run as doctests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(not (SOURCE / "setup.py").exists(), reason="runs in the source tree")


@pytest.fixture(scope="module")
def readme() -> str:
    return (SOURCE / "README.md").read_text(encoding="utf-8")


def block(text: str, opening: str) -> list[str]:
    """Return the lines of the first fenced block that begins with this line."""
    lines = iter(text.splitlines())
    for line in lines:
        if line == opening:
            break
    return list(iter(lambda: next(lines), "```"))


def test_one_sh_block_of_two_commands(readme: str) -> None:
    assert readme.count("```sh\n") == 1
    install, test = block(readme, "```sh")
    assert install.startswith("pip install .")
    assert install.endswith("minidl demo")
    assert test.startswith('pip install -e ".[test]"')
    assert "pytest" in test


def test_it_begins_with_three_sentences(readme: str) -> None:
    paragraph = readme.split("\n\n")[1].replace("\n", " ")
    assert len(re.findall(r"\.(?: |$)", paragraph)) == 3


def mapped(readme: str) -> list[str]:
    """Return the paths of the map."""
    paths, folder = [], ""
    for line in block(readme[readme.index("## The map") :], "```"):
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name == "minidl/" else ""
            paths.append(name)
        else:
            paths.append(folder + name)
    return paths


def test_what_the_map_names_exists(readme: str) -> None:
    for path in mapped(readme):
        assert (SOURCE / path).exists(), path
        assert (SOURCE / path).is_dir() == path.endswith("/"), path


def test_what_exists_is_on_the_map(readme: str) -> None:
    paths = set(mapped(readme))
    files = {f"minidl/{path.name}" for path in (SOURCE / "minidl").glob("*.py") if not path.name.startswith("_")}
    folders = {f"minidl/{path.name}/" for path in (SOURCE / "minidl").iterdir() if any(path.glob("*.py"))}
    assert (files | folders) - paths == set()
    outer = {f"{name}/" for name in ("kernels", "tests", "benchmarks", "docs", ".ci")}
    assert outer - paths == set()


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (SOURCE / "docs").glob("*.md")),
                                  "benchmarks/README.md", "kernels/README.md"])  # fmt: skip
def test_links_and_paths_lead_somewhere(page: str) -> None:
    text = (SOURCE / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" not in target:
            assert (SOURCE / page).parent.joinpath(target.partition("#")[0]).exists(), target
    for path in re.findall(r"`((?:minidl|kernels|tests|benchmarks|docs)/[\w/.]+\.(?:py|pyx|md))`", text):
        assert (SOURCE / path).exists() or path.endswith(("/x.py", "/x.pyx")), path


def test_formulas_stand_where_the_table_says(readme: str) -> None:
    words = {
        "layer of neurons": "linear", "convolution": "conv2d", "recurrence": "rnn", "max pooling": "max_pool2d",
        "relu, sigmoid, tanh": "sigmoid", "softmax": "softmax", "cross entropy": "cross_entropy",
        "mean squared error": "mse_loss", "dropout": "dropout", "chain rule": "backward", "gradient descent": "SGD",
        "Adam": "Adam", "precision, recall, F1": "recall",
    }  # fmt: skip
    table = readme[readme.index("## The formulas") :].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| .+ \| (.+) \|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(words)
    for name, places in rows:
        for place in re.findall(r"`([^`]+)`", places):
            assert words[name] in (SOURCE / place).read_text(encoding="utf-8"), (name, place)


def test_extras_that_the_package_names_exist() -> None:
    extras = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for path in (SOURCE / "minidl").rglob("*.py"):
        for extra in re.findall(r"minidl\[(\w+)\]", path.read_text(encoding="utf-8")):
            assert extra in extras, path
