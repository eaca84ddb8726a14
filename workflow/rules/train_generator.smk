# Images in, a GAN and its card out.
rule train_generator_weights:
    input:
        images=lambda wildcards: targets.image_shards(CONFIG, trained_generator(wildcards).trained_on),
    output:
        weights="results/train_generator/{generator}.safetensors",
        card="results/train_generator/{generator}.md",
        log="results/train_generator/{generator}.tsv",
        sheets=directory("results/train_generator/{generator}_sheets"),
    log:
        "results/logs/train_generator/{generator}.log",
    benchmark:
        "results/benchmarks/train_generator/{generator}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        family=lambda wildcards: trained_generator(wildcards).family,
        images=lambda wildcards: str(
            Path(targets.image_shards(CONFIG, trained_generator(wildcards).trained_on)[0]).parent
        ),
        num_images=lambda wildcards: source_count(trained_generator(wildcards).trained_on),
        shard_size=CONFIG.shard_size.images,
        settings=lambda wildcards: canonical_json(trained_part(wildcards)),
        seed=CONFIG.seed,
        state="results/train_generator/{generator}.state.pt",
        code=network_code("train_generator", "generators"),
    shell:
        "python -m lacuna.stages.train_generator"
        " --family {params.family}"
        " --images {params.images}"
        " --count {params.num_images}"
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
        " --sheets {output.sheets}"
        " > {log} 2>&1"
