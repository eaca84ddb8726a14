"""What tests/test_reproducibility.py runs in processes of their own, since settings of kernels count from the start.

Prints one line of JSON: arrays as base64 of their bytes, by name.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lacuna.data.latents import latents
from lacuna.generators.loading import load_generator
from lacuna.generators.progan.training import ProganTask
from lacuna.networks.pixels import to_bytes
from lacuna.runtime import compute
from lacuna.segmenters.loading import load_segmenter
from lacuna.training.gan import GanTraining
from lacuna.training.settings import GanTraining as Settings
from lacuna.training.settings import Stage
from lacuna.world import World

DEMO = Path(__file__).resolve().parents[1] / "workflow" / "demo"
NUM, STEPS = 6, 4
STAGES = [Stage(size=4, images=16, fade=0), Stage(size=8, images=999, fade=8)]
GAN = Settings(sizes=[16, 16, 16], schedule=STAGES, batch_size=8, precision="float32", r1=1.0, r1_interval=2)


def main() -> None:
    found: dict[str, NDArray[Any]] = {"z": latents(1, 0, NUM - 1, 128)}
    world = World(seed=3, size=64, omit=[], scale={}, scenes={}, palette="day")
    scenes = [world.scene(number) for number in range(NUM)]
    found["scenes"] = np.stack([scene.image for scene in scenes])
    found["truth"] = np.stack([scene.labels_object for scene in scenes]).astype(np.int32)
    for batch_size in (NUM, 2):
        found |= {f"{name} {batch_size}": array for name, array in judged(found["scenes"], batch_size).items()}
    found |= {f"trained {interrupted}": trained(interrupted) for interrupted in (False, True)}
    texts = {name: base64.b64encode(array.tobytes()).decode() for name, array in found.items()}
    print(json.dumps({name: [str(found[name].dtype), found[name].shape, text] for name, text in texts.items()}))


def judged(scenes: NDArray[np.uint8], batch_size: int) -> dict[str, NDArray[Any]]:
    """Samples of the demo's generator, and the objects seen in scenes and samples, in batches of a size."""
    generator = load_generator("progan", DEMO / "progan.safetensors")
    segmenter = load_segmenter("upernet", DEMO / "segmenter.safetensors")
    z_ND = torch.from_numpy(latents(1, 0, NUM - 1, generator.z_dim))
    with torch.no_grad():
        x_N3HW = torch.cat([generator(part) for part in z_ND.split(batch_size)])
    samples = to_bytes(x_N3HW)
    images = np.concatenate([scenes, samples])
    parts = np.split(images, range(batch_size, len(images), batch_size))
    labels = torch.cat([segmenter.label_maps(part, ("object",))["object"] for part in parts])
    return {"floats": x_N3HW.numpy(), "samples": samples, "labels": labels.int().numpy()}


def trained(interrupted: bool) -> NDArray[np.float32]:
    """All weights of a small generator after some steps, its state written and read in the middle or not."""
    batch = torch.linspace(-1, 1, 8 * 3 * 8 * 8).view(8, 3, 8, 8)

    training = GanTraining(ProganTask, GAN, 1, torch.device("cpu"))
    for step in range(STEPS):
        size = training.phase(step).size
        training.step(step, torch.nn.functional.avg_pool2d(batch.roll(step * 8, 0), 8 // size))
        if interrupted and step == STEPS // 2:
            state = training.state_dict()
            training = GanTraining(ProganTask, GAN, 1, torch.device("cpu"))
            training.load_state_dict(state)
    return torch.cat([weight.detach().flatten() for weight in training.task.generator.parameters()]).numpy()


if __name__ == "__main__":
    compute.configure(int(sys.argv[1]))
    main()
