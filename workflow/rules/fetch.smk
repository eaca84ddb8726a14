# A published file's mirrors in, the file out. Runs where the workflow runs: compute nodes often have no internet.
# Mirrors and code are no params: the hash decides what comes, so a new mirror must not download anything again.
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
    resources:
        gpu=0,
        mem_mb=growing(1000),
        runtime=growing(600),
        job=fetched,
    params:
        hashes=hashes,
    shell:
        "python -m lacuna.stages.fetch --job {resources.job:q} 2>&1 | tee {log:q}"


# A published zip file's mirrors in, the LMDB that it holds out; the zip file goes.
rule fetch_unpacked:
    output:
        data="resources/{folder}/data.mdb",
    log:
        "results/logs/fetch/{folder}.log",
    benchmark:
        "results/benchmarks/fetch/{folder}.tsv"
    localrule: True
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=0,
        mem_mb=growing(1000),
        runtime=growing(1440),
        job=fetched,
    params:
        hashes=hashes,
    shell:
        "python -m lacuna.stages.fetch --job {resources.job:q} 2>&1 | tee {log:q}"


# A repository's name and revision in, its files and their hashes out.
rule fetch_snapshot:
    output:
        receipt="resources/hub/{owner}/{repository}/{revision}/fetched.json",
    log:
        "results/logs/fetch/{owner}~{repository}~{revision}.log",
    benchmark:
        "results/benchmarks/fetch/{owner}~{repository}~{revision}.tsv"
    localrule: True
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=0,
        mem_mb=growing(1000),
        runtime=growing(600),
        code=source_digest("lacuna.stages.fetch_snapshot"),
    shell:
        "python -m lacuna.stages.fetch_snapshot --repository {wildcards.owner}/{wildcards.repository}"
        " --revision {wildcards.revision} --folder resources/hub/{wildcards.owner}/{wildcards.repository}/{wildcards.revision}"
        " --code {resources.code} 2>&1 | tee {log:q}"
