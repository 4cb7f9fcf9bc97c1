"""Data sets, samplers, collation, loaders and transforms."""

from __future__ import annotations

from collections import OrderedDict, UserDict, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    Digits,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
    transforms,
)
from minidl.errors import ArgumentError, ArgumentTypeError, DTypeError, IndexOutOfRange, ShapeError

Point = namedtuple("Point", "x y")


def assert_same(found, expected):
    """Compare batches: types, structure, dtypes, shapes and values."""
    assert type(found) is type(expected)
    if isinstance(expected, minidl.Tensor):
        assert found.dtype == expected.dtype
        assert tuple(found.shape) == tuple(expected.shape)
        np.testing.assert_array_equal(found.array, expected.array)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


class Plain(Dataset):
    """The samples of a list, fetched one by one."""

    def __init__(self, samples):
        self.samples = list(samples)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]


# --- collation --------------------------------------------------------------------------------------------------------


COLLATE = [
    [1, 2, 3],
    [True, False],
    [0.5, 1.5],
    [np.float32(1), np.float32(2)],
    [np.float64(1), np.float64(2)],
    [np.int16(1), np.int16(2)],
    [np.bool_(True), np.bool_(False)],
    [np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)],
    [np.zeros((), np.int8), np.ones((), np.int8)],
    [np.zeros((0, 2)), np.zeros((0, 2))],
    [np.arange(6.0).reshape(2, 3).T, np.ones((3, 2))],
    ["a", "bc"],
    [b"a", b"bc"],
    [(1, "a"), (2, "b")],
    [[1, 2.0], [3, 4.0]],
    [(np.zeros(2), (1, [2, 3])), (np.ones(2), (4, [5, 6]))],
    [{"x": 1, "y": np.zeros(2)}, {"y": np.ones(2), "x": 2}],
    [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    [Point(1, np.zeros(2)), Point(2, np.ones(2))],
    [{"p": Point(1, 2), "q": ({"r": 0.5},)}],
    [()],
    [{}, {}],
]


def to_minidl(value, torch):
    """The same structure with minidl's Tensors in place of torch's."""
    if isinstance(value, torch.Tensor):
        return minidl.from_numpy(np.array(value.numpy()))
    if isinstance(value, dict):
        return type(value)((key, to_minidl(each, torch)) for key, each in value.items())
    if hasattr(value, "_fields"):
        return type(value)(*(to_minidl(each, torch) for each in value))
    if isinstance(value, list | tuple):
        return type(value)(to_minidl(each, torch) for each in value)
    return value


@pytest.mark.parametrize("batch", COLLATE, ids=repr)
def test_default_collate_and_convert_do_what_pytorch_does(batch):
    torch = pytest.importorskip("torch")
    from torch.utils.data import default_collate as collate
    from torch.utils.data import default_convert as convert

    assert_same(default_collate(batch), to_minidl(collate(batch), torch))
    assert_same(default_convert(batch[0]), to_minidl(convert(batch[0]), torch))


def test_default_collate_worked_examples():
    zeros, ones = np.zeros(2, np.float32), np.ones(2, np.float32)
    inputs, (names, numbers) = default_collate([(zeros, ("a", 1)), (ones, ("b", 2))])
    assert inputs.tolist() == [[0, 0], [1, 1]] and inputs.dtype == np.float32
    assert names == ("a", "b")
    assert numbers.tolist() == [1, 2] and numbers.dtype == np.int64
    assert default_collate([0.5]).dtype == np.float64
    assert default_collate([True]).dtype == np.bool_
    assert default_collate([Point(1, 2), Point(3, 4)]).y.tolist() == [2, 4]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_default_collate_stacks_tensors_and_keeps_the_graph(dtype):
    a, b = minidl.tensor(np.ones(2, dtype), requires_grad=True), minidl.tensor(np.zeros(2, dtype))
    batch = default_collate([a, b])
    assert batch.shape == (2, 2) and batch.dtype == dtype
    (batch * 3).sum().backward()
    assert a.grad.tolist() == [3, 3]


def test_mappings_keep_their_type():
    counts = defaultdict(list, x=1)
    collated = default_collate([counts, counts])
    assert type(collated) is defaultdict and collated["missing"] == [] and collated["x"].tolist() == [1, 1]
    assert counts["x"] == 1
    assert type(default_collate([UserDict(x=1)])) is UserDict
    assert type(default_collate([MappingProxyType({"x": 1})])) is MappingProxyType
    assert type(default_convert(MappingProxyType({"x": 1}))) is MappingProxyType


def test_default_convert_leaves_what_is_no_array():
    tensor, thing = minidl.zeros(2), object()
    assert default_convert(tensor) is tensor and default_convert(thing) is thing
    words = np.array(["a", "b"])
    assert default_convert(words) is words
    assert default_convert(np.float32(2)).dtype == np.float32


@pytest.mark.parametrize(
    ("batch", "error", "words"),
    [
        ([np.zeros(2), np.zeros(2), np.zeros(3)], ShapeError, r"the first \(2,\), number 2 \(3,\)"),
        ([[1, 2], [1]], ShapeError, r"different lengths: \[2, 1\]"),
        ([object()], ArgumentTypeError, "samples of type object.*collate_fn"),
        ([{1, 2}], ArgumentTypeError, "samples of type set"),
        ([None], ArgumentTypeError, "samples of type NoneType"),
        ([np.array(["a"])], DTypeError, "dtype <U1"),
    ],
)
def test_samples_that_make_no_batch(batch, error, words):
    with pytest.raises(error, match=words):
        default_collate(batch)


def test_tensors_of_different_shapes_make_no_batch():
    with pytest.raises(ShapeError, match=r"the first \(2,\), number 1 \(3,\)"):
        default_collate([minidl.zeros(2), minidl.zeros(3)])


# --- data sets --------------------------------------------------------------------------------------------------------


def test_tensor_dataset():
    dataset = TensorDataset(minidl.arange(6).reshape(3, 2), np.array([5, 6, 7]))
    assert len(dataset) == 3
    x, y = dataset[-1]
    assert x.tolist() == [4, 5] and y.item() == 7
    assert [y.item() for _, y in dataset] == [5, 6, 7]
    with pytest.raises(IndexError):
        dataset[3]


def test_tensor_dataset_refuses_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"\(3, 2\), \(2,\)"):
        TensorDataset(minidl.zeros(3, 2), minidl.zeros(2))
    with pytest.raises(ShapeError, match="one length"):
        TensorDataset(minidl.tensor(1.0))
    with pytest.raises(ArgumentError, match="at least one"):
        TensorDataset()


def test_a_data_set_without_getitem_says_so():
    class Empty(Dataset):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no __getitem__"):
        Empty()[0]
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(Sampler())


# --- samplers ---------------------------------------------------------------------------------------------------------


def test_random_sampler_without_replacement_is_a_new_permutation_each_time():
    minidl.manual_seed(1)
    sampler = RandomSampler(range(50))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50)) and first != second
    assert len(sampler) == 50 and all(type(index) is int for index in first)
    minidl.manual_seed(1)
    assert list(sampler) == first


def test_random_sampler_with_a_generator_does_not_touch_the_global_one():
    minidl.manual_seed(1)
    expected = minidl.randperm(10).tolist()
    minidl.manual_seed(1)
    list(RandomSampler(range(10), generator=minidl.Generator().manual_seed(5)))
    assert minidl.randperm(10).tolist() == expected
    one, two = (list(RandomSampler(range(10), generator=minidl.Generator().manual_seed(5))) for _ in range(2))
    assert one == two


def test_random_sampler_draws_as_many_as_asked():
    more = list(RandomSampler(range(4), num_samples=10))
    assert len(more) == 10 and sorted(more[:4]) == sorted(more[4:8]) == [0, 1, 2, 3] and len(set(more[8:])) == 2
    few = list(RandomSampler(range(100), num_samples=3))
    assert len(few) == len(set(few)) == 3
    minidl.manual_seed(0)
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=300))
    assert len(drawn) == 300 and set(drawn) == {0, 1, 2}


def test_random_sampler_of_an_empty_data_set():
    with pytest.raises(ArgumentError, match="empty"):
        RandomSampler([])
    with pytest.raises(ArgumentError, match="empty"):
        RandomSampler([], replacement=True, num_samples=3)
    with pytest.raises(ArgumentError, match="empty"):
        DataLoader([], shuffle=True)
    for wrong in (0, -1, 2.5):
        with pytest.raises(ArgumentError, match=f"{wrong} samples from num_samples"):
            RandomSampler(range(3), num_samples=wrong)


@given(st.integers(0, 20), st.integers(1, 7), st.booleans())
def test_batch_sampler_parts_the_indices(length, batch_size, drop_last):
    sampler = BatchSampler(SequentialSampler(range(length)), batch_size, drop_last)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    kept = length - length % batch_size if drop_last else length
    assert [index for batch in batches for index in batch] == list(range(kept))
    assert all(len(batch) == batch_size for batch in batches[:-1])


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2"])
def test_batch_size_must_be_a_positive_int(wrong):
    with pytest.raises(ArgumentError, match="batch_size is"):
        BatchSampler(range(3), wrong, False)
    with pytest.raises(ArgumentError, match="batch_size is"):
        DataLoader(range(3), batch_size=wrong)


def test_drop_last_must_be_a_bool():
    with pytest.raises(ArgumentError, match="drop_last is 1"):
        BatchSampler(range(3), 1, 1)


# --- loaders ----------------------------------------------------------------------------------------------------------


def test_loader_reads_every_sample_once_in_order():
    x, y = minidl.arange(14).reshape(7, 2), minidl.arange(7)
    loader = DataLoader(TensorDataset(x, y), batch_size=3)
    assert len(loader) == 3
    for _ in range(2):
        batches = list(loader)
        assert [type(batch) for batch in batches] == [list] * 3
        assert [labels.tolist() for _, labels in batches] == [[0, 1, 2], [3, 4, 5], [6]]
        assert [inputs.shape for inputs, _ in batches] == [(3, 2), (3, 2), (1, 2)]
    assert len(list(DataLoader(TensorDataset(x, y), batch_size=3, drop_last=True))) == 2


def test_loader_shuffles_samples_together_and_anew():
    minidl.manual_seed(3)
    x = minidl.arange(40)
    loader = DataLoader(TensorDataset(x, x * 10), batch_size=8, shuffle=True)
    epochs = []
    for _ in range(2):
        order = []
        for inputs, targets in loader:
            assert (targets.array == inputs.array * 10).all()
            order += inputs.tolist()
        assert sorted(order) == list(range(40))
        epochs.append(order)
    assert epochs[0] != epochs[1]
    again = DataLoader(TensorDataset(x), batch_size=40, shuffle=True, generator=minidl.Generator().manual_seed(2))
    same = DataLoader(TensorDataset(x), batch_size=40, shuffle=True, generator=minidl.Generator().manual_seed(2))
    assert next(iter(again))[0].tolist() == next(iter(same))[0].tolist()


DATASETS = {
    "one tensor": lambda: TensorDataset(minidl.arange(5.0)),
    "three tensors": lambda: TensorDataset(minidl.zeros(5, 2, 3), minidl.arange(5), minidl.ones(5, 0)),
    "float64": lambda: TensorDataset(np.arange(10.0).reshape(5, 2)),
    "non-contiguous": lambda: TensorDataset(np.arange(20.0).reshape(2, 10).T[::2], minidl.arange(5)),
    "images": lambda: Digits(),
    "transformed images": lambda: Digits(transform=transforms.ToTensor(16)),
    "images through a function": lambda: Digits(transform=lambda image: image.array.mean()),
    "images through both": lambda: Digits(
        transform=transforms.Compose(
            [transforms.ToTensor(16), transforms.Normalize(0.3, 0.4), lambda image: image[:, 2:], transforms.Flatten()]
        )
    ),
    "images through a function first": lambda: Digits(
        transform=transforms.Compose([lambda image: image.array[:4], transforms.ToTensor(16)])
    ),
    "images with target_transform": lambda: Digits(target_transform=lambda label: {"odd": label % 2, "n": str(label)}),
    "images with a list of targets": lambda: Digits(target_transform=lambda label: [float(label), label]),
}


@pytest.mark.parametrize("make", DATASETS.values(), ids=DATASETS)
@pytest.mark.parametrize("indices", [[0], [3, 1, 4], [2, 2, 0, -1]])
def test_a_batch_fetched_at_once_is_the_collated_samples(make, indices):
    dataset = make()
    assert_same(dataset.fetch_batch(indices), default_collate([dataset[index] for index in indices]))


def test_own_collate_fn_gets_the_samples_themselves():
    dataset = TensorDataset(minidl.arange(5), minidl.arange(5))
    for batch in DataLoader(dataset, batch_size=2, collate_fn=lambda samples: samples):
        assert all(type(sample) is tuple and sample[0].ndim == 0 for sample in batch)
    images = next(iter(DataLoader(Digits(), batch_size=2, collate_fn=lambda samples: samples)))
    assert [label for _, label in images] == [0, 1] and all(type(label) is int for _, label in images)


def test_a_new_getitem_is_not_passed_over_by_an_inherited_fetch_batch():
    class Negative(TensorDataset):
        def __getitem__(self, index):
            return tuple(-tensor for tensor in super().__getitem__(index))

    class Mixin:
        def __getitem__(self, index):
            return super().__getitem__(index)[0] + 100

    class Mixed(Mixin, TensorDataset):
        pass

    class Both(Negative):
        def fetch_batch(self, indices):
            return "both"

    class Renamed(TensorDataset):
        pass

    def first_batch(dataset):
        return next(iter(DataLoader(dataset, batch_size=2)))

    x = minidl.arange(4)
    assert first_batch(Negative(x))[0].tolist() == [0, -1]
    assert first_batch(Mixed(x)).tolist() == [100, 101]
    assert first_batch(Both(x)) == "both"
    assert first_batch(Renamed(x))[0].tolist() == [0, 1]


def test_getitems_of_pytorch_is_used():
    class Together(Plain):
        def __getitems__(self, indices):
            return [-self.samples[index] for index in indices]

    assert [batch.tolist() for batch in DataLoader(Together([1, 2, 3]), batch_size=2)] == [[-1, -2], [-3]]


def test_anything_with_getitem_and_len_is_a_data_set():
    assert [batch.tolist() for batch in DataLoader([1.0, 2.0, 3.0], batch_size=2)] == [[1, 2], [3]]
    assert list(DataLoader("abc", batch_size=2)) == [["a", "b"], ["c"]]
    assert [batch.tolist() for batch in DataLoader(minidl.arange(3), batch_size=3)] == [[0, 1, 2]]
    assert list(DataLoader([])) == [] and len(DataLoader([])) == 0


def test_sampler_and_batch_sampler():
    data = Plain([10, 11, 12, 13])
    assert [b.tolist() for b in DataLoader(data, batch_size=2, sampler=[3, 0, 3])] == [[13, 10], [13]]
    assert [b.tolist() for b in DataLoader(data, batch_sampler=[[0, 3], [1]])] == [[10, 13], [11]]
    loader = DataLoader(data, batch_sampler=[[0, 3], [1]])
    assert len(loader) == 2 and loader.batch_size is None
    assert [b.tolist() for b in DataLoader({"a": 1, "b": 2}, sampler=["b", "a"])] == [[2], [1]]


def test_batch_size_none_gives_single_samples():
    loader = DataLoader(Plain([(np.zeros(2), 1), (np.ones(2), 2)]), batch_size=None)
    assert len(loader) == 2
    (x, y), _ = loader
    assert isinstance(x, minidl.Tensor) and x.shape == (2,) and y == 1
    bulk = DataLoader(TensorDataset(minidl.arange(5)), batch_size=None, sampler=BatchSampler(range(5), 2, False))
    assert [x.tolist() for (x,) in bulk] == [[0, 1], [2, 3], [4]]


def test_pin_memory_changes_nothing():
    loader = DataLoader(Plain([1, 2, 3]), batch_size=2, pin_memory=True)
    assert [batch.tolist() for batch in loader] == [[1, 2], [3]]


def test_two_runs_through_a_loader_at_once():
    loader = DataLoader(Plain([1, 2, 3]))
    assert [(a.item(), b.item()) for a in loader for b in loader] == [(a, b) for a in (1, 2, 3) for b in (1, 2, 3)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sampler": [0], "shuffle": True}, "not both"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler stands for"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler stands for"),
        ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler stands for"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler stands for"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None"),
        ({"num_workers": -1}, "num_workers is -1"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused_as_in_pytorch(options, words):
    with pytest.raises(ArgumentError, match=words):
        DataLoader(Plain([1]), **options)
    data = pytest.importorskip("torch.utils.data")
    with pytest.raises(ValueError):
        data.DataLoader([1], **options)


def test_what_is_no_data_set_is_refused():
    with pytest.raises(ArgumentTypeError, match="is a generator"):
        DataLoader(x for x in range(3))


# --- transforms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_to_tensor_scales_uint8_to_the_default_dtype(dtype):
    pixels = np.array([[0, 51, 255]], np.uint8)
    before = minidl.get_default_dtype()
    minidl.set_default_dtype(dtype)
    try:
        image = transforms.ToTensor()(pixels)
    finally:
        minidl.set_default_dtype(before)
    assert image.shape == (1, 1, 3) and image.dtype == dtype
    np.testing.assert_array_equal(image.array, (pixels[None].astype(dtype) / dtype(255)))


def test_to_tensor_shapes():
    grey, colour = np.zeros((4, 5), np.uint8), np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    to_tensor = transforms.ToTensor()
    assert to_tensor(grey).shape == (1, 4, 5)
    assert to_tensor(colour).shape == (3, 4, 5)
    assert to_tensor(colour).array[2, 1, 3] == np.float32(colour[1, 3, 2]) / np.float32(255)
    assert to_tensor.on_batch(np.stack([grey] * 2)).shape == (2, 1, 4, 5)
    assert to_tensor.on_batch(np.stack([colour] * 2)).shape == (2, 3, 4, 5)
    assert to_tensor(minidl.from_numpy(grey)).shape == (1, 4, 5)
    for wrong in (np.zeros(3), np.zeros((1, 2, 3, 4))):
        with pytest.raises(ShapeError, match="ToTensor: the image has the shape"):
            to_tensor(wrong)
    with pytest.raises(ShapeError, match="ToTensor: the images have the shape"):
        to_tensor.on_batch(grey)


def test_to_tensor_keeps_other_dtypes_and_never_writes_to_its_input():
    floats = np.full((2, 2), 7.0)
    assert transforms.ToTensor()(floats).dtype == np.float64 and transforms.ToTensor()(floats).array.max() == 7
    pixels = np.full((2, 2), 200, np.uint8)
    image = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])(pixels)
    assert (pixels == 200).all() and image.array.max() < 1
    original = transforms.ToTensor()(floats)
    transforms.Normalize(0.5, 0.5)(original)
    assert (original.array == 7).all() and (floats == 7).all()


def test_to_tensor_takes_pillow_images():
    pillow = pytest.importorskip("PIL.Image")
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(
        transforms.ToTensor()(pillow.fromarray(pixels)).array, transforms.ToTensor()(pixels).array
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalize_each_channel(dtype):
    image = np.random.default_rng(0).random((3, 4, 5)).astype(dtype)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    normalised = transforms.Normalize(mean, std)(image)
    assert normalised.dtype == dtype
    for c in range(3):
        np.testing.assert_array_equal(normalised.array[c], (image[c] - dtype(mean[c])) / dtype(std[c]))
    batch = transforms.Normalize(mean, std).on_batch(np.stack([image, image * 2]))
    np.testing.assert_array_equal(batch.array[0], normalised.array)
    np.testing.assert_array_equal(
        transforms.Normalize((0.5,), (0.5,))(image).array, transforms.Normalize(0.5, 0.5)(image).array
    )


def test_transforms_give_the_numbers_of_pytorch():
    torch = pytest.importorskip("torch")
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    expected = torch.from_numpy(pixels)[None].to(torch.float32).div(255).sub_(0.286).div_(0.353)
    found = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.286,), (0.353,))])(pixels)
    np.testing.assert_array_equal(found.array, expected.numpy())


def test_normalize_refuses_what_does_not_fit():
    image = np.zeros((3, 2, 2), np.float32)
    for mean, std, words in [
        (0.5, 0.0, "std is 0.0"),
        ((0, 0, 0), (1, 0, 1), "std is"),
        (float("nan"), 1, "mean is nan"),
        ([], 1, "mean is"),
        ([[1.0]], 1, "mean is"),
    ]:
        with pytest.raises(ArgumentError, match=words):
            transforms.Normalize(mean, std)
    with pytest.raises(ShapeError, match="mean has 2 numbers.*3 channels"):
        transforms.Normalize((1, 2), (1, 2))(image)
    with pytest.raises(ShapeError, match=r"expected \(..., C, H, W\)"):
        transforms.Normalize(0, 1)(image[0])
    with pytest.raises(DTypeError, match="uint8.*ToTensor"):
        transforms.Normalize(0, 1)(image.astype(np.uint8))
    with pytest.raises(ArgumentError, match="maximum is 0"):
        transforms.ToTensor(maximum=0)


def test_flatten_compose_and_lambda():
    image = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    assert transforms.Flatten()(image).tolist() == list(range(12))
    assert transforms.Flatten().on_batch(np.stack([image, image])).shape == (2, 12)
    assert transforms.Flatten().on_batch(np.zeros((0, 3, 2))).shape == (0, 6)
    assert transforms.Compose([])(5) == 5
    assert transforms.Compose([transforms.Lambda(lambda x: x + 1), lambda x: x * 2])(1) == 4
    with pytest.raises(ArgumentTypeError, match="Lambda: expected a function"):
        transforms.Lambda(3)
    with pytest.raises(ArgumentTypeError, match="Compose: expected transforms, got a int"):
        transforms.Compose([3])


def test_a_batch_through_compose_is_its_images_through_compose():
    images = minidl.from_numpy(np.random.default_rng(1).integers(0, 256, (4, 6, 6), dtype=np.uint8))
    nested = transforms.Compose([transforms.Compose([transforms.ToTensor()]), transforms.Normalize(0.5, 0.25)])
    for steps in (
        [transforms.ToTensor(), transforms.Normalize(0.2, 0.3), transforms.Flatten()],
        [nested, transforms.Flatten()],
        [nested, transforms.Lambda(lambda image: image[:, 1:]), transforms.Flatten()],
        [lambda image: image.array[::2], transforms.ToTensor()],
        [transforms.ToTensor(), lambda image: image.array.sum().item(), lambda number: (number, str(number))],
    ):
        transform = transforms.Compose(steps)
        assert_same(transform.on_batch(images), default_collate([transform(image) for image in images]))


def test_a_transform_without_its_methods_says_so():
    class Half(transforms.Transform):
        pass

    with pytest.raises(NotImplementedError, match="Half has no __call__"):
        Half()(1)
    with pytest.raises(NotImplementedError, match="Half has no on_batch"):
        Half().on_batch(1)


def test_transforms_print_what_they_do():
    steps = [transforms.ToTensor(16), transforms.Normalize((0.5,), (0.25,)), transforms.Flatten()]
    assert repr(transforms.Compose([*steps, transforms.Lambda(abs)])).split("\n") == [
        "Compose(",
        "    ToTensor(maximum=16)",
        "    Normalize(mean=(0.5,), std=(0.25,))",
        "    Flatten()",
        "    Lambda(abs)",
        ")",
    ]


# --- data sets made of others -----------------------------------------------------------------------------------------


class Stream(IterableDataset):
    """Samples that come one after the other."""

    def __init__(self, samples):
        self.samples = samples

    def __iter__(self):
        return iter(self.samples)


class SizedStream(Stream):
    def __len__(self):
        return len(self.samples)


def test_subset():
    subset = Subset(Plain("abcdef"), [5, 0, 0])
    assert len(subset) == 3
    assert list(subset) == ["f", "a", "a"]
    assert subset[-1] == "a"
    inner = Subset(subset, [1, 0])
    assert [inner[0], inner[1]] == ["a", "f"]
    table = Subset(TensorDataset(minidl.arange(6).reshape(3, 2)), [2, 0])
    assert table[[1, 0]][0].tolist() == [[0, 1], [4, 5]]


@pytest.mark.parametrize("data", [Plain(range(10)), TensorDataset(minidl.arange(10)), Digits()])
def test_a_loader_of_a_subset_gives_the_same_batches(data):
    subset = Subset(data, [4, 2, 9])
    for batch, indices in zip(DataLoader(subset, 2), ([4, 2], [9]), strict=True):
        assert_same(batch, default_collate([data[i] for i in indices]))


def test_a_subset_asks_for_many_samples_at_once_where_it_can():
    class Many(Plain):
        def __getitems__(self, indices):
            return [-self.samples[i] for i in indices]

    (batch,) = DataLoader(Subset(Many([1, 2, 3]), [2, 0]), batch_size=2)
    assert batch.tolist() == [-3, -1]


def test_concat_dataset():
    both = Plain("abc") + Plain("") + Plain("de")
    assert isinstance(both, ConcatDataset)
    assert len(both) == 5
    assert [both[i] for i in range(-5, 5)] == list("abcdeabcde")
    assert list(both) == list("abcde")
    for index in (5, -6):
        with pytest.raises(IndexOutOfRange, match=f"index {index} is out of range for a ConcatDataset of 5 samples"):
            both[index]
    with pytest.raises(ArgumentError, match="expected at least one"):
        ConcatDataset([])
    with pytest.raises(ArgumentTypeError, match="use ChainDataset"):
        ConcatDataset([Stream("ab")])


def test_chain_dataset():
    chain = SizedStream("ab") + SizedStream("cde")
    assert isinstance(chain, ChainDataset)
    assert list(chain) == list("abcde") == list(chain)
    assert len(chain) == 5
    with pytest.raises(ArgumentTypeError, match="number 1 is a Plain; use ConcatDataset"):
        ChainDataset([Stream("ab"), Plain("cd")])


def test_loader_of_an_iterable_dataset():
    stream = Stream([3, 2, 1, 0, 7])
    assert [batch.tolist() for batch in DataLoader(stream, batch_size=2)] == [[3, 2], [1, 0], [7]]
    assert [batch.tolist() for batch in DataLoader(stream, batch_size=2, drop_last=True)] == [[3, 2], [1, 0]]
    assert list(DataLoader(stream, batch_size=None)) == [3, 2, 1, 0, 7]
    assert list(DataLoader(stream, 2, collate_fn=tuple)) == [(3, 2), (1, 0), (7,)]
    assert list(DataLoader(Stream([]))) == []
    with pytest.raises(TypeError):
        len(DataLoader(stream))
    sized = SizedStream([1, 2, 3])
    assert [len(DataLoader(sized, 2)), len(DataLoader(sized, 2, drop_last=True)), len(DataLoader(sized, None))] == [
        2,
        1,
        3,
    ]
    for options in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        with pytest.raises(ArgumentError, match="decides on the order itself"):
            DataLoader(stream, **options)
    with pytest.raises(NotImplementedError, match=r"IterableDataset has no __iter__\(\)"):
        list(DataLoader(IterableDataset()))


def test_an_unknown_argument_is_named():
    with pytest.raises(ArgumentTypeError, match="DataLoader has no argument 'batchsize'"):
        DataLoader([1, 2], batchsize=2)


@pytest.mark.parametrize(
    ("size", "lengths", "expected"),
    [
        (10, [7, 3], [7, 3]),
        (10, [0.5, 0.5], [5, 5]),
        (11, [0.5, 0.3, 0.2], [6, 3, 2]),
        (10, [1 / 3, 1 / 3, 1 / 3], [4, 3, 3]),
        (3, [0.1] * 10, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
        (4, [0, 4], [0, 4]),
        (0, [0], [0]),
    ],
)
@pytest.mark.filterwarnings("ignore:random_split. part")
@pytest.mark.filterwarnings("ignore:Length of split")
def test_random_split(size, lengths, expected):
    generator = minidl.Generator().manual_seed(3)
    parts = random_split(range(size), lengths, generator)
    assert [len(part) for part in parts] == expected
    assert sorted(sample for part in parts for sample in part) == list(range(size))
    again = random_split(range(size), lengths, generator.manual_seed(3))
    assert [part.indices for part in again] == [part.indices for part in parts]
    torch = pytest.importorskip("torch")
    assert [len(part) for part in torch.utils.data.random_split(range(size), lengths)] == expected


def test_random_split_refuses_and_warns():
    with pytest.warns(UserWarning, match="part 1 is empty"):
        random_split(range(2), [0.9, 0.1])
    for lengths in ([3, 3], [0.5, 0.6], [2.5, 2.5], [-1, 6], []):
        with pytest.raises(ArgumentError, match="random_split: lengths must be .* the 5 of the data set"):
            random_split(range(5), lengths)
    with pytest.raises(ArgumentError, match="fractions must be from 0 to 1"):
        random_split(range(5), [1.5, -0.5])


def test_subset_random_sampler():
    sampler = SubsetRandomSampler([2, 5, 9, 11], generator=minidl.Generator().manual_seed(0))
    assert len(sampler) == 4
    runs = {tuple(sampler) for _ in range(50)}
    assert len(runs) > 5
    assert all(sorted(run) == [2, 5, 9, 11] for run in runs)
    assert list(SubsetRandomSampler([])) == []


def test_weighted_random_sampler():
    generator = minidl.Generator().manual_seed(0)
    sampler = WeightedRandomSampler([1.0, 0.0, 3.0], 4000, generator=generator)
    assert len(sampler) == 4000
    counts = np.bincount(list(sampler), minlength=3)
    assert counts[1] == 0
    assert abs(counts[2] / 4000 - 0.75) < 0.03
    once = WeightedRandomSampler(np.array([1.0, 0.0, 3.0, 2.0], np.float32), 3, replacement=False)
    assert all(sorted(once) == [0, 2, 3] for _ in range(10))
    assert list(WeightedRandomSampler(minidl.tensor([0, 1]), 2)) == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([[1.0]], 1), r"weights must be a vector .* got shape \(1, 1\)"),
        (([1.0, -1.0], 1), r"got \[1.0, -1.0\]"),
        (([1.0, float("nan")], 1), "weights must be"),
        (([0.0, 0.0], 1), "one of them above 0"),
        (([], 1), "weights must be"),
        (([1.0], 0), "num_samples is 0, expected a positive int"),
        (([1.0], 2.0), "num_samples is 2.0"),
        (([1.0], True), "num_samples is True"),
        (([1.0], 1, 1), "replacement is 1, expected True or False"),
        (([1.0, 0.0], 2, False), "num_samples is 2 without replacement, but only 1 weights are above 0"),
    ],
)
def test_weighted_random_sampler_refuses(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        WeightedRandomSampler(*arguments)


def test_a_batch_of_padded_sequences():
    def pad(batch):
        words, labels = zip(*batch, strict=True)
        return minidl.nn.utils.rnn.pad_sequence(words, batch_first=True), minidl.tensor(labels)

    samples = [(minidl.tensor([1, 2, 3]), 0), (minidl.tensor([4]), 1)]
    ((words, labels),) = DataLoader(samples, batch_size=2, collate_fn=pad)
    assert words.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert labels.tolist() == [0, 1]
