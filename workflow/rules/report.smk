# What the page is made of, beside trainings and examples.
SHOWN = ("fsd", "truth", "follow", *targets.CONDITIONAL, "fsd_by_class", "invert", "evaluate", "omissions")


# All of it in, the page that people open out.
rule report_page:
    input:
        results=[path for stage in SHOWN for path in STAGE_FILES[stage]],
        curves=given_curves(),
        examples=report_examples(),
        samples=[path for entry in CONFIG.conditional for path in targets.image_shards(CONFIG, entry.generated)],
        trainings=training_logs(),
        templates=sorted(str(path) for path in own.PACKAGE.glob("report/templates/*")),
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
        "python -m lacuna.stages.report --job {params.job:q}"
        " --html {output.html} --files-dir {output.files_dir} > {log} 2>&1"
