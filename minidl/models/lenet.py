"""LeNet: the first convolutional network in wide use."""

from __future__ import annotations

from typing import Any

from .. import nn

F = nn.functional


class LeNet(nn.Module):
    """Two convolutions with pooling, then three layers of neurons, for images (N, 1, 28, 28).

    LeCun, Bottou, Bengio & Haffner 1998, figure 2 (LeNet-5), with max pooling and ReLU in the place of its scaled tanh.

    >>> import minidl
    >>> minidl.models.LeNet()(minidl.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2)  # 28 x 28
        self.conv2 = nn.Conv2d(6, 16, 5)  # 14 x 14 to 10 x 10
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Any) -> Any:
        """Return scores (N, classes)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))
