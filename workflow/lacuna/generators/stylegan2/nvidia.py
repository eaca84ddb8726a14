"""StyleGAN2 in the pickles of NVlabs/stylegan2-ada-pytorch and NVlabs/stylegan3, and state dicts under their names."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from lacuna.errors import UserError
from lacuna.generators.stylegan2 import pickles
from lacuna.generators.stylegan2.layers import GAIN
from lacuna.generators.stylegan2.pickles import Module, Numbers
from lacuna.generators.stylegan2.published import Published, check_filter

MARK = "synthesis.b4.const"  # in every state dict of this network, and in no other's
# Attributes of the published network's modules that its weights do not show.
EXPECTED: Mapping[str, Mapping[str, str | float]] = {
    "SynthesisBlock": {"architecture": "skip"}, "SynthesisLayer": {"activation": "lrelu", "act_gain": GAIN},
}  # fmt: skip
DEEPEST = 8  # modules within modules; the network has four levels


def from_pickle(content: Any) -> Published:
    """The averaged generator of a pickle.

    Raises:
        UserError: none there, or another network than StyleGAN2.
    """
    if not isinstance(content, dict) or not isinstance(content.get("G_ema"), Module):
        found = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise UserError(f"no network under G_ema (found {found[:200]!r}), expected that of a StyleGAN2's training")
    modules = dict(walk(content["G_ema"]))
    check_network(modules)
    weights = {
        (f"{place}.{name}" if place else name): pickles.tensor(value)
        for place, module in modules.items()
        for name, value in own_tensors(module)
    }
    rates = [_number(module, "bias_gain") for place, module in modules.items() if place.startswith("mapping.fc")]
    if not rates or len(set(rates)) > 1:
        raise UserError(f"mapping layers learning at rates {rates}, expected one or more of one rate")
    clamps = {
        _own(place): _number(module, "conv_clamp")
        for place, module in modules.items()
        if module.state.get("conv_clamp") is not None
    }
    return from_state_dict(weights, rates[0], clamps)


def from_state_dict(
    weights: Mapping[str, Tensor], rate: float | None = None, clamps: Mapping[str, float] | None = None
) -> Published:
    """Weights under the published names; a state dict says nothing of rate and clamps, so it has the published rate."""
    kept = {}
    for key, value in weights.items():
        if key.endswith("resample_filter"):
            check_filter(key, value, 1.0)
        else:
            kept[_own(key)] = value
    return Published(kept, _key, **({} if rate is None else {"rate": rate}), clamps=dict(clamps or {}))


def walk(module: Module) -> Iterator[tuple[str, Module]]:
    """Every module by its place, parents first; the network's own place is empty."""
    seen: set[int] = set()
    stack = [("", module)]
    while stack:
        place, found = stack.pop()
        if id(found) in seen or place.count(".") >= DEEPEST:
            raise UserError(f"modules without end at {place[:80]!r}, expected a network")
        seen.add(id(found))
        yield place, found
        children = _table(found, "_modules", place)
        for name, child in reversed(list(children.items())):
            if isinstance(child, Module):
                stack.append((f"{place}.{name}" if place else str(name), child))


def own_tensors(module: Module) -> Iterator[tuple[str, Numbers]]:
    """Parameters and buffers of one module, without its children's."""
    for kind in ("_parameters", "_buffers"):
        for name, value in _table(module, kind, module.class_name).items():
            if isinstance(value, Numbers):
                yield str(name), value
            elif value is not None:
                raise UserError(f"{name} of {module.class_name} is a {type(value).__name__}, expected a tensor")


def check_network(modules: Mapping[str, Module]) -> None:
    """One line for a network that is not StyleGAN2's as it was published."""
    if "synthesis.input" in modules:
        raise UserError("a StyleGAN3 network, expected StyleGAN2; family stylegan2 cannot draw it")
    root = modules[""]
    if root.class_name != "Generator" or not {"mapping", "synthesis.b4"} <= modules.keys():
        raise UserError(f"a network of class {root.class_name[:60]!r}, expected the Generator of a StyleGAN2")
    for place, module in modules.items():
        wanted: Mapping[str, str | float] = EXPECTED.get(module.class_name, {})
        if place.startswith("mapping.fc"):
            wanted = {"activation": "lrelu"}
        elif place.endswith(("affine", "embed")):
            wanted = {"activation": "linear", "bias_gain": 1.0}
        for name, value in wanted.items():
            found = module.state.get(name)
            if not (found == value if isinstance(value, str) else math.isclose(_number(module, name), value)):
                raise UserError(f"{place} has {name} {repr(found)[:40]}, expected {value}; not the published StyleGAN2")


def _number(module: Module, name: str) -> float:
    value = module.state.get(name)
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise UserError(f"{name} of a {module.class_name} is {repr(value)[:40]}, expected a number")
    return float(value)


def _table(module: Module, name: str, place: str) -> Mapping[Any, Any]:
    found = module.state.get(name)
    if not isinstance(found, dict):
        raise UserError(f"no {name} in {place[:80] or 'the network'}, expected a network")
    return found


def _own(key: str) -> str:
    return key.removeprefix("synthesis.")


def _key(own: str) -> str:
    return own if own.startswith("mapping.") else f"synthesis.{own}"
