# Labelled images of two sources and their accuracies in, similarity within each class out.
rule diversity_pair:
    input:
        real=lambda wildcards: pair_shards(wildcards, "real"),
        generated=lambda wildcards: pair_shards(wildcards, "generated"),
        accuracies="results/discriminate/{generated}~{real}.tsv",
    output:
        tsv=report(
            "results/diversity/{generated}~{real}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "diversity"},
        ),
        json="results/diversity/{generated}~{real}.json",
    log:
        "results/logs/diversity/{generated}~{real}.log",
    benchmark:
        "results/benchmarks/diversity/{generated}~{real}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        real_images=lambda wildcards: pair_shards_flag(wildcards, "real"),
        generated_images=lambda wildcards: pair_shards_flag(wildcards, "generated"),
        real_count=lambda wildcards: pair_count(wildcards, "real"),
        generated_count=lambda wildcards: pair_count(wildcards, "generated"),
        settings=settings("diversity"),
        seed=CONFIG.seed,
        code=source_digest("lacuna.stages.diversity"),
    shell:
        "python -m lacuna.stages.diversity"
        " --real-images {params.real_images}"
        " --real-count {params.real_count}"
        " --generated-images {params.generated_images}"
        " --generated-count {params.generated_count}"
        " --accuracies {input.accuracies}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --json {output.json}"
        " > {log} 2>&1"
