"""StyleGAN2: what its files may hold and may not, noise, truncation, classes, and every method of inversion."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from inversion_case import INVERSION, TRAINING
from stylegan2_files import (
    CLASSES,
    PLAIN,
    Persistent,
    network,
    random_generator,
    rosinality,
    save_pickle,
    save_zip,
    snapshot,
)
from torch import Tensor

from lacuna.errors import UserError
from lacuna.formats import checkpoints, images, inversions
from lacuna.generators import chain
from lacuna.generators.loading import load_generator
from lacuna.generators.stylegan2 import pickles
from lacuna.generators.stylegan2.model import Style2Generator
from lacuna.inversion.methods import METHODS
from lacuna.inversion.states import packed
from lacuna.stages import invert, sample, train_encoder

FLOAT32 = {"rtol": 0.0, "atol": 1e-4}  # the golden page's


def loaded(path: Path, **settings: Any) -> Style2Generator:
    found = load_generator("stylegan2", path, settings=settings)
    assert isinstance(found, Style2Generator)
    return found


def z_of(count: int = 3, width: int = 6, seed: int = 5) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test writes its network; nothing else may appear beside it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "network.pkl"


def refused(path: Path, **settings: Any) -> str:
    """The one line that a file ends in, with nothing run."""
    with pytest.raises(UserError) as caught:
        loaded(path, **settings)
    assert not list(Path.cwd().iterdir()), "something was run"
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(path))
    return str(caught.value)


SAVES: dict[str, Callable[[Path, Any], Path]] = {
    "protocol2": lambda path, content: save_pickle(path, content, 2),
    "protocol3": lambda path, content: save_pickle(path, content, 3),
    "protocol4": lambda path, content: save_pickle(path, content, 4),
    "protocol5": lambda path, content: save_pickle(path, content, 5),
    "zip": save_zip,
}


@pytest.mark.parametrize("save", SAVES)
@pytest.mark.parametrize("architecture", [PLAIN, CLASSES], ids=["plain", "classes"])
def test_a_snapshot_gives_back_its_network(path: Path, save: str, architecture: Any) -> None:
    generator = random_generator(architecture)
    found = loaded(SAVES[save](path, snapshot(generator)))
    assert found.state_dict().keys() == generator.state_dict().keys()
    assert all(torch.equal(value, generator.state_dict()[key]) for key, value in found.state_dict().items())
    assert (found.size, found.z_dim, found.classes) == (16, 6, tuple(range(architecture.num_classes)))
    assert not list(Path.cwd().iterdir())  # the source text in the file was not run
    assert not any(parameter.requires_grad for parameter in found.parameters())


@pytest.mark.parametrize("form", ["wrapped", "plain", "safetensors"])
def test_rosinalitys_and_plain_state_dicts(path: Path, form: str) -> None:
    generator = random_generator()
    if form == "wrapped":
        path = path.with_suffix(".pt")
        torch.save(rosinality(generator), path)
    else:
        state = {key if key.startswith("mapping.") else f"synthesis.{key}": value
                 for key, value in generator.state_dict().items()}  # fmt: skip
        if form == "plain":
            torch.save({"g_ema": state}, path)
        else:
            path = path.with_suffix(".safetensors")
            checkpoints.save_weights(path, state, {})
    found = loaded(path)
    assert all(torch.equal(value, generator.state_dict()[key]) for key, value in found.state_dict().items())


class Runs:
    """Pickles as a call."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


TOUCH = Runs(os.system, "touch pwned")


class Id:
    """Pickles as a persistent id."""

    def __init__(self, pid: Any) -> None:
        self.pid = pid


class IdPickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return obj.pid if isinstance(obj, Id) else None


def in_storage(inner: bytes) -> Any:
    """A snapshot, one tensor of which has these bytes for numbers."""
    weight = Runs(torch._utils._rebuild_tensor_v2, Runs(torch.storage._load_from_bytes, inner), 0, (1,), (1,), False,
                  OrderedDict())  # fmt: skip
    return in_state(lambda state: state["_parameters"].update(bias=weight))


def in_state(change: Callable[[dict[str, Any]], Any]) -> Any:
    """A snapshot, one layer of which is changed."""
    content = snapshot(random_generator())
    layer = content["G_ema"].meta["state"]["_modules"]["mapping"].meta["state"]["_modules"]["fc0"]
    change(layer.meta["state"])
    return content


def dumped(*objects: Any) -> bytes:
    file = io.BytesIO()
    for item in objects:
        IdPickler(file, 2).dump(item)
    return file.getvalue()


SYSTEM = f"{os.system.__module__} system"
HOSTILE: dict[str, tuple[Any, str]] = {
    "instead of the network": ({"G_ema": TOUCH}, SYSTEM),
    "beside the network": (snapshot(random_generator(), augment_pipe=TOUCH), SYSTEM),
    "in the discriminator": (snapshot(random_generator(), D=Persistent("Discriminator", {"x": TOUCH})), SYSTEM),
    "in an attribute": (in_state(lambda state: state.update(x=TOUCH)), SYSTEM),
    "eval": ({"G_ema": Runs(eval, "open('pwned', 'w')")}, "eval"),
    "getattr": ({"G_ema": Runs(getattr, "x", "upper")}, "getattr"),
    "import": ({"G_ema": Runs(__import__, "os")}, "__import__"),
    "another function of torch": (
        {"G_ema": Runs(torch._utils._import_dotted_name, "os.system")},
        "_import_dotted_name",
    ),
    "torch.load": ({"G_ema": Runs(torch.load, "network.pkl")}, "torch.serialization load"),
    "numpy": ({"G_ema": Runs(np.load, "network.pkl")}, "numpy load"),
    "as the numbers of a tensor": (in_storage(dumped(TOUCH)), SYSTEM),
    "as the storage of a tensor": (in_storage(dumped(pickles.LEGACY_MAGIC, 1001, {}, TOUCH, ["0"])), SYSTEM),
    "as the keys of a tensor": (
        in_storage(
            dumped(pickles.LEGACY_MAGIC, 1001, {}, Id(("storage", torch.FloatStorage, "0", "cpu", 1, None)), TOUCH)
        ),
        SYSTEM,
    ),
    "as the type of a tensor": (
        in_storage(dumped(pickles.LEGACY_MAGIC, 1001, {}, Id(("storage", TOUCH, "0", "cpu", 1, None)), ["0"])),
        SYSTEM,
    ),
    "tensors within tensors": (in_storage(dumped(Runs(torch.storage._load_from_bytes, b""))), "_load_from_bytes"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("save", ["protocol2", "protocol4", "zip"])
def test_a_pickle_that_would_run_something_is_refused_by_name(path: Path, case: str, save: str) -> None:
    content, name = HOSTILE[case]
    SAVES[save](path, content)
    message = refused(path)
    # A torch file without any of NVIDIA's objects is read by torch itself, which refuses it as well.
    by_torch = save == "zip" and set(content) == {"G_ema"}
    assert ("holds pickled Python objects, which are not run" if by_torch else "it asks for '") in message
    assert by_torch or f"{name}'" in message


def test_the_hostile_pickles_do_run_elsewhere(path: Path) -> None:
    """So that the tests above refuse what is dangerous, not what is broken."""
    pickle.loads(pickle.dumps(TOUCH))
    assert [found.name for found in Path.cwd().iterdir()] == ["pwned"]


RAW = {
    # STACK_GLOBAL with a dotted name: os.system through a module that a list by modules might allow.
    "dotted": b"\x80\x04\x8c\x05torch\x8c\x17serialization.os.system\x93\x8c\x0btouch pwned\x85R.",
    "dotted, of an allowed module": b"\x80\x04\x8c\x0ctorch._utils\x8c\x0dtorch.os.abort\x93)R.",
    "INST": b"(S'touch pwned'\niposix\nsystem\n.",
    "OBJ": b"(cposix\nsystem\nS'touch pwned'\no.",
    "persistent id": b"\x80\x02Pposix.system\n.",
    "binary persistent id": b"\x80\x02X\x02\x00\x00\x00osQ.",
    "extension": b"\x80\x02\x82\x01.",
    "BUILD on an allowed function": b"\x80\x02ctorch._utils\n_rebuild_parameter\n}X\x01\x00\x00\x00aK\x01sb.",
    "BUILD on an allowed class": b"\x80\x02cdnnlib.util\nEasyDict\n}X\x01\x00\x00\x00aK\x01sb.",
    "BUILD of slots on an allowed function": (
        b"\x80\x02ctorch._utils\n_rebuild_parameter\nN}X\x05\x00\x00\x00_makecposix\nsystem\ns\x86b."
    ),
    "BUILD of slots with an allowed one": (
        b"\x80\x02ctorch._utils\n_rebuild_parameter\nN}X\x05\x00\x00\x00_makecbuiltins\nset\ns\x86b."
    ),
    "a module that is no dictionary": b"\x80\x02ctorch_utils.persistence\n_reconstruct_persistent_obj\nK\x01\x85R.",
    "a module without attributes": (
        b"\x80\x02ctorch_utils.persistence\n_reconstruct_persistent_obj\n}X\x04\x00\x00\x00typeX\x05\x00\x00\x00class"
        b"s\x85R."
    ),
    "a tensor of nothing": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00)))tR.",
    "a parameter of nothing": b"\x80\x02ctorch._utils\n_rebuild_parameter\nK\x01\x85R.",
    "numbers that are text": b"\x80\x02ctorch.storage\n_load_from_bytes\nX\x01\x00\x00\x00a\x85R.",
    "a number of objects": b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00O8\x85R.",
    "bytes in another encoding": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.",
    "a list": b"\x80\x02]q\x00.",
    "memory": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
    "no pickle": b"a few words",
    "nothing": b"",
}


@pytest.mark.parametrize("case", RAW)
def test_opcodes_that_reach_for_more_are_refused(path: Path, case: str) -> None:
    path.write_bytes(RAW[case])
    assert "not read: " in refused(path)
    maker = pickles.GLOBALS["torch._utils", "_rebuild_parameter"]
    with pytest.raises(UserError, match="a parameter that is a int"):
        maker(1)  # nothing has replaced what the name stands for
    assert not hasattr(pickles.Options, "a")


def test_a_zip_with_another_call_in_it_is_refused(path: Path) -> None:
    save_zip(path, snapshot(random_generator()))
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for change, message in {
        "short": "8 bytes of a tensor of",
        "absent": "broken pickle",
    }.items():
        changed = dict(files)
        name = next(name for name in files if "/data/" in name)
        changed[name] = bytes(8)
        if change == "absent":
            del changed[name]
        with zipfile.ZipFile(path, "w") as archive:
            for key, value in changed.items():
                archive.writestr(key, value)
        assert message in refused(path)


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")  # as their files hold them
@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((4,), (1,), 0), ((2,), (2,), 0), ((1,), (1,), 2), ((1000,), (0,), 0), ((2, 2), (1,), 0), ((-1,), (1,), 0)],
)
def test_a_tensor_beyond_its_numbers_is_refused(path: Path, size: Any, stride: Any, offset: int) -> None:
    two = io.BytesIO()
    torch.save(torch.tensor([1.0, 2.0]).storage(), two, _use_new_zipfile_serialization=False)
    weight = Runs(torch._utils._rebuild_tensor_v2, Runs(torch.storage._load_from_bytes, two.getvalue()), offset, size,
                  stride, False, OrderedDict())  # fmt: skip
    save_pickle(path, in_state(lambda state: state["_parameters"].update(bias=weight)))
    assert "broken file" in refused(path)


def test_a_number_and_a_strided_tensor_are_read_as_they_are(path: Path) -> None:
    for number in (np.float64(0.25), np.float32(0.5), np.int64(-3), np.bool_(True)):
        path.write_bytes(pickle.dumps(number, 4))
        assert pickles.read(path) == number.item()
    stored = pickles.Storage(torch.float32, "0", 6, struct.pack("<6f", *range(6)))
    assert pickles.tensor(pickles.Numbers(stored, 1, (2, 2), (1, 2))).tolist() == [[1, 3], [2, 4]]


def test_a_cut_file_is_one_line_wherever_it_is_cut(path: Path) -> None:
    whole = save_pickle(path, snapshot(random_generator())).read_bytes()
    for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        assert "broken pickle" in refused(path)


@pytest.mark.parametrize("form", ["pickle", "zip", "torch", "legacy"])
def test_changed_bytes_are_one_line_or_change_numbers_alone(path: Path, form: str) -> None:
    content: Any = rosinality(random_generator()) if form in ("torch", "legacy") else snapshot(random_generator())
    if form in ("torch", "legacy"):
        torch.save(content, path, _use_new_zipfile_serialization=form == "torch")
    else:
        SAVES["zip" if form == "zip" else "protocol4"](path, content)
    whole, random = path.read_bytes(), np.random.default_rng(1)
    refusals: list[str] = []
    for _ in range(60):
        changed = bytearray(whole)
        for place in random.integers(len(whole), size=8):
            changed[place] = random.integers(256)
        path.write_bytes(changed)
        try:
            loaded(path)
        except UserError as error:
            refusals.append(str(error))
    assert not [message for message in refusals if "\n" in message]
    assert len(refusals) > 10 and not list(Path.cwd().iterdir())


def changed_network(change: Callable[[dict[str, Any]], Any], place: str) -> Any:
    """A snapshot with the state of one module changed."""
    found = network(random_generator())
    module = found
    for name in filter(None, place.split(".")):
        module = module.meta["state"]["_modules"][name]
    change(module.meta["state"])
    return {"G_ema": found}


def cyclic() -> Any:
    """A dictionary of modules within itself, as no dump of a dictionary's maker can be."""
    found = network(random_generator())
    modules = found.meta["state"]["_modules"]
    modules["again"] = modules["mapping"]
    return {"G_ema": found}


UNFIT: dict[str, tuple[Any, str]] = {
    "no network": ({"G": None}, "no network under G_ema"),
    "not finished": ({"G_ema": None}, "no network under G_ema"),
    "a discriminator": (
        {"G_ema": Persistent("Discriminator", {"_modules": {}})},
        "class 'Discriminator', expected the",
    ),
    "no modules": ({"G_ema": Persistent("Generator", {})}, "no _modules in the network"),
    "stylegan3": (
        changed_network(
            lambda state: state["_modules"].update(input=Persistent("SynthesisInput", {"_modules": {}})), "synthesis"
        ),
        "a StyleGAN3 network, expected StyleGAN2",
    ),
    "resnet": ({"G_ema": network(random_generator(), architecture="resnet")}, "architecture 'resnet', expected skip"),
    "activation": ({"G_ema": network(random_generator(), activation="relu")}, "activation 'relu', expected"),
    "gain": ({"G_ema": network(random_generator(), act_gain=1.0)}, "act_gain 1.0, expected 1.414"),
    "shared": (cyclic(), "modules without end at 'again'"),
    "no bias": (
        changed_network(lambda state: state["_parameters"].pop("bias"), "synthesis.b8.conv1"),
        "missing: synthesis.b8.conv1.bias",
    ),
    "no block": (
        changed_network(lambda state: state["_modules"].pop("b8"), "synthesis"),
        "extra: synthesis.b16.conv0.affine.bias",
    ),
    "filter": (
        changed_network(lambda state: state["_buffers"].update(resample_filter=torch.ones(4, 4)), "synthesis.b8.conv0"),
        "another filter than [1, 3, 3, 1]",
    ),
    "a list for a weight": (
        changed_network(lambda state: state["_parameters"].update(bias=[1.0]), "mapping.fc0"),
        "bias of FullyConnectedLayer is a list, expected a tensor",
    ),
    "no weight": (
        changed_network(lambda state: state["_parameters"].pop("weight"), "mapping.fc0"),
        "key mapping.fc0.weight is missing, expected 2 axes",
    ),
    "rates": (
        changed_network(lambda state: state.update(bias_gain=0.5), "mapping.fc0"),
        "mapping layers learning at rates [0.5, 0.01]",
    ),
    "clamp": (
        changed_network(lambda state: state.update(conv_clamp="x"), "synthesis.b8.conv0"),
        "conv_clamp of a SynthesisLayer is 'x', expected a number",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_another_network_is_one_line(path: Path, case: str) -> None:
    content, message = UNFIT[case]
    assert message in refused(save_pickle(path, content))


def test_a_tensorflow_pickle_is_told_how_to_be_converted(path: Path) -> None:
    path.write_bytes(b"\x80\x03cdnnlib.tflib.network\nNetwork\n)\x81}b.")
    message = refused(path)
    assert "a TensorFlow pickle" in message and "legacy.py --source OLD.pkl --dest NEW.pkl" in message


def test_other_files_are_one_line(path: Path) -> None:
    path.write_text("<!DOCTYPE html><p>sign in</p>")
    assert "a web page, no weights; download it again" in refused(path)
    torch.save({"layer1.conv.weight": torch.zeros(1)}, path)
    assert "no StyleGAN2 of NVIDIA's or rosinality's, found layer1.conv.weight" in refused(path)
    torch.save([1], path)
    assert "no StyleGAN2 of NVIDIA's or rosinality's, found list" in refused(path)
    torch.save({"g_ema": TOUCH}, path)
    assert "holds pickled Python objects, which are not run" in refused(path)
    torch.save({"g_ema": TOUCH}, path, _use_new_zipfile_serialization=False)
    assert "holds pickled Python objects, which are not run" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"")
    assert "not a readable checkpoint" in refused(path)
    with pytest.raises(FileNotFoundError, match=r"absent\.pkl: no such checkpoint; correct the config"):
        loaded(path.with_name("absent.pkl"))
    state = rosinality(random_generator())
    state["g_ema"]["convs.1.conv.weight"] = torch.zeros(1, 2, 2, 3, 3)
    del state["g_ema"]["convs.0.activate.bias"]
    torch.save(state, path)
    message = refused(path)
    assert "missing: convs.0.activate.bias" in message and "noises.noise_2 " not in message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": "some"}, "noise 'some' is unknown, expected one of: fixed, none, per_image"),
        ({"label": 3}, "label 3 asked for, expected 0 to 2; correct the generator's label"),
        ({"psi": 0.7}, "settings psi are unknown to family stylegan2, expected of: truncation, truncation_layers"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(path: Path, settings: dict[str, Any], message: str) -> None:
    save_pickle(path, snapshot(random_generator(CLASSES)))
    with pytest.raises(UserError, match=message):
        loaded(path, **settings)


def test_a_label_for_a_network_without_classes_is_one_line(path: Path) -> None:
    save_pickle(path, snapshot(random_generator()))
    assert "label 0 asked for, but the network has no classes; leave label out" in refused(path, label=0)


def test_noise_is_the_files_or_none_or_the_images_own(path: Path) -> None:
    save_pickle(path, snapshot(random_generator()))
    fixed, none, own = (loaded(path, noise=noise) for noise in ("fixed", "none", "per_image"))
    z = z_of()
    whole = own(z)
    for count in (1, 2):
        torch.testing.assert_close(torch.cat([own(z[k : k + count]) for k in range(0, 3, count)]), whole, **FLOAT32)
    torch.testing.assert_close(chain.tail(own, 2)(chain.head(own, 2)(z)), fixed(z), **FLOAT32)
    assert (whole - fixed(z)).abs().mean() > 0.01 < (none(z) - fixed(z)).abs().mean()
    for layer in fixed.convs():
        layer.noise_strength.zero_()
    torch.testing.assert_close(none(z), fixed(z), **FLOAT32)
    moved = torch.cat([noise.flatten() for noise in own.noise_of(z)])
    assert abs(moved.mean()) < 0.1 and abs(moved.std() - 1) < 0.1  # 1,776 numbers: 4 standard errors


def test_noise_that_a_file_lacks_is_the_same_every_time(path: Path) -> None:
    state = rosinality(random_generator())
    state["g_ema"] = {key: value for key, value in state["g_ema"].items() if not key.startswith("noises.")}
    torch.save(state, path)
    first, again = loaded(path), loaded(path)
    assert torch.equal(first(z_of()), again(z_of()))
    noises = [layer.noise_const for layer in first.convs()]
    assert len({float(noise[0, 0]) for noise in noises}) == len(noises)


def test_a_mean_w_that_a_file_lacks_is_estimated(path: Path) -> None:
    state = rosinality(random_generator())
    del state["latent_avg"]
    torch.save(state, path)
    found = loaded(path, truncation=0.0)
    many = torch.randn(10_000, 6, generator=torch.Generator().manual_seed(9))
    mean_w = found.mapping(many).mean(0, keepdim=True)
    assert (found.mapping.w_avg - mean_w).abs().max() < 5 * found.mapping(many).std(0).max() * (2 / 10_000) ** 0.5
    images_N3HW = found(z_of())
    torch.testing.assert_close(images_N3HW[0], images_N3HW[2], **FLOAT32)  # truncated to nothing, all are the mean


def test_a_row_says_which_class_is_drawn_unless_the_entry_does(path: Path) -> None:
    save_pickle(path, snapshot(random_generator(CLASSES)))
    by_row, z = loaded(path), z_of()
    for label in range(3):
        one = loaded(path, label=label)
        assert one.classes == ()
        c = torch.nn.functional.one_hot(torch.tensor([label]), 3).float().expand(3, -1)
        torch.testing.assert_close(one(z), by_row(torch.cat([c, z], dim=1)), **FLOAT32)


def test_samples_go_round_the_classes_and_are_labelled(path: Path, tmp_path: Path) -> None:
    save_pickle(path, snapshot(random_generator(CLASSES)))
    shards = []
    for first, last in ((0, 4), (3, 4)):
        shard = tmp_path / f"{first}.h5"
        values = {
            "family": "stylegan2", "checkpoint": path, "generator-settings": '{"noise": "per_image"}', "seed": 1,
            "first": first, "last": last, "batch-size": 2, "device": "cpu", "threads": 1, "code": "x", "shard": shard,
        }  # fmt: skip
        sample.main([text for name, value in values.items() for text in (f"--{name}", str(value))])
        with images.ImageShards([shard]) as opened:
            rows = np.arange(last - first + 1)
            shards.append((opened.read("label", rows), opened.read("images", rows)))
    assert shards[0][0].tolist() == [0, 1, 2, 0, 1]
    difference = shards[0][1][3:].astype(int) - shards[1][1]
    assert np.abs(difference).max() <= 1  # bytes at a border between two


def test_an_inversion_of_a_network_with_classes_is_one_line(path: Path) -> None:
    save_pickle(path, snapshot(random_generator(CLASSES)))
    with pytest.raises(UserError, match="the stylegan2 generator draws 3 classes on demand, expected one of z alone"):
        packed(loaded(path))
    assert packed(loaded(path, label=1)).size == 16


def test_layers_hand_on_features_image_and_w(path: Path) -> None:
    found = loaded(save_pickle(path, snapshot(random_generator())))
    assert chain.layer_names(found) == ["mapping", "b4", "b8", "b16"]
    features, image, w = chain.head(found, 3)(z_of())
    assert (features.shape, image.shape, w.shape) == ((3, 6, 8, 8), (3, 3, 8, 8), (3, 6))
    torch.testing.assert_close(chain.tail(found, 3)((features, image, w)), found(z_of()), **FLOAT32)
    for part in (features, image, w):
        given = [tensor.clone().requires_grad_(tensor is part) for tensor in (features, image, w)]
        found[3](tuple(given)).square().sum().backward()
        assert next(tensor.grad for tensor in given if tensor.requires_grad).abs().max() > 0


def flags(folder: Path, **more: Any) -> list[str]:
    values = {
        "family": "stylegan2", "checkpoint": folder / "network.pkl", "generator-settings": json.dumps({"label": 1}),
        "seed": 1, "device": "cpu", "code": "test", "threads": 1,
    }  # fmt: skip
    return [text for name, value in (values | more).items() for text in (f"--{name}", str(value))]


def test_every_method_of_inversion_runs_on_it(path: Path, tmp_path: Path) -> None:
    save_pickle(path, snapshot(random_generator(CLASSES)))
    sample.main(flags(tmp_path, **{"first": 0, "last": 2, "batch-size": 2, "shard": tmp_path / "images.h5"}))
    training = TRAINING | {"layer": 3, "steps": {"layer": 3, "tail": 3, "encoder": 3, "direct": 3}}
    for part in ("layer_1", "layer_2", "layer_3", "tail", "encoder", "direct"):
        train_encoder.main(
            flags(tmp_path, part=part, settings=json.dumps(training), state=tmp_path / "state.pt",
                  log=tmp_path / "log.tsv", weights=tmp_path / f"{part}.safetensors", **{"parts-dir": tmp_path})
        )  # fmt: skip
    settings = INVERSION | {"steps": 12, "log_every": 3}
    for method, kind in METHODS.items():
        shard = tmp_path / method / "0-2.h5"
        shard.parent.mkdir()
        encoder = {"encoder": tmp_path / f"{kind.encoder}.safetensors"} if kind.encoder else {}
        invert.main(
            flags(tmp_path, method=method, images=tmp_path / "images.h5", first=0, last=2,
                  settings=json.dumps(settings), state=tmp_path / "invert.pt", shard=shard, **encoder)
        )  # fmt: skip
        found = inversions.read(shard)
        assert found.x_hat.shape == (3, 16, 16, 3) and np.isfinite(found.loss).all()
        assert set(found.residuals) == ({1, 2, 3} if method == "layered_r" else set())
        if method in ("z", "direct_z", "layered_z", "layered_r"):
            assert (found.loss[:, -1, 0] < found.loss[:, 0, 0]).all()
