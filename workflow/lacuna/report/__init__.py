"""The report page: what each section says, and the templates that lay it out."""
