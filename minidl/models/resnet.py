"""ResNet: layers that learn what to add to their input (He, Zhang, Ren & Sun 2016).

The names of parameters are torchvision's, so that `load_state_dict` takes its published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nn
from ..errors import ArgumentError

F = nn.functional


class BasicBlock(nn.Module):
    """y = relu(F(x) + x), with F two 3 x 3 convolutions (figure 5, left)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x: Any) -> Any:
        """Return relu(F(x) + x)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """y = relu(F(x) + x), with F a 3 x 3 convolution, which has the stride, between two of 1 x 1 (figure 5, right)."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x: Any) -> Any:
        """Return relu(F(x) + x)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """Return what brings x to the shape of F(x), None where it has it already (option B of section 4.1)."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def stage(block: type[Any], inputs: int, width: int, count: int, stride: int) -> nn.Module:
    """Return blocks one after the other, the first with a stride."""
    blocks = [block(inputs, width, stride)]
    blocks += [block(width * block.expansion, width, 1) for _ in range(count - 1)]
    return nn.Sequential(*blocks)


class ResNet(nn.Module):
    """The network for photographs (N, 3, H, W), 224 x 224 as a rule (table 1).

    `block` is BasicBlock or Bottleneck, `counts` how many there are in each of the four stages.

    >>> import minidl
    >>> net = minidl.models.resnet18(classes=5)
    >>> net(minidl.zeros(1, 3, 64, 64)).shape
    (1, 5)
    """

    def __init__(self, block: type[Any], counts: Sequence[int], classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        wide = block.expansion
        self.layer1 = stage(block, 64, 64, counts[0], 1)
        self.layer2 = stage(block, 64 * wide, 128, counts[1], 2)
        self.layer3 = stage(block, 128 * wide, 256, counts[2], 2)
        self.layer4 = stage(block, 256 * wide, 512, counts[3], 2)
        self.fc = nn.Linear(512 * wide, classes)

    def forward(self, x: Any) -> Any:
        """Return scores (N, classes)."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)))


def resnet18(classes: int = 1000) -> ResNet:
    """Return the ResNet of 18 layers, 11.7 million parameters.

    >>> import minidl
    >>> sum(p.numel() for p in minidl.models.resnet18().parameters())
    11689512
    """
    return ResNet(BasicBlock, (2, 2, 2, 2), classes)


def resnet34(classes: int = 1000) -> ResNet:
    """Return the ResNet of 34 layers.

    >>> import minidl
    >>> sum(p.numel() for p in minidl.models.resnet34().parameters())
    21797672
    """
    return ResNet(BasicBlock, (3, 4, 6, 3), classes)


def resnet50(classes: int = 1000) -> ResNet:
    """Return the ResNet of 50 layers, of bottlenecks.

    >>> import minidl
    >>> sum(p.numel() for p in minidl.models.resnet50().parameters())
    25557032
    """
    return ResNet(Bottleneck, (3, 4, 6, 3), classes)


class CifarResNet(nn.Module):
    """The small network for images (N, channels, 32, 32) of section 4.2: 6n + 2 layers of 16, 32 and 64 channels.

    >>> import minidl
    >>> minidl.models.CifarResNet(depth=8)(minidl.zeros(2, 3, 32, 32)).shape
    (2, 10)
    """

    def __init__(self, depth: int = 20, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ArgumentError(f"depth: got {depth}, expected 6n + 2, such as 8, 20, 32, 44 or 56")
        count = (depth - 2) // 6
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = stage(BasicBlock, 16, 16, count, 1)
        self.layer2 = stage(BasicBlock, 16, 32, count, 2)
        self.layer3 = stage(BasicBlock, 32, 64, count, 2)
        self.fc = nn.Linear(64, classes)

    def forward(self, x: Any) -> Any:
        """Return scores (N, classes)."""
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean(dim=(2, 3)))
