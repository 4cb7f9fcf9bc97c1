"""Optimizers with Keras's arguments and formulas, on minidl's: `apply_gradients` of pairs (gradient, variable)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import minidl

from .. import optim
from ..errors import ArgumentError, ArgumentTypeError, StateError
from .naming import Configured, check_unknown, looked_up, snake
from .values import as_tensor


class Optimizer(Configured):
    """The base of all optimizers.

    Args:
        learning_rate: how far a step goes; or a function of the number of steps so far.
        weight_decay: before each step w ← w - learning_rate · weight_decay · w.
        clipnorm, global_clipnorm, clipvalue: the greatest norm of each gradient, of all together, the greatest value.

    >>> from minidl import tf
    >>> w = tf.Variable([1.0])
    >>> optimizer = tf.keras.optimizers.SGD(learning_rate=0.1)
    >>> optimizer.apply_gradients([(tf.constant([2.0]), w)])
    >>> w.numpy().round(3)
    array([0.8], dtype=float32)
    """

    def __init__(
        self, learning_rate: float | Callable[[int], float] = 0.001, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        name: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        if "lr" in options:
            raise ArgumentTypeError(
                f"{type(self).__name__}: lr is PyTorch's word; Keras says learning_rate={options['lr']}"
            )
        check_unknown(self, options)
        self.name = name or snake(type(self).__name__)
        self.iterations = 0
        self._rate = learning_rate
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self.engine: optim.Optimizer | None = None
        self._state: dict[str, Any] | None = None  # loaded, for the first step
        self._variables: list[Any] | None = None  # of the last step
        if not callable(learning_rate):
            self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> float:
        """How far a step goes."""
        return float(self._rate(self.iterations)) if callable(self._rate) else self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        rate = float(value)
        if not 0 <= rate < math.inf:
            raise ArgumentError(
                f"{type(self).__name__}: learning_rate is {value!r}, expected a finite number of 0 or more"
            )
        self._rate = rate

    lr = learning_rate

    def engine_for(self, variables: list[Any]) -> optim.Optimizer:
        """Return minidl's optimizer that has the formula."""
        raise NotImplementedError

    def tune(self, group: dict[str, Any]) -> None:
        """Set what changes from step to step."""
        group["lr"] = self.learning_rate

    def build(self, variables: Iterable[Any]) -> None:
        """Take the variables that will be trained."""
        variables = list(variables)
        if self.engine is None:
            if not variables:
                raise ArgumentError(f"{type(self).__name__}: there are no variables; call the model on a batch first")
            self.engine = self.engine_for(variables)
            if self._state is not None:
                self.engine.load_state_dict(self._state)
                self._state = None
        known = {id(w) for w in self.engine.param_groups[0]["params"]}
        self.engine.param_groups[0]["params"] += [w for w in variables if id(w) not in known]

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """Take a step: every variable by its gradient; one without a gradient (None) stays."""
        pairs = list(grads_and_vars)
        for pair in pairs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[1], minidl.Tensor):
                raise ArgumentTypeError(
                    "apply_gradients: expected pairs (gradient, variable): zip(gradients, model.trainable_variables)"
                )
        given = [(g, w) for g, w in pairs if g is not None]
        if not given:
            raise ArgumentError(
                "apply_gradients: no variable has a gradient; was the loss computed inside `with tf.GradientTape()`, "
                "from the model's outputs?"
            )
        if len(given) < len(pairs):
            names = ", ".join(getattr(w, "name", "variable") for g, w in pairs if g is None)
            warnings.warn(f"apply_gradients: there is no gradient for {names}", stacklevel=2)
        with minidl.no_grad():
            for gradient, w in given:
                w.grad = as_tensor(gradient).detach()
        self.update([w for _, w in pairs])

    def update(self, variables: list[Any]) -> None:
        """Take a step by the gradients that the variables hold, and forget these."""
        if variables is not self._variables:
            self.build(variables)
            self._variables = variables
        with minidl.no_grad():
            if self.clipnorm or self.global_clipnorm or self.clipvalue:
                held = [w for w in variables if w.grad is not None]
                for w, gradient in zip(held, self.clipped([w.grad for w in held]), strict=True):
                    w.grad = gradient
            self.step_engine()
            for w in variables:
                w.grad = None
        self.iterations += 1

    def step_engine(self) -> None:
        """Take a step with the gradients that the variables have."""
        assert self.engine is not None
        group = self.engine.param_groups[0]
        self.tune(group)
        if self.weight_decay:
            for w in group["params"]:
                if w.grad is not None:
                    w.mul_(1 - self.learning_rate * self.weight_decay)
        self.engine.step()

    def clipped(self, gradients: list[Any]) -> list[Any]:
        """Return the gradients, cut where they are too long."""
        if self.clipnorm:
            gradients = [g * min(1.0, self.clipnorm / max(float(g.norm()), 1e-30)) for g in gradients]
        if self.global_clipnorm:
            norm = math.sqrt(sum(float(g.norm()) ** 2 for g in gradients))
            gradients = [g * min(1.0, self.global_clipnorm / max(norm, 1e-30)) for g in gradients]
        if self.clipvalue:
            gradients = [minidl.clamp(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[Any]) -> None:
        """Take a step by gradients and their variables."""
        self.apply_gradients(zip(grads, trainable_variables, strict=True))

    def zero_grad(self, *_: Any, **__: Any) -> NoReturn:
        """Say that Keras has no gradients to clear."""
        raise StateError("zero_grad() is PyTorch's; Keras's optimizers add no gradients up: leave the line out")

    def step(self, *_: Any, **__: Any) -> NoReturn:
        """Say how Keras takes a step."""
        raise StateError(
            "step() is PyTorch's; in Keras write optimizer.apply_gradients(zip(gradients, model.trainable_variables)), "
            "or train by model.compile(...) and model.fit(...)"
        )

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {"iterations": self.iterations, "engine": None if self.engine is None else self.engine.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.iterations, self._state = state["iterations"], state["engine"]


class SGD(Optimizer):
    """w ← w - α∇J(w); with momentum m ← μ m - α∇J(w), w ← w + m (with `nesterov`, w ← w + μ m - α∇J(w)).

    >>> from minidl import keras
    >>> keras.optimizers.SGD(learning_rate=0.01, momentum=0.9).learning_rate
    0.01
    """

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"SGD: momentum is {momentum!r}, expected a number between 0 and 1")
        self.momentum, self.nesterov = momentum, nesterov

    def engine_for(self, variables: list[Any]) -> optim.Optimizer:
        """Return minidl's SGD."""
        nesterov = self.nesterov and self.momentum > 0
        return optim.SGD(variables, lr=self.learning_rate, momentum=self.momentum, nesterov=nesterov)

    def tune(self, group: dict[str, Any]) -> None:
        """Set the learning rate. Keras's momentum holds it and the engine's does not, so a change is made up for."""
        before, rate = group["lr"], self.learning_rate
        if self.momentum and before != rate and rate:
            assert self.engine is not None
            for state in self.engine.state.values():
                if state.get("momentum_buffer") is not None:
                    state["momentum_buffer"].mul_(before / rate)
        group["lr"] = rate


class Adam(Optimizer):
    """w ← w - α √(1 - β₂ᵗ)/(1 - β₁ᵗ) · m/(√v + ε), with running means m of gradients and v of their squares.

    The rule is that of Kingma & Ba 2015, section 2, before algorithm 1's ε̂: ε is added to √v as it is.

    >>> from minidl import keras
    >>> keras.optimizers.Adam().learning_rate
    0.001
    """

    engine_class: type[Any] = optim.Adam

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def engine_for(self, variables: list[Any]) -> optim.Optimizer:
        """Return minidl's Adam."""
        betas = self.beta_1, self.beta_2
        return optim.Adam(variables, lr=self.learning_rate, betas=betas, eps=self.epsilon, amsgrad=self.amsgrad)

    def tune(self, group: dict[str, Any]) -> None:
        """Set the learning rate, and ε / √(1 - β₂ᵗ), which the engine adds to √(v / (1 - β₂ᵗ))."""
        super().tune(group)
        group["eps"] = self.epsilon / math.sqrt(1 - self.beta_2 ** (self.iterations + 1))


class AdamW(Adam):
    """Adam, with w ← w - α·λ·w before each step (Loshchilov & Hutter 2019).

    >>> from minidl import keras
    >>> keras.optimizers.AdamW().weight_decay
    0.004
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **options: Any) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)


class RMSprop(Optimizer):
    """w ← w - α∇J / √(v + ε), with v the running mean of squared gradients (`centered`: of their variance).

    >>> from minidl import keras
    >>> keras.optimizers.RMSprop().rho
    0.9
    """

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def engine_for(self, variables: list[Any]) -> optim.Optimizer:
        """Return the rule with ε inside the root."""
        return RMSpropRule(variables, {"lr": self.learning_rate, "rho": self.rho, "momentum": self.momentum,
                                       "eps": self.epsilon, "centered": self.centered})  # fmt: skip


class RMSpropRule(optim.Optimizer):
    """RMSprop as Keras computes it: ε is under the root, where PyTorch adds it to the root."""

    def step(self, closure: Any = None) -> None:
        """Take a step."""
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is None:
                    continue
                state, g, rho = self.state[w], w.grad, group["rho"]
                if not state:
                    state.update({name: minidl.zeros_like(w) for name in ("square", "mean", "momentum")})
                state["square"].mul_(rho).add_((1 - rho) * g * g)
                variance = state["square"]
                if group["centered"]:
                    state["mean"].mul_(rho).add_((1 - rho) * g)
                    variance = variance - state["mean"] ** 2
                step = group["lr"] * g / minidl.sqrt(variance + group["eps"])
                if group["momentum"]:
                    step = state["momentum"].mul_(group["momentum"]).add_(step)
                w.sub_(step)


class Adagrad(Optimizer):
    """w ← w - α∇J / √(a + ε), with a the sum of all squared gradients, from `initial_accumulator_value` on.

    >>> from minidl import keras
    >>> keras.optimizers.Adagrad().initial_accumulator_value
    0.1
    """

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def engine_for(self, variables: list[Any]) -> optim.Optimizer:
        """Return minidl's Adagrad; ε belongs to the sum from the start."""
        start = self.initial_accumulator_value + self.epsilon
        return optim.Adagrad(variables, lr=self.learning_rate, initial_accumulator_value=start, eps=0.0)


CLASSES: dict[str, type[Optimizer]] = {kind.__name__: kind for kind in (SGD, Adam, AdamW, RMSprop, Adagrad)}
NAMES: dict[str, type[Optimizer]] = {**{name.lower(): kind for name, kind in CLASSES.items()}, **CLASSES}


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name, a configuration or an object stands for.

    >>> from minidl import keras
    >>> keras.optimizers.get("adam").name
    'adam'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        made: Optimizer = looked_up(identifier, NAMES, "optimizer")()
        return made
    if isinstance(identifier, dict):
        made = looked_up(identifier["class_name"], CLASSES, "optimizer").from_config(identifier["config"])
        return made
    if isinstance(identifier, optim.Optimizer):
        raise ArgumentTypeError(
            f"optimizer: got {type(identifier).__name__} of minidl.optim, PyTorch's form; use "
            f"keras.optimizers.{type(identifier).__name__}(learning_rate=...)"
        )
    raise ArgumentTypeError(
        f"optimizer: got {type(identifier).__name__} {identifier!r}, expected a name or an optimizer"
    )
