"""What can be known and refused before anything is uploaded or paid for. Needs no Prefect."""
