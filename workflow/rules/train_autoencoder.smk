# Images in, an autoencoder and its card out.
rule train_autoencoder_weights:
    input:
        images=training_images,
        validation=lambda wildcards: targets.image_shards(CONFIG, CONFIG.generators[wildcards.generator].validated_on),
        perceptual=training_perceptual_files,
    output:
        weights="results/train_autoencoder/{generator}.safetensors",
        card="results/train_autoencoder/{generator}.md",
        log="results/train_autoencoder/{generator}.tsv",
    log:
        "results/logs/train_autoencoder/{generator}.log",
    benchmark:
        "results/benchmarks/train_autoencoder/{generator}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=job("train_autoencoder"),
    shell:
        "python -m lacuna.stages.train_autoencoder --job {params.job:q} --threads {threads}"
        " --weights {output.weights} --card {output.card} --log {output.log} > {log} 2>&1"
