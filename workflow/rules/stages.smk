# One target a stage, named like it: input only, so `snakemake segment` brings that stage up to date.
for stage, paths in STAGE_FILES.items():

    rule:
        name:
            stage
        input:
            paths,
        localrule: True
