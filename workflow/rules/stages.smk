# One target a stage, named like it: input only, so `snakemake segment` brings that stage up to date.
# `evaluate` ends by printing its table.
for stage, paths in STAGE_FILES.items():

    if stage == "evaluate" and paths:

        rule:
            name:
                stage
            input:
                tables=paths,
            log:
                f"results/logs/evaluate/{CONFIG.report}.log",
            localrule: True
            conda:
                "../../envs/lacuna.yaml"
            params:
                confidence=CONFIG.fsd.confidence,
                code=source_digest("lacuna.stages.evaluate_table"),
            shell:
                "python -m lacuna.stages.evaluate_table --tables {input.tables} --confidence {params.confidence}"
                " --code {params.code} | tee {log}"

    else:

        rule:
            name:
                stage
            input:
                paths,
            localrule: True
