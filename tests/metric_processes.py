"""Two processes that share the images of one metric, as DistributedDataParallel has them: run as a program, with gloo.

python metric_processes.py IMAGES.npz WEIGHTS SAVED.h5: prints the value and the first class of each process.
"""

import os
import sys

import numpy as np
import torch

import lacuna

PROCESSES = 2


def share(rank: int, images: str, weights: str, saved: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": sys.argv[4], "OMP_NUM_THREADS": "1"}
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=PROCESSES)
    metric = lacuna.FrechetSegmentationDistance(weights, size=32)
    for side, rows in np.load(images).items():
        metric.update(torch.from_numpy(rows[rank::PROCESSES]), real=side == "real")
    value, table = float(metric.compute()), metric.class_table()
    metric.save_reference(f"{saved}.{rank}")
    own = int(metric.real_count)
    print(f"{value!r} {table[0].name} {own}", flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    torch.multiprocessing.spawn(share, tuple(sys.argv[1:4]), nprocs=PROCESSES)
