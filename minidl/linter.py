"""The linter: it watches a training and names the mistakes that people make, each with its cause and its fix."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

import minidl

from . import nn, optim
from .errors import ArgumentError

# id -> what is wrong, and what to do. A message is filled in where it names a layer or a number.
MISTAKES = {
    "softmax-twice": (
        "the loss takes scores and applies {inner} itself, but the model's last step is {inner} already, so the "
        "gradients become small",
        "remove the last {inner} of the model, and apply it only to read probabilities",
    ),
    "zero-grad": (
        "backward adds to gradients that the last optimizer step has used already",
        "call optimizer.zero_grad() before each backward",
    ),
    "foreign-parameters": (
        "the optimizer does not hold {names}, so they never change",
        "make the optimizer from model.parameters(), after the last change of the model's layers",
    ),
    "broadcast-loss": (
        "the loss compares outputs of shape {outputs} with targets of shape {targets}: each output with every target",
        "bring both to one shape, as in outputs.squeeze(1) or targets.unsqueeze(1)",
    ),
    "train-mode": (
        "the model is called under no_grad in training mode, where {layer} acts otherwise than in use",
        "call model.eval() before the evaluation and model.train() after it",
    ),
    "nan-loss": ("the loss is {loss}: {where}", "{fix}"),
    "dead-gradient": (
        "the gradient of {name} has been zero, every number of it, for {steps} steps: nothing is learned there. Dead "
        "ReLUs (no input ever makes them positive) and saturated or cut-off paths do that",
        "lower the learning rate, normalise the inputs, use LeakyReLU or another initialisation",
    ),
    "labels-from-one": (
        "the labels go from {low} to {high}, and the model has {classes} outputs: labels count from 0",
        "subtract 1 from the labels, and give the model as many outputs as there are classes",
    ),
    "not-shuffled": (
        "{how}, so that neighbouring steps learn from samples that are alike",
        "use DataLoader(..., shuffle=True) for training",
    ),
    "learning-rate": (
        "the loss has grown from {first:.4g} to {last:.4g}: the steps are too long and overshoot",
        "divide the learning rate (now {lr:.3g}) by 10, or clip the gradients",
    ),
}

# Operations that hand values on, to look through on the way from the loss to a softmax.
PASSING = ("reshape", "permute", "identity", "cast", "getitem", "copy")
# Layers that act otherwise in training than in use.
NOISY = ("Dropout", "BatchNorm", "AlphaDropout")

STEPS = 4  # at the start of an epoch so many steps are looked at closely
PATIENCE = 3  # steps without any gradient before a word is said
GROWTH = 10.0  # a loss so many times the greatest of the first ones is running away
FIRST = 5  # losses with which later ones are compared
LABELS = 100_000  # numbers in the targets of an epoch that are kept to see their order


class LinterWarning(UserWarning):
    """A mistake that the linter has seen; `id` says which.

    >>> import minidl
    >>> from minidl.linter import LinterWarning
    >>> issubclass(LinterWarning, UserWarning)
    True
    """

    def __init__(self, id: str, message: str) -> None:
        super().__init__(message)
        self.id = id


class Linter:
    """Watch a training in a `with` block and warn of mistakes, each once, by a LinterWarning. It changes nothing.

    Args:
        model, optimizer: what is trained.
        ignore: ids of mistakes to be silent about, keys of `minidl.linter.MISTAKES`.

    `fit` has it on by default. In a plain loop, let it watch the loss function too:

    >>> import minidl
    >>> from minidl import nn, optim
    >>> from minidl.linter import Linter
    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Softmax(1))
    >>> optimizer = optim.SGD(net.parameters(), lr=0.1)
    >>> with Linter(net, optimizer, ignore=["softmax-twice"]) as linter:
    ...     criterion = linter.watch(nn.CrossEntropyLoss())
    ...     loss = criterion(net(minidl.ones(1, 2)), minidl.tensor([0]))
    >>> loss.shape
    ()
    """

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer, *, ignore: Iterable[str] = ()) -> None:
        self.model, self.optimizer = model, optimizer
        self.silent = {ignore} if isinstance(ignore, str) else set(ignore)
        if unknown := self.silent - set(MISTAKES):
            raise ArgumentError(f"ignore: got {sorted(unknown)}, expected ids among {', '.join(MISTAKES)}")
        self.hook: Any = None
        self.gradient_hooks: list[Any] = []
        self.inputs: Any = ()
        self.steps = self.epoch = 0
        self.losses: list[float] = []  # the first ones
        self.loss = self.limit = math.inf  # the last one, and what none should exceed
        self.exceeded = self.classes = 0
        self.targets: list[Any] = []  # of the epoch, as they came
        self.room = LABELS
        self.order_before: Any = None

    def __enter__(self) -> Linter:
        self.check_parameters()
        self.hook = self.model.register_forward_pre_hook(self.called)
        self.listen()
        return self

    def __exit__(self, *error: object) -> None:
        self.deaf()
        self.hook.remove()

    def batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield the batches of an epoch; their inputs are known here, so that no hook has to look at each call."""
        self.hook.remove()
        try:
            for batch in batches:
                self.inputs = batch[:-1]
                yield batch
        finally:
            self.hook = self.model.register_forward_pre_hook(self.called)

    def say(self, id: str, **values: Any) -> None:
        """Warn of a mistake, once."""
        if id in self.silent:
            return
        self.silent.add(id)
        cause, fix = (text.format(**values) for text in MISTAKES[id])
        message = f"[{id}] {cause}. Fix: {fix}. Off-switch: ignore=[{id!r}]."
        warnings.warn(LinterWarning(id, message), stacklevel=3)

    # -- the model and its parameters --------------------------------------------------------------------------------

    def check_parameters(self) -> None:
        """Look for parameters that the optimizer does not hold."""
        held = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        named = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        left_out = [name for name, p in named if id(p) not in held]
        if left_out:
            names = ", ".join(left_out[:3]) + (f" and {len(left_out) - 3} more" if len(left_out) > 3 else "")
            everything = len(left_out) == len(named)
            self.say("foreign-parameters", names="any of the model's parameters" if everything else names)

    def called(self, model: nn.Module, args: Any) -> None:
        """Look at a call of the model, before it."""
        self.inputs = args
        if model.training and not minidl.is_grad_enabled() and "train-mode" not in self.silent:
            kinds = [type(layer).__name__ for layer in model.modules()]
            noisy = [kind for kind in kinds if kind.startswith(NOISY)]
            if noisy:
                self.say("train-mode", layer=noisy[0])

    # -- gradients ---------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Have a look at each gradient that arrives, for a while."""
        for name, p in self.model.named_parameters():
            if p.requires_grad:
                self.gradient_hooks.append(p.register_hook(self.hearer(name, p)))

    def deaf(self) -> None:
        """Look at gradients no longer."""
        for handle in self.gradient_hooks:
            handle.remove()
        self.gradient_hooks = []

    def hearer(self, name: str, p: Any) -> Callable[[Any], None]:
        """Return what looks at the gradients of one parameter."""
        empty, version = 0, None

        def arrived(g: Any) -> None:
            nonlocal empty, version
            array = np.asarray(g.detach())
            empty = 0 if not array.size or array.item(0) or array.any() else empty + 1
            learned = self.losses and self.loss <= 1e-4 * abs(self.losses[0])  # there is nothing left to learn
            if empty == PATIENCE and not learned:
                self.say("dead-gradient", name=name, steps=PATIENCE)
            stepped = version is not None and p._version != version  # the optimizer has changed the weights since
            if stepped and p.grad is not None and np.any(np.asarray(p.grad.detach())):
                self.say("zero-grad")
            version = p._version

        return arrived

    # -- the loss ----------------------------------------------------------------------------------------------------

    def watch(self, criterion: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Return the loss function as one that is looked at: what goes in, and what comes out."""

        def watched(outputs: Any, targets: Any) -> Any:
            early = self.steps < STEPS
            if early:
                self.check_targets(outputs, targets)
            if self.room > 0 and self.epoch < 2:
                self.targets.append(targets)
                self.room -= targets.numel() if isinstance(targets, minidl.Tensor) else np.size(targets)
            loss = criterion(outputs, targets)
            self.loss = loss.item()
            if not self.loss <= self.limit or len(self.losses) < FIRST:
                self.check_value(self.loss)
            if early:
                if self.steps == 0:
                    self.check_graph(loss)
                self.steps += 1
                if self.steps == STEPS:
                    self.deaf()
            return loss

        return watched

    def check_targets(self, outputs: Any, targets: Any) -> None:
        """Look at shapes and labels before the loss is computed."""
        if not isinstance(outputs, minidl.Tensor) or not isinstance(targets, minidl.Tensor):
            return
        if targets.is_floating_point():
            both = [tuple(outputs.shape), tuple(targets.shape)]
            if both[0] != both[1] and 1 in (*both[0], *both[1]) and np.broadcast_shapes(*both) not in both:
                self.say("broadcast-loss", outputs=both[0], targets=both[1])
        elif outputs.ndim > 1 and targets.numel():
            low, high, classes = int(targets.min()), int(targets.max()), outputs.shape[1]
            self.classes = classes
            if low >= 1 and high == classes:
                self.say("labels-from-one", low=low, high=high, classes=classes)

    def check_graph(self, loss: Any) -> None:
        """Look for a softmax in front of one that the loss has itself."""
        todo, seen = [loss.grad_fn], set()
        while todo:
            node = todo.pop()
            if node is None or node in seen or not hasattr(node, "next_functions"):
                continue
            seen.add(node)
            behind = [edge for edge, _ in node.next_functions]
            if node.name() in ("cross_entropy", "log_softmax") and behind:
                source = behind[0]
                while hasattr(source, "next_functions") and source.name() in PASSING and source.next_functions:
                    source = source.next_functions[0][0]
                if hasattr(source, "next_functions") and source.name() == "softmax":
                    self.say("softmax-twice", inner="softmax")
                return
            todo += behind

    def check_value(self, loss: float) -> None:
        """Look at one of the first losses, or at one that exceeds them by far."""
        before = max(self.losses, default=0.0)
        if len(self.losses) < FIRST:
            self.losses.append(loss)
            if len(self.losses) == FIRST:
                self.limit = GROWTH * max(*self.losses, 1e-6)
        elif loss > self.limit:
            self.exceeded += 1
        burst = not math.isfinite(loss) and before > GROWTH * self.losses[0] > 0
        if self.exceeded == PATIENCE or burst or (self.exceeded and not math.isfinite(loss)):
            lr = float(self.optimizer.param_groups[0]["lr"])
            self.say("learning-rate", first=self.losses[0], last=loss, lr=lr)
        if not math.isfinite(loss):
            self.locate(loss)

    def locate(self, loss: float) -> None:
        """Find the first layer whose output is not finite: the last inputs go once more through a copy of the model."""
        if "nan-loss" in self.silent:
            return
        where, fix = self.first_not_finite()
        self.say("nan-loss", loss=loss, where=where, fix=fix)

    def first_not_finite(self) -> tuple[str, str]:
        """Return where a number first is not finite, and what helps."""
        for k, x in enumerate(self.inputs):
            if isinstance(x, minidl.Tensor) and not np.isfinite(np.asarray(x.detach())).all():
                return f"input {k} of the model holds NaN or infinity", "clean the data"
        for name, p in self.model.named_parameters():
            if not np.isfinite(np.asarray(p.detach())).all():
                return f"{name} is not finite since an earlier step", "lower the learning rate or clip the gradients"
        state = minidl.get_rng_state()
        try:
            with minidl.no_grad(), minidl.capture() as calls:
                copy.deepcopy(self.model)(*self.inputs)
        finally:
            minidl.set_rng_state(state)
        for call in calls:
            for value in call.outputs.values():
                if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
                    layer = f"layer {call.path!r}" if call.path else "the model's forward"
                    at = f", at {call.source.text.strip()!r}" if call.source.text else ""
                    return f"{layer} made it first, by {call.name}{at}", "keep its inputs where it is defined"
        return "the outputs of the model are finite, so the loss function made it", "look at its inputs, as log of 0"

    # -- the order of the data ---------------------------------------------------------------------------------------

    def epoch_end(self) -> None:
        """Look at the order of the labels in the epoch that ends."""
        arrays = [np.asarray(t.detach() if getattr(t, "requires_grad", False) else t) for t in self.targets]
        order = np.concatenate(arrays, axis=None) if arrays else np.zeros(0)
        if self.epoch == 0 and len(order) and order.dtype.kind in "iu":
            self.check_labels(order)
        as_before = self.epoch == 1 and np.array_equal(order, self.order_before)
        if as_before and any(not np.array_equal(batch, arrays[0]) for batch in arrays):
            self.say("not-shuffled", how="the batches come in the same order in each epoch")
        self.order_before, self.targets, self.room = order, [], LABELS
        self.epoch += 1
        self.steps = 0
        self.deaf()
        self.listen()

    def check_labels(self, labels: Any) -> None:
        """Look at all labels of the first epoch: do they come in runs, do they count from 1?"""
        low, high = int(labels.min()), int(labels.max())
        few = high - low < 10 * len(labels)
        counts = np.bincount(labels - low) if few else np.unique(labels, return_counts=True)[1]
        counts = counts[counts > 0]
        expected = (len(labels) - 1) * (1 - float(((counts / len(labels)) ** 2).sum()))
        changes = int((labels[1:] != labels[:-1]).sum())
        if expected >= 10 and changes < expected / 2:
            how = f"equal labels follow each other ({changes} changes of label, where {expected:.0f} are usual)"
            self.say("not-shuffled", how=how)
        if self.classes > 2 and low == 1 and high == self.classes - 1 and len(counts) == high:
            self.say("labels-from-one", low=low, high=high, classes=self.classes)
