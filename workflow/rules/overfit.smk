# Samples, held-out and training images in, nearest training images and walks through z out.
rule overfit_pair:
    input:
        generated=lambda wildcards: pair_shards(wildcards, "generated"),
        real=lambda wildcards: pair_shards(wildcards, "real"),
        training=lambda wildcards: pair_shards(wildcards, "training"),
        checkpoint=lambda wildcards: (
            networks.generator_files(CONFIG, pair_generator(wildcards)) if pair_generator(wildcards) else []
        ),
    output:
        tsv=report(
            "results/overfit/{generated}~{real}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "nearest training images"},
        ),
        json="results/overfit/{generated}~{real}.json",
        pictures="results/overfit/{generated}~{real}.h5",
    log:
        "results/logs/overfit/{generated}~{real}.log",
    benchmark:
        "results/benchmarks/overfit/{generated}~{real}.tsv"
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
        training_images=lambda wildcards: pair_shards_flag(wildcards, "training"),
        generated_count=lambda wildcards: pair_count(wildcards, "generated"),
        real_count=lambda wildcards: pair_count(wildcards, "real"),
        training_count=lambda wildcards: pair_count(wildcards, "training"),
        family=lambda wildcards: (
            f"--family {CONFIG.generators[pair_generator(wildcards)].family}" if pair_generator(wildcards) else ""
        ),
        settings=settings("overfit"),
        seed=CONFIG.seed,
        code=source_digest("lacuna.stages.overfit"),
    shell:
        "python -m lacuna.stages.overfit"
        " --generated-images {params.generated_images}"
        " --generated-count {params.generated_count}"
        " --real-images {params.real_images}"
        " --real-count {params.real_count}"
        " --training-images {params.training_images}"
        " --training-count {params.training_count}"
        " {params.family}"
        " --checkpoint {input.checkpoint:q}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --json {output.json}"
        " --pictures {output.pictures}"
        " > {log} 2>&1"
