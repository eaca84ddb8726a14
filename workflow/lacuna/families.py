"""Every family of networks: what it is called, where its code is, and what the rest of the package must know of it.

The code is named here and imported by whoever uses it, so the workflow reads these tables without loading torch, a job
loads the families that it works with and no other, and the digest of its code covers those alone. To add a family is to
add a folder and its line here; docs/how_to says what the folder holds.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacuna.errors import UserError


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        load: what loads a checkpoint, `module:name` below this package.
        settings: the model of its entry in the configuration, likewise.
        read: what reads the family's own forms of checkpoint, `module:name`; empty where they are plain weights.
        train: what a training of it consists of, `module:name`; empty where the workflow cannot train it.
        has_labels: whether it draws images of a class on demand.
        has_layers: whether a network of it is a chain of layers, which inversions need. What `load` gives of another
            family can only be sampled; see generators/sampling.py.
        files: what lists the files of a checkpoint, `module:name`; empty where a checkpoint is one file.
        encode: what loads the family's own encoder, x -> z, `module:name`; empty where train_encoder trains one.
    """

    load: str
    settings: str = ""
    train: str = ""
    has_labels: bool = False
    read: str = ""
    has_layers: bool = True
    files: str = ""
    encode: str = ""


GENERATORS = {
    "acgan": Family(
        "generators.acgan.model:from_weights",
        "generators.acgan.settings:Settings",
        "generators.acgan.training:AcganTask",
        has_labels=True,
    ),
    "autoencoder": Family(
        "generators.autoencoder.checkpoint:from_model",
        "generators.autoencoder.settings:Settings",
        read="generators.autoencoder.checkpoint:read",
        files="generators.autoencoder.folder:files",
        encode="generators.autoencoder.checkpoint:encoder_from_model",
    ),
    "diffusers": Family(
        "generators.diffusers.sampler:load",
        "generators.diffusers.settings:Settings",
        has_labels=True,
        has_layers=False,
        files="generators.diffusers.files:listed",
    ),
    "progan": Family(
        "generators.progan.model:from_weights",
        "generators.progan.settings:Settings",
        "generators.progan.training:ProganTask",
    ),
    "python": Family(
        "generators.python_file.checkpoint:from_file",
        "generators.python_file.settings:Settings",
        encode="generators.python_file.checkpoint:encoder_from_file",
    ),
    "stylegan": Family(
        "generators.stylegan.checkpoint:from_weights",
        "generators.stylegan.settings:Settings",
        "generators.stylegan.training:StyleganTask",
    ),
    "stylegan2": Family(
        "generators.stylegan2.checkpoint:from_published",
        "generators.stylegan2.settings:Settings",
        has_labels=True,
        read="generators.stylegan2.checkpoint:read",
    ),
    "wgan": Family(
        "generators.wgan.model:batch_norm", "generators.wgan.settings:Settings", "generators.wgan.training:WganTask"
    ),
    # The ablations that lie between WGAN-GP and the progressive GAN, as published.
    "progressive_training": Family("generators.wgan.model:batch_norm", "generators.wgan.settings:Ablation"),
    "small_minibatch": Family("generators.wgan.model:batch_norm", "generators.wgan.settings:Ablation"),
    "minibatch_discrimination": Family(
        "generators.wgan.model:minibatch_statistics", "generators.wgan.settings:Ablation"
    ),
    "minibatch_stddev": Family("generators.wgan.model:minibatch_statistics", "generators.wgan.settings:Ablation"),
    "equalised_learning_rate": Family("generators.wgan.model:equalised", "generators.wgan.settings:Ablation"),
    "pixel_norm": Family("generators.wgan.model:pixel_normed", "generators.wgan.settings:Ablation"),
}

SEGMENTERS = {
    "exported": Family("segmenters.exported.program:load", "segmenters.exported.settings:Settings"),
    "onnx": Family("segmenters.onnx.program:load", "segmenters.onnx.settings:Settings"),
    "transformers": Family(
        "segmenters.transformers.checkpoint:load",
        "segmenters.transformers.settings:Settings",
        files="segmenters.transformers.files:weights_files",
    ),
    "upernet": Family(
        "segmenters.upernet.checkpoint:load",
        "segmenters.upernet.settings:Settings",
        "segmenters.upernet.training:Training",
    ),
    "upp": Family(
        "segmenters.upp.checkpoint:load", "segmenters.upp.settings:Settings", files="segmenters.upp.files:weights_files"
    ),
}

CLASSIFIERS = {
    "exported": Family("classifiers.exported.program:load", "classifiers.exported.settings:Settings"),
    "resnet": Family(
        "classifiers.resnet.checkpoint:load",
        "classifiers.resnet.settings:Settings",
        "classifiers.resnet.training:Training",
    ),
}

# Networks whose features an inversion compares; of a segmenter it is the backbone.
PERCEPTUAL = {
    **{name: Family("inversion.perceptual_loading:load_backbone", files=SEGMENTERS[name].files) for name in SEGMENTERS},
    "vgg16": Family("inversion.perceptual_loading:load_vgg16"),
}

KINDS: dict[str, dict[str, Family]] = {
    "generators": GENERATORS, "segmenters": SEGMENTERS, "classifiers": CLASSIFIERS, "perceptual": PERCEPTUAL,
}  # fmt: skip


def family(kind: str, name: str) -> Family:
    """The family called `name` of one of the KINDS.

    Raises:
        UserError: there is none.
    """
    if name not in KINDS[kind]:
        raise UserError(f"{kind}: found family {name!r}, expected one of: {', '.join(sorted(KINDS[kind]))}")
    return KINDS[kind][name]


def loader(kind: str, name: str) -> Any:
    """What loads a checkpoint of the family."""
    return _resolved(family(kind, name).load)


def reader(kind: str, name: str) -> Any:
    """What reads the family's own forms of checkpoint; None where they are plain weights."""
    found = family(kind, name).read
    return _resolved(found) if found else None


def files(kind: str, name: str, checkpoint: str | Path) -> list[str]:
    """The files that a checkpoint of the family consists of: itself, or those of a folder."""
    found = family(kind, name).files
    return list(_resolved(found)(checkpoint)) if found else [str(checkpoint)]


def encoder(kind: str, name: str) -> Any:
    """What loads the family's own encoder; None where it has none."""
    found = family(kind, name).encode
    return _resolved(found) if found else None


def task(kind: str, name: str) -> Any:
    """What a training of the family consists of.

    Raises:
        UserError: the workflow cannot train it.
    """
    found = family(kind, name).train
    if not found:
        raise UserError(
            f"{kind}: family {name!r} cannot be trained here, expected one of: {', '.join(trainable(kind))}"
        )
    return _resolved(found)


def settings(kind: str) -> list[Any]:
    """Models of the entries of all families of a kind, each once."""
    return [_resolved(name) for name in dict.fromkeys(entry.settings for entry in KINDS[kind].values())]


def trainable(kind: str) -> list[str]:
    """Families of a kind that the workflow can train."""
    return sorted(name for name, entry in KINDS[kind].items() if entry.train)


def code_of(entries: Mapping[str, Family], training: bool = False) -> set[str]:
    """Modules that hold the code of these families, as they are imported."""
    keys = ("train",) if training else ("load", "read", "files", "encode")
    named = {getattr(entry, key) for entry in entries.values() for key in keys}
    return {f"lacuna.{name.partition(':')[0]}" for name in named if name}


def _resolved(name: str) -> Any:
    return pkgutil.resolve_name(f"lacuna.{name}")
