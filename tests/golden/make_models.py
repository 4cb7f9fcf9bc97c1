"""Write the small models of tests/golden/models, with random weights, and what transformers computes with them.

Needs transformers, tokenizers and torch. The models have the files of published ones; texts.json holds hard texts.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "models"
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def main() -> None:
    import numpy as np
    import torch
    from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast, GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

    texts = json.loads((FOLDER / "texts.json").read_text(encoding="utf-8"))
    torch.manual_seed(0)
    bert, gpt2 = FOLDER / "bert", FOLDER / "gpt2"
    bert.mkdir(exist_ok=True)
    gpt2.mkdir(exist_ok=True)

    pieces = BertWordPieceTokenizer()
    pieces.train_from_iterator([README, *texts], vocab_size=700, show_progress=False)
    pieces.save_model(str(bert))
    (bert / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    tokenizer = BertTokenizerFast(str(bert / "vocab.txt"))
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
        max_position_embeddings=48, initializer_range=0.3,
    )  # fmt: skip
    model = BertModel(config).eval()
    for name, value in model.named_parameters():
        if "LayerNorm" in name or name.endswith("bias"):
            torch.nn.init.normal_(value, std=0.3)
    model.save_pretrained(bert)
    batch = tokenizer(texts, padding=True, truncation=True, max_length=48, return_tensors="pt")
    with torch.no_grad():
        out = model(**batch)
    mask = batch["attention_mask"]
    mean = (out.last_hidden_state * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    figures = {
        "bert/ids": batch["input_ids"].numpy(), "bert/mask": mask.numpy(),
        "bert/hidden": out.last_hidden_state[:4].numpy(), "bert/pooled": out.pooler_output.numpy(),
        "bert/mean": mean.numpy(),
    }  # fmt: skip

    pairs = ByteLevelBPETokenizer()
    pairs.train_from_iterator([README, *texts], vocab_size=600, show_progress=False, special_tokens=["<|endoftext|>"])
    pairs.save_model(str(gpt2))
    words = GPT2TokenizerFast(str(gpt2 / "vocab.json"), str(gpt2 / "merges.txt"))
    config = GPT2Config(vocab_size=len(words), n_positions=64, n_embd=24, n_layer=2, n_head=3, initializer_range=0.3)
    language = GPT2LMHeadModel(config).eval()
    for name, value in language.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(value, std=0.3)
    language.save_pretrained(gpt2)
    (gpt2 / "generation_config.json").unlink(missing_ok=True)
    ids = torch.arange(30).reshape(2, 15) * 7
    with torch.no_grad():
        figures["gpt2/logits"] = language(ids).logits.numpy()
        figures["gpt2/greedy"] = language.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=20,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=None,
        ).numpy()
    np.savez_compressed(FOLDER / "figures.npz", **figures)
    numbers = {
        "bert": [tokenizer(text)["input_ids"] for text in texts],
        "gpt2": [words(text)["input_ids"] for text in texts],
    }
    (FOLDER / "numbers.json").write_text(json.dumps(numbers))


if __name__ == "__main__":
    main()
