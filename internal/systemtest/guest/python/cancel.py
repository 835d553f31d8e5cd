# Cancels a registration as soon as the key asks for a touch, and prints the
# status that it gets.
from threading import Event
from fido2.ctap import CtapError, STATUS
from fido2.ctap2 import Ctap2
from fido2.hid import CtapHidDevice

(device,) = CtapHidDevice.list_devices()
enough = Event()


def on_keepalive(status):
    if status == STATUS.UPNEEDED:
        enough.set()


try:
    Ctap2(device).make_credential(
        b"\0" * 32,
        {"id": "example.com"},
        {"id": b"x", "name": "ada"},
        [{"type": "public-key", "alg": -7}],
        event=enough,
        on_keepalive=on_keepalive,
    )
except CtapError as e:
    print(int(e.code))
device.ping()
