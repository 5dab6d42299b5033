"""DigitalOcean's own Python client drives the fake that our tests drive.

What pydo takes for DigitalOcean, our tests may take for it, too. The fake is the program in
PORTLAMA_FAKE_DIGITALOCEAN; nothing leaves this machine.
"""

import json
import os
import subprocess

import pydo
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.rest import HttpRequest

TOKEN = "dop_v1_00c0ffee"
TAG = "portlama:managed"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f a test"


def main():
    fake = subprocess.Popen(
        [os.environ["PORTLAMA_FAKE_DIGITALOCEAN"], TOKEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        drive(json.loads(fake.stdout.readline()))
        fake.stdin.close()
        end = json.loads(fake.stdout.readline())
    finally:
        fake.kill()
        fake.wait()
    assert end["left"] == 0, end
    assert sum(call == "POST /v2/droplets" for call in end["asked"]) == 3, end
    print("8 passed, 0 failed")


def drive(ready):
    client = pydo.Client(
        token=TOKEN, endpoint=ready["url"], connection_verify=ready["caFile"], retry_total=0
    )
    a_token_is_looked_up(client)
    the_account_is_shown(client)
    regions_and_sizes_are_listed(client)
    key = a_key_is_made_once(client)
    a_droplet_lives_and_dies(client, key)
    refusals_are_refusals(client, key)
    keys_go(client, key)
    a_wrong_token_is_nobody(ready)


def a_token_is_looked_up(client):
    answer = client.send_request(HttpRequest("GET", "/v1/oauth/token/info"))
    assert answer.status_code == 200
    info = answer.json()
    assert "droplet:create" in info["scopes"] and info["expires_in_seconds"] > 0, info


def the_account_is_shown(client):
    seen = {}

    def look(answer, body, _headers):
        seen.update(answer.http_response.headers)
        return body

    account = client.account.get(cls=look)["account"]
    assert account["email"] == "owner@example.org" and account["droplet_limit"] == 10, account
    for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
        assert int(seen[name]) >= 0, seen


def regions_and_sizes_are_listed(client):
    regions = client.regions.list(per_page=1)
    assert len(regions["regions"]) == 1 and regions["meta"]["total"] > 1, regions
    assert "page=2" in regions["links"]["pages"]["next"], regions
    assert "sizes" in regions["regions"][0], regions
    sizes = client.sizes.list()["sizes"]
    assert any(size["slug"] == "s-1vcpu-512mb-10gb" for size in sizes), sizes


def a_key_is_made_once(client):
    body = {"name": "portlama-provision-00c0ffee", "public_key": KEY}
    key = client.ssh_keys.create(body=body)["ssh_key"]
    assert isinstance(key["id"], int) and key["name"] == body["name"], key
    try:
        client.ssh_keys.create(body=body)
        raise AssertionError("the same key twice")
    except HttpResponseError as error:
        assert error.status_code == 422, error
    assert [one["id"] for one in client.ssh_keys.list()["ssh_keys"]] == [key["id"]]
    return key


def a_droplet_lives_and_dies(client, key):
    created = client.droplets.create(body=droplet(key))
    made = created["droplet"]
    assert made["status"] == "new" and not made["networks"]["v4"], made
    assert created["links"]["actions"][0]["rel"] == "create", created
    for _ in range(10):
        made = client.droplets.get(made["id"])["droplet"]
        public = [net for net in made["networks"]["v4"] if net["type"] == "public"]
        if made["status"] == "active" and public:
            break
    else:
        raise AssertionError(f"never active: {made}")
    listed = client.droplets.list(tag_name=TAG)["droplets"]
    assert [one["id"] for one in listed] == [made["id"]], listed
    assert client.droplets.destroy(made["id"]) is None
    assert client.droplets.destroy(made["id"])["id"] == "not_found"
    assert client.droplets.get(made["id"])["id"] == "not_found"


def refusals_are_refusals(client, key):
    for member, value in (("size", "s-999vcpu"), ("ssh_keys", [1])):
        try:
            client.droplets.create(body=droplet(key) | {member: value})
            raise AssertionError(f"{member} {value} was taken")
        except HttpResponseError as error:
            assert error.status_code == 422, error


def keys_go(client, key):
    assert client.ssh_keys.delete(key["id"]) is None
    assert client.ssh_keys.delete(key["id"])["id"] == "not_found"


def a_wrong_token_is_nobody(ready):
    client = pydo.Client(
        token="dop_v1_beef", endpoint=ready["url"], connection_verify=ready["caFile"]
    )
    try:
        client.account.get()
        raise AssertionError("anybody may ask")
    except ClientAuthenticationError as error:
        assert error.status_code == 401, error


def droplet(key):
    return {
        "name": "portlama-home",
        "region": "fra1",
        "size": "s-1vcpu-512mb-10gb",
        "image": "ubuntu-24-04-x64",
        "ssh_keys": [key["id"]],
        "tags": [TAG],
        "user_data": "#cloud-config\n",
    }


if __name__ == "__main__":
    main()
