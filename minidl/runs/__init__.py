"""Runs: `minidl train` trains what a configuration says, into a folder that `evaluate`, `predict` and `info` read.

A run's folder holds config.toml, checkpoint.safetensors (written after each epoch), history.json and, with matplotlib,
history.png. The words of a configuration are those of the Python API:

    [data]                     [optimizer]          [training]
    name = "FashionMNIST"      name = "SGD"         epochs = 10
    batch_size = 16            lr = 0.01            seed = 0

    [model]                    [schedule]
    name = "mlp"               name = "StepLR"
                               step_size = 3

[data] may have the `path` of a CSV file (with `target` and `columns`), of a folder of images, or of a text file whose
lines are label, tabulator, text, in place of the `name` of a bundled set.

config.py     the words, checked
kinds.py      which kind of data the words mean
source.py     what a kind of data has to give: data sets, networks, how a file is read
images.py     bundled images, folders of images
tables.py     CSV files
texts.py      lines of text
exported.py   what ONNX files say
commands.py   what the commands do
"""

from .commands import checkpoint, deployed, described, evaluated, predicted, train
from .config import as_toml, completed, option, read_config
from .images import BUNDLED
from .kinds import KINDS
from .source import Deployed

__all__ = [
    "BUNDLED",
    "KINDS",
    "Deployed",
    "as_toml",
    "checkpoint",
    "completed",
    "deployed",
    "described",
    "evaluated",
    "option",
    "predicted",
    "read_config",
    "train",
]
