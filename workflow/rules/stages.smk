# One target a stage, named like it: input only, so `snakemake segment` brings that stage up to date.
# `evaluate` ends by printing its table.
for stage, paths in STAGE_FILES.items():

    if stage == "evaluate" and paths:

        rule:
            name:
                stage
            input:
                paths,
                table=f"results/evaluate/{CONFIG['report']}.txt",
            log:
                f"results/logs/evaluate/{CONFIG['report']}_printed.log",
            localrule: True
            conda:
                "../../envs/lacuna.yaml"
            shell:
                "tee {log} < {input.table}"

    else:

        rule:
            name:
                stage
            input:
                paths,
            localrule: True
