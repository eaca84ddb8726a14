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
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        images=lambda wildcards, input: str(Path(input.images[0]).parent),
        num_images=lambda wildcards: source_count(CONFIG.classifiers[wildcards.classifier].trained_on),
        held_out=lambda wildcards, input: str(Path(input.validation[0]).parent),
        held_out_count=lambda wildcards: source_count(CONFIG.classifiers[wildcards.classifier].validated_on),
        shard_size=CONFIG.shard_size.images,
        settings=lambda wildcards: canonical_json(CONFIG.classifiers[wildcards.classifier].train.given()),
        seed=CONFIG.seed,
        state="results/train_classifier/{classifier}.state.pt",
        code=source_digest("lacuna.stages.train_classifier"),
    shell:
        "python -m lacuna.stages.train_classifier"
        " --images {params.images}"
        " --count {params.num_images}"
        " --validation-images {params.held_out}"
        " --validation-count {params.held_out_count}"
        " --shard-size {params.shard_size}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --device auto"
        " --threads {threads}"
        " --state {params.state}"
        " --code {params.code}"
        " --weights {output.weights}"
        " --card {output.card}"
        " --log {output.log}"
        " > {log} 2>&1"
