"""Data sets and how they are read in batches; it stands for `torch.utils.data` and a part of `torchvision`.

dataset.py     Dataset, IterableDataset, TensorDataset
combine.py     parts of one data set, several as one: Subset, random_split, ConcatDataset, ChainDataset
samplers.py    in which order samples are taken: SequentialSampler, RandomSampler, WeightedRandomSampler, ...
dataloader.py  DataLoader; workers.py has its processes; collate.py makes a batch of samples
transforms.py  Compose, ToTensor, Normalize, Flatten, Lambda
images.py      Digits, FashionMNIST, MNIST;  idx.py reads their files, download.py fetches them
bundled/       the data sets that come with minidl, with their sources and licences
"""

from . import transforms
from .collate import default_collate, default_convert
from .combine import ChainDataset, ConcatDataset, Subset, random_split
from .dataloader import DataLoader
from .dataset import Dataset, IterableDataset, TensorDataset
from .idx import read_idx
from .images import MNIST, Digits, FashionMNIST
from .samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .workers import get_worker_info

__all__ = [
    "MNIST",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
    "read_idx",
    "transforms",
]
