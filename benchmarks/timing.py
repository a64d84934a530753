"""Seconds, memory, and the matrix products a piece of code is made of."""

import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten

# (batch, rows, inner, columns) of a matrix product, and in which numbers it is computed
Product = tuple[int, int, int, int, torch.dtype]


def median_seconds(run: Callable[[], object], repeats: int = 5, warmups: int = 1) -> float:
    """Time a call: the median of some repeats after some that are not counted."""
    seconds = []
    for i in range(warmups + repeats):
        begun = time.perf_counter()
        run()
        if i >= warmups:
            seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def peak_gibibytes() -> float:
    """Most memory this process has held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class MatrixProducts(TorchDispatchMode, AbstractContextManager):
    """Notes every matrix product inside it, those of attention and patches included.

    A convolution counts as the product of its unfolded patches; a depthwise one is none.
    """

    def __init__(self):
        super().__init__()
        self.products: Counter[Product] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Run the operation, and note it when it is a product."""
        out = function(*args, **(kwargs or {}))
        self.products.update((*shape, args[0].dtype)
                             for shape in _shapes(function.overloadpacket, args, out))
        return out

    @property
    def flops(self) -> int:
        """Floating-point operations of all products."""
        return sum(2 * n * b * r * k * c for (b, r, k, c, _), n in self.products.items())

    def alone(self) -> Callable[[], None]:
        """Return a function that computes the same products, in the same numbers, and no more."""
        jobs = [(torch.randn(b, r, k).to(numbers), torch.randn(b, k, c).to(numbers), n)
                for (b, r, k, c, numbers), n in self.products.items()]

        def run() -> None:
            for left, right, times in jobs:
                for _ in range(times):
                    if len(left) == 1:
                        torch.mm(left[0], right[0])
                    else:
                        torch.bmm(left, right)

        return run


def _shapes(operation, args, out) -> Iterable[tuple[int, int, int, int]]:
    """Shapes of the matrix products one operation is made of."""
    if operation in (aten.mm, aten.addmm):
        left, right = args[-2:]
        return [(1, *left.shape, right.shape[1])]
    if operation in (aten.bmm, aten.baddbmm):
        left, right = args[-2:]
        return [(*left.shape, right.shape[2])]
    if operation is aten._scaled_dot_product_flash_attention_for_cpu:
        (b, heads, n, width), m = args[0].shape, args[1].shape[2]
        return [(b * heads, n, width, m), (b * heads, n, m, width)]
    if operation is aten._scaled_dot_product_flash_attention_for_cpu_backward:
        (b, heads, n, width), m = args[1].shape, args[2].shape[2]
        return [(b * heads, *shape) for shape in (
            (n, width, m), (n, width, m), (m, n, width), (m, n, width), (n, m, width))]
    if operation is aten.convolution:
        return _unfolded(args, out)
    if operation is aten.convolution_backward:  # a product each for input and weight, if wanted
        gradient, given, weight, _, *others, wanted = args
        return sum(wanted[:2]) * _unfolded((given, weight, None, *others), gradient)
    return []


def _unfolded(args, out: Tensor) -> list[tuple[int, int, int, int]]:
    given, weight, transposed, groups = args[0], args[1], args[6], args[8]
    if groups > 1:
        return []
    small = given if transposed else out
    positions = small.shape[0] * small[0, 0].numel()
    return [(1, positions, weight[0].numel(), weight.shape[0])]
