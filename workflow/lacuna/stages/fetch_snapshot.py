"""Bring a network's repository from the Hugging Face hub: configuration, tokenizer and weights, never code.

Weights are safetensors, or where there are none the old `.bin`, which is read as weights alone. Broken downloads are
resumed. Last comes a receipt: the commit, and the SHA-256 of each file, by which later stages know what they use. Files
that lie there already, put by hand for instance, are taken as they are where the hub is not reached.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pooch
from pydantic import Field

from lacuna.config.published import RECEIPT
from lacuna.errors import UserError
from lacuna.formats import tables
from lacuna.runtime import command

log = logging.getLogger(__name__)
PIPELINE = "model_index.json"  # of the library diffusers: its components lie in folders of their own
BESIDE = (".json", ".txt", ".model")
ENDINGS = (".safetensors", ".bin")  # of weights, the better ones first
# Whole or in parts, and in full precision: a name with `.fp16` is of another variant.
WEIGHTS = re.compile(r"(diffusion_)?(pytorch_)?model(-\d+-of-\d+)?\.(safetensors|bin)")


class Job(command.Job):
    """What the stage is told."""

    repository: str = Field(description="<owner>/<name>")
    revision: str = Field(description="branch, tag or commit")
    folder: Path = Field(description="folder to fill")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("fetch", Job, __doc__, argv)
    try:
        commit, names = brought(job)
    except UserError as error:
        names = by_hand(job.folder)
        if not names:
            raise
        log.info("%s; the files in %s are taken as they are", error, job.folder)
        commit = None
    hashes = {name: str(pooch.file_hash(str(job.folder / name), alg="sha256")) for name in names}
    tables.write_json(
        job.folder / RECEIPT,
        {"repository": job.repository, "revision": job.revision, "commit": commit, "sha256": hashes},
    )


def brought(job: Job) -> tuple[str, list[str]]:
    """Commit of the revision, and the names of its files, which now lie in the folder.

    Raises:
        UserError: the hub was not reached, or has no such repository for us.
    """
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError:
        raise UserError("fetch: huggingface_hub is not installed; pip install transformers, which brings it") from None
    try:
        info = huggingface_hub.HfApi().model_info(job.repository, revision=job.revision, timeout=30)
        names = chosen([file.rfilename for file in info.siblings or []])
        for name in names:
            huggingface_hub.hf_hub_download(job.repository, name, revision=info.sha, local_dir=job.folder)
    except errors.GatedRepoError:
        raise UserError(refusal(job, "its owner lets in only who has asked; ask there and log in")) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
        raise UserError(refusal(job, "the hub has no such repository or revision; correct the name")) from None
    except (errors.HTTPError, OSError) as error:
        reason = f"{type(error).__name__}, the hub was not reached; run `snakemake fetch` where the network does"
        raise UserError(refusal(job, reason)) from None
    return str(info.sha), names


def refusal(job: Job, reason: str) -> str:
    """One line: what went wrong and where files may be put by hand."""
    return (
        f"hub:{job.repository}@{job.revision}: {reason}, or put its configuration and "
        f"weights by hand into {job.folder.resolve()}"
    )


def chosen(names: Sequence[str]) -> list[str]:
    """The files of a repository that are used: of its top level, and of a pipeline those of its components, too.

    Of each folder they are the weights of the first kind that is there, and what lies beside them.

    Raises:
        UserError: it has no weights.
    """
    folders: dict[PurePosixPath, list[str]] = {}
    for name in sorted(names):
        folder = PurePosixPath(name).parent
        if len(folder.parts) <= (PIPELINE in names) and name != RECEIPT:
            folders.setdefault(folder, []).append(name)
    weights, beside = [], []
    for inside in folders.values():
        known = [name for name in inside if WEIGHTS.fullmatch(PurePosixPath(name).name)]
        weights += [name for name in known if name.endswith(ENDINGS[0])] or known
        beside += [name for name in inside if name.endswith(BESIDE)]
    if not weights:
        found = ", ".join(folders.get(PurePosixPath(), [])) or "no file"
        raise UserError(f"found {found}, expected model{ENDINGS[0]}; take another repository")
    return [*beside, *weights]


def by_hand(folder: Path) -> list[str]:
    """Files that somebody has put into the folder; none while it lacks its configuration or weights."""
    described = any((folder / name).is_file() for name in ("config.json", PIPELINE))
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")] if described else []
    return chosen(names) if any(name.endswith(ENDINGS) for name in names) else []


if __name__ == "__main__":
    command.run("fetch", main)
