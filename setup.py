"""What a wheel holds: the package, and inside it the workflow around it, with the tree that a checkout has."""

from setuptools import find_packages, setup

WORKFLOW = [
    "Snakefile",
    "config.yaml",
    "envs/lacuna.yaml",
    "experiments/*.yaml",
    "profiles/*/config.yaml",
    "workflow/published.yaml",
    "workflow/captions/*.rst",
    "workflow/demo/*.md",
    "workflow/demo/*.safetensors",
    "workflow/demo/*.tsv",
    "workflow/rules/*.smk",
    "workflow/schemas/*.json",
]

setup(
    packages=[*find_packages("workflow"), "lacuna.checkout"],
    package_dir={"": "workflow", "lacuna.checkout": "."},
    package_data={"lacuna": ["report/**/*.html", "report/**/*.css", "report/**/*.js"], "lacuna.checkout": WORKFLOW},
    include_package_data=False,
)
