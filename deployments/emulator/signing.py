"""OSS signatures, version 1: HMAC-SHA1 over a few lines, for download addresses and for upload policies.

Rules: https://www.alibabacloud.com/help/en/oss/developer-reference/include-signatures-in-the-url
"""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote


class Signer:
    """Holds one access key pair and signs with it. The pair is new for every emulator."""

    def __init__(self) -> None:
        self.access_key_id = f"LTAI5t{secrets.token_hex(9)}"
        self._secret = secrets.token_bytes(24)

    def sign(self, text: str) -> str:
        """The signature of a text, as base64."""
        return base64.b64encode(hmac.new(self._secret, text.encode(), hashlib.sha1).digest()).decode()

    def matches(self, text: str, signature: str) -> bool:
        """Whether a signature is this signer's signature of the text."""
        return hmac.compare_digest(self.sign(text), signature)

    def query(self, path: str, expires: int) -> str:
        """The query string that opens an object to GET until `expires` (epoch seconds, provider time)."""
        signature = quote(self.sign(download_text("GET", path, str(expires))), safe="")
        return f"Expires={expires}&OSSAccessKeyId={self.access_key_id}&Signature={signature}"


def download_text(method: str, path: str, expires: str) -> str:
    """The text that a download address signs; `path` is `/bucket/key`. The method is part of it."""
    return f"{method}\n\n\n{expires}\n{path}"
