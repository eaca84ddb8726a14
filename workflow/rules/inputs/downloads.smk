# What rules are told of files to fetch.
def download(wildcards):
    """Mirrors and hashes of a file to fetch."""
    return next(entry for entry in DOWNLOADS if entry["file"] == wildcards.file)


def unpacked_download(wildcards):
    """Mirrors and hashes of the zip file that a folder is unpacked from."""
    return next(entry for entry in DOWNLOADS if entry["file"] == f"{wildcards.folder}.zip")


def hash_flags(entry):
    """Words that tell fetch which hashes a file must have."""
    return " ".join(f"--{name} {entry[name]}" for name in ("sha256", "md5") if name in entry)
