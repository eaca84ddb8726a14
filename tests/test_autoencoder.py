"""Autoencoders: the chain is the library's decoder, E its encoder; what cannot be read is one line."""

import json
import shutil
from pathlib import Path

import autoencoder_files
import pytest
import torch
from autoencoder_files import CLASSES, SIZE, STRIDES, save, tiny
from diffusers.models.transformers.dit_transformer_2d import DiTTransformer2DModel
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline
from diffusers.pipelines.dit.pipeline_dit import DiTPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from lacuna.errors import UserError
from lacuna.generators.autoencoder import folder
from lacuna.generators.autoencoder.layers import latents
from lacuna.generators.chain import head, layer_names, tail
from lacuna.generators.loading import load_generator, load_own_encoder
from lacuna.inversion.states import packed

TOLERANCE = {"rtol": 1e-4, "atol": 2e-5}  # sums in another order, by kernels chosen for another batch


@pytest.fixture(scope="module", params=CLASSES)
def saved(request, tmp_path_factory):
    """Class and folder of a tiny autoencoder."""
    return request.param, save(tmp_path_factory.mktemp("saved") / request.param, request.param)


def load(path, **settings):
    return load_generator("autoencoder", path, "cpu", {"size": SIZE} | settings)


def images(count, seed=3):
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_the_chain_draws_what_the_library_decodes(saved):
    name, path = saved
    model, generator = tiny(name), load(path)
    with torch.no_grad():
        z_NCHW = latents(model, images(3))
        torch.testing.assert_close(generator(z_NCHW.flatten(1)), model.decode(z_NCHW).sample, **TOLERANCE)
    assert (generator.z_dim, generator.size) == (z_NCHW[0].numel(), SIZE)


def test_its_encoder_finds_what_the_library_encodes(saved):
    name, path = saved
    encoder = load_own_encoder("autoencoder", path, "cpu", {"size": SIZE})
    with torch.no_grad():
        torch.testing.assert_close(encoder(images(3)), latents(tiny(name), images(3)).flatten(1), **TOLERANCE)


def test_an_image_does_not_depend_on_its_batch(saved):
    generator, encoder = load(saved[1]), load_own_encoder("autoencoder", saved[1], "cpu", {"size": SIZE})
    with torch.no_grad():
        z_ND = encoder(images(3))
        torch.testing.assert_close(encoder(images(3)[1:2]), z_ND[1:2], **TOLERANCE)
        torch.testing.assert_close(generator(z_ND[1:2]), generator(z_ND)[1:2], **TOLERANCE)


def test_the_chain_can_be_cut_behind_any_layer_and_needs_no_packing(saved):
    generator, z_ND = load(saved[1]), torch.randn(2, load(saved[1]).z_dim)
    assert packed(generator) is generator
    for n in range(1, len(layer_names(generator))):
        assert torch.equal(tail(generator, n)(head(generator, n)(z_ND)), generator(z_ND))


def test_every_layer_passes_a_gradient_to_z(saved):
    generator = load(saved[1])
    z_ND = torch.randn(2, generator.z_dim, requires_grad=True)
    generator(z_ND).square().sum().backward()
    assert (z_ND.grad != 0).float().mean() > 0.9


def test_layers_are_the_blocks_of_the_decoder(tmp_path):
    assert layer_names(load(save(tmp_path))) == ["input", "middle", "up_1", "up_2", "up_3", "output"]


def test_the_size_is_what_the_checkpoint_names_or_any_other_multiple(tmp_path):
    generator = load_generator("autoencoder", save(tmp_path))
    assert (generator.size, generator.z_dim) == (32, 8 * 8 * 4)
    larger = load(tmp_path, size=48)
    assert (larger.size, larger.z_dim) == (48, 12 * 12 * 4)


def test_half_precision_is_computed_with_as_float32(tmp_path):
    model = tiny("AutoencoderKL").half()
    model.save_pretrained(tmp_path, variant="fp16")
    assert not (tmp_path / "diffusion_pytorch_model.safetensors").exists()
    generator = load(tmp_path)
    assert {parameter.dtype for parameter in generator.parameters()} == {torch.float32}
    with torch.no_grad():
        z_NCHW = latents(model.float(), images(1))
        torch.testing.assert_close(generator(z_NCHW.flatten(1)), model.decode(z_NCHW).sample, **TOLERANCE)


def test_parts_of_sharded_weights_are_put_together(tmp_path):
    tiny("AutoencoderKL").save_pretrained(tmp_path, max_shard_size="60KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    whole = load(save(tmp_path / "whole"))
    for name, weights in load(tmp_path).state_dict().items():
        assert torch.equal(weights, whole.state_dict()[name]), name


def test_attention_under_its_first_names_is_read(tmp_path):
    from safetensors.torch import load_file, save_file

    path = save(tmp_path) / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    weights = load_file(path)
    for new, name in old.items():
        weights = {key.replace(f"s.0.{new}.", f"s.0.{name}."): value for key, value in weights.items()}
    assert any(".query." in key for key in weights)
    expected = load(tmp_path).state_dict()
    save_file(weights, path)
    for name, found in load(tmp_path).state_dict().items():
        assert torch.equal(found, expected[name]), name


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A latent diffusion pipeline, saved by the library."""
    path = tmp_path_factory.mktemp("pipeline")
    transformer = DiTTransformer2DModel(
        num_attention_heads=1, attention_head_dim=8, in_channels=4, num_layers=1, sample_size=8, patch_size=2
    )
    DiTPipeline(transformer, tiny("AutoencoderKL"), DDIMScheduler()).save_pretrained(path)
    return path


def test_of_a_pipeline_its_autoencoder_alone_is_read(pipeline):
    assert layer_names(load(pipeline))[:2] == ["input", "middle"]
    names = [Path(file).relative_to(pipeline).as_posix() for file in folder.files(pipeline)]
    assert names == ["vae/config.json", "vae/diffusion_pytorch_model.safetensors"]


def test_a_missing_component_is_one_line(pipeline, tmp_path):
    copy = shutil.copytree(pipeline, tmp_path / "copy")
    shutil.rmtree(copy / "vae")
    assert folder.files(copy) == []
    with pytest.raises(UserError, match=r"vae: no config\.json, model_index\.json names this component"):
        load(copy)


def test_a_pipeline_without_an_autoencoder_is_one_line(tmp_path):
    unet = UNet2DModel(
        sample_size=8, block_out_channels=(8,), norm_num_groups=4, layers_per_block=1,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",),
    )  # fmt: skip
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"a pipeline of scheduler \(DDPMScheduler\), unet \(UNet2DModel\), expected"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["AutoencoderKLWan", "../AutoencoderKL", None])
def test_another_class_is_one_line(tmp_path, name):
    save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"_class_name": name}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="expected one of AutoencoderDC, AutoencoderKL, AutoencoderTiny, VQModel"):
        load(tmp_path)


def test_weights_that_are_no_safetensors_are_not_read(tmp_path):
    tiny("AutoencoderKL").save_pretrained(tmp_path, safe_serialization=False)
    with pytest.raises(UserError, match=r"found diffusion_pytorch_model\.bin, expected diffusion_pytorch_model\.safe"):
        load(tmp_path)


def test_sides_that_the_stride_does_not_divide_are_one_line(saved):
    name, path = saved
    with pytest.raises(UserError, match=f"size 31, expected a multiple of {STRIDES[name]}, the pixels per side"):
        load(path, size=31)


def test_latents_of_another_size_are_one_line(tmp_path):
    """An encoder that halves once more than its decoder doubles."""
    save(tmp_path, "AutoencoderTiny", encoder_block_out_channels=(8, 8, 8), num_encoder_blocks=(1, 1, 1))
    with pytest.raises(UserError, match=r"latents \(4, 8, 8\) of images of 32 pixels .* expected \(4, 16, 16\)"):
        load(tmp_path)


def test_latents_of_other_channels_are_one_line(tmp_path):
    save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"latent_channels": 8}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"misshapen: .*conv_in\.weight \(16, 4, 3, 3\) instead of \(16, 8, 3, 3\)"):
        load(tmp_path)


def test_a_checkpoint_without_a_size_asks_for_one(tmp_path):
    save(tmp_path, "AutoencoderTiny")
    with pytest.raises(UserError, match="found sample_size None, expected one side in pixels; give the gen"):
        load_generator("autoencoder", tmp_path)


def test_a_config_that_makes_no_network_is_one_line(tmp_path):
    save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"up_block_types": ["Nothing"] * 3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"its config\.json makes no AutoencoderKL: Nothing"):
        load(tmp_path)


def test_a_decoder_that_needs_the_latent_in_every_layer_is_one_line(tmp_path):
    save(tmp_path, "VQModel", norm_type="spatial", block_out_channels=(32, 32))
    with pytest.raises(UserError, match="norm_type spatial, expected group"):
        load(tmp_path)


def test_weights_alone_are_one_line(tmp_path):
    path = save(tmp_path) / "diffusion_pytorch_model.safetensors"
    with pytest.raises(UserError, match=r"names no class of diffusers, expected a file of train_autoencoder, or the w"):
        load(path)


def test_broken_weights_are_one_line(tmp_path):
    path = save(tmp_path) / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="not a readable checkpoint"):
        load(tmp_path)


def test_tiny_files_know_every_class_that_is_read():
    assert sorted(autoencoder_files.MAKERS) == sorted(folder.CLASSES)
