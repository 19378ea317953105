"""moec's counter-based random numbers, in NumPy: the n-th number of a stream is a function of
(seed, stream, n), so that a mask or a noise can be computed anywhere, twice, in any order."""

import numpy as np

MASK64 = (1 << 64) - 1


def random_key(seed, stream):
    """64 bits from the seed of a step and the number of a stream (splitmix64's finalizer)."""
    z = (seed + (stream + 1) * 0x9E3779B97F4A7C15) & MASK64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


def random_bits(key, index):
    """32 bits for every element of `index`, as uint32."""
    x = np.asarray(index, np.uint64).astype(np.uint32) + np.uint32(key & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= np.uint32(key >> 32)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def random_uniform(key, index):
    """In (0, 1), never at either end; exact in single precision."""
    return ((random_bits(key, index) >> np.uint32(9)) + 0.5) * 2.0 ** -23


def random_normal(key, index):
    """Box-Muller on the uniform numbers 2i and 2i + 1."""
    index = np.asarray(index, np.uint64)
    radius = np.sqrt(-2 * np.log(random_uniform(key, 2 * index)))
    return radius * np.cos(2 * np.pi * random_uniform(key, 2 * index + 1))


def check():
    """Against the same written one number at a time."""
    def bits(key, i):
        m = 0xFFFFFFFF
        x = (i + key) & m
        x ^= x >> 16
        x = (x * 0x7FEB352D) & m
        x ^= key >> 32
        x ^= x >> 15
        x = (x * 0x846CA68B) & m
        return x ^ (x >> 16)

    key = random_key(7, 3)
    assert [bits(key, i) for i in range(50)] == random_bits(key, np.arange(50)).tolist()
    normal = random_normal(key, np.arange(20000))
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.03
