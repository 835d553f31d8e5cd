"""python-fido2's WebAuthn client, on keys behind UDP ports.

It reads a command as a line of JSON, the port, the options and perhaps the PIN, and
answers with another: what the client gives a site. "error" says why there is nothing.
"""
import json
import socket
import sys
from contextlib import closing

from fido2.client import ClientError, Fido2Client
from fido2.ctap2.extensions import CredProtectExtension
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor
from fido2.utils import sha256, websafe_decode, websafe_encode


class Datagrams(CtapHidConnection):
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(60)

    def read_packet(self):
        return self.socket.recv(64)

    def write_packet(self, data):
        self.socket.send(data)

    def close(self):
        self.socket.close()


def inputs(extensions):
    """The inputs of this version's names, which are from before prf."""
    extensions = dict(extensions)
    prf = extensions.pop("prf", None)
    if prf == {}:
        extensions["hmacCreateSecret"] = True
    elif prf:
        salts = {"first": "salt1", "second": "salt2"}
        extensions["hmacGetSecret"] = {salts[k]: sha256(b"WebAuthn PRF\0" + websafe_decode(v)) for k, v in prf["eval"].items()}
    if "largeBlob" in extensions:
        extensions["largeBlobKey"] = bool(extensions.pop("largeBlob"))
    if "credBlob" in extensions:
        extensions["credBlob"] = websafe_decode(extensions["credBlob"])
    if "credentialProtectionPolicy" in extensions:
        extensions["credentialProtectionPolicy"] = CredProtectExtension.POLICY(extensions["credentialProtectionPolicy"])
    return extensions


def binary(options):
    """The options with byte strings where JSON has base64url."""
    options["challenge"] = websafe_decode(options["challenge"])
    if "user" in options:
        options["user"]["id"] = websafe_decode(options["user"]["id"])
    for name in "excludeCredentials", "allowCredentials":
        for d in options.get(name, ()):
            d["id"] = websafe_decode(d["id"])
    if "extensions" in options:
        options["extensions"] = inputs(options["extensions"])
    return options


def create(client, options, pin):
    # This version knows requireResidentKey alone.
    options.get("authenticatorSelection", {}).pop("residentKey", None)
    made = client.make_credential(binary(options), pin=pin)
    data = made.attestation_object.auth_data
    return {
        "clientDataJSON": made.client_data,
        "fmt": made.attestation_object.fmt,
        "attestationObject": made.attestation_object.with_string_keys(),
        "authenticatorData": data,
        "extensionResults": made.extension_results or {},
    }


def get(client, options, pin):
    response = client.get_assertion(binary(options), pin=pin).get_response(0)
    return {
        "clientDataJSON": response.client_data,
        "authenticatorData": response.authenticator_data,
        "signature": response.signature,
        "credentialID": response.credential_id,
        "userHandle": response.user_handle,
        "extensionResults": response.extension_results or {},
    }


def plain(value):
    """What JSON can hold."""
    if isinstance(value, bytes):
        return websafe_encode(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return value


for line in sys.stdin:
    command = json.loads(line)
    try:
        with closing(CtapHidDevice(HidDescriptor("udp", 0, 0, 64, 64), Datagrams(command["port"]))) as device:
            client = Fido2Client(device, command["origin"])
            answer = plain(globals()[command["do"]](client, command["options"], command.get("pin")))
    except ClientError as e:
        answer = {"error": "%s (%s)" % (e.code.name, e.cause)}
    print(json.dumps(answer), flush=True)
