"""The linter is silent on every program that the project shows: README, docs, the demo, the textbook's program."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest
import test_chapter

import minidl
from minidl import demo, nn, optim
from minidl.linter import Linter, LinterWarning

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    if re.search(r"\w = optim\.", page.read_text(encoding="utf-8"))
)
OPTIMIZER = re.compile(r"^(\s*)(\w+) = optim\.\w+\((\w+)\.parameters\(\).*\)$")


def watched(line: str) -> str:
    """Return a line of a program so that a linter watches its training."""
    if found := OPTIMIZER.match(line):
        return f"{line}; lint({found[3]}, {found[2]}, globals())"
    return line.replace("nn.functional.cross_entropy(", "watched(").replace("F.cross_entropy(", "watched(")


def run(program: str) -> int:
    """Run a program with a linter for each optimizer; return how many there were. A word of the linter is an error."""
    linters: list[Linter] = []

    def lint(model: nn.Module, optimizer: optim.Optimizer, names: dict[str, Any]) -> None:
        linters.append(Linter(model, optimizer).__enter__())
        names["watched"] = linters[-1].watch(minidl.nn.functional.cross_entropy)
        if "criterion" in names:
            names["criterion"] = linters[-1].watch(names["criterion"])

    names: dict[str, Any] = {"lint": lint, "watched": minidl.nn.functional.cross_entropy, "__name__": "example"}
    try:
        exec("\n".join(watched(line) for line in program.splitlines()), names)
        for linter in linters:
            linter.epoch_end()
    finally:
        for linter in reversed(linters):
            linter.__exit__()
    return len(linters)


def test_there_are_pages_that_train() -> None:
    assert {"README.md", "docs/table-to-model.md", "docs/images-to-model.md"} <= set(PAGES)


def sources(page: str) -> str:
    """Return the program of a page, without what shows an error."""
    examples = doctest.DocTestParser().get_examples((ROOT / page).read_text(encoding="utf-8"))
    return "\n".join(e.source for e in examples if "Traceback" not in e.want and e.exc_msg is None)


def test_a_mistake_in_a_page_would_be_heard() -> None:
    with pytest.raises(LinterWarning) as raised:
        run(sources("docs/table-to-model.md").replace("optimizer.zero_grad()", "pass"))
    assert raised.value.id == "zero-grad"


@pytest.mark.parametrize("page", PAGES)
def test_silent_on_a_page(page: str) -> None:
    assert run(sources(page)) >= 1


def test_silent_on_the_textbooks_program() -> None:
    pixels, labels = test_chapter.images(True, "float32")
    order = minidl.randperm(len(labels)).numpy()[:1600].reshape(-1, 16)
    batches = [(minidl.tensor(pixels[chosen]), minidl.tensor(labels[chosen])) for chosen in order]
    setting = "losses = []\nfrom test_linter_on_examples import BATCHES\nbatches = BATCHES[0]\n"
    BATCHES[:] = [batches]
    assert run(test_chapter.IMPORTS["minidl"] + test_chapter.MODEL + setting + test_chapter.TRAINING) == 1


BATCHES: list[Any] = []


@pytest.mark.parametrize("model", demo.MODELS)
def test_silent_on_the_demo(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    minidl.manual_seed(0)
    train_set, test_set = demo.load("digits", None, download=False)
    net = demo.MODELS[model](8, 10)
    optimizer = optim.SGD(net.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    with Linter(net, optimizer) as linter:
        monkeypatch.setattr(nn, "CrossEntropyLoss", lambda: linter.watch(criterion))
        demo.train(net, optimizer, train_set, test_set, epochs=2, batch=16)
        linter.epoch_end()
