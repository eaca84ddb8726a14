# Labelled scenes in, a segmenter and its card out.
rule train_segmenter_weights:
    input:
        images=lambda wildcards: targets.image_shards(CONFIG, CONFIG.segmenters[wildcards.segmenter].trained_on),
        validation=lambda wildcards: targets.image_shards(CONFIG, CONFIG.segmenters[wildcards.segmenter].validated_on),
    output:
        weights="results/train_segmenter/{segmenter}.safetensors",
        card="results/train_segmenter/{segmenter}.md",
        log="results/train_segmenter/{segmenter}.tsv",
    log:
        "results/logs/train_segmenter/{segmenter}.log",
    benchmark:
        "results/benchmarks/train_segmenter/{segmenter}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        train=lambda wildcards: CONFIG.segmenters[wildcards.segmenter].trained_on,
        num_images=lambda wildcards: source_count(CONFIG.segmenters[wildcards.segmenter].trained_on),
        held_out=lambda wildcards: CONFIG.segmenters[wildcards.segmenter].validated_on,
        held_out_count=lambda wildcards: source_count(CONFIG.segmenters[wildcards.segmenter].validated_on),
        shard_size=CONFIG.shard_size.images,
        settings=lambda wildcards: canonical_json(CONFIG.segmenters[wildcards.segmenter].train.given()),
        seed=CONFIG.seed,
        state="results/train_segmenter/{segmenter}.state.pt",
        code=source_digest("lacuna.stages.train_segmenter"),
    shell:
        "python -m lacuna.stages.train_segmenter"
        " --images results/render/{params.train}"
        " --count {params.num_images}"
        " --validation-images results/render/{params.held_out}"
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
