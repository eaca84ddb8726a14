# Labelled images of two sources in, accuracy of the classifier a class and resolution out.
rule discriminate_pair:
    input:
        real=lambda wildcards: pair_shards(wildcards, "real"),
        generated=lambda wildcards: pair_shards(wildcards, "generated"),
        checkpoint=lambda wildcards: networks.classifier_weights(CONFIG, conditional_pair(wildcards).classifier),
    output:
        tsv=report(
            "results/discriminate/{generated}~{real}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "recognition"},
        ),
        json="results/discriminate/{generated}~{real}.json",
    log:
        "results/logs/discriminate/{generated}~{real}.log",
    benchmark:
        "results/benchmarks/discriminate/{generated}~{real}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        real_images=lambda wildcards: pair_shards_flag(wildcards, "real"),
        generated_images=lambda wildcards: pair_shards_flag(wildcards, "generated"),
        real_count=lambda wildcards: pair_count(wildcards, "real"),
        generated_count=lambda wildcards: pair_count(wildcards, "generated"),
        family=lambda wildcards: pair_classifier(wildcards).family,
        classifier=lambda wildcards: canonical_json(
            {key: value for key, value in pair_classifier(wildcards).given().items() if key in ("size", "classes")}
        ),
        settings=settings("discriminate"),
        code=source_digest("lacuna.stages.discriminate"),
    shell:
        "python -m lacuna.stages.discriminate"
        " --real-images {params.real_images}"
        " --real-count {params.real_count}"
        " --generated-images {params.generated_images}"
        " --generated-count {params.generated_count}"
        " --family {params.family}"
        " --checkpoint {input.checkpoint:q}"
        " --classifier-settings {params.classifier:q}"
        " --settings {params.settings:q}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --json {output.json}"
        " > {log} 2>&1"
