"""Optimizers and schedules against PyTorch's in long runs with drawn options, groups, layouts and interruptions.

`draw_run` draws what a run is; `run` does it with minidl or torch alike. Where torch is not installed, the runs are
compared with their last figures in golden/optim_random.npz, which `python tests/test_optim_random.py` computes anew.
`python tests/test_optim_random.py 0 1000` compares the runs 0 to 999.
"""

from __future__ import annotations

import copy
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minidl

GOLDEN = Path(__file__).parent / "golden" / "optim_random.npz"
RUNS = range(33)
SHAPES = ((), (1,), (0,), (3,), (2, 3), (4, 1, 2))


def flag(rng):
    return bool(rng.integers(2))


def betas(rng):
    return (float(rng.choice([0.0, 0.5, 0.9])), float(rng.choice([0.0, 0.9, 0.99, 0.999])))


def decay(rng):
    return float(rng.choice([0, 0, 0.01, 0.3]))


def small(rng):
    return float(rng.choice([1e-8, 1e-4, 0.1]))


def fraction(rng):
    return float(rng.choice([0, 0.3, 0.9]))


# what an option may be, by its name
OPTIONS = {
    "lr": lambda rng: float(rng.choice([0.3, 0.05, 1e-3, 0.0])), "maximize": flag, "betas": betas, "eps": small,
    "weight_decay": decay, "amsgrad": flag, "decoupled_weight_decay": flag, "momentum": fraction, "dampening": fraction,
    "alpha": lambda rng: float(rng.choice([0.0, 0.5, 0.75, 0.99])), "centered": flag, "lr_decay": fraction,
    "initial_accumulator_value": fraction, "rho": lambda rng: float(rng.choice([0, 0.5, 0.9, 1])),
    "momentum_decay": lambda rng: float(rng.choice([0, 4e-3, 0.2])),
    "etas": lambda rng: (float(rng.choice([0.3, 0.5])), float(rng.choice([1.1, 1.5]))),
    "step_sizes": lambda rng: (float(rng.choice([1e-6, 1e-2])), float(rng.choice([0.1, 50]))),
    "lambd": lambda rng: float(rng.choice([1e-4, 0.1])), "t0": lambda rng: float(rng.choice([0, 20, 1e6])),
}  # fmt: skip
ADAM = "lr betas eps weight_decay amsgrad maximize"
KINDS = {
    "SGD": "lr momentum dampening weight_decay maximize", "Adam": f"{ADAM} decoupled_weight_decay", "AdamW": ADAM,
    "RMSprop": "lr alpha eps weight_decay momentum centered maximize",
    "Adagrad": "lr lr_decay weight_decay initial_accumulator_value eps maximize",
    "Adadelta": "lr rho eps weight_decay maximize", "Adamax": "lr betas eps weight_decay maximize",
    "NAdam": "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize",
    "RAdam": "lr betas eps weight_decay decoupled_weight_decay maximize", "Rprop": "lr etas step_sizes maximize",
    "ASGD": "lr lambd alpha t0 weight_decay maximize",
}  # fmt: skip


def draw_options(rng, kind):
    options = {name: OPTIONS[name](rng) for name in KINDS[kind].split() if rng.random() < 0.6}
    if kind == "SGD" and options.get("momentum") and not options.get("dampening"):
        options["nesterov"] = flag(rng)
    return options


def number(rng, low, high):
    return float(rng.uniform(low, high))


def draw_schedule(rng, groups, depth=0):
    """Return a function that makes a schedule of a library's lr_scheduler for an optimizer."""
    gamma, some, factor = number(rng, 0.3, 1.1), int(rng.integers(1, 12)), number(rng, 0.1, 1)
    other, whole, power = number(rng, 0, 1), int(rng.integers(1, 4)), number(rng, 0.5, 3)
    each = [number(rng, 0.5, 1.1) for _ in range(groups)]
    marks = sorted(int(k) for k in rng.integers(0, 40, 4))
    rates = [number(rng, 0.1, 1) for _ in range(groups)]
    strategy, mode = str(rng.choice(["cos", "linear"])), str(rng.choice(["triangular", "triangular2", "exp_range"]))
    makers = [
        lambda lib, o: lib.StepLR(o, some, gamma),
        lambda lib, o: lib.MultiStepLR(o, marks, gamma=gamma),
        lambda lib, o: lib.ExponentialLR(o, gamma),
        lambda lib, o: lib.ConstantLR(o, factor, some),
        lambda lib, o: lib.LinearLR(o, factor, other, total_iters=some),
        lambda lib, o: lib.PolynomialLR(o, some, power),
        lambda lib, o: lib.CosineAnnealingLR(o, some, eta_min=other / 10),
        lambda lib, o: lib.CosineAnnealingWarmRestarts(o, some, whole, other / 10),
        lambda lib, o: lib.LambdaLR(o, [lambda epoch, base=base: base**epoch for base in each]),
        lambda lib, o: lib.MultiplicativeLR(o, lambda epoch: 1 - other / (epoch + 1)),
    ]
    if depth == 0:
        parts = [draw_schedule(rng, groups, 1) for _ in range(whole)]
        ends = np.cumsum(rng.integers(1, 15, whole - 1)).tolist()
        makers += [
            lambda lib, o: lib.SequentialLR(o, [part(lib, o) for part in parts], ends),
            lambda lib, o: lib.ChainedScheduler([part(lib, o) for part in parts]),
            lambda lib, o: lib.ReduceLROnPlateau(
                o, ["min", "max"][whole % 2], factor / 1.1, whole, other / 10, ["rel", "abs"][some % 2], some // 4,
                [rate / 100 for rate in rates],
            ),
            lambda lib, o: lib.OneCycleLR(
                o, rates, 200, None, None, 0.1 + 0.8 * other, strategy, has_momentum(o), factor / 2, [0.9] * groups,
                10 * factor, 100 * factor, bool(whole % 2),
            ),
            lambda lib, o: lib.CyclicLR(
                o, factor / 10, rates, some, whole, mode, 0.9, cycle_momentum=has_momentum(o), max_momentum=0.95,
            ),
        ]  # fmt: skip
    return makers[rng.integers(len(makers))]


def has_momentum(optimizer):
    return bool({"betas", "momentum"} & set(optimizer.defaults))


def draw_run(seed):
    """Return what a run is: a kind, its options and those of groups, parameters, a schedule, when it is saved."""
    rng = np.random.default_rng(seed)
    kind = list(KINDS)[seed % len(KINDS)]
    groups = int(rng.integers(1, 4))
    own = [draw_options(rng, kind) if flag(rng) else {} for _ in range(groups)]
    for options in own:
        options.pop("nesterov", None)
        options.pop("dampening", None)
    params = [
        [(SHAPES[rng.integers(len(SHAPES))], str(rng.choice(["float32", "float64"])), int(rng.integers(4)))
         for _ in range(rng.integers(1, 4))]
        for _ in range(groups)
    ]  # fmt: skip
    return {
        "kind": kind, "options": draw_options(rng, kind), "own": own, "params": params,
        "steps": int(rng.integers(50, 200)), "saved": int(rng.integers(10, 40)),
        "tensor_lr": rng.random() < 0.2 and kind != "ASGD",  # PyTorch's then changes the dtype of its state
        "schedule": draw_schedule(rng, groups) if rng.random() < 0.7 else None, "seed": seed,
    }  # fmt: skip


def leaf(library, array, layout):
    """Return a parameter with these values: row-major, transposed, or every second element of a larger one."""
    if layout == 1:
        tensor = library.from_numpy(np.asarray(array.T, order="C")).T
        tensor = tensor if array.ndim == 2 else library.from_numpy(array)
    elif layout == 2 and array.ndim:
        tensor = library.from_numpy(np.repeat(array, 2, axis=-1))[..., ::2]
    else:
        tensor = library.from_numpy(array)
    return tensor.requires_grad_()


def run(library, plan):
    """Return the parameters and rates at the end of a run, and each group's rates and momenta on the way."""
    rng = np.random.default_rng(1000 + plan["seed"])
    groups, params = [], []
    for shapes, options in zip(plan["params"], plan["own"], strict=True):
        arrays = [np.asarray(rng.standard_normal(shape), dtype) for shape, dtype, _ in shapes]
        mine = [leaf(library, array, layout) for array, (_, _, layout) in zip(arrays, shapes, strict=True)]
        groups.append({"params": mine, **options})
        params += mine
    optimizer, scheduler = make(library, plan, groups)
    plateau = type(scheduler).__name__ == "ReduceLROnPlateau"
    rates = []
    for step in range(plan["steps"]):
        if step == plan["saved"]:  # go on with others, from what these saved
            saved = copy.deepcopy(optimizer.state_dict()), scheduler and copy.deepcopy(scheduler.state_dict())
            groups = [{"params": group["params"]} for group in optimizer.param_groups]
            optimizer, scheduler = make(library, {**plan, "options": {}}, groups)
            optimizer.load_state_dict(saved[0])
            if scheduler:
                scheduler.load_state_dict(saved[1])
        for param in params:
            size = rng.choice([0.01, 1, 1, 10])
            gradient = np.asarray(size * rng.standard_normal(param.shape), str(param.dtype).removeprefix("torch."))
            param.grad = None if rng.random() < 0.1 else library.from_numpy(np.asarray(gradient.T, order="C").T)
        if step % 7 == 3:  # a parameter that something else changes
            with library.no_grad():
                params[step % len(params)].mul_(0.9)
        optimizer.step()
        if scheduler:
            scheduler.step(*[rng.uniform()] * plateau)
        for group in optimizer.param_groups:
            rates.append([float(group["lr"]), *group.get("betas", [group.get("momentum", 0)] * 2)])
    return [param.detach().numpy() for param in params], np.array(rates)


def make(library, plan, groups):
    options = dict(plan["options"])
    if plan["tensor_lr"]:
        options["lr"] = library.tensor(options.get("lr", 0.01), dtype=library.float64)
    optimizer = getattr(library.optim, plan["kind"])(groups, **options)
    return optimizer, plan["schedule"] and plan["schedule"](library.optim.lr_scheduler, optimizer)


def compare(ours, theirs):
    (params, rates), (their_params, their_rates) = ours, theirs
    np.testing.assert_allclose(rates, their_rates, rtol=1e-6 if rates.dtype == np.float32 else 1e-9, atol=1e-12)
    for mine, other in zip(params, their_params, strict=True):
        assert mine.dtype == other.dtype
        exact = mine.dtype == np.float64
        np.testing.assert_allclose(mine, other, rtol=1e-9 if exact else 1e-3, atol=1e-9 if exact else 1e-4)


def quietly(library, plan):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return run(library, plan)


@pytest.mark.parametrize("seed", RUNS)
def test_random_runs_are_torchs(seed):
    torch = pytest.importorskip("torch")
    plan = draw_run(seed)
    compare(quietly(minidl, plan), quietly(torch, plan))


@pytest.mark.parametrize("seed", RUNS)
def test_random_runs_golden(seed):
    params, rates = quietly(minidl, draw_run(seed))
    with np.load(GOLDEN) as golden:
        theirs = [golden[f"{seed}.{k}"] for k in range(len(params))]
        compare((params, rates[-1]), (theirs, golden[f"{seed}.rates"]))


# -- the inputs that PyTorch tests its optimizers with -----------------------------------------------------------------


def ours(value):
    """Return minidl's counterpart of what PyTorch gives an optimizer; one parameter in two places stays one."""
    import torch

    made = {}

    def convert(x):
        if isinstance(x, torch.Tensor):
            if id(x) not in made:
                made[id(x)] = minidl.tensor(x.detach().numpy(), requires_grad=x.requires_grad)
            return made[id(x)]
        if isinstance(x, dict):
            return {key: convert(entry) for key, entry in x.items()}
        return type(x)(convert(entry) for entry in x) if isinstance(x, (list, tuple)) else x

    return convert(value)


def path_with(library, kind, options):
    """Return parameters of several shapes after 20 steps."""
    rng = np.random.default_rng(0)
    params = [library.tensor(np.asarray(rng.standard_normal(shape)), requires_grad=True) for shape in SHAPES]
    optimizer = getattr(library.optim, kind)(params, **options)
    for _ in range(20):
        for param in params:
            param.grad = library.tensor(np.asarray(rng.standard_normal(param.shape)))
        optimizer.step()
    return [param.detach().numpy() for param in params]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_of_pytorchs_own_tests(kind):
    torch = pytest.importorskip("torch")
    pytest.importorskip("expecttest")
    from torch.testing._internal.common_optimizers import optim_db

    info = next(info for info in optim_db if info.name == kind)
    for sample in info.optim_inputs_func("cpu", torch.float64):
        theirs = path_with(torch, kind, sample.kwargs)
        # an lr of float32 makes PyTorch compute with it in float32
        tensors = any(isinstance(value, torch.Tensor) for value in sample.kwargs.values())
        close = {"rtol": 1e-6, "atol": 1e-6} if tensors else {"rtol": 1e-11, "atol": 1e-12}
        for a, b in zip(path_with(minidl, kind, ours(sample.kwargs)), theirs, strict=True):
            np.testing.assert_allclose(a, b, **close, err_msg=sample.desc)
    for wrong in info.optim_error_inputs_func("cpu", torch.float32):
        sample = wrong.optimizer_error_input
        params = [torch.ones(1, requires_grad=True)] if sample.params is None else sample.params
        with pytest.raises(wrong.error_type):  # a warning is an error here
            getattr(minidl.optim, kind)(ours(params), **ours(sample.kwargs))


def write_golden():
    import torch

    arrays = {}
    for seed in RUNS:
        params, rates = quietly(torch, draw_run(seed))
        arrays |= {f"{seed}.{k}": array for k, array in enumerate(params)} | {f"{seed}.rates": rates[-1]}
    np.savez_compressed(GOLDEN, **arrays)


def report(first, last):
    """Print which runs of a range do not agree."""
    for seed in range(first, last):
        try:
            test_random_runs_are_torchs(seed)
        except AssertionError as error:
            print(seed, draw_run(seed), error, sep="\n  ")


if __name__ == "__main__":
    if sys.argv[1:]:
        report(*map(int, sys.argv[1:]))
    else:
        write_golden()
