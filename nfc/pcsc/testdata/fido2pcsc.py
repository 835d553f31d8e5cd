"""python-fido2 uses the key in the virtual reader: getInfo, PIN, registration, login.

Prints one line for each step, and fails with an exception.
"""
import hashlib
import sys

from fido2.ctap2 import Ctap2, ClientPin
from fido2.pcsc import CtapPcscDevice

devices = list(CtapPcscDevice.list_devices())
assert len(devices) == 1, devices
device = devices[0]
ctap = Ctap2(device)
print("versions", " ".join(ctap.info.versions))
assert not ctap.info.options["clientPin"]

pin = ClientPin(ctap)
pin.set_pin("1234")
pin.change_pin("1234", "4321-ü")
print("retries", pin.get_pin_retries()[0])

rp = {"id": "example.com", "name": "Example"}
hash_ = hashlib.sha256(b"client data").digest()


def authorize(permission):
    token = pin.get_pin_token("4321-ü", permission, rp["id"])
    return pin.protocol.authenticate(token, hash_)


made = ctap.make_credential(
    hash_, rp, {"id": b"ada", "name": "ada", "displayName": "Ada " + "x" * 300},
    [{"alg": -7, "type": "public-key"}], options={"rk": True},
    pin_uv_param=authorize(ClientPin.PERMISSION.MAKE_CREDENTIAL), pin_uv_protocol=pin.protocol.VERSION)
public = made.auth_data.credential_data.public_key
print("registered", made.fmt, "UV" if made.auth_data.is_user_verified() else "no UV")

got = ctap.get_assertion(
    rp["id"], hash_, pin_uv_param=authorize(ClientPin.PERMISSION.GET_ASSERTION),
    pin_uv_protocol=pin.protocol.VERSION)
got.verify(hash_, public)
print("logged in", got.user["id"].decode())
sys.exit(0)
