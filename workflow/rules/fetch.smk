# A published file's mirrors in, the file out. Runs where the workflow runs: compute nodes often have no internet.
rule fetch_file:
    output:
        file="resources/{file}",
    log:
        "results/logs/fetch/{file}.log",
    benchmark:
        "results/benchmarks/fetch/{file}.tsv"
    localrule: True
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=1000,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        urls=lambda wildcards: download(wildcards)["urls"],
        sha256=lambda wildcards: f"--sha256 {download(wildcards)['sha256']}" if "sha256" in download(wildcards) else "",
        code=source_digest("lacuna.fetch"),
    shell:
        "python -m lacuna.fetch"
        " --urls {params.urls:q}"
        " {params.sha256}"
        " --code {params.code}"
        " --file {output.file:q}"
        " > {log:q} 2>&1"
