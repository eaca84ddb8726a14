"""A pretended GPU: tensors that say they are on cuda:0 and lie in CPU memory, so that mixed devices fail anywhere.

Within `with PretendedGpu()` torch finds one GPU. What is moved there becomes an `OnGpu` tensor, which computes with its
real values, so whole stages run on it and their results can be compared with the CPU's. Where CUDA would refuse to mix
devices, `MixedDevicesError` is raised. `torch.autocast("cuda")` casts by CUDA's own lists, which are not the CPU's.

It knows nothing of CUDA's numerics, memory and speed, of kernels that CUDA lacks, or of devices mixed within one
function of torch.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from pretended_autocast import cast
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

GPU = torch.device("cuda", 0)
aten = torch.ops.aten
# What these read of a tensor on the other device, they copy. An index on the CPU is copied, too.
COPIES = {aten.copy_.default, aten._to_copy.default}
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
# Beside pointwise operations, these take a single number that lies on the CPU.
TAKES_A_NUMBER = {aten.fill_.Tensor, aten.masked_fill.Tensor, aten.masked_fill_.Tensor}


class MixedDevicesError(RuntimeError):
    """What CUDA would refuse."""


class OnGpu(Tensor):
    """A tensor on the pretended GPU; `values` is where it lies in truth."""

    values: Tensor
    operations = 0  # that have run on the GPU
    device = property(lambda self: GPU)  # type: ignore[assignment]
    is_cuda = property(lambda self: True)  # type: ignore[assignment]
    is_cpu = property(lambda self: False)  # type: ignore[assignment]
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, values: Tensor) -> "OnGpu":
        # Sizes are asked for each time, since C++ reshapes some tensors in place.
        return Tensor._make_wrapper_subclass(
            cls, values.size(), strides=values.stride(), storage_offset=values.storage_offset(), dtype=values.dtype,
            device=values.device, dispatch_sizes_strides_policy="sizes",
        )  # fmt: skip

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"OnGpu({tuple(self.shape)}, {self.dtype})"

    def __deepcopy__(self, memo: dict[int, Any]) -> "OnGpu":
        copy = OnGpu(self.values.clone()).requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copy._is_param = True  # type: ignore[attr-defined]
        memo[id(self)] = copy
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        """In a file, it is as loading with map_location="cpu" finds it."""
        return self.values.detach().__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        check(func, args, kwargs)
        OnGpu.operations += 1
        found = func(*tree_map(values_of, args), **tree_map(values_of, kwargs))
        written = [
            kwargs.get(argument.name, args[place] if place < len(args) else None)
            for place, argument in enumerate(func._schema.arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        if len(func._schema.returns) == 1 and written and isinstance(written[0], Tensor):
            return written[0]  # in place: the tensor that was given
        return tree_map(lambda part: OnGpu(part) if isinstance(part, Tensor) else part, found)


class GpuGenerator(torch.Generator):
    """A source of random numbers of the pretended GPU."""

    device = GPU  # type: ignore[assignment]


class AnyGenerator(torch.Generator):
    """Stands in for `torch.Generator`, whose kind depends on the device."""

    def __new__(cls, device: Any = "cpu") -> torch.Generator:  # type: ignore[misc]
        kind = GpuGenerator if is_gpu(device) else PLAIN_GENERATOR
        return kind.__new__(kind)


PLAIN_GENERATOR = torch.Generator


def values_of(value: Any) -> Any:
    """Where a tensor of the GPU lies in truth; anything else as it is."""
    return value.values if isinstance(value, OnGpu) else value


def is_gpu(device: Any) -> bool:
    """Whether a device, its name or its number means the GPU."""
    return device is not None and (isinstance(device, int) or torch.device(device).type == "cuda")


def in_backward() -> bool:
    """Whether autograd is at work, whose own formulas bring numbers from the CPU."""
    return torch._C._current_graph_task_id() != -1


def check(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise MixedDevicesError where CUDA would not do `func` because of devices."""
    parts = tree_leaves((args, kwargs))
    if any(isinstance(part, torch.Generator) and not isinstance(part, GpuGenerator) for part in parts):
        raise MixedDevicesError(f"{func}: a random generator of the CPU for a tensor of the GPU")
    strange = [part for part in parts if isinstance(part, Tensor) and not isinstance(part, OnGpu)]
    if not strange or in_backward() or func in COPIES:
        return
    if func in INDEXED:
        if isinstance(args[0], OnGpu) and all(isinstance(part, OnGpu) or part.ndim == 0 for part in args[2:3]):
            return
    elif all(part.ndim == 0 for part in strange) and (torch.Tag.pointwise in func.tags or func in TAKES_A_NUMBER):
        return
    shapes = ", ".join(str(tuple(part.shape)) for part in strange)
    raise MixedDevicesError(f"{func}: tensors of the GPU with those of the CPU, of shapes {shapes}")


class Upload(torch.autograd.Function):
    """CPU to GPU; gradients come back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return OnGpu(x.detach().clone())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return values_of(gradient)


class Download(torch.autograd.Function):
    """GPU to CPU; gradients go there."""

    @staticmethod
    def forward(ctx: Any, x: OnGpu) -> Tensor:
        return x.values.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return OnGpu(gradient)


class Calls(TorchFunctionMode):
    """Python's calls into torch: the devices that they name, and what C++ would answer as for a CPU's tensor."""

    def __init__(self, gpu: "PretendedGpu") -> None:
        self.gpu = gpu

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        first = args[0] if args else None
        if name in ("__get__", "__set__", "_parse_to"):
            return func(*args, **kwargs)
        if isinstance(first, Tensor) and name in ("to", "cpu", "cuda"):
            return self.moved(first, *({"cpu": ("cpu",), "cuda": (GPU,)}.get(name, args[1:])), **kwargs)
        if isinstance(first, OnGpu) and name in ("numpy", "__array__"):
            raise MixedDevicesError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu() first")
        if isinstance(first, OnGpu) and name == "tolist":
            return first.values.tolist()
        if isinstance(first, OnGpu) and name == "new_tensor":
            return self.made(torch.tensor, args[1:], {"dtype": first.dtype, "device": GPU, **kwargs})
        if kwargs.get("device") is not None:
            return self.made(func, args, kwargs)
        return self.called(func, args, kwargs)

    def called(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The call itself; while it runs, what C++ makes is on the device of the call's tensors."""
        before = self.gpu.at_work
        self.gpu.at_work = any(isinstance(part, OnGpu) for part in tree_leaves((args, kwargs)))
        try:
            args, kwargs = cast(func, args, kwargs, OnGpu)
            return func(*args, **kwargs)
        finally:
            self.gpu.at_work = before

    def made(self, func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """A new tensor on the device that the call names."""
        wanted, random = is_gpu(kwargs.pop("device")), kwargs.get("generator")
        if random is not None and isinstance(random, GpuGenerator) != wanted:
            raise MixedDevicesError(f"{func}: a random generator of the other device")
        found = self.called(func, tree_map(values_of, args), tree_map(values_of, kwargs))
        return OnGpu(found.detach()).requires_grad_(found.requires_grad) if wanted else found

    def moved(self, x: Tensor, *args: Any, copy: bool = False, **kwargs: Any) -> Tensor:
        """`Tensor.to`."""
        if args and isinstance(args[0], Tensor):
            args = (args[0].device, args[0].dtype, *args[1:])
        device, dtype, _, memory_format = torch._C._nn._parse_to(*args, **kwargs)
        up = is_gpu(device)
        if device is not None and up != isinstance(x, OnGpu):
            x, copy = (Upload if up else Download).apply(x), False
        if not copy and memory_format is None and dtype in (None, x.dtype):
            return x
        return x.to(dtype or x.dtype, copy=copy, memory_format=memory_format or torch.preserve_format)


class Factories(TorchDispatchMode):
    """What C++ makes on its way: for a call with the GPU's tensors, or for their gradients, it is on the GPU, too."""

    def __init__(self, gpu: "PretendedGpu") -> None:
        super().__init__()
        self.gpu = gpu

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        made = type(found) is Tensor and not any(isinstance(part, Tensor) for part in tree_leaves((args, kwargs)))
        return OnGpu(found) if made and (self.gpu.at_work or in_backward()) else found


class PretendedGpu(contextlib.ExitStack):
    """The machine with a GPU that is none; a context."""

    at_work = False  # whether a call with the GPU's tensors is running

    def __enter__(self) -> "PretendedGpu":
        super().__enter__()
        self.patch(torch, Generator=AnyGenerator)
        self.patch(
            torch.cuda, is_available=lambda: True, device_count=lambda: 1, set_device=lambda device: None,
            empty_cache=lambda: None, is_bf16_supported=lambda *words, **named: True, _lazy_init=lambda: None,
            get_rng_state=lambda device=None: torch.zeros(16, dtype=torch.uint8), set_rng_state=lambda *words: None,
        )  # fmt: skip
        # Tensors of this kind cannot be made in inference mode; without gradients they compute the same.
        self.patch(torch._C, _InferenceMode=lambda mode: torch.set_grad_enabled(torch.is_grad_enabled() and not mode))
        overwritten = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # weights that are moved become other objects
        self.callback(torch.__future__.set_overwrite_module_params_on_conversion, overwritten)
        self.enter_context(Factories(self))
        self.enter_context(Calls(self))
        return self

    def patch(self, where: Any, **values: Any) -> None:
        """Set attributes, and set them back at the end."""
        for name, value in values.items():
            self.callback(setattr, where, name, getattr(where, name))
            setattr(where, name, value)
