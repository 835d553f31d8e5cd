# Talks to the only key that is plugged in and prints what it learned as JSON.
# The argument is the version of the PIN/UV auth protocol.
import json
import sys
from fido2.attestation import PackedAttestation
from fido2.cose import CoseKey
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2, ClientPin
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2
from fido2.hid import CtapHidDevice
from fido2.utils import sha256

RP = "example.com"
CREATE, GET = sha256(b"create"), sha256(b"get")
learned = {}

(device,) = CtapHidDevice.list_devices()
learned["capabilities"] = int(device.capabilities)
learned["pings"] = [n for n in (1, 57, 58, 1024, 1800) if device.ping(b"p" * n) == b"p" * n]
device.wink()

ctap = Ctap2(device, strict_cbor=True)  # a reply that is not canonical raises
info = ctap.get_info()
learned["info"] = {
    "versions": info.versions,
    "extensions": info.extensions,
    "aaguid": info.aaguid.hex(),
    "options": info.options,
    "maxMsgSize": info.max_msg_size,
    "pinUvAuthProtocols": info.pin_uv_protocols,
    "maxCredentialCountInList": info.max_creds_in_list,
    "maxCredentialIdLength": info.max_cred_id_length,
    "transports": info.transports,
    "algorithms": [a["alg"] for a in info.algorithms],
    "minPINLength": info.min_pin_length,
    "firmwareVersion": info.firmware_version,
    "remainingDiscoverableCredentials": info.remaining_disc_creds,
}

protocol = {1: PinProtocolV1, 2: PinProtocolV2}[int(sys.argv[1])]()
pins = ClientPin(ctap, protocol)


def authorize(pin, permission, digest):
    if pin is None:
        return {}
    token = pins.get_pin_token(pin, permission, RP)
    return {"pin_uv_param": protocol.authenticate(token, digest), "pin_uv_protocol": protocol.VERSION}


def register_and_log_in(alg, pin=None, discoverable=False):
    made = ctap.make_credential(
        CREATE,
        {"id": RP, "name": "Example"},
        {"id": b"%d" % alg, "name": "ada", "displayName": "Ada"},
        [{"type": "public-key", "alg": alg}],
        options={"rk": True} if discoverable else None,
        **authorize(pin, ClientPin.PERMISSION.MAKE_CREDENTIAL, CREATE)
    )
    PackedAttestation().verify(made.att_statement, made.auth_data, CREATE)
    credential = made.auth_data.credential_data
    got = ctap.get_assertions(
        RP,
        GET,
        None if discoverable else [{"type": "public-key", "id": credential.credential_id}],
        **authorize(pin, ClientPin.PERMISSION.GET_ASSERTION, GET)
    )
    assertion = got[0]  # the credential that was made last
    assertion.verify(GET, CoseKey.parse(credential.public_key))
    assert assertion.credential["id"] == credential.credential_id, assertion.credential
    assert made.auth_data.rp_id_hash == assertion.auth_data.rp_id_hash == sha256(RP.encode())
    return {
        "id": credential.credential_id.hex(),
        "aaguid": credential.aaguid.hex(),
        "algorithm": credential.public_key[3],
        "flags": [made.auth_data.flags, assertion.auth_data.flags],
        "assertions": len(got),
        "user": (assertion.user or {}).get("name"),
    }


def refusal(f, *args):
    try:
        f(*args)
    except CtapError as e:
        return int(e.code)
    return 0


learned["credentials"] = [
    register_and_log_in(-7),
    register_and_log_in(-8),
    register_and_log_in(-7, discoverable=True),
]
pins.set_pin("1234")
learned["setAgain"] = refusal(pins.set_pin, "4321")
learned["wrong"] = refusal(pins.get_pin_token, "9999", ClientPin.PERMISSION.GET_ASSERTION, RP)
learned["retries"] = pins.get_pin_retries()[0]
pins.change_pin("1234", "54321")
learned["old"] = refusal(pins.get_pin_token, "1234", ClientPin.PERMISSION.GET_ASSERTION, RP)
learned["credentials"] += [
    register_and_log_in(-7, pin="54321"),
    register_and_log_in(-8, pin="54321", discoverable=True),
]
learned["retriesAfter"] = pins.get_pin_retries()[0]
print(json.dumps(learned))
