"""The page of a captured run, in a real browser: every step opens without complaint, every number is the tensor's."""

from __future__ import annotations

import base64
import json
import math
import re
import sys

import numpy as np
import pytest
from browser import CHROMIUM, Browser

import minidl
from minidl import autograd, nn, optim
from minidl.capture import Call, Walk
from minidl.page import brief, ends, html, picture, summary

F = nn.functional
in_browser = pytest.mark.skipif(CHROMIUM is None or sys.platform == "win32", reason="no chromium")

# What the page shows now: each card by its role and name, with the shown elements by their index.
SHOWN = """
(() => {
  const cards = {};
  for (const group of page.querySelectorAll("[data-role]")) {
    for (const card of group.querySelectorAll("[data-name]")) {
      const shown = [...card.querySelectorAll("[data-value]")];
      const cells = shown.map((td) => [td.dataset.index, td.dataset.value, td.title]);
      cards[`${group.dataset.role} ${card.dataset.name}`] = card.querySelector("[data-text]")?.dataset.text ?? cells;
    }
  }
  return {cards, phase: page.className, title: page.querySelector("h2").textContent, text: page.innerText};
})()
"""


class Net(nn.Module):
    """The chapter's network."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = x.reshape(-1, 784)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


def training_step():
    minidl.manual_seed(0)
    net, x, y = Net(), minidl.randn(16, 1, 28, 28), minidl.randint(0, 10, (16,))
    optimizer = optim.SGD(net.parameters(), lr=0.01)
    with minidl.capture() as c:
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    return c, net


def data_of(page):
    """The JSON in a page."""
    return json.loads(re.search(r'<script type="application/json" id="run">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        browser.resize(1200, 900)
        yield browser


@pytest.fixture
def opened(browser, tmp_path):
    """Save a capture and open its page; at the end the page must have had nothing to complain of or to ask for."""

    def open_page(c, title=""):
        c.save(tmp_path / "step.html", title)
        browser.errors.clear()
        browser.requests.clear()
        browser.open(tmp_path / "step.html")
        return browser

    yield open_page
    assert browser.errors == []
    assert browser.requests == [(tmp_path / "step.html").as_uri()]


def assert_equal(cells, array):
    """Compare the elements on a page with an array's, exactly."""
    assert cells or not array.size
    for index, value, title in cells:
        at = tuple(int(k) for k in index.split(",")) if index else ()
        element = array[at].item()
        assert value == title == repr(element)
        if isinstance(element, float):
            read = np.array(float(value), array.dtype)
            assert read.tobytes() == array[at].tobytes() or (math.isnan(element) and math.isnan(read))


def assert_cards(cards, role, values):
    """Compare the cards of a role with the named values."""
    mine = {name.partition(" ")[2]: cells for name, cells in cards.items() if name.partition(" ")[0] == role}
    assert list(mine) == list(values)
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            assert_equal(mine[name], value)
        else:
            assert mine[name] == repr(value)


def expected_steps(run):
    """The steps of a run with every fused call opened, in the page's order: (step, call)."""

    def of(run):
        inner = {}
        for step in run.steps:
            call = step if isinstance(step, Call) else run.calls[step.call]
            yield step, call
            if call.fused:
                inner.setdefault(call.number, call.formula())
                for one, other in of(inner[call.number]):
                    if isinstance(one, Walk) == isinstance(step, Walk):
                        yield one, other

    return list(of(run))


# -- in the browser --------------------------------------------------------------------------------------------------


@in_browser
def test_every_step_of_a_training_step_and_its_formulas(opened):
    c, net = training_step()
    page = opened(c, "A step")
    assert page.run("document.title") == page.run("document.querySelector('h1').textContent") == "A step"
    assert page.run("steps.length") == len(c.steps) == 15
    page.run("for (const call of [1, 3, 4]) toggle(run.calls[call])")
    steps = expected_steps(c)
    assert page.run("steps.length") == len(steps) == 15 + 2 * (4 + 4 + 3)
    page.press("Home")
    for number, (step, call) in enumerate(steps):
        shown = page.run(SHOWN)
        cards = shown["cards"]
        assert page.run("document.getElementById('count').textContent").startswith(f"{number + 1} / {len(steps)} ")
        assert_cards(cards, "inputs", call.inputs)
        assert_cards(cards, "outputs", call.outputs)
        if isinstance(step, Walk):
            assert shown["phase"] == "backward"
            assert_cards(cards, "g", step.g)
            assert_cards(cards, "sent", step.sent)
        else:
            assert shown["phase"] == ("update" if call.name == "SGD" else "forward")
            assert "g" not in {name.split()[0] for name in cards}
        assert call.name in shown["title"]
        assert f":{call.source.line}" in shown["text"]
        assert call.source.text in shown["text"]
        assert call.path in shown["text"]
        page.press("ArrowRight")
    assert_equal(cards["outputs w"], net.fc2.bias.detach().numpy())
    for number in reversed(range(len(steps) - 1)):
        page.press("ArrowLeft")
        assert page.run("at") == number


@in_browser
def test_formula_rules_and_the_numbers_put_in(opened):
    x = minidl.tensor([[0.5, -2.0], [3.0, 1.0]], requires_grad=True)
    w = minidl.tensor([[2.0, 4.0]], requires_grad=True)
    with minidl.capture() as c:
        y = F.linear(x, w, minidl.tensor([0.25]))
        (y * minidl.tensor([3.0, -1.0])).relu().sum().backward()
        w.exp().sum().backward()
        optim.SGD([w], lr=0.5).step()
    page = opened(c)
    text = page.run("page.innerText")
    assert "y = f(x Wᵀ + b) for x (N, in)" in text
    assert "y[0,0] = 0.5000·2 + (-2)·4 + 0.2500 = -6.750" in text
    assert "dz = g f'(z);  dx = dz w" in page.run("page.textContent")
    assert "activation = identity" in text
    page.run("page.querySelector('[data-role=outputs] [data-index=\"1,0\"]').click()")
    assert "y[1,0] = 3·2 + 1·4 + 0.2500 = 10.25" in page.run("page.innerText")
    used = "[...page.querySelectorAll('[data-role=inputs] td.used')].map((td) => td.dataset.index)"
    assert page.run(used) == ["1,0", "1,1", "0,0", "0,1", "0"]
    page.press("ArrowRight")
    assert "y[0,0] = (-6.750) * 3 = -20.25" in page.run("page.innerText")
    assert "lambda g, b: g * b" in page.run("page.innerText")
    backward_of = "steps.findIndex(({step, call}) => step.phase === 'backward' && run.ops[call.op].name === '%s')"
    page.run(f"go({backward_of % 'exp'})")
    page.run("page.querySelector('[data-role=g] [data-index=\"0,1\"]').click()")
    assert "lambda g, out: g * out" in page.run("page.innerText")
    assert "dL/dx[0,1] = 1 * 54.60 = 54.60" in page.run("page.innerText")
    page.run(f"go({backward_of % 'mul'})")
    assert page.run("page.querySelectorAll('.rules .put').length") == 0  # what is sent is a sum of several elements
    page.press("End")
    text = page.run("page.innerText")
    w0, g0 = (c[-1].inputs[name][0, 0].item() for name in ("w", "g"))
    assert f"w[0,0] = 2 - 0.5 * {g0:.4g} = {w0 - 0.5 * g0:.4g}" in text
    assert "w ← w - α·∇J(w): gradient descent, with α = lr." in text


@in_browser
def test_keys_buttons_slider_and_the_graph(opened):
    c, _ = training_step()
    page = opened(c)
    for element, where in (("forth", 1), ("forth", 2), ("back", 1)):
        page.run(f"document.getElementById('{element}').click()")
        assert page.run("at") == where
    page.run("slider.value = 7; slider.dispatchEvent(new Event('input'))")
    assert page.run("at") == 7
    assert page.run("document.querySelector('.row.now').className") == "row now backward"
    page.press("End")
    assert page.run("document.getElementById('forth').disabled")
    page.press("ArrowRight")
    assert page.run("at") == 14
    page.press("Home")
    assert page.run("document.getElementById('back').disabled")
    labels = "[...graph.querySelectorAll('b')].map((b) => b.textContent)"
    assert page.run(labels) == [f"#{call.number} {call.name}" for call in c]
    page.press("ArrowRight")
    page.press("o")
    assert page.run(labels)[2:6] == ["#1.0 permute", "#1.1 matmul", "#1.2 add", "#1.3 identity"]
    page.press("ArrowRight")
    assert "permute" in page.run("page.querySelector('h2').textContent")
    page.run("graph.querySelector('[aria-expanded=true]').click()")
    assert page.run("at") == 1, "closed around the current step, the call itself is shown"
    page.run("graph.querySelectorAll('button.call')[3].click()")
    assert page.run("[at, steps[at].call.number]") == [3, 3]
    page.run("page.querySelector('header button').click()")
    assert page.run("steps[at].call.number") == 2
    assert page.run("graph.querySelectorAll('path').length") == 5
    assert page.run("graph.querySelectorAll('path.now').length") == 1
    page.run("slider.focus()")
    page.press("Home")
    assert page.run("document.activeElement === slider")
    focusable = "[...document.querySelectorAll('button, input')].every((one) => one.textContent || one.ariaLabel)"
    assert page.run(focusable)


@in_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 700, 1400])
def test_it_fits_its_window(opened, browser, width, dark):
    c, _ = training_step()
    page = opened(c)
    browser.resize(width, 800, dark)
    for _ in c.steps:
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        page.press("ArrowRight")
    paper, ink = page.run("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (paper, ink)]
    assert (brightness[0] < brightness[1]) is dark
    assert page.run("page.querySelectorAll('canvas').length") == 0  # the last step is a short bias
    page.run("go(1)")
    assert page.run("page.querySelectorAll('canvas').length") == 4
    browser.resize(1200, 900)


@in_browser
def test_strange_numbers_and_sizes(opened):
    values = [math.nan, math.inf, -math.inf, -0.0, 1e-45, 3.4e38, 0.1, 16777217.0]
    with minidl.capture() as c:
        minidl.tensor(values) * 1
        minidl.tensor(values, dtype=minidl.float64) * 1
        minidl.tensor(0.1) * 1
        minidl.zeros(0, 3) * 1
        minidl.zeros(2, 0).sum()
        minidl.tensor([True, False]).logical_not()
        minidl.tensor([2**62 + 1, -1]) * 1
        minidl.randn(2, 3, 20, 20).to(minidl.float16) * 1
        minidl.full((100, 100), math.nan) * 1
        minidl.zeros(2, dtype=minidl.int64) * 1
        minidl.zeros(2, dtype=minidl.float64) * 1
    page = opened(c)
    for call in c:
        cards = page.run(SHOWN)["cards"]
        assert_cards(cards, "inputs", call.inputs)
        assert_cards(cards, "outputs", call.outputs)
        page.press("ArrowRight")
    page.press("Home")
    assert page.run("[...page.querySelectorAll('[data-role=inputs] td.lost')].map((td) => td.textContent)") == [
        "nan",
        "inf",
        "-inf",
    ]


@in_browser
def test_text_is_never_read_as_html(opened):
    evil = '</script><img src=x onerror="console.error(1)"><!-- <!--js--> \' & \u2028'

    class Nasty(nn.Module):
        def forward(self, x):
            """A formula with <b>tags</b>."""
            return x * 2  # </script><img src=x onerror="console.error(2)">

    Nasty.__name__ = evil
    with minidl.capture() as c:
        Nasty()(minidl.ones(1))
    page = opened(c, evil)
    assert page.run("document.title").split() == evil.split()
    assert page.run("document.querySelectorAll('img, b[onerror]').length") == 0
    assert evil in page.run("page.textContent")
    assert '</script><img src=x onerror="console.error(2)">' in page.run("page.textContent")


@in_browser
def test_a_backward_of_earlier_calls_a_users_function_and_nothing_at_all(opened, tmp_path):
    class Twice(autograd.Function):
        """y = 2 x."""

        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    y = Twice.apply(x).exp()
    with minidl.capture() as c:
        (y + Twice.apply(x)).sum().backward()
    page = opened(c)
    for step in c.steps:
        shown = page.run(SHOWN)
        assert step.name in shown["title"]
        if isinstance(step, Walk):
            assert_cards(shown["cards"], "sent", step.sent)
            assert ("earlier" in shown["title"]) is (step.call is None)
        if step.name == "Twice":
            assert "y = 2 x." in shown["text"]
            assert "return g * 2" in shown["text"]
        page.press("ArrowRight")
    page.press("End")
    assert "earlier" in page.run("page.querySelector('h2').textContent")


@in_browser
def test_a_run_of_nothing(opened):
    with minidl.capture() as c:
        pass
    page = opened(c)
    assert page.run("page.textContent") == "Nothing was called in this run."
    page.press("ArrowRight")
    page.press("o")
    page.run("document.getElementById('forth').click()")


# -- the file --------------------------------------------------------------------------------------------------------


def test_the_file_is_one_of_its_own_and_of_a_sane_size(tmp_path):
    c, _ = training_step()
    path = tmp_path / "step.html"
    c.save(path)
    text = path.read_text(encoding="utf-8")
    assert len(text) < 300_000
    assert not re.search(r"(src|href)=[\"']?(?!data:)\w", text.partition('id="run"')[0])
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert "default-src 'none'" in text
    data = data_of(text)
    assert len(data["steps"]) == 15
    assert {op["name"] for op in data["ops"]} >= {"linear", "relu", "cross_entropy", "mean", "SGD", "matmul"}
    value = data["values"][data["calls"][1]["inputs"][1]["value"]]
    assert value["shape"] == [128, 784]
    shown = c[1].inputs["w"][np.ix_(value["rows"], value["columns"])].ravel()
    assert value["cells"].split(" ") == [repr(float(x)) for x in shown]
    assert dict(map(tuple, value["figures"]))["max"] == repr(float(c[1].inputs["w"].max()))
    assert str(tmp_path.parent) not in text


def test_a_long_run_makes_no_giant():
    x = minidl.randn(20, 20, requires_grad=True)
    with minidl.capture() as c:
        y = x
        for _ in range(400):
            y = (y * 0.99).tanh()
        y.sum().backward()
    page = html(c)
    assert len(c.steps) == 1602
    assert len(page) < 3_000_000
    assert all("picture" not in value for value in data_of(page)["values"])


def test_it_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    c, _ = training_step()
    path = tmp_path / "step.html"
    path.write_text("an old page")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        c.save(path)
    assert path.read_text() == "an old page"
    assert [file.name for file in tmp_path.iterdir()] == ["step.html"]
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError):
        c.save(tmp_path / "nowhere" / "step.html")


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 100])
def test_ends(size):
    places = ends(size, (7, 3))
    assert places == sorted(set(places))
    assert all(0 <= place < size for place in places)
    assert len(places) == min(size, 10)
    assert size == 0 or {0, size - 1} <= set(places)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (200,), (3, 0), (0, 3), (40, 50), (3, 4, 5, 6)])
def test_summary(shape, dtype):
    array = (np.arange(int(np.prod(shape))).reshape(shape) - 3).astype(dtype)
    told = summary(array.T.copy().T, long=False)
    matrix = array.reshape(-1, shape[-1] if shape else 1) if array.size else np.zeros((0, 0))
    cells = [repr(matrix[row, column].item()) for row in told["rows"] for column in told["columns"] if matrix.size]
    assert told["cells"].split() == cells
    assert json.dumps(told)
    assert ("picture" in told) == (len(cells) < array.size)


def levels_of(drawn):
    """The bytes of a picture, as rows."""
    return np.frombuffer(base64.b64decode(drawn["bytes"]), np.int8).reshape(drawn["height"], drawn["width"])


def test_a_picture_is_the_means_of_blocks():
    matrix = np.arange(96 * 240, dtype=np.float64).reshape(96, 240) - 5000
    drawn = picture(matrix)
    assert (drawn["height"], drawn["width"], drawn["note"]) == (48, 120, "each point the mean of a block")
    means = matrix.reshape(48, 2, 120, 2).mean((1, 3))
    np.testing.assert_array_equal(levels_of(drawn), np.rint(means / np.abs(means).max() * 127))
    assert picture(np.zeros((10, 20), np.float16))["note"] == "each point one element"
    assert set(levels_of(picture(np.ones((50, 131)))).ravel()) == {127}
    assert levels_of(picture(np.arange(3))).tolist() == [[0, 64, 127]]


def test_a_picture_of_images_shows_them_side_by_side():
    images = np.arange(2 * 3 * 4 * 40, dtype=np.float32).reshape(2, 3, 4, 40)
    drawn = picture(images)
    assert drawn["note"] == "the first 2 of 6, each point one element"
    levels = levels_of(drawn)
    assert levels.shape == (4, 82)
    shown = np.concatenate([images[0, 0], np.zeros((4, 1)), images[0, 1], np.zeros((4, 1))], axis=1)
    np.testing.assert_array_equal(levels, np.rint(shown / shown.max() * 127))


def test_brief():
    assert brief((1, 2)) == "(1, 2)"
    assert brief((1,)) == "(1,)"
    assert brief(...) == "..."
    assert brief(np.dtype("float32")) == "float32"
    assert brief(np.array([1, 2])) == "[1, 2]"
    assert brief(np.zeros((3, 4))) == "array of float64, shape (3, 4)"
    assert len(brief(list(range(1000)))) == 200
