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
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=job("train_segmenter"),
    shell:
        "python -m lacuna.stages.train_segmenter --job {params.job:q} --threads {threads}"
        " --weights {output.weights} --card {output.card} --log {output.log} > {log} 2>&1"
