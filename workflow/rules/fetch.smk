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
    threads: 1
    resources:
        gpu=0,
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 600 * attempt,
        urls=lambda wildcards: shlex.join(download(wildcards)["urls"]),
        code=source_digest("lacuna.stages.fetch"),
    params:
        hashes=lambda wildcards: hash_flags(download(wildcards)),
    shell:
        "python -m lacuna.stages.fetch"
        " --urls {resources.urls}"
        " {params.hashes}"
        " --code {resources.code}"
        " --file {output.file:q}"
        " 2>&1 | tee {log:q}"


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
    threads: 1
    resources:
        gpu=0,
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 1440 * attempt,
        urls=lambda wildcards: shlex.join(unpacked_download(wildcards)["urls"]),
        code=source_digest("lacuna.stages.fetch"),
    params:
        hashes=lambda wildcards: hash_flags(unpacked_download(wildcards)),
    shell:
        "python -m lacuna.stages.fetch"
        " --urls {resources.urls}"
        " {params.hashes}"
        " --code {resources.code}"
        " --file resources/{wildcards.folder}.zip"
        " --unpacked {output.data:q}"
        " 2>&1 | tee {log:q}"
