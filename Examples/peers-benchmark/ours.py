"""A library made by `moec compile`, through ctypes."""
import ctypes
import json

import numpy as np

from shapes import draw

INT_POINTER, FLOAT_POINTER = ctypes.POINTER(ctypes.c_int32), ctypes.POINTER(ctypes.c_float)


class Hyper(ctypes.Structure):
    _fields_ = [(name, ctypes.c_float) for name in
                ("learning_rate", "beta1", "beta2", "epsilon", "weight_decay")] + [("seed", ctypes.c_uint64)]


def load(path):
    """The library with the types of its functions declared."""
    library = ctypes.CDLL(path)
    model, seed = ctypes.c_void_p, ctypes.c_uint64
    signatures = {
        "moec_manifest": (ctypes.c_char_p, []),
        "moec_create": (model, []),
        "moec_initialize": (None, [model, seed]),
        "moec_set_threads": (ctypes.c_int, [model, ctypes.c_int]),
        "moec_read": (ctypes.c_int, [model, ctypes.c_int, ctypes.c_int, FLOAT_POINTER]),
        "moec_write": (ctypes.c_int, [model, ctypes.c_int, ctypes.c_int, FLOAT_POINTER]),
        "moec_train_step": (ctypes.c_float, [model, INT_POINTER, INT_POINTER, ctypes.POINTER(Hyper)]),
        "moec_loss": (ctypes.c_float, [model, INT_POINTER, INT_POINTER, seed]),
        "moec_losses": (ctypes.c_int, [model, ctypes.c_int, INT_POINTER, INT_POINTER, ctypes.POINTER(seed),
                                       FLOAT_POINTER]),
        "moec_logits": (ctypes.c_int, [model, INT_POINTER, ctypes.c_int, seed, FLOAT_POINTER]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def manifest(path):
    return json.loads(load(path).moec_manifest())


def ints(array):
    return np.ascontiguousarray(array, dtype=np.int32).ctypes.data_as(INT_POINTER)


class Peer:
    def __init__(self, shapes, threads, options, path):
        self.shapes, self.library, self.seed = shapes, load(path), 0
        self.batches_at_once = threads if "side" in options else 1
        self.manifest = json.loads(self.library.moec_manifest())
        self.model = self.library.moec_create()
        if not self.model:
            raise MemoryError("moec_create")
        self.library.moec_initialize(self.model, 1)
        self.library.moec_set_threads(self.model, threads)
        self.logits = np.empty((shapes.context, shapes.vocabulary), dtype=np.float32)

    def next_seed(self):
        self.seed += 1
        return self.seed

    def step(self, tokens, targets):
        given = self.manifest["defaults"]
        hyper = Hyper(*(given[name] for name, _ in Hyper._fields_[:5]), self.next_seed())
        return self.library.moec_train_step(self.model, ints(tokens), ints(targets), ctypes.byref(hyper))

    def loss(self, tokens, targets):
        return self.library.moec_loss(self.model, ints(tokens), ints(targets), self.next_seed())

    def losses(self, batches):
        """Of several batches, a thread for each where the library has room for it."""
        tokens, targets = (np.concatenate(part) for part in zip(*batches))
        seeds = (ctypes.c_uint64 * len(batches))(*(self.next_seed() for _ in batches))
        losses = (ctypes.c_float * len(batches))()
        if self.library.moec_losses(self.model, len(batches), ints(tokens), ints(targets), seeds, losses):
            raise ValueError("moec_losses")
        return list(losses)

    def generate(self, window, count, random):
        tokens = list(window)
        for _ in range(count):
            last = tokens[-self.shapes.context:]
            self.library.moec_logits(self.model, ints(last), len(last), self.next_seed(),
                                     self.logits.ctypes.data_as(FLOAT_POINTER))
            tokens.append(draw(self.logits[len(last) - 1], random))
        return tokens[len(window):]

    def write(self, values):
        """Sets parameters from arrays by name."""
        for index, parameter in enumerate(self.manifest["parameters"]):
            value = np.ascontiguousarray(values[parameter["name"]], dtype=np.float32)
            assert list(value.shape) == parameter["shape"], parameter["name"]
            if self.library.moec_write(self.model, 0, index, value.ctypes.data_as(FLOAT_POINTER)):
                raise ValueError(parameter["name"])
