# Registers and logs in by U2F at the only key that is plugged in, and prints the
# key handle and the version.
from fido2.ctap import CtapError
from fido2.ctap1 import APDU, ApduError, CTAP1
from fido2.hid import CtapHidDevice
from fido2.utils import sha256

(device,) = CtapHidDevice.list_devices()
ctap = CTAP1(device)
app, create, get = sha256(b"example.com"), sha256(b"create"), sha256(b"get")
made = ctap.register(create, app)
made.verify(app, create)
got = ctap.authenticate(get, app, made.key_handle)
got.verify(app, get, made.public_key)


def refusal(*args, **kwargs):
    try:
        ctap.authenticate(*args, **kwargs)
    except ApduError as e:
        return e.code
    return 0


print(
    ctap.get_version(),
    made.key_handle.hex(),
    got.user_presence,
    refusal(get, app, made.key_handle, check_only=True) == APDU.USE_NOT_SATISFIED,
    refusal(get, sha256(b"example.org"), made.key_handle) == APDU.WRONG_DATA,
)
