# Class-area tables of one source in, count, mean and covariance out.
rule moments_source:
    input:
        sides("source"),
    output:
        moments="results/moments/{segmenter}/{source}.h5",
    log:
        "results/logs/moments/{segmenter}/{source}.log",
    benchmark:
        "results/benchmarks/moments/{segmenter}/{source}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("moments"),
    shell:
        "python -m lacuna.stages.moments --job {params.job:q} --moments {output.moments} > {log} 2>&1"
