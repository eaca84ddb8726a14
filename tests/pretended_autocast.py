"""Types in which `torch.autocast("cuda")` has each function computed, for tensors that C++ takes for the CPU's.

Which functions are cast, torch says: those with a kernel for the dispatch key AutocastCUDA. It does not say by which of
the three rules, so two are listed here, after ATen/autocast_mode.h; what is in neither is computed in float32.
"""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

REGISTERED = torch._C._dispatch_get_registrations_for_dispatch_key("AutocastCUDA")
KERNELS = {name.split("::")[1].split(".")[0] for name in REGISTERED}
LOWER = re.compile(
    "(_|cudnn_)?conv.*|.*mm|addmv|addr|mv|matmul|einsum|linear|linalg_vecdot|linalg_multi_dot|chain_matmul|prelu|"
    ".*_cell|.*scaled_dot_product.*"
)
WIDEST = re.compile("addcdiv|addcmul|atan2|bilinear|cross|dot|grid_sampler|index_put|scatter_add|tensordot|vdot")
# Functions that come to one with a kernel: Python's operators, and those of torch that are made of others.
MADE_OF = {
    "__matmul__": "matmul", "__rmatmul__": "matmul", "__pow__": "pow", "__rpow__": "pow", "square": "pow",
    "interpolate": "upsample_nearest2d", "grid_sample": "grid_sampler", "cross_entropy": "log_softmax",
    "softmin": "softmax", "normalize": "norm", "linalg_norm": "linalg_vector_norm",
}  # fmt: skip


def cast(func: Callable[..., Any], args: Any, kwargs: Any, kind: type[Tensor]) -> tuple[Any, Any]:
    """The arguments of a call as autocast hands them on; tensors of `kind` are those of the GPU.

    Raises:
        RuntimeError: autocast refuses the function.
    """
    if not torch.is_autocast_enabled("cuda"):
        return args, kwargs
    name = getattr(func, "__name__", "")
    name = MADE_OF.get(name, name)
    types = {part.dtype for part in tree_leaves((args, kwargs)) if isinstance(part, kind) and castable(part)}
    if name not in KERNELS or not types:
        return args, kwargs
    if name == "binary_cross_entropy":
        raise RuntimeError("torch.nn.functional.binary_cross_entropy is unsafe to autocast")
    if LOWER.fullmatch(name):
        wanted = torch.get_autocast_dtype("cuda")
    elif WIDEST.fullmatch(name) and torch.float32 not in types:
        return args, kwargs
    else:
        wanted = torch.float32

    def converted(part: Any) -> Any:
        return part.to(wanted) if isinstance(part, kind) and castable(part) else part

    return tree_map(converted, args), tree_map(converted, kwargs)


def castable(x: Tensor) -> bool:
    """Whether autocast looks at a tensor."""
    return x.is_floating_point() and x.dtype != torch.float64
