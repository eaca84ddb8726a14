# Images in, a GAN and its card out.
rule train_generator_weights:
    input:
        training_images,
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
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=job("train_generator"),
    shell:
        "python -m lacuna.stages.train_generator --job {params.job:q} --threads {threads}"
        " --weights {output.weights} --card {output.card} --log {output.log} --sheets {output.sheets} > {log} 2>&1"
