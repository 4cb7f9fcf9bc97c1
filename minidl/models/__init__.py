"""Reference models, each a page of code: LeNet, ResNet, BERT, GPT-2; and the tokenizers that belong to the last two.

Weights come from a folder on disk with the files as they are published: config.json, model.safetensors, vocab.txt.

lenet.py, resnet.py      networks for images
bert.py                  BertModel: texts to vectors
gpt2.py                  GPT2: goes on with a text
wordpiece.py             BERT's tokenizer
byte_pairs.py            GPT-2's tokenizer
pretrained.py            configurations and weights from a folder
"""

from .bert import BertConfig, BertModel
from .byte_pairs import ByteLevelBPE
from .gpt2 import GPT2, GPT2Config
from .lenet import LeNet
from .resnet import CifarResNet, ResNet, resnet18, resnet34, resnet50
from .wordpiece import WordPiece

__all__ = [
    "GPT2",
    "BertConfig",
    "BertModel",
    "ByteLevelBPE",
    "CifarResNet",
    "GPT2Config",
    "LeNet",
    "ResNet",
    "WordPiece",
    "resnet18",
    "resnet34",
    "resnet50",
]
