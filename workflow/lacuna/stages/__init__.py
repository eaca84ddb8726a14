"""One module for each stage: read the job, call the library, write."""
