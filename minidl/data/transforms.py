"""Transforms: from the pixels of an image to the numbers that a network takes.

A transform is called with one image. Those written here also take a whole batch of images at once, by `on_batch`, with
the same numbers as a result: a data set uses it, and reading a batch then costs little more than reading one image.

>>> import minidl
>>> from minidl.data import transforms
>>> to_input = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5), transforms.Flatten()])
>>> to_input(minidl.tensor([[0, 51], [204, 255]], dtype=minidl.uint8))
tensor([-1.0000, -0.6000,  0.6000,  1.0000])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minidl

from ..errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from .collate import default_collate


class Transform:
    """The base of the transforms: called with an image; `on_batch` takes images stacked along a first axis.

    A subclass writes both, so that `on_batch(images)` is `default_collate([self(image) for image in images])`.
    """

    def __call__(self, image: Any) -> Any:
        """Return the transformed image."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(image)")

    def on_batch(self, images: Any) -> Any:
        """Return the batch of the transformed images."""
        raise NotImplementedError(f"{type(self).__name__} has no on_batch(images)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def transform_batch(transform: Callable[[Any], Any] | None, images: Any) -> Any:
    """Return the collated batch of transformed images: at once where the transform can, else image by image."""
    if transform is None:
        return images
    if isinstance(transform, Transform):
        return transform.on_batch(images)
    return default_collate([transform(image) for image in images])


class Compose(Transform):
    """Several transforms, one after the other: `Compose([f, g])(image) = g(f(image))`. Any function will do.

    >>> from minidl.data.transforms import Compose
    >>> Compose([lambda image: image + 1, lambda image: image * 2])(3)
    8
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        for transform in transforms:
            if not callable(transform):
                raise ArgumentTypeError(f"Compose: expected transforms, got a {type(transform).__name__}")
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        """Return the image after all the transforms."""
        for transform in self.transforms:
            image = transform(image)
        return image

    def on_batch(self, images: Any) -> Any:
        """Return the batch of transformed images: at once up to the first function that takes only single images."""
        for position, transform in enumerate(self.transforms):
            if not isinstance(transform, Transform):
                rest = Compose(self.transforms[position:])
                return default_collate([rest(image) for image in images])
            images = transform.on_batch(images)
        return images

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"Compose({lines}\n)"


class ToTensor(Transform):
    """Pixels to a Tensor (C, H, W): y = x / maximum for uint8, in the default dtype; other dtypes keep their values.

    Args:
        maximum: the pixel value that becomes 1. It is 255 for most images and 16 for `minidl.data.Digits`.

    The image has the shape (H, W) or (H, W, C): a Tensor, an array or an image of Pillow. Raises ShapeError otherwise.

    >>> import minidl
    >>> from minidl.data.transforms import ToTensor
    >>> ToTensor()(minidl.tensor([[0, 51, 255]], dtype=minidl.uint8))
    tensor([[[0.0000, 0.2000, 1.0000]]])
    """

    def __init__(self, maximum: float = 255) -> None:
        if not maximum > 0:
            raise ArgumentError(f"ToTensor: maximum is {maximum}, expected a positive number")
        self.maximum = maximum

    def __call__(self, image: Any) -> minidl.Tensor:
        """Return (C, H, W) from an image (H, W) or (H, W, C)."""
        pixels = _array(image)
        if pixels.ndim not in (2, 3):
            raise ShapeError(f"ToTensor: the image has the shape {pixels.shape}, expected (H, W) or (H, W, C)")
        return self._scaled(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))

    def on_batch(self, images: Any) -> minidl.Tensor:
        """Return (N, C, H, W) from images (N, H, W) or (N, H, W, C)."""
        pixels = _array(images)
        if pixels.ndim not in (3, 4):
            raise ShapeError(f"ToTensor: the images have the shape {pixels.shape}, expected (N, H, W) or (N, H, W, C)")
        return self._scaled(pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2))

    def _scaled(self, pixels: np.ndarray[Any, Any]) -> minidl.Tensor:
        if pixels.dtype == np.uint8:
            pixels = pixels.astype(minidl.get_default_dtype(), order="C")
            pixels /= self.maximum
        return minidl.from_numpy(np.ascontiguousarray(pixels))

    def __repr__(self) -> str:
        return "ToTensor()" if self.maximum == 255 else f"ToTensor(maximum={self.maximum})"


class Normalize(Transform):
    """y = (x - mean) / std for each channel of floating-point images (..., C, H, W), one image or many.

    Args:
        mean, std: a number, or one number for each channel.

    Raises ArgumentError for a std that is zero, DTypeError for images of integers, ShapeError for another number of
    channels.

    >>> import minidl
    >>> from minidl.data.transforms import Normalize
    >>> Normalize(mean=0.5, std=0.25)(minidl.tensor([[[0.0, 0.5, 1.0]]]))
    tensor([[[-2.,  0.,  2.]]])
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean, self.std = mean, std
        for name, value in (("mean", mean), ("std", std)):
            figures = np.asarray(value, dtype=np.float64)
            if figures.ndim > 1 or figures.size == 0 or not np.isfinite(figures).all():
                raise ArgumentError(f"Normalize: {name} is {value!r}, expected a number or one for each channel")
            if name == "std" and not figures.all():
                raise ArgumentError(f"Normalize: std is {std!r}, and 0 can't divide")

    def __call__(self, image: Any) -> minidl.Tensor:
        """Return the normalised image."""
        pixels = _array(image)
        if pixels.dtype.kind != "f":
            raise DTypeError(
                f"Normalize: the image has dtype {pixels.dtype}, expected floats; put ToTensor() before it"
            )
        if pixels.ndim < 3:
            raise ShapeError(f"Normalize: the image has the shape {pixels.shape}, expected (..., C, H, W)")
        normalised = pixels - self._per_channel("mean", self.mean, pixels)
        normalised /= self._per_channel("std", self.std, pixels)
        return minidl.from_numpy(normalised)

    def on_batch(self, images: Any) -> minidl.Tensor:
        """Return the normalised images (N, C, H, W)."""
        return self(images)

    def _per_channel(self, name: str, value: Any, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        figures = np.asarray(value, dtype=pixels.dtype).reshape(-1, 1, 1)
        if len(figures) not in (1, pixels.shape[-3]):
            raise ShapeError(
                f"Normalize: {name} has {len(figures)} numbers, but the image of shape {pixels.shape} has "
                f"{pixels.shape[-3]} channels"
            )
        return figures

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Flatten(Transform):
    """All numbers of an image in a row: (C, H, W) to (C*H*W,), a batch (N, C, H, W) to (N, C*H*W).

    >>> import minidl
    >>> from minidl.data.transforms import Flatten
    >>> Flatten()(minidl.zeros(1, 28, 28)).shape
    (784,)
    """

    def __call__(self, image: Any) -> minidl.Tensor:
        """Return (C*H*W,) from an image (C, H, W)."""
        return minidl.as_tensor(image).reshape(-1)

    def on_batch(self, images: Any) -> minidl.Tensor:
        """Return (N, C*H*W) from images (N, C, H, W)."""
        tensor = minidl.as_tensor(images)
        return tensor.reshape(tensor.shape[0], math.prod(tensor.shape[1:]))


class RandomHorizontalFlip(Transform):
    """Left and right exchanged, with the probability p: an augmentation, for training images alone (..., H, W).

    >>> import minidl
    >>> from minidl.data.transforms import RandomHorizontalFlip
    >>> RandomHorizontalFlip(p=1)(minidl.tensor([[[1, 2, 3]]])).tolist()
    [[[3, 2, 1]]]
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError(f"{type(self).__name__}: p is {p}, expected a probability from 0 to 1")
        self.p = p

    def __call__(self, image: Any) -> minidl.Tensor:
        """Return the image, flipped or not."""
        return self.on_batch(minidl.as_tensor(image)[None])[0]

    def on_batch(self, images: Any) -> minidl.Tensor:
        """Return the images, some of them flipped."""
        images = minidl.as_tensor(images)
        chosen = minidl.rand(len(images)).numpy() < self.p
        array = images.numpy().copy()
        array[chosen] = array[chosen][..., ::-1]
        return minidl.from_numpy(array)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomCrop(Transform):
    """A piece of `size` from a random place of an image (..., H, W), which gets `padding` zeros on each side first.

    >>> import minidl
    >>> from minidl.data.transforms import RandomCrop
    >>> RandomCrop(28, padding=2)(minidl.ones(1, 28, 28)).shape
    (1, 28, 28)
    """

    def __init__(self, size: int | Sequence[int], padding: int = 0) -> None:
        self.size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        self.padding = padding
        if min(self.size) < 1 or padding < 0:
            raise ArgumentError(f"RandomCrop: size is {size} and padding {padding}, expected from 1 and from 0 up")

    def __call__(self, image: Any) -> minidl.Tensor:
        """Return a piece of the image."""
        pixels = _array(image)
        pixels = np.pad(pixels, [(0, 0)] * (pixels.ndim - 2) + [(self.padding, self.padding)] * 2)
        room = [pixels.shape[k - 2] - self.size[k] for k in range(2)]
        if min(room) < 0:
            raise ShapeError(
                f"RandomCrop: the image has the shape {pixels.shape} with padding, too small for {self.size}"
            )
        top, left = (int(minidl.randint(0, space + 1, ()).item()) for space in room)
        return minidl.from_numpy(pixels[..., top : top + self.size[0], left : left + self.size[1]].copy())

    def on_batch(self, images: Any) -> minidl.Tensor:
        """Return a piece of each image, each from its own place."""
        return minidl.stack([self(image) for image in images])

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomShift(RandomCrop):
    """An image (..., H, W) moved by up to `most` pixels each way; zeros come in. RandomCrop with its own size.

    >>> import minidl
    >>> from minidl.data.transforms import RandomShift
    >>> RandomShift(1)(minidl.ones(1, 4, 4)).shape
    (1, 4, 4)
    """

    def __init__(self, most: int) -> None:
        super().__init__(1, padding=most)

    def __call__(self, image: Any) -> minidl.Tensor:
        """Return the shifted image."""
        self.size = _array(image).shape[-2:]
        return super().__call__(image)

    def __repr__(self) -> str:
        return f"RandomShift(most={self.padding})"


class GaussianNoise(Transform):
    """y = x + mean + sigma·n with n from N(0, 1), for images of floats; with `clip`, cut to 0 ... 1.

    >>> import minidl
    >>> from minidl.data.transforms import GaussianNoise
    >>> GaussianNoise(sigma=0.0)(minidl.tensor([0.5, 2.0])).tolist()
    [0.5, 1.0]
    """

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        if sigma < 0:
            raise ArgumentError(f"GaussianNoise: sigma is {sigma}, expected 0 or more")
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def __call__(self, image: Any) -> minidl.Tensor:
        """Return the image with noise."""
        x = minidl.as_tensor(image)
        if x.dtype.kind != "f":
            raise DTypeError(f"GaussianNoise: the image has dtype {x.dtype}, expected floats; put ToTensor() before it")
        y = x + self.mean + self.sigma * minidl.randn(x.shape, dtype=x.dtype)
        return y.clamp(0, 1) if self.clip else y

    def on_batch(self, images: Any) -> minidl.Tensor:
        """Return the images with noise."""
        return self(images)

    def __repr__(self) -> str:
        return f"GaussianNoise(mean={self.mean}, sigma={self.sigma}, clip={self.clip})"


class Lambda:
    """Any function of one image, with a name that shows in `print`. It runs image by image.

    >>> from minidl.data.transforms import Lambda
    >>> Lambda(lambda image: image * 2)(3)
    6
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise ArgumentTypeError(f"Lambda: expected a function, got a {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        """Return what the function makes of the image."""
        return self.lambd(image)

    def __repr__(self) -> str:
        return f"Lambda({getattr(self.lambd, '__name__', self.lambd)})"


def _array(image: Any) -> np.ndarray[Any, Any]:
    return image.array if isinstance(image, minidl.Tensor) else np.asarray(image)
