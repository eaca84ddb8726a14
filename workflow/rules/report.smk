# All results in, the page that people open out.
rule report_page:
    input:
        results=sections.files(CONFIG),
        templates=page_templates(),
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
