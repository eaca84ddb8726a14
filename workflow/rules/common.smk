# The checked configuration and the wildcard constraints; input functions are in inputs.smk. No rule.
import os
import re
import sys
from pathlib import Path

# The code beside these rules, in whatever folder Snakemake works; where there is none, what pip has installed.
sys.path.insert(0, os.path.dirname(str(workflow.current_basedir)))

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from lacuna import families, own
from lacuna.data import census
from lacuna.data.containers import lmdb_file
from lacuna.config import entries, networks, published, shorthand, targets
from lacuna.runtime import arguments
from lacuna.config.configuration import check_config
from lacuna.errors import UserError
from lacuna.runtime.provenance import canonical_json
from lacuna.config.shards import shard_from_name
from lacuna.planning.source_code import remember, source_digest
from lacuna.planning.told import Told, placed
from lacuna.report import sections

IS_MODULE = not workflow.modifier.is_main_snakefile()


# That of the working folder, or the embedded default; a module is told its own, or takes the default.
configfile: str(own.CONFIG) if IS_MODULE or not os.path.exists("config.yaml") else "config.yaml"


remember(Path(".snakemake/lacuna_sources.json"))
WHERE = workflow.modifier.path_modifier.replace_prefix  # of the module that this is, where that has a prefix
MANIFESTS = Path(WHERE("results/manifests"))
CONFIG_FILES = " + ".join(str(path) for path in workflow.configfiles) or "config"
typed = workflow.config_settings.config_args or []  # as on the command line, in jobs too
try:
    CONFIG, LEFT_OUT = shorthand.without_missing(
        check_config(config, CONFIG_FILES, typed, os.path.exists), os.path.exists
    )
    # What the main process sees it writes down when a run begins; jobs believe it and look at no folder.
    HELD = census.census(CONFIG, targets.used_sources(CONFIG), None if workflow.is_main_process else MANIFESTS)
    CONFIG = check_config(census.counted(CONFIG, HELD).given(), where=CONFIG_FILES)
    STAGE_FILES = targets.stage_files(CONFIG)
except UserError as error:
    raise WorkflowError(f"check_config: {error}") from None
if workflow.is_main_process:  # jobs say nothing of it again
    for line in (*LEFT_OUT, *census.overlaps(CONFIG)):
        logger.warning(line)
    for is_warning, line in census.lines(HELD):
        (logger.warning if is_warning else logger.info)(line)


if IS_MODULE and workflow.is_main_process:  # Snakemake asks no module when a run begins
    census.write_manifests(MANIFESTS, CONFIG, HELD)


onstart:
    if workflow.is_main_process:
        census.write_manifests(MANIFESTS, CONFIG, HELD)


# Where results are computed and in which order sums are taken is no reason to compute them again, so these come by the
# environment, not by params. Every job starts from here, on a node too, where Snakemake reads this again.
os.environ |= {
    **({} if own.is_installed() else {"PYTHONPATH": str(own.ROOT / "workflow")}),
    **({"LACUNA_DEVICE": CONFIG.device} if CONFIG.device != "auto" else {}),
    **({"LACUNA_DETERMINISTIC": "1"} if CONFIG.deterministic else {}),
}
# The trap lets the shell outlive the SIGTERM that a scheduler sends to all processes: if it died first, the job would
# count as ended, and a stage that is saving its state would be killed. A module leaves the shell of others' rules alone.
if not IS_MODULE:
    shell.prefix("set -euo pipefail; trap : TERM INT; ")

# Everything that fetch can bring: what the configuration names, and all else that is published.
DOWNLOADS = [*(entry.given() for entry in CONFIG.downloads.values()), *published.entries().values()]


wildcard_constraints:
    source=r"[a-z0-9][a-z0-9_]*",
    real=r"[a-z0-9][a-z0-9_]*",
    generated=r"[a-z0-9][a-z0-9_]*",
    a=r"[a-z0-9][a-z0-9_]*",
    b=r"[a-z0-9][a-z0-9_]*",
    segmenter=r"[a-z0-9][a-z0-9_]*",
    second=r"[a-z0-9][a-z0-9_]*",
    generator=r"[a-z0-9][a-z0-9_]*",
    classifier=r"[a-z0-9][a-z0-9_]*",
    method=r"[a-z_]+",
    part=r"layer_\d+|tail|encoder|direct",
    shard=r"\d+-\d+",
    owner=r"[\w.-]+",
    repository=r"[\w.-]+",
    revision=r"[\w.-]+",
    file="|".join(re.escape(entry["file"]) for entry in DOWNLOADS if not entry.get("unpack")),
    folder="|".join(re.escape(entry["file"].removesuffix(".zip")) for entry in DOWNLOADS if entry.get("unpack")),


TOLD = Told(CONFIG, HELD, MANIFESTS, WHERE)
ARGUMENTS = Path(".snakemake/lacuna_arguments")


def job(stage):
    """What a rule's jobs are told, as JSON: their stage's part of `Told` and the code's digest.

    Outputs are flags beside it: what follows from them would not count where Snakemake asks whether params have changed.
    """
    return lambda wildcards: arguments.argument(canonical_json(TOLD.job(stage, **wildcards)), ARGUMENTS)


def growing(amount):
    """A resource that grows with each attempt: what failed may have been too much for the last."""
    return lambda wildcards, attempt: amount * attempt


include: "inputs.smk"
