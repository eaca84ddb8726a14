# All of it in, the page that people open out.
rule report_page:
    input:
        comparisons=STAGE_FILES["fsd"],
        truth=STAGE_FILES["truth"],
        curves=[*STAGE_FILES["follow"], *given_curves()],
        examples=report_examples(),
        classes=[path for stage in (*targets.CONDITIONAL, "fsd_by_class") for path in STAGE_FILES[stage]],
        samples=[path for entry in CONFIG.conditional for path in targets.image_shards(CONFIG, entry.generated)],
        inversions=STAGE_FILES["invert"],
        evaluations=STAGE_FILES["evaluate"],
        omissions=STAGE_FILES["omissions"],
        trainings=training_logs(),
        templates=sorted(str(path) for path in Path(workflow.basedir).glob("workflow/lacuna/report/templates/*")),
    output:
        html=report(
            f"results/report/{CONFIG.report}.html",
            caption="../captions/report.rst",
            category="Page",
            labels={"what": "page"},
        ),
        files_dir=report(
            directory(f"results/report/{CONFIG.report}_files"),
            patterns=["{name}.svg"],
            caption="../captions/report.rst",
            category="Figures for papers",
            labels={"what": "{name}"},
        ),
    log:
        f"results/logs/report/{CONFIG.report}.log",
    benchmark:
        f"results/benchmarks/report/{CONFIG.report}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("report"),
    shell:
        "python -m lacuna.stages.report --job {params.job:q} > {log} 2>&1"
