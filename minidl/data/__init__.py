"""Data sets and how they are read in batches; it stands for `torch.utils.data` and a part of `torchvision`.

dataset.py     Dataset, TensorDataset
samplers.py    in which order samples are taken: SequentialSampler, RandomSampler, BatchSampler
dataloader.py  DataLoader; default_collate, which makes a batch of samples
transforms.py  Compose, ToTensor, Normalize, Flatten, Lambda
images.py      Digits, FashionMNIST, MNIST;  idx.py reads their files, download.py fetches them
bundled/       the data sets that come with minidl, with their sources and licences
"""

from . import transforms
from .collate import default_collate, default_convert
from .dataloader import DataLoader
from .dataset import Dataset, TensorDataset
from .idx import read_idx
from .images import MNIST, Digits, FashionMNIST
from .samplers import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = [
    "MNIST",
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "TensorDataset",
    "default_collate",
    "default_convert",
    "read_idx",
    "transforms",
]
