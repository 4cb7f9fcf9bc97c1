"""Data sets and how they are read in batches; it stands for `torch.utils.data` and a part of `torchvision`.

dataset.py     Dataset, IterableDataset, TensorDataset
combine.py     parts of one data set, several as one: Subset, random_split, stratified_split, ConcatDataset, ...
samplers.py    in which order samples are taken: SequentialSampler, RandomSampler, WeightedRandomSampler, ...
dataloader.py  DataLoader; workers.py has its processes; collate.py makes a batch of samples
transforms.py  Compose, ToTensor, Normalize, Flatten, Lambda; RandomHorizontalFlip, RandomCrop, ...
tables.py      read_csv, read_categories; missing values, outliers, duplicates;  scaling.py brings columns to one scale
npz.py         read_npz: arrays by name, from files that nobody need trust
text.py        cleaning, words, byte pairs, Vocab, padding;  folders.py reads images in folders of classes
images.py      Digits, FashionMNIST, MNIST;  idx.py reads their files, download.py fetches them
bundled/       the data sets that come with minidl, with their sources and licences
"""

from . import transforms
from .collate import default_collate, default_convert
from .combine import ChainDataset, ConcatDataset, Subset, random_split, stratified_split
from .dataloader import DataLoader
from .dataset import Dataset, IterableDataset, TensorDataset
from .folders import ImageFolder, read_image
from .idx import read_idx
from .images import MNIST, Digits, FashionMNIST
from .npz import read_npz
from .samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .scaling import MinMaxScaler, StandardScaler
from .tables import drop_duplicates, drop_missing, fill_missing, outliers, read_categories, read_csv
from .text import BytePairEncoder, Vocab, characters, ngrams, normalize_text, pad, words
from .workers import get_worker_info

__all__ = [
    "MNIST",
    "BatchSampler",
    "BytePairEncoder",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "ImageFolder",
    "IterableDataset",
    "MinMaxScaler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StandardScaler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "Vocab",
    "WeightedRandomSampler",
    "characters",
    "default_collate",
    "default_convert",
    "drop_duplicates",
    "drop_missing",
    "fill_missing",
    "get_worker_info",
    "ngrams",
    "normalize_text",
    "outliers",
    "pad",
    "random_split",
    "read_categories",
    "read_csv",
    "read_idx",
    "read_image",
    "read_npz",
    "stratified_split",
    "transforms",
    "words",
]
