# A folder with a subfolder a class in, image shards with labels out.
rule gather_shard:
    output:
        shard="results/gather/{source}/{shard}.h5",
    log:
        "results/logs/gather/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/gather/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        path=lambda wildcards: CONFIG.sources[wildcards.source].path,
        listing=shard_listing,
        plan=lambda wildcards: shlex.join(shard_plan(wildcards)),
        size=lambda wildcards: CONFIG.sources[wildcards.source].size,
        background=lambda wildcards: CONFIG.sources[wildcards.source].background or "white",
        groups=lambda wildcards: CONFIG.sources[wildcards.source].groups or "",
        first=first_index,
        last=last_index,
        code=source_digest("lacuna.stages.gather"),
    shell:
        "python -m lacuna.stages.gather"
        " --path {params.path:q}"
        " {params.plan}"
        " --size {params.size}"
        " --background {params.background:q}"
        " --groups {params.groups:q}"
        " --first {params.first}"
        " --last {params.last}"
        " --code {params.code}"
        " --shard {output.shard}"
        " > {log} 2>&1"
