# Lacuna: what an image generator cannot generate. Which results exist follows from the configuration;
# `snakemake` makes them all, `snakemake <stage>` brings one stage up to date.


include: "workflow/rules/common.smk"
include: "workflow/rules/failures.smk"


# The page that everything else feeds.
rule all:
    input:
        STAGE_FILES["report"],
    localrule: True


include: "workflow/rules/stages.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/gather.smk"
include: "workflow/rules/train_segmenter.smk"
include: "workflow/rules/train_generator.smk"
include: "workflow/rules/train_autoencoder.smk"
include: "workflow/rules/train_classifier.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/segment.smk"
include: "workflow/rules/tabulate.smk"
include: "workflow/rules/moments.smk"
include: "workflow/rules/fsd.smk"
include: "workflow/rules/paired.smk"
include: "workflow/rules/agreement.smk"
include: "workflow/rules/appearance.smk"
include: "workflow/rules/contrast.smk"
include: "workflow/rules/truth.smk"
include: "workflow/rules/follow.smk"
include: "workflow/rules/plant.smk"
include: "workflow/rules/calibrate.smk"
include: "workflow/rules/fsd_by_class.smk"
include: "workflow/rules/discriminate.smk"
include: "workflow/rules/diversity.smk"
include: "workflow/rules/overfit.smk"
include: "workflow/rules/train_encoder.smk"
include: "workflow/rules/invert.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/omissions.smk"
include: "workflow/rules/report.smk"
