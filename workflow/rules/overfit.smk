# Samples, held-out and training images in, nearest training images and walks through z out.
rule overfit_pair:
    input:
        generated=pair_shards("generated"),
        real=pair_shards("real"),
        training=pair_shards("training"),
        checkpoint=pair_generator_files,
    output:
        tsv=report(
            "results/overfit/{generated}~{real}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "nearest training images"},
        ),
        summary="results/overfit/{generated}~{real}.json",
        pictures="results/overfit/{generated}~{real}.h5",
    log:
        "results/logs/overfit/{generated}~{real}.log",
    benchmark:
        "results/benchmarks/overfit/{generated}~{real}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("overfit"),
    shell:
        "python -m lacuna.stages.overfit --job {params.job:q} --threads {threads}"
        " --tsv {output.tsv} --summary {output.summary} --pictures {output.pictures} > {log} 2>&1"
