# Labelled images in, a classifier and its card out.
rule train_classifier_weights:
    input:
        images=lambda wildcards: targets.image_shards(CONFIG, CONFIG.classifiers[wildcards.classifier].trained_on),
        validation=lambda wildcards: targets.image_shards(CONFIG, CONFIG.classifiers[wildcards.classifier].validated_on),
    output:
        weights="results/train_classifier/{classifier}.safetensors",
        card="results/train_classifier/{classifier}.md",
        log="results/train_classifier/{classifier}.tsv",
    log:
        "results/logs/train_classifier/{classifier}.log",
    benchmark:
        "results/benchmarks/train_classifier/{classifier}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=job("train_classifier"),
    shell:
        "python -m lacuna.stages.train_classifier --job {params.job:q} --threads {threads}"
        " --weights {output.weights} --card {output.card} --log {output.log} > {log} 2>&1"
