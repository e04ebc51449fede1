"""A small neural network. It reads all its weights for every call, be it for one item or for thirty."""

import os

# One call, one core: more threads of the library would only take the server's.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

width = int(os.environ.get("LAB_WIDTH", "2048"))
layers = 6

chance = np.random.default_rng(1)
weights = [chance.standard_normal((width, width), np.float32) * (2 / width) ** 0.5 for _ in range(layers)]
items = chance.standard_normal((1000, width), np.float32)


def predict(numbers):
    """Give the class of each item."""
    values = items[numbers]
    for layer in weights:
        values = np.maximum(values @ layer, 0)
    return [int(best) for best in values[:, :10].argmax(axis=1)]
