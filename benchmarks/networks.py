"""Networks that people learn with, each written once for minidl and for PyTorch (`lib`)."""

from __future__ import annotations

from typing import Any


def mlp(lib: Any) -> Any:
    """784-128-10 with relu: 101,632 weights."""
    nn, F = lib.nn, lib.nn.functional

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(784, 128)
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.fc1(x))
            return self.fc2(x)

    return Net()


def lenet(lib: Any) -> Any:
    """Two convolutions and three layers, for images of 28 x 28 (LeCun et al. 1998, with relu and max pooling)."""
    nn, F = lib.nn, lib.nn.functional

    class LeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.fc1 = nn.Linear(400, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x: Any) -> Any:
            x = F.max_pool2d(F.relu(self.conv1(x)), 2)
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            x = F.relu(self.fc1(x.flatten(1)))
            return self.fc3(F.relu(self.fc2(x)))

    return LeNet()


def resnet(lib: Any, blocks: int) -> Any:
    """6 · blocks + 2 layers for images of 3 x 32 x 32 (He et al. 2016, section 4.2), with 1 x 1 shortcuts."""
    nn, F = lib.nn, lib.nn.functional

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.shortcut = nn.Sequential()
            if inputs != outputs:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            y = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(16)
            stages = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
            self.blocks = nn.Sequential(*[
                Block(inputs if k == 0 else outputs, outputs, stride if k == 0 else 1)
                for inputs, outputs, stride in stages for k in range(blocks)
            ])  # fmt: skip
            self.fc = nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            x = self.blocks(F.relu(self.bn(self.conv(x))))
            return self.fc(x.mean((2, 3)))

    return ResNet()


def char_lstm(lib: Any, characters: int = 65, width: int = 256) -> Any:
    """Predicts the next character: embedding, LSTM, linear layer."""
    nn = lib.nn

    class CharLSTM(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(characters, width)
            self.lstm = nn.LSTM(width, width, batch_first=True)
            self.fc = nn.Linear(width, characters)

        def forward(self, x: Any) -> Any:
            y, _ = self.lstm(self.embedding(x))
            return self.fc(y).reshape(-1, characters)

    return CharLSTM()


def gpt(lib: Any, characters: int = 65, steps: int = 64, width: int = 128, layers: int = 4, heads: int = 4) -> Any:
    """A small GPT (Radford et al. 2019): the norm first, causal attention, GELU in its tanh form."""
    nn, F = lib.nn, lib.nn.functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ln1 = nn.LayerNorm(width)
            self.qkv = nn.Linear(width, 3 * width)
            self.proj = nn.Linear(width, width)
            self.ln2 = nn.LayerNorm(width)
            self.fc1 = nn.Linear(width, 4 * width)
            self.fc2 = nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            parts = self.qkv(self.ln1(x)).split(width, dim=2)
            q, k, v = (part.view(n, t, heads, width // heads).transpose(1, 2) for part in parts)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.proj(y.transpose(1, 2).reshape(n, t, width))
            return x + self.fc2(F.gelu(self.fc1(self.ln2(x)), approximate="tanh"))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(characters, width)
            self.places = nn.Embedding(steps, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
            self.ln = nn.LayerNorm(width)
            self.fc = nn.Linear(width, characters, bias=False)

        def forward(self, x: Any) -> Any:
            y = self.tokens(x) + self.places(lib.arange(x.shape[1]))
            return self.fc(self.ln(self.blocks(y))).reshape(-1, characters)

    return GPT()


def bag_of_words(lib: Any, words: int = 20_000, width: int = 64) -> Any:
    """A classifier of texts: the mean of the embeddings of the words, and a linear layer."""
    nn = lib.nn

    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(words, width)
            self.fc = nn.Linear(width, 2)

        def forward(self, x: Any) -> Any:
            return self.fc(self.embedding(x).mean(1))

    return Bag()
