# Photos and their reconstructions in, what was lost of each class out.
rule omissions_source:
    input:
        inversions=inversions_looked_at,
        weights=inversion_segmenter_files,
        control=control_table,
    output:
        tsv="results/omissions/{generator}/{source}.tsv",
        classes=report(
            "results/omissions/{generator}/{source}.classes.tsv",
            caption="../captions/omissions.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "classes lost"},
        ),
        masks="results/omissions/{generator}/{source}.h5",
        gallery=report(
            directory("results/omissions/{generator}/{source}"),
            patterns=["{name}.png"],
            caption="../captions/omissions.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "{name}"},
        ),
    log:
        "results/logs/omissions/{generator}/{source}.log",
    benchmark:
        "results/benchmarks/omissions/{generator}/{source}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("omissions"),
    shell:
        "python -m lacuna.stages.omissions --job {params.job:q} --threads {threads}"
        " --tsv {output.tsv} --classes {output.classes} --masks {output.masks} --gallery {output.gallery} > {log} 2>&1"
