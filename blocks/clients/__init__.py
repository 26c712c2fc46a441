"""One typed interface to the providers, two dialects, over one transport. Nothing here needs Prefect."""
