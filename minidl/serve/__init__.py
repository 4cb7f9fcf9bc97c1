"""Serving: trained models answer requests over HTTP, in the Open Inference Protocol. `minidl serve` starts it.

models.py     what is served: inputs and outputs with names, datatypes and shapes
protocol.py   requests become arrays, arrays become answers
batching.py   requests that wait at the same time are computed in one call
app.py        the paths, with limits and an optional token
run.py        the process: deadlines, signals
page.html     the page at /, where a person gives an image, a text or numbers and sees the prediction
"""

from .app import Limits
from .models import Field, Model, open_model, open_models
from .run import serve

__all__ = ["Field", "Limits", "Model", "open_model", "open_models", "serve"]
