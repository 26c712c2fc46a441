"""What people are told: reports, reasons, pages in the Prefect UI."""
