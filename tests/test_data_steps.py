"""Data processing: tables, scalers, splits, augmentation, folders of images, text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import data, nn
from minidl.data import transforms
from minidl.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError, StateError


def written(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv(tmp_path):
    path = written(tmp_path / "a.csv", '\ufeffage, kind ,x\r\n31,cat,1e3\r\n\r\n ?,"dog",NA\r\n')
    table = data.read_csv(path, categories={"kind": ["dog", "cat"]})
    assert table.names == ["age", "kind", "x"]
    np.testing.assert_array_equal(table.values, [[31, 1, 1000], [np.nan, 0, np.nan]])
    plain = data.read_csv(written(tmp_path / "b", "1;2\n3;4"), delimiter=";", header=False)
    assert plain.names == ["0", "1"] and plain.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n", r"a.csv, line 3: 1 cells, expected 2"),
        ("a,b\n1,2,3\n", r"line 2: 3 cells, expected 2"),
        ("a,b\n1,2\n3,four\n", r"a.csv, line 3, column 'b': found 'four', expected a number"),
        ("a,kind\n1,cow\n", r"line 2, column 'kind': found 'cow', expected one of 'cat'"),
        ("", "there are no rows"),
        ("a,b\n", "there are no rows"),
        (b"a\n\xff\xfe\n", "not a CSV file in utf-8"),
        ('a\n"1\n', "not a CSV file"),
    ],
)
def test_bad_csv_says_file_line_and_column(tmp_path, text, words):
    with pytest.raises(StateError, match=words):
        categories = {"kind": ["cat"]} if b"kind" in (text if isinstance(text, bytes) else text.encode()) else None
        data.read_csv(written(tmp_path / "a.csv", text), categories=categories)


def test_cleaning():
    x = np.array([[1.0, np.nan], [3.0, 4.0], [1.0, np.nan], [-0.0, 4.0], [0.0, 4.0]])
    assert len(data.drop_duplicates(x)) == 3 and len(data.drop_missing(x)) == 3
    assert data.drop_duplicates(np.zeros((0, 2))).shape == (0, 2)
    assert data.fill_missing(x, "most_frequent")[0, 1] == 4 and data.fill_missing(x, 7)[0, 1] == 7
    assert data.fill_missing([[np.nan]], fitted_on=[[1.0], [2.0], [6.0]]).tolist() == [[2.0]]
    with pytest.raises(ArgumentError, match="column 0 has no value"):
        data.fill_missing([[np.nan]])
    with pytest.raises(ArgumentError, match="fill is 'max'"):
        data.fill_missing(x, "max")
    wide = np.append(np.random.default_rng(0).normal(size=50), [np.nan, 40])[:, None]
    for method in ("iqr", "zscore"):
        mask = data.outliers(wide, method=method)
        assert mask[51, 0] and not mask[50, 0] and mask.sum() <= 3
    with pytest.raises(ShapeError, match=r"\(rows, columns\)"):
        data.outliers([1.0])


@pytest.mark.parametrize("kind", [data.StandardScaler, data.MinMaxScaler])
def test_scalers_are_saved_with_the_model(tmp_path, kind):
    x = minidl.randn(30, 3) * 5 + 2
    x[:, 2] = 4.0
    model = nn.Sequential(kind(3).fit(x), nn.Linear(3, 1))
    sklearn = pytest.importorskip("sklearn.preprocessing")
    np.testing.assert_allclose(
        model[0](x).numpy(), getattr(sklearn, kind.__name__)().fit_transform(x.numpy()), atol=1e-5
    )
    assert minidl.allclose(model[0].inverse(model[0](x)), x, atol=1e-5)
    minidl.save(model.state_dict(), tmp_path / "m")
    other = nn.Sequential(kind(3), nn.Linear(3, 1))
    with pytest.raises(StateError, match="call fit"):
        other(x)
    other.load_state_dict(minidl.load(tmp_path / "m"))
    assert minidl.equal(other(x), model(x))
    with pytest.raises(ShapeError, match=r"expected \(N, 3\)"):
        kind(3).fit(minidl.ones(2, 2))
    with pytest.raises(ArgumentError, match="NaN or inf"):
        kind(1).fit([[np.nan]])


def test_stratified_split():
    labels = np.repeat([0, 1, 2], [50, 30, 7])
    parts = data.stratified_split(range(87), minidl.tensor(labels), [0.6, 0.2, 0.2], minidl.Generator().manual_seed(1))
    assert sorted(k for part in parts for k in part) == list(range(87))
    for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True):
        counts = np.bincount(labels[list(part)], minlength=3)
        assert np.all(abs(counts - share * np.array([50, 30, 7])) <= 1)
    with pytest.raises(ShapeError, match="labels has the shape"):
        data.stratified_split(range(3), [0, 1], [0.5, 0.5])
    with pytest.raises(ArgumentError, match="sum to 1"):
        data.stratified_split(range(2), [0, 1], [1, 1])


def test_augmentation():
    image = minidl.arange(12.0).reshape(1, 3, 4)
    before = image.tolist()
    flip = transforms.RandomHorizontalFlip(0.5)
    seen = {tuple(flip(image).reshape(-1).tolist()) for _ in range(40)}
    assert len(seen) == 2
    batch = transforms.RandomHorizontalFlip(1)(minidl.stack([image, image]))
    assert batch[0].tolist() == np.flip(image.numpy(), -1).tolist()
    crops = {tuple(transforms.RandomCrop(2, padding=1)(image).reshape(-1).tolist()) for _ in range(300)}
    assert len(crops) == 20
    assert transforms.RandomCrop((3, 2)).on_batch(minidl.stack([image] * 5)).shape == (5, 1, 3, 2)
    shifted = transforms.RandomShift(1)(image)
    assert shifted.shape == image.shape
    noisy = transforms.GaussianNoise(sigma=2.0, clip=False)(minidl.zeros(1, 100, 100))
    assert 1.9 < noisy.std().item() < 2.1
    assert image.tolist() == before
    with pytest.raises(ShapeError, match="too small"):
        transforms.RandomCrop(5)(image)
    with pytest.raises(ArgumentError, match="p is 2"):
        transforms.RandomHorizontalFlip(2)
    with pytest.raises(DTypeError, match="ToTensor"):
        transforms.GaussianNoise()(image.long())


def test_image_folder(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for name, size in (("b", (4, 3)), ("a", (5, 3))):
        (tmp_path / name).mkdir()
        image.new("RGB", size, (1, 2, 3)).save(tmp_path / name / "x.PNG")
    folder = data.ImageFolder(tmp_path, transform=transforms.ToTensor())
    assert folder.classes == ["a", "b"] and folder.targets == [0, 1] and folder.class_to_idx == {"a": 0, "b": 1}
    assert folder[0][0].shape == (3, 3, 5)
    with pytest.raises(ShapeError, match="different shapes"):
        list(data.DataLoader(folder, batch_size=2))
    (tmp_path / "b" / "x.PNG").write_bytes(b"no image")
    with pytest.raises(StateError, match="x.PNG: not an image"):
        folder[1]
    (tmp_path / "c").mkdir()
    with pytest.raises(StateError, match="c: there are no images"):
        data.ImageFolder(tmp_path)
    with pytest.raises(StateError, match="found none"):
        data.ImageFolder(tmp_path / "c")


def test_words_and_vocab():
    assert data.words("Don't stop—深度学习 v2.0!") == ["Don't", "stop", "—", *"深度学习", "v2", ".", "0", "!"]
    assert data.normalize_text("Ａ\u0000e\u0301\t B", lower=False) == "Aé B"
    vocab = data.Vocab([["b", "a", "b"], ["c"]], max_size=4)
    assert vocab.tokens == ["<pad>", "<unk>", "b", "a"] and vocab(["c", "b"]) == [1, 2] and "c" not in vocab
    strict = data.Vocab([["a"]], specials=(), unknown=None)
    with pytest.raises(IndexOutOfRange, match="'z' is not among the 1"):
        strict(["z"])
    with pytest.raises(IndexOutOfRange, match="no token 9"):
        vocab.decode([9])
    with pytest.raises(ArgumentError, match="unknown is"):
        data.Vocab([], specials=["a"])
    assert data.pad([[1, 2, 3], []], value=9, length=2)[0].tolist() == [[1, 2], [9, 9]]
    assert data.ngrams("abc", 4) == []
    with pytest.raises(ArgumentError, match="no sequences"):
        data.pad([])


ENCODER = data.BytePairEncoder().train(["the cat sat on the mat", "学习 深度学习 学习"], 280)


@given(st.text(max_size=30))
def test_any_text_comes_back_from_its_byte_pairs(text):
    assert ENCODER.decode(ENCODER.encode(text)) == text
    assert data.BytePairEncoder(ENCODER.merges).encode(text) == ENCODER.encode(text)


def test_byte_pairs():
    assert len(ENCODER) <= 280 and len(ENCODER.encode("the")) == 1
    assert data.BytePairEncoder().train(["aaaa aaaa"], 300).encode("aaaa") == [257]
    assert data.BytePairEncoder().train([], 300).encode("a") == [97]
    with pytest.raises(IndexOutOfRange, match="no token 999"):
        ENCODER.decode([999])
    with pytest.raises(ArgumentError, match="at least the 256"):
        data.BytePairEncoder().train(["a"], 10)
    with pytest.raises(ArgumentError, match="merge 0 is"):
        data.BytePairEncoder([(300, 1)])
