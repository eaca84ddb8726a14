"""Configuration of a SLURM cluster on this machine: controller and nodes on loopback, all state in one folder."""

import getpass
import os
import shlex
import shutil
import socket
import sys
from pathlib import Path

NODES = 2
GPUS = ("/dev/null", "/dev/zero")  # of each node; SLURM wants a character device for each
CPUS = 4  # of each node, whatever the machine has
MEMORY_MB = 32000  # likewise; nothing enforces it
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def configure(folder: Path) -> None:
    """Write key, configuration, the `srun` wrapper and the file to source."""
    for name in ("munge", "state", "bin", "log", *(f"spool/{node}" for node in node_names())):
        (folder / name).mkdir(parents=True, exist_ok=True)
    key = folder / "munge/key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    (folder / "gres.conf").write_text(gres_conf())
    (folder / "slurm.conf").write_text(slurm_conf(folder))
    # Snakemake's job step drops SLURM_CONF, without which the srun that it starts would look in /etc/slurm.
    wrapper = folder / "bin/srun"
    wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={folder / "slurm.conf"} exec {shutil.which("srun", path=PATH)} "$@"\n')
    wrapper.chmod(0o755)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment(folder).items()]
    (folder / "env").write_text("\n".join([*lines, f'export PATH={folder / "bin"}:"$PATH"', ""]))


def environment(folder: Path) -> dict[str, str]:
    """What a process needs to talk to the cluster, and by which it is found again."""
    return {"SLURM_CONF": str(folder / "slurm.conf")}


def gres_conf() -> str:
    lines = [f"NodeName={node} Name=gpu File={device}" for node in node_names() for device in GPUS]
    return "\n".join(["AutoDetect=off", *lines, ""])


def slurm_conf(folder: Path) -> str:
    """The configuration; see slurm.conf(5)."""
    host = own_name()
    controller, *ports = free_ports(NODES + 1)
    settings = {
        "ClusterName": "lacuna_test",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": controller,
        "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
        "SlurmUser": getpass.getuser(),
        "SlurmdUser": getpass.getuser(),
        "AuthType": "auth/munge",
        "CredType": "cred/munge",
        "AuthInfo": f"socket={folder / 'munge/socket'}",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool/%n",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd_%n.pid",
        "SlurmctldLogFile": folder / "log/slurmctld.log",
        "SlurmdLogFile": folder / "log/slurmd_%n.log",
        "JobCompType": "jobcomp/filetxt",
        "JobCompLoc": folder / "completed_jobs.txt",
        "AccountingStorageType": "accounting_storage/none",
        "JobAcctGatherType": "jobacct_gather/linux",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "MpiDefault": "none",
        "SwitchType": "switch/none",
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "bf_interval=1",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "SlurmdParameters": "config_overrides",
        "DefMemPerCPU": MEMORY_MB // CPUS,
        "EnforcePartLimits": "ALL",
        "GresTypes": "gpu",
        "ReturnToService": 1,
        "KillWait": 15,
        "MinJobAge": 3600,
        "SlurmctldTimeout": 60,
        "SlurmdTimeout": 60,
        "InactiveLimit": 0,
    }
    lines = [f"{name}={value}" for name, value in settings.items()]
    size = f"CPUs={CPUS} Boards=1 SocketsPerBoard=1 CoresPerSocket={CPUS} ThreadsPerCore=1 RealMemory={MEMORY_MB}"
    for node, port in zip(node_names(), ports, strict=True):
        lines.append(f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {size} Gres=gpu:{len(GPUS)}")
    lines.append(f"PartitionName=gpu Nodes={','.join(node_names())} Default=YES MaxTime=INFINITE State=UP")
    return "\n".join([*lines, ""])


def node_names() -> list[str]:
    return [f"node{number}" for number in range(1, NODES + 1)]


def own_name() -> str:
    """Short name of this machine, by which SLURM's daemons look for each other."""
    host = socket.gethostname().split(".")[0]
    try:
        socket.gethostbyname(host)
    except OSError:
        sys.exit(f"cluster: {host}: this machine's name has no address, expected one; add it to /etc/hosts")
    return host


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
