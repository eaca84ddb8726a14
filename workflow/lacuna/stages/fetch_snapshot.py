"""Bring a network's repository from the Hugging Face hub: configuration, tokenizer and weights, never code.

Weights are safetensors, or where there are none the old `.bin`, which is read as weights alone. Broken downloads are
resumed. Last comes a receipt: the commit, and the SHA-256 of each file, by which later stages know what they use. Files
that lie there already, put by hand for instance, are taken as they are where the hub is not reached.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import pooch
from pydantic import Field

from lacuna.config.published import RECEIPT
from lacuna.errors import UserError
from lacuna.formats import tables
from lacuna.runtime import command

log = logging.getLogger(__name__)
BESIDE = (".json", ".txt")
WEIGHTS = ("model", "pytorch_model")  # how files of weights begin, with the endings below; the first that is there
ENDINGS = (".safetensors", ".bin")


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
        f"hub:{job.repository}@{job.revision}: {reason}, or put config.json, preprocessor_config.json and "
        f"model.safetensors by hand into {job.folder.resolve()}"
    )


def chosen(names: Sequence[str]) -> list[str]:
    """The files of a repository that are used: of its top level, weights of the first kind that is there.

    Raises:
        UserError: it has none.
    """
    top = sorted(name for name in names if "/" not in name and name != RECEIPT)
    for start, ending in zip(WEIGHTS, ENDINGS, strict=True):
        weights = [name for name in top if name.startswith(start) and name.endswith(ending)]
        if weights:
            return [*(name for name in top if name.endswith(BESIDE)), *weights]
    raise UserError(f"found {', '.join(top) or 'no file'}, expected {WEIGHTS[0]}{ENDINGS[0]}; take another repository")


def by_hand(folder: Path) -> list[str]:
    """Files that somebody has put into the folder; none while it lacks its configuration or weights."""
    names = [path.name for path in folder.glob("*")] if (folder / "config.json").is_file() else []
    return chosen(names) if any(name.endswith(ENDINGS) for name in names) else []


if __name__ == "__main__":
    command.run("fetch", main)
