"""Which addresses carry the key, which a provider cannot reach, and what of them may be shown."""

import pytest

from flows.rules.addresses import AddressRefused, checked_api_address, is_loopback, is_private, printable


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("https://dashscope-intl.aliyuncs.com/api/v1", "https://dashscope-intl.aliyuncs.com/api/v1"),
        ("https://api.apiyi.com/", "https://api.apiyi.com"),
        ("https://gateway.example:8443/api/v1//", "https://gateway.example:8443/api/v1"),
        ("http://127.0.0.1:8000/api/v1", "http://127.0.0.1:8000/api/v1"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:db8::1]/api", "https://[2001:db8::1]/api"),
    ],
)
def test_an_api_address_is_https_or_on_this_machine(url, checked):
    assert checked_api_address(url) == checked


@pytest.mark.parametrize(
    "url",
    [
        "http://dashscope.aliyuncs.com/api/v1",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0",
    ],
)
def test_the_key_never_travels_unencrypted_to_another_machine(url):
    with pytest.raises(AddressRefused, match="unencrypted"):
        checked_api_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sk-secret",
        "dashscope.aliyuncs.com/secret",
        "ftp://user:secret@host",
        "file:///secret",
        "https://",
        "https:///secret",
        "https://[secret",
        "https://host:secret",
        "https://host:99999/secret",
        "https://user:secret@host",
        "https://secret@host",
        "http://user:secret@localhost",
        "https://host/api?key=secret",
        "https://host/api#secret",
        "https://host/api?",
    ],
)
def test_a_refused_api_address_is_not_repeated_since_it_may_hold_a_secret(url):
    with pytest.raises(AddressRefused) as refused:
        checked_api_address(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost/x", True),
        ("http://LOCALHOST:80", True),
        ("https://127.0.0.1", True),
        ("http://[::1]/", True),
        ("http://127.0.0.1@example.com/", False),
        ("http://192.168.0.1", False),
        ("http://example.com/127.0.0.1", False),
        ("/localhost", False),
    ],
)
def test_only_this_machine_is_loopback(url, local):
    assert is_loopback(url) is local


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/a.mp4",
        "http://nas/a.mp4",
        "http://nas.local/a.mp4",
        "http://nas.local./a.mp4",
        "https://files.internal/a.mp4",
        "http://app.localhost:3000/a.mp4",
        "http://10.1.2.3/a.mp4",
        "http://172.16.0.1/a.mp4",
        "http://192.168.1.10:9000/a.mp4",
        "http://169.254.169.254/latest",
        "http://100.64.0.1/a.mp4",
        "http://127.0.0.1/a.mp4",
        "http://0.0.0.0/a.mp4",
        "http://[::1]/a.mp4",
        "http://[fd00::1]/a.mp4",
        "http://[fe80::1]/a.mp4",
    ],
)
def test_a_provider_cannot_reach_private_hosts(url):
    assert is_private(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.mp4",
        "https://bucket.s3.amazonaws.com/a.mp4?X-Amz-Signature=1",
        "http://8.8.8.8/a.mp4",
        "https://[2606:4700::1111]/a.mp4",
        "https://local.example.com/a.mp4",
        "https://internal-assets.example.com/10.0.0.1.mp4",
    ],
)
def test_a_provider_may_reach_public_hosts(url):
    assert not is_private(url)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host/a.mp4?Signature=secret&Expires=1", "https://host/a.mp4?…"),
        ("https://user:secret@host:8443/a.mp4", "https://host:8443/a.mp4"),
        ("https://secret@Host.Example/a.mp4#secret", "https://host.example/a.mp4"),
        ("https://host/a%20b/ü.mp4", "https://host/a%20b/ü.mp4"),
        ("http://user@[::1]:9000/a.mp4", "http://[::1]:9000/a.mp4"),
        ("s3://bucket/folder/a.mp4", "s3://bucket/folder/a.mp4"),
        ("/clips/what? #1 @home.mp4", "/clips/what? #1 @home.mp4"),
        ("clips/a.mp4", "clips/a.mp4"),
    ],
)
def test_what_is_shown_of_an_address_has_no_query_and_no_credentials(address, shown):
    assert printable(address) == shown
    assert printable(shown) == shown
