"""Sends a file to S3 in parts, as Amazon's own tools do.

Usage: python -m tests.benchmarks.send_in_parts FILE BUCKET KEY
"""

import os
import sys

import boto3

if __name__ == "__main__":
    file, bucket, key = sys.argv[1:]
    boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).upload_file(file, bucket, key)
