"""The sandbox serves this machine and its own page, and nobody else."""

import pytest

from bot.sandbox import Sandbox, Upload, serve


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::"])
async def test_only_loopback_addresses_are_served(host):
    with pytest.raises(ValueError, match="no passwords"):
        await serve(Sandbox(), host=host)


@pytest.mark.parametrize("app_env", ["production", "prod", "staging", "Production"])
async def test_it_does_not_start_in_production(app_env):
    with pytest.raises(RuntimeError, match="APP_ENV"):
        await serve(Sandbox(), app_env=app_env)


async def test_a_taken_port_is_said_plainly(served):
    with pytest.raises(OSError, match=f"port {served[1].port} is taken"):
        await serve(Sandbox(), port=served[1].port)


async def test_it_serves_ipv6_loopback_too(http):
    served = await serve(Sandbox(), host="::1")
    async with http.get(served.url + "/") as response:
        assert response.status == 200
    await served.close()


@pytest.mark.parametrize(
    "path", ["/", "/sim/state", "/bot700001:x/getMe", "/page/app.js", "/events"]
)
async def test_another_host_name_is_refused(url, http, path):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        async with http.get(url + path, headers={"Host": host}) as response:
            assert response.status == 403, host


@pytest.mark.parametrize("path", ["/sim/state", "/bot700001:x/getMe", "/events"])
async def test_another_sites_page_is_refused(url, http, path):
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": url.replace("http", "https")},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        async with http.get(url + path, headers=headers) as response:
            assert response.status == 403, headers


async def test_the_page_itself_may_do_everything(url, http):
    headers = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
    async with http.get(url + "/sim/state", headers=headers) as response:
        assert response.status == 200
    async with http.ws_connect(url + "/events", headers=headers) as socket:
        body = {"user": 1001, "text": "hi"}
        async with http.post(url + "/sim/send", headers=headers, json=body) as response:
            assert await response.json() == {"message_id": 1}
        assert (await socket.receive_json())["kind"] == "message"


async def test_localhost_is_a_good_name_and_the_page_loads_nothing_from_elsewhere(url, http):
    async with http.get(url.replace("127.0.0.1", "localhost") + "/") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        page = await response.text()
    assert "http://" not in page
    assert "https://" not in page


async def test_an_uploaded_page_is_downloaded_never_shown(sandbox, url, http):
    file = Upload("evil.html", "text/html", b"<script>alert(1)</script>")
    message = await sandbox.upload(1001, file)
    async with http.get(f"{url}/blob/{message['document']['file_id']}") as response:
        assert response.headers["Content-Disposition"] == "attachment"
        assert response.content_type == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("action", "wish"),
    [
        ("tap", {"user": 1001, "message_id": 9, "label": "x"}),
        ("send", {"user": 4040, "text": "x"}),
        ("send", {"user": 1001, "text": " "}),
        ("send", {"user": 1001}),
        ("upload", {"user": 1001, "data": "?"}),
        ("send", []),
    ],
)
async def test_a_wrong_wish_of_the_page_is_answered_with_an_error(url, http, action, wish):
    async with http.post(f"{url}/sim/{action}", json=wish) as response:
        assert response.status == 400
        assert (await response.json())["error"]
