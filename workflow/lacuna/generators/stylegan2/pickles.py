"""Pickles of NVIDIA's training programs, read without running anything in them.

Such a file holds its networks as Python objects together with the source text of their classes, which the published
loader runs. Here a pickle can name only what GLOBALS lists, and each of these makes an inert record: a module is its
class's name and its attributes, a tensor is bytes with a shape. No name is ever imported, no object of torch or numpy
is made while the pickle is read, and tensors are made of the records afterwards, after their bounds are checked.
"""

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from lacuna.errors import UserError

TENSORFLOW = (
    "a TensorFlow pickle of StyleGAN or StyleGAN2 (2019/2020), which holds a program; convert one of StyleGAN2 by "
    "`python legacy.py --source OLD.pkl --dest NEW.pkl` of NVlabs/stylegan2-ada-pytorch (needs no TensorFlow), or by "
    "convert_weight.py of rosinality/stylegan2-pytorch"
)
STORAGES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip
NUMBERS = {"f8": "d", "f4": "f", "i8": "q", "i4": "i", "b1": "?"}  # numpy's names of numbers, and struct's
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # of torch files that are no zip
# What broken pickles raise, beside UserError.
BROKEN = (
    pickle.UnpicklingError, EOFError, AttributeError, ImportError, LookupError, TypeError, ValueError, OverflowError,
    MemoryError, RecursionError, struct.error, zipfile.BadZipFile, zlib.error,
    RuntimeError, OSError,
)  # fmt: skip


class Inert:
    """A record; nothing in a pickle may set its attributes."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> NoReturn:
        raise UserError(f"it sets attributes of {type(self).__name__}, which is not read")


@dataclass(slots=True, eq=False)
class Module(Inert):
    """A network or a part of one: what its class was called, and its attributes."""

    class_name: str
    state: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class StorageType(Inert):
    """Numbers of one kind."""

    dtype: torch.dtype


@dataclass(slots=True, eq=False)
class Storage(Inert):
    """A row of numbers as bytes; `data` is None until they are found."""

    dtype: torch.dtype
    key: str
    count: int
    data: bytes | None


@dataclass(slots=True, eq=False)
class Numbers(Inert):
    """A tensor: places in a storage."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Foreign(Inert):
    """Something that no StyleGAN2 has, such as a numpy array: known to be there, never looked at."""

    def __setstate__(self, state: Any) -> None:  # type: ignore[override]
        """An array's numbers, which are not wanted."""


@dataclass(slots=True, eq=False)
class NumberType(Inert):
    """One of numpy's kinds of numbers."""

    code: str
    order: str = "<"

    def __setstate__(self, state: Any) -> None:  # type: ignore[override]
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise UserError("a numpy number of a kind that is not read")
        self.order = "<" if state[1] in "|=" else state[1]


class Options(dict[Any, Any]):
    """Settings of a training program."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> NoReturn:
        raise UserError("it sets attributes of its options, which is not read")


class Maker(Inert):
    """What a name in a pickle stands for: makes a record."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *args: Any) -> Any:
        return self._make(*args)


def read(path: str | Path) -> Any:
    """What the pickle, or torch's zip of one, holds, as dicts, lists, numbers, text and records.

    Raises:
        UserError: it names something beside GLOBALS, or is broken; the message says which.
    """
    source = Path(path)
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                return _ZipReader(archive).load()
        with source.open("rb") as file:
            return _Reader(file).load()
    except UserError:
        raise
    except BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"broken pickle ({reason}), expected a whole network-snapshot; download it again") from None


def tensor(numbers: Numbers) -> Tensor:
    """The tensor of a record, copied.

    Raises:
        UserError: it reaches beyond its numbers.
    """
    storage, size, stride = numbers.storage, numbers.size, numbers.stride
    last, total = numbers.offset, 1
    for length, step in zip(size, stride, strict=True):
        last += (length - 1) * step
        total *= length
    # A step of 0 would make a large tensor of few numbers; no weights are stored so.
    if total and (last >= storage.count or total > storage.count):
        raise UserError(f"a tensor of shape {size} reaches beyond its {storage.count} stored numbers; broken file")
    if not total or storage.data is None:
        return torch.zeros(size, dtype=storage.dtype)
    flat = torch.frombuffer(bytearray(storage.data), dtype=storage.dtype)
    return flat.as_strided(size, stride, numbers.offset).clone(memory_format=torch.contiguous_format)


class _Reader(pickle.Unpickler):
    """Knows GLOBALS and nothing else."""

    globals: Mapping[tuple[str, str], Any]

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.globals = GLOBALS

    def find_class(self, module: str, name: str) -> Any:
        """Never imports; both names are compared whole, dots and all."""
        if module.startswith("dnnlib.tflib"):
            raise UserError(TENSORFLOW)
        if (module, name) not in self.globals:
            raise UserError(
                f"it asks for {f'{module} {name}'[:100]!r}, which is none of the {len(GLOBALS)} names that a StyleGAN2 "
                "pickle needs and could run anything; nothing was run, get the file from its publisher"
            )
        return self.globals[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise UserError(f"it asks for {repr(pid)[:80]}, kept outside of the pickle, expected none")


class _StorageReader(_Reader):
    """Pickles in which torch's own storages are persistent ids, and nothing else is named."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.globals = STORAGE_TYPES

    def persistent_load(self, pid: Any) -> Storage:
        return _stored(pid)


class _ZipReader(_Reader):
    """What `torch.save` wrote: the pickle, and a file for each storage."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        names = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(names) != 1:
            raise UserError(f"a zip with {len(names)} files data.pkl, expected the one of a torch file")
        self.archive, self.folder = archive, names[0].removesuffix("data.pkl")
        super().__init__(io.BytesIO(archive.read(names[0])))
        self.globals = {**GLOBALS, **STORAGE_TYPES}

    def persistent_load(self, pid: Any) -> Storage:
        found = _stored(pid)
        found.data = self.archive.read(f"{self.folder}data/{found.key}")
        return _complete(found)


def _stored(pid: Any) -> Storage:
    """The storage that a persistent id of torch's names: ('storage', type, key, location, count[, None])."""
    right = isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage" and isinstance(pid[1], StorageType)
    if not right or not isinstance(pid[2], str) or not isinstance(pid[4], int) or pid[5:] not in ((), (None,)):
        raise UserError(f"it asks for {repr(pid)[:80]}, expected the numbers of a tensor")
    return Storage(pid[1].dtype, pid[2], pid[4], None)


def _complete(storage: Storage) -> Storage:
    if storage.data is None or len(storage.data) != storage.count * storage.dtype.itemsize:
        raise UserError(
            f"{len(storage.data or b'')} bytes of a tensor of {storage.count} numbers of {storage.dtype.itemsize}; "
            "broken file, download it again"
        )
    return storage


def _storage_of_bytes(data: Any) -> Storage:
    """A storage from torch's older stream: five small pickles, a count, and the numbers."""
    if not isinstance(data, bytes):
        raise UserError(f"a tensor's numbers are {type(data).__name__}, expected bytes")
    file = io.BytesIO(data)
    magic, _, _, storage, keys = (_StorageReader(file).load() for _ in range(5))
    if magic != LEGACY_MAGIC or not isinstance(storage, Storage) or keys != [storage.key]:
        raise UserError("the bytes of a tensor hold something else than its numbers; nothing was run")
    (count,) = struct.unpack("<q", file.read(8))
    if count != storage.count:
        raise UserError(f"a tensor of {storage.count} numbers claims {count}; broken file, download it again")
    storage.data = file.read()
    return _complete(storage)


def _module(meta: Any) -> Module:
    if not isinstance(meta, dict) or meta.get("type") != "class":
        raise UserError("a persistent object that is no class's, expected networks")
    name, state = meta.get("class_name"), meta.get("state")
    if not isinstance(name, str) or not isinstance(state, dict):
        raise UserError("a persistent object without class_name and state, expected networks")
    return Module(name, state)


def _numbers(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Numbers:
    ints = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride)
    if not isinstance(storage, Storage) or not ints or not all(_natural(n) for n in (offset, *size, *stride)):
        raise UserError("a tensor without storage, offset, size and stride; broken file")
    return Numbers(storage, offset, size, stride)


def _natural(value: Any) -> bool:
    return type(value) is int and value >= 0


def _parameter(data: Any, *_: Any) -> Numbers:
    if not isinstance(data, Numbers):
        raise UserError(f"a parameter that is a {type(data).__name__}, expected a tensor")
    return data


def _number_type(code: Any, *_: Any) -> NumberType:
    if not isinstance(code, str) or code not in NUMBERS:
        raise UserError(f"a numpy number of type {repr(code)[:40]}, expected one of: {', '.join(NUMBERS)}")
    return NumberType(code)


def _number(kind: Any, data: Any) -> Any:
    if not isinstance(kind, NumberType) or not isinstance(data, bytes):
        raise UserError("a numpy number without type and bytes; broken file")
    return struct.unpack(kind.order + NUMBERS[kind.code], data)[0]


def _encoded(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise UserError(f"bytes as text in {repr(encoding)[:40]}, expected latin1")
    return text.encode("latin1")


STORAGE_TYPES = {("torch", name): StorageType(dtype) for name, dtype in STORAGES.items()}
GLOBALS: Mapping[tuple[str, str], Any] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Maker(_module),
    ("torch._utils", "_rebuild_parameter"): Maker(_parameter),
    ("torch._utils", "_rebuild_tensor_v2"): Maker(_numbers),
    ("torch.storage", "_load_from_bytes"): Maker(_storage_of_bytes),
    ("collections", "OrderedDict"): Maker(lambda *pairs: dict(*pairs)),
    ("dnnlib.util", "EasyDict"): Options,
    ("builtins", "set"): Maker(lambda *items: set(*items)),
    ("__builtin__", "set"): Maker(lambda *items: set(*items)),
    ("_codecs", "encode"): Maker(_encoded),
    ("numpy", "dtype"): Maker(_number_type),
    ("numpy.core.multiarray", "scalar"): Maker(_number),
    ("numpy._core.multiarray", "scalar"): Maker(_number),
    # StyleGAN3 keeps numpy arrays: allowed so that such a file can be named for what it is.
    ("numpy", "ndarray"): Foreign(),
    ("numpy.core.multiarray", "_reconstruct"): Maker(lambda *_: Foreign()),
    ("numpy._core.multiarray", "_reconstruct"): Maker(lambda *_: Foreign()),
}
